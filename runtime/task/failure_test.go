package task

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/process"
	"github.com/weir-stream/weir/runtime/operator/transform"
	"github.com/weir-stream/weir/state/keygroup"
)

// The places where user code is called, in the order of the chain numbers -> first -> second -> sink.
const (
	inFactory     = "second factory"
	inOpen        = "second open"
	inProcess     = "second process"
	inFinish      = "second finish"
	inClose       = "second close"
	inReaderOpen  = "numbers open"
	inPoll        = "numbers poll"
	inSplits      = "numbers splits"
	inNoMore      = "numbers no more"
	inReaderClose = "numbers close"
	inWrite       = "sink write"
	inReady       = "sink ready"
	inFlush       = "sink flush"
	inSinkClose   = "sink close"
)

var errPlanted = errors.New("planted")

// saboteur fails at one place, with an error or a panic.
type saboteur struct {
	place  string
	panics bool
	// opens and closes count by operator.
	opens, closes map[string]int
}

func (s *saboteur) at(place string) error {
	name, what, _ := strings.Cut(place, " ")
	switch what {
	case "open":
		s.opens[name]++
	case "close":
		s.closes[name]++
	}
	if place != s.place {
		return nil
	}
	if s.panics {
		panic(errPlanted)
	}
	return errPlanted
}

type sabotagedFunction struct {
	s    *saboteur
	name string
}

func (f sabotagedFunction) Open(operator.RuntimeContext) error { return f.s.at(f.name + " open") }
func (f sabotagedFunction) Close() error                       { return f.s.at(f.name + " close") }
func (f sabotagedFunction) Process(_ *operator.ProcessContext, v int64, out operator.Collector[int64]) error {
	out.Collect(v)
	return f.s.at(f.name + " process")
}
func (f sabotagedFunction) Finish(*operator.ProcessContext, operator.Collector[int64]) error {
	return f.s.at(f.name + " finish")
}

type sabotagedSink struct{ s *saboteur }

func (w *sabotagedSink) Open() error                         { return w.s.at("sink open") }
func (w *sabotagedSink) Write(b *element.Batch[int64]) error { return w.s.at(inWrite) }
func (w *sabotagedSink) Flush(bool) error                    { return w.s.at(inFlush) }
func (w *sabotagedSink) Close() error                        { return w.s.at(inSinkClose) }
func (w *sabotagedSink) Ready() bool {
	_ = w.s.at(inReady) // it can only panic
	return true
}

func (s *saboteur) sketch() *sketch {
	var k sketch
	polls := 0
	src := k.source("numbers", func(ctx connector.ReaderContext) connector.Reader[int64] {
		return &script{
			opened: func() error { return s.at(inReaderOpen) },
			splits: func([]connector.Split) error { return s.at(inSplits) },
			noMore: func() { _ = s.at(inNoMore) },
			closed: func() error { return s.at(inReaderClose) },
			poll: func(out *connector.Output[int64]) (connector.Status, error) {
				if polls++; polls > 3 {
					return connector.Ended, nil
				}
				out.Emit(1)
				return connector.More, s.at(inPoll)
			},
		}
	})
	function := func(name string) operator.Factory {
		return process.Process(func() operator.ProcessFunction[int64, int64] {
			if err := s.at(name + " factory"); err != nil {
				panic(err)
			}
			return sabotagedFunction{s, name}
		})
	}
	second := k.op("second", function("second"), k.op("first", function("first"), src))
	k.sink("sink", func(connector.WriterContext) connector.Writer[int64] { return &sabotagedSink{s: s} }, second)
	return &k
}

// TestFailuresNameTheirPlace fails everywhere where user code is called, by error and by panic.
func TestFailuresNameTheirPlace(t *testing.T) {
	places := []string{
		inFactory, inOpen, inProcess, inFinish, inClose, inReaderOpen, inPoll, inSplits, inNoMore, inReaderClose,
		inWrite, inReady, inFlush, inSinkClose,
	}
	for _, place := range places {
		for _, panics := range []bool{false, true} {
			if !panics && (place == inNoMore || place == inReady) {
				continue // they return no error
			}
			t.Run(fmt.Sprintf("%s panics %v", place, panics), func(t *testing.T) {
				s := &saboteur{place: place, panics: panics, opens: map[string]int{}, closes: map[string]int{}}
				k := s.sketch()
				p := &plant{t: t, clock: manual(), job: k.compile(t, 1)}
				wired := p.wire(small)[0]
				err := wired.err
				if task := wired.task; err == nil {
					if err = task.Open(); err == nil {
						task.AddSplits(nil)
						task.NoMoreSplits()
						err = task.Drive()
					}
					if !errors.Is(task.Err(), err) {
						t.Errorf("Err is %v, and not %v", task.Err(), err)
					}
					if reason, _ := task.RunUntilBlocked(); reason != Ended {
						t.Error("the task runs again")
					}
				}
				var failure *operator.Failure
				if !errors.As(err, &failure) || !errors.Is(err, errPlanted) {
					t.Fatalf("the task ended with %v", err)
				}
				want, _, _ := strings.Cut(place, " ")
				if !strings.Contains(failure.Operator, want) || failure.Class != operator.User || failure.Job != "test" {
					t.Errorf("the failure is placed at %q of job %q, class %v; want %q", failure.Operator, failure.Job, failure.Class, want)
				}
				wantStack := panics || place == inFactory
				if hasStack := strings.Contains(failure.Stack, "saboteur"); hasStack != wantStack {
					t.Errorf("stack with the panic's origin %v, want %v", hasStack, wantStack)
				}
				for _, name := range []string{"numbers", "first", "second", "sink"} {
					if s.closes[name] != s.opens[name] || s.opens[name] > 1 {
						t.Errorf("%s was opened %d and closed %d times", name, s.opens[name], s.closes[name])
					}
				}
			})
		}
	}
}

func TestAKeySelectorsPanicNamesTheEdge(t *testing.T) {
	var s sketch
	out := &basin{}
	src := s.source("numbers", counting(10))
	counted := s.op("count", mapping(same), src)
	counted.Inputs[0].Unset, counted.Inputs[0].Partitioning = false, graph.Hash
	counted.Inputs[0].Type = edge{func(w graph.WriterConfig) exchange.Partitioner[int64] {
		router, _ := keygroup.NewRouter(w.ConsumerMaxParallelism, w.ConsumerParallelism)
		key, _ := codec.ForKey[int64]()
		return &exchange.Hash[int64, int64]{
			Selector: func(int64) int64 { panic("no such field") }, Key: key, Router: router, Operator: w.Edge,
		}
	}}
	s.sink("sink", out.writer, counted)
	p := s.build(t, manual(), small, 2).open()
	task := p.task("numbers", 0)
	err := task.Drive()
	if err == nil || !strings.Contains(err.Error(), "key selector of") || !strings.Contains(err.Error(), "count") {
		t.Errorf("the task ended with %v; want the edge to be named", err)
	}
}

func TestAStateFailureIsTheEnvironments(t *testing.T) {
	ctx := &operator.Context{Name: "op"}
	err := func() (err error) {
		defer ctx.Guard(&err)
		panic(fullDisk{})
	}()
	var failure *operator.Failure
	if !errors.As(err, &failure) || failure.Class != operator.Environment {
		t.Errorf("%v, want a failure of the environment", err)
	}
}

type fullDisk struct{}

func (fullDisk) Error() string       { return "disk full" }
func (fullDisk) Environmental() bool { return true }

// TestABrokenEngineSaysSo lets an event come that no task knows.
func TestABrokenEngineSaysSo(t *testing.T) {
	var s sketch
	out := &basin{}
	apart(s.sink("sink", out.writer, s.source("numbers", counting(10))))
	p := s.build(t, manual(), small, 1).open()
	task := p.task("sink", 0)
	task.Do(func() { panic("broken") })
	err := task.Drive()
	var failure *operator.Failure
	if !errors.As(err, &failure) || failure.Class != operator.Bug || failure.Stack == "" || out.closes != 1 {
		t.Errorf("%v, closed %d times; want an engine bug", err, out.closes)
	}
}

// TestCancelInUserCode cancels tasks whose user code makes an error of its done context, or of anything else.
func TestCancelInUserCode(t *testing.T) {
	for name, result := range map[string]func(ctx context.Context) error{
		"the context's error": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"wrapped": func(ctx context.Context) error {
			<-ctx.Done()
			return fmt.Errorf("reading: %w", ctx.Err())
		},
		"another error": func(ctx context.Context) error { <-ctx.Done(); return errors.New("connection closed") },
		"a panic":       func(ctx context.Context) error { <-ctx.Done(); panic("nil connection") },
		"none":          func(ctx context.Context) error { <-ctx.Done(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			var s sketch
			out := &basin{closing: func() error { return errors.New("not flushed") }}
			out.written = func() error { return result(out.ctx.Context()) }
			s.sink("sink", out.writer, s.source("numbers", counting(1<<40)))
			p := s.build(t, clock.System(), small, 1).open()
			task := p.task("sink", 0)
			done := make(chan error, 1)
			go func() { done <- task.Drive() }()
			within(t, func() {
				for out.len() == 0 {
					runtime.Gosched()
				}
			})
			task.Cancel()
			task.Cancel()
			within(t, func() {
				if err := <-done; !errors.Is(err, operator.ErrCanceled) {
					t.Errorf("the task ended with %v", err)
				}
			})
			if out.closes != 1 || len(out.flushes) != 0 {
				t.Errorf("%d closes, flushes %v; cancellation closes and does not flush", out.closes, out.flushes)
			}
		})
	}
}

func TestCancelBeforeOpenAndWhileIdle(t *testing.T) {
	for _, early := range []bool{true, false} {
		var s sketch
		out := &basin{}
		apart(s.sink("sink", out.writer, s.source("numbers", counting(10))))
		task := s.build(t, manual(), small, 1).task("sink", 0)
		if early {
			task.Cancel()
		}
		if err := task.Open(); err != nil {
			t.Fatal(err)
		}
		if !early {
			step(t, task, Idle)
			task.Cancel()
		}
		if err := task.Drive(); err != operator.ErrCanceled || out.closes != 1 {
			t.Errorf("early %v: ended with %v, %d closes", early, err, out.closes)
		}
	}
}

func TestFinishedIsFinishedAlsoWhenCanceledLate(t *testing.T) {
	var s sketch
	out := &basin{}
	s.sink("sink", out.writer, s.source("numbers", counting(10)))
	task := s.build(t, manual(), small, 1).open().task("sink", 0)
	step(t, task, Ended)
	task.Cancel()
	step(t, task, Ended)
	if task.Err() != nil || out.closes != 1 {
		t.Errorf("%v, %d closes", task.Err(), out.closes)
	}
}

// countingClock counts how often the time is asked for: a task that spins asks without end.
type countingClock struct {
	clock.Clock
	asked atomic.Int64
}

func (c *countingClock) Nanos() int64 {
	c.asked.Add(1)
	return c.Clock.Nanos()
}

// TestExpansionWaitsForCreditAndServesUrgentActions has a flatMap that makes far more of one record than fits, against a
// consumer that does not run.
func TestExpansionWaitsForCreditAndServesUrgentActions(t *testing.T) {
	var s sketch
	out := &basin{}
	ended := atomic.Bool{}
	expand := transform.FlatMap(func() func(int64, operator.Collector[int64]) error {
		return func(v int64, out operator.Collector[int64]) error {
			for i := range int64(1_000_000) {
				out.Collect(i)
			}
			ended.Store(true)
			return nil
		}
	})
	apart(s.sink("sink", out.writer, s.op("expand", expand, s.source("numbers", counting(1)))))
	c := &countingClock{Clock: clock.System()}
	p := s.build(t, c, small, 1).open()
	producer := p.task("expand", 0)
	done := make(chan error, 1)
	go func() { done <- producer.Drive() }()
	pong := make(chan struct{})
	ping := func() {
		producer.DoUrgently(func() { pong <- struct{}{} })
		within(t, func() { <-pong })
	}
	for producer.Times().BackPressured == 0 {
		ping()
	}
	ran := atomic.Bool{}
	producer.Do(func() { ran.Store(true) })
	before := c.asked.Load()
	const pings = 300
	for range pings {
		ping()
	}
	if ran.Load() || ended.Load() {
		t.Errorf("in the middle of a record: another action ran %v, the record ended %v", ran.Load(), ended.Load())
	}
	if asked := c.asked.Load() - before; asked > 10*pings {
		t.Errorf("the clock was asked %d times during %d pings: the task spins while an action waits", asked, pings)
	}
	if queued := producer.outputs[0].InFlight(); queued > 2*(maxInFlight) {
		t.Errorf("%d batches wait for credit", queued)
	}
	producer.Cancel()
	within(t, func() {
		if err := <-done; err != operator.ErrCanceled {
			t.Errorf("ended with %v", err)
		}
	})
}

// maxInFlight is the writer's reserve and what one batch of a collector adds to it, in batches of four.
const maxInFlight = 64 + 1024/4

func TestExpansionOfARecordToAMillion(t *testing.T) {
	var s sketch
	sum, n := int64(0), 0
	expand := transform.FlatMap(func() func(int64, operator.Collector[int64]) error {
		return func(v int64, out operator.Collector[int64]) error {
			for i := range int64(1_000_000) {
				out.Collect(i)
			}
			return nil
		}
	})
	adding := apart(s.op("add", mapping(func(v int64) int64 { n++; sum += v; return v }), s.op("expand", expand, s.source("numbers", counting(1)))))
	s.sink("sink", func(connector.WriterContext) connector.Writer[int64] { return nothing{} }, adding)
	settings := small
	settings.Limits.MinRecords, settings.Limits.MaxRecords = 256, 256
	p := s.build(t, clock.System(), settings, 1).open()
	p.drive()
	if n != 1_000_000 || sum != 1_000_000*999_999/2 {
		t.Errorf("%d records with sum %d", n, sum)
	}
}

// TestGoexitInUserCode has user code end the goroutine, as FailNow of a test does.
func TestGoexitInUserCode(t *testing.T) {
	var s sketch
	out := &basin{written: func() error { runtime.Goexit(); return nil }}
	s.sink("sink", out.writer, s.source("numbers", counting(10)))
	task := s.build(t, manual(), small, 1).open().task("sink", 0)
	within(t, func() {
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			defer task.Close()
			_ = task.Drive()
		}()
		<-gone
	})
	var failure *operator.Failure
	if !errors.As(task.Err(), &failure) || !strings.Contains(failure.Error(), "Goexit") || out.closes != 1 {
		t.Errorf("ended with %v, %d closes", task.Err(), out.closes)
	}
}
