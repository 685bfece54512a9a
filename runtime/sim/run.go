package sim

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage/mem"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// Options say how a seed is run.
type Options struct {
	// Plant is a fault to be found.
	Plant Plant
	// Quiet lets nothing go wrong.
	Quiet bool
	// Trace takes the lines of the trace, nil for nobody.
	Trace io.Writer
}

// Result is what has come of a run.
type Result struct {
	Seed uint64
	// Hash is that of the trace.
	Hash uint64
	// Violation is nil if all invariants held.
	Violation *Violation
	Counts    Counts
	// Took is simulated time.
	Took time.Duration
}

// Counts says what has happened in a run.
type Counts struct {
	Events, Checkpoints, Claims, Commits, Restores, Frozen, Holes, Torn int
	Disasters                                                           [disasterKinds]int
}

// Add adds up the counts of two runs.
func (c *Counts) Add(o Counts) {
	c.Events += o.Events
	c.Checkpoints += o.Checkpoints
	c.Claims += o.Claims
	c.Commits += o.Commits
	c.Restores += o.Restores
	c.Frozen += o.Frozen
	c.Holes += o.Holes
	c.Torn += o.Torn
	for i, n := range o.Disasters {
		c.Disasters[i] += n
	}
}

// String lists the counts.
func (c Counts) String() string {
	text := fmt.Sprintf("%d events, %d checkpoints, %d claims, %d commits, %d restores, %d frozen leaders, %d holes, %d torn",
		c.Events, c.Checkpoints, c.Claims, c.Commits, c.Restores, c.Frozen, c.Holes, c.Torn)
	for i, n := range c.Disasters {
		text += fmt.Sprintf(", %s: %d", disasterKind(i), n)
	}
	return text
}

// begin is the time at which all runs begin.
var begin = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// maxEvents ends a run that does not come to an end by itself.
const maxEvents = 5_000_000

// Run runs a seed. The same seed with the same options gives the same trace.
func Run(seed uint64, o Options) (result Result) {
	w := newWorld(seed, o)
	defer func() {
		if r := recover(); r != nil {
			w.fail("panic", "%v\n%s", r, debug.Stack())
		}
		for _, p := range w.processes {
			p.kill()
		}
		result = Result{Seed: seed, Hash: w.trace.digest.Sum64(), Violation: w.violation, Counts: w.counts, Took: time.Duration(w.clock.Nanos())}
	}()
	w.run()
	return result
}

func newWorld(seed uint64, o Options) *World {
	w := &World{
		seed: seed, random: newRandom(seed), clock: clock.NewManual(begin), trace: trace{digest: xxhash.New(), to: o.Trace},
		plant: o.Plant, checkers: newCheckers(),
	}
	if w.plan = planOf(w.random.fork()); o.Quiet {
		w.plan = quiet(w.random.fork())
	}
	w.store = mem.New("sim", w.clock)
	w.outside = outside{world: w, prepared: map[string][]record{}, committed: map[string]int{}}
	w.network = network{world: w, actors: map[message.AddressKey]*actor{}, latest: map[route]int64{}}
	w.job = job{world: w, id: ident.Derive("simulated job"), records: w.plan.records, splits: w.plan.splits, burst: w.plan.burst, pace: w.plan.pace}
	w.book = newLogbook("checkpoints/" + snapshot.JobFolder(w.job.id))
	w.note("seed %d: %+v", seed, w.plan)
	return w
}

// run lets the job run to its end, and then what is left settle.
func (w *World) run() {
	for _, d := range w.plan.disasters {
		w.after(d.at, func() { w.befall(d.kind) })
	}
	w.after(w.plan.horizon, w.becomeCalm)
	w.lead()
	for w.violation == nil && w.book.history.Ended == "" {
		if !w.more() {
			return
		}
	}
	// Frozen leaders go on, and find that the job is over.
	for end := later(w.thaws, w.now()).Add(3 * time.Second); w.violation == nil && w.now().Before(end); {
		if !w.more() {
			return
		}
	}
	if w.violation == nil {
		w.compareOutput()
	}
}

func (w *World) more() bool {
	if !w.step() {
		w.fail("liveness", "nothing is left to happen")
	} else if w.counts.Events > maxEvents {
		w.fail("liveness", "%d events, and no end", maxEvents)
	}
	return w.violation == nil
}

func (w *World) becomeCalm() {
	w.note("faults stop")
	w.calm, w.calmAt, w.fuse = true, w.now(), ""
}

func (l *leader) context() context.Context { return context.Background() }
