package randomgraph

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seedFlag   = flag.Uint64("seed", 0, "run the random graph of this seed alone")
	firstFlag  = flag.Uint64("first-seed", 1, "seed of the first random graph")
	graphsFlag = flag.Int("graphs", graphsByDefault, "how many random graphs to run")
	shrinkFlag = flag.Bool("shrink", true, "look for a smaller plan when one fails")
	repeatFlag = flag.Int("repeat", 1, "how many times to run each random graph")
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // thousands of jobs have much to tell
	os.Exit(m.Run())
}

// TestRandomGraphs runs random programs and compares what they emit with the interpretation of their plans.
func TestRandomGraphs(t *testing.T) {
	first, graphs := *firstFlag, *graphsFlag
	if *seedFlag != 0 {
		first, graphs = *seedFlag, 1
	} else if testing.Short() {
		graphs = min(graphs, 100)
	}
	ctx, stop := context.WithCancel(t.Context()) // by the first failure, and then the others say nothing
	defer stop()
	var next atomic.Uint64
	var once sync.Once
	var failed func()
	var wg sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= uint64(graphs) {
					return
				}
				p := generate(first + i)
				if err := runRepeatedly(ctx, p, *repeatFlag); err != nil {
					once.Do(func() { failed = func() { report(t, p, err) } })
					stop()
				}
			}
		})
	}
	wg.Wait()
	if failed != nil {
		failed()
	}
	t.Logf("%d random graphs", min(next.Load(), uint64(graphs)))
}

func runRepeatedly(ctx context.Context, p *plan, times int) error {
	for range times {
		if err := run(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// report prints a failure with the command that repeats it, and the smallest plan that fails, too. A failure that depends on
// timing may need several runs to show up again.
func report(t *testing.T, p *plan, err error) {
	t.Errorf("random graph %d: %v\n\nRepeat it with: go test ./api/stream/randomgraph -run TestRandomGraphs -seed %d -repeat 100\n\n%s", p.seed, err, p.seed, p)
	if !*shrinkFlag {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var last error
	small := shrink(p, 300, func(candidate *plan) bool {
		err := runRepeatedly(ctx, candidate, 3)
		if err == nil || ctx.Err() != nil {
			return false
		}
		last = err
		return true
	})
	if last != nil {
		t.Logf("a smaller plan fails with: %v\n%s", last, small)
	}
}
