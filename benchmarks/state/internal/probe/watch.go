package probe

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-stream/weir/benchmarks/state/internal/workload"
)

// Watch follows a run by the results that have come, and times its phases.
type Watch struct {
	plan    workload.Plan
	started time.Time
	// seen is the number of results, first that of those before the phase at hand, which has the number phase.
	seen, first int64
	phase       int
	began       time.Time
	beganCPU    float64
	// LoadSeconds is the time until each key had come once.
	LoadSeconds float64
	// Timed are the phases that are over.
	Timed []Timed
}

// Timed is a phase that is over, without its warm-up.
type Timed struct {
	Records int64
	// Seconds passed, in which the process used CPUSeconds of its processors.
	Seconds, CPUSeconds float64
}

// Rate is in million records a second.
func (t Timed) Rate() float64 { return float64(t.Records) / t.Seconds / 1e6 }

// CPU is nanoseconds of processor time a record.
func (t Timed) CPU() float64 { return t.CPUSeconds / float64(t.Records) * 1e9 }

// NewWatch starts to wait for the first record of each key.
func NewWatch(p workload.Plan) *Watch {
	return &Watch{plan: p, first: p.Keys, started: time.Now()}
}

// Loading reports whether the next result is of a key that has not come before.
func (w *Watch) Loading() bool { return w.seen < w.plan.Keys }

// Next takes note of results, at most n: as many as are of one kind. checked says whether they go into the checksum.
func (w *Watch) Next(n int) (taken int, checked bool) {
	end, checked := w.stretch()
	taken = int(min(int64(n), end-w.seen))
	w.seen += int64(taken)
	if w.seen == end {
		w.turn()
	}
	return taken, checked
}

// stretch returns where the results of the kind of the next one end.
func (w *Watch) stretch() (end int64, checked bool) {
	if w.Loading() {
		return w.plan.Keys, false
	}
	p := w.plan.Phases[w.phase]
	ends := []int64{p.Checked, p.WarmUp, p.WarmUp + p.Records}
	if p.WarmUp < p.Checked {
		ends[0], ends[1] = p.WarmUp, p.Checked
	}
	for _, end := range ends {
		if w.seen < w.first+end {
			return w.first + end, w.seen < w.first+p.Checked
		}
	}
	panic("more results than the plan has records")
}

// turn takes the times where a stretch has ended.
func (w *Watch) turn() {
	now := time.Now()
	if w.seen == w.plan.Keys {
		w.LoadSeconds = now.Sub(w.started).Seconds()
	}
	p := w.plan.Phases[w.phase]
	switch w.seen {
	case w.first + p.WarmUp:
		w.begin(now)
	case w.first + p.WarmUp + p.Records:
		w.Timed = append(w.Timed, Timed{p.Records, now.Sub(w.began).Seconds(), cpuSeconds() - w.beganCPU})
		w.first = w.seen
		if w.phase++; w.phase < len(w.plan.Phases) && w.plan.Phases[w.phase].WarmUp == 0 {
			w.begin(now)
		}
	}
}

func (w *Watch) begin(now time.Time) { w.began, w.beganCPU = now, cpuSeconds() }

// cpuSeconds is what this process has used of its processors, 0 where that cannot be told.
func cpuSeconds() float64 {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}
