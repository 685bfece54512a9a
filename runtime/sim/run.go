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
	// Adaptive has the job under the adaptive scheduler, on nodes that come and go, and the bounds of its parallelism changed.
	Adaptive bool
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
	// Chains are those of keyed state that were restored, LongChains those of them with changes after what was there at first, and LongestChain
	// is how many tables the longest had.
	Chains, LongChains, LongestChain int
	// Rescales are deployments of the job by the same leader at another parallelism than before.
	Rescales int
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
	c.Rescales += o.Rescales
	c.Chains += o.Chains
	c.LongChains += o.LongChains
	c.LongestChain = max(c.LongestChain, o.LongestChain)
	for i, n := range o.Disasters {
		c.Disasters[i] += n
	}
}

// String lists the counts.
func (c Counts) String() string {
	text := fmt.Sprintf("%d events, %d checkpoints, %d claims, %d commits, %d restores, %d frozen leaders, %d holes, %d torn, %d chains restored, %d of them long, the longest of %d tables",
		c.Events, c.Checkpoints, c.Claims, c.Commits, c.Restores, c.Frozen, c.Holes, c.Torn, c.Chains, c.LongChains, c.LongestChain)
	if c.Rescales > 0 {
		text += fmt.Sprintf(", %d rescales", c.Rescales)
	}
	for i, n := range c.Disasters {
		text += fmt.Sprintf(", %s: %d", disasterKind(i), n)
	}
	return text
}

// Enough fails if what is to be tried was not tried in a run of many seeds.
func (c Counts) Enough(seeds int) error {
	const fewest = 100 // of which something can be expected
	if seeds < fewest {
		return nil
	}
	for kind, n := range c.Disasters {
		if n == 0 {
			return fmt.Errorf("%d seeds are too little: %s: never", seeds, disasterKind(kind))
		}
	}
	switch {
	case c.Frozen == 0 || c.Holes == 0 || c.Restores == 0 || c.Torn == 0 && seeds > 1000:
		return fmt.Errorf("%d seeds are too little, something was never tried: %v", seeds, c)
	case c.LongChains < seeds/5 || c.LongestChain < 3:
		return fmt.Errorf("%d seeds are too little: of %d restored chains of keyed state %d had changes, of %d tables at most", seeds, c.Chains, c.LongChains, c.LongestChain)
	}
	return nil
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
	if o.Adaptive {
		w.plan.adapt(newRandom(^seed))
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
	for _, e := range w.plan.elastic {
		w.after(e.at, func() { w.stretch(e) })
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
