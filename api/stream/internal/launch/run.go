package launch

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/weir-stream/weir/api/stream/internal/console"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
)

const (
	// drainLimit is how long draining may take: less than what those who send SIGTERM commonly wait before they send SIGKILL.
	drainLimit = 20 * time.Second
	// refreshDisplay and refreshLog are the times between two looks at the job.
	refreshDisplay = 200 * time.Millisecond
	refreshLog     = time.Second
	// smoothing is how many looks the rates of the display span.
	smoothing = 5
	// lastLook is how long the process waits to hear how a job has ended that it knows to have ended.
	lastLook = time.Second
)

// run is one run of a job: a loop that owns all that changes. What may wait is done behind the loop, so that a second Ctrl-C always ends
// the process.
//
//	submitting --job is there--> looking at it now and then --it ended, or the process is to end--> over
type run struct {
	*host
	program Program
	options Options
	display *display

	conduct  conduct
	history  history
	view     console.View
	readings []console.Figures // the latest few, oldest first
	job      Job               // nil until it is submitted
	outcome  *Outcome          // nil until it has ended
	took     time.Duration
	code     int // that the process is to end with, -1 while it goes on

	events chan func()
	over   chan struct{} // closed when the loop takes no more events
}

func newRun(h *host, program Program, o Options, d *display) *run {
	started := h.clock.Nanos()
	return &run{
		host: h, program: program, options: o, display: d, code: -1,
		view:   console.View{Job: program.Job, State: "SUBMITTING", Operators: program.Operators, Started: started, Verbose: o.Verbose},
		events: make(chan func()), over: make(chan struct{}),
	}
}

// run runs the job to its end and returns the exit code.
func (r *run) run() int {
	arrive, leave := r.listen()
	ctx, stop := context.WithCancel(context.Background())
	code := r.loop(ctx, arrive)
	leave() // from here on Ctrl-C ends the process, whatever it still waits for
	defer stop()
	if r.outcome == nil {
		r.display.close()
		return code
	}
	r.lastLook(ctx)
	r.display.close()
	r.report()
	if r.job != nil {
		if err := r.job.Close(); err != nil {
			r.display.log.Warn(err.Error())
		}
	}
	return code
}

// loop works on events until the conduct says that the process should end.
func (r *run) loop(ctx context.Context, arrive <-chan os.Signal) int {
	defer close(r.over)
	r.submit(ctx)
	for r.code < 0 {
		select {
		case s := <-arrive:
			if s == os.Interrupt {
				r.step(ctx, interrupted{})
			} else {
				r.step(ctx, terminated{})
			}
		case event := <-r.events:
			event()
		}
	}
	return r.code
}

// step tells the conduct of an event and does what it wants done.
func (r *run) step(ctx context.Context, e event) {
	for _, c := range r.conduct.step(e) {
		switch c := c.(type) {
		case tell:
			r.display.log.Warn(c.text)
		case drainJob:
			r.drain(ctx)
		case cancelJob:
			r.cancel(ctx)
		case exit:
			r.code = c.code
		}
	}
}

func (r *run) submit(ctx context.Context) {
	r.behind(func() func() {
		job, err := r.program.Start(ctx, Surroundings{Clock: r.clock, Log: r.display.log})
		return func() {
			if err != nil {
				r.end(ctx, failed(err))
				return
			}
			r.job = job
			r.display.log.Info("job submitted", "job", r.program.Job, "id", job.ID())
			r.await(ctx)
			r.look(ctx)
			r.step(ctx, submitted{})
		}
	})
}

func (r *run) await(ctx context.Context) {
	r.behind(func() func() {
		outcome, err := r.job.Wait(ctx)
		if err != nil {
			outcome = failed(fmt.Errorf("job %q: how it ended is not known: %w", r.program.Job, err))
		}
		return func() { r.end(ctx, outcome) }
	})
}

func (r *run) end(ctx context.Context, outcome Outcome) {
	r.outcome, r.took = &outcome, time.Duration(r.clock.Nanos()-r.view.Started)
	r.step(ctx, ended{outcome.State})
}

func failed(err error) Outcome {
	return Outcome{State: graph.JobFailed, Failure: &console.Failure{Message: err.Error(), Class: operator.ClassOf(err)}}
}

func (r *run) drain(ctx context.Context) {
	r.behind(func() func() {
		err := r.job.Drain(ctx, drainLimit)
		return func() {
			if err != nil {
				r.step(ctx, drainFailed{err})
			}
		}
	})
}

func (r *run) cancel(ctx context.Context) {
	r.behind(func() func() {
		err := r.job.Cancel(ctx)
		return func() {
			if err != nil {
				r.display.log.Error("the job could not be canceled", "cause", err)
			}
		}
	})
}

// look reads how the job is doing, and again after a while.
func (r *run) look(ctx context.Context) {
	pause := refreshLog
	if r.display.screen != nil {
		pause = refreshDisplay
	}
	r.behind(func() func() {
		status, err := r.job.Status(ctx)
		samples := r.job.Samples()
		return func() {
			r.read(samples)
			if err == nil {
				r.note(status)
			}
			r.display.show(r.view, r.readings[0], r.latest())
			r.behind(func() func() {
				r.clock.Sleep(ctx, pause)
				return func() { r.look(ctx) }
			})
		}
	})
}

func (r *run) read(samples []metrics.Sample) {
	r.readings = append(r.readings, console.Read(r.program.Operators, samples, r.clock.Nanos()))
	if len(r.readings) > smoothing+1 {
		r.readings = r.readings[1:]
	}
}

func (r *run) latest() console.Figures { return r.readings[len(r.readings)-1] }

// note logs what is new in the job's status.
func (r *run) note(s Status) {
	r.view.State = s.State.String()
	for _, record := range r.history.news(r.clock.Now(), s) {
		if handler := r.display.log.Handler(); handler.Enabled(context.Background(), record.Level) {
			handler.Handle(context.Background(), record)
		}
	}
}

// lastLook takes the final figures and logs how the job came to its end.
func (r *run) lastLook(ctx context.Context) {
	if r.job == nil {
		r.read(nil)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lastLook)
	defer cancel()
	if status, err := r.job.Status(ctx); err == nil {
		r.note(status)
	}
	r.read(r.job.Samples())
	if n := len(r.readings); n > 1 && r.readings[n-1].LessThan(r.readings[n-2]) {
		r.readings = r.readings[:n-1] // the metrics of attempts that were given up are gone
	}
}
