// Package victim is the process that the kill test kills: the job, with a ledger of how far its checkpoints have come, and with what it
// is told to do to itself.
package victim

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/killtest/internal/ledger"
	"github.com/weir-stream/weir/benchmarks/killtest/internal/pipeline"
	"github.com/weir-stream/weir/runtime/failpoint"
)

// Role is the first argument of such a process.
const Role = "job"

// Harm is what a process does to itself when it reaches a point.
type Harm string

// The harms.
const (
	// Kill ends the process by SIGKILL.
	Kill Harm = "kill"
	// Fail has what is done at the point fail.
	Fail Harm = "fail"
	// Pause stops the goroutine that is at the point for a while.
	Pause Harm = "pause"
)

// pause is how long Pause takes: longer than the time between two checkpoints.
const pause = 400 * time.Millisecond

// Fault is a harm that befalls a process at the n-th time that it reaches a point.
type Fault struct {
	Harm  Harm
	Point failpoint.Point
	Times uint64
}

// String is what Set reads.
func (f Fault) String() string { return fmt.Sprintf("%s:%s:%d", f.Harm, f.Point, f.Times) }

func parseFault(text string) (f Fault, err error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return f, fmt.Errorf("fault %q: it must be harm:point:times", text)
	}
	f.Harm = Harm(parts[0])
	if f.Times, err = strconv.ParseUint(parts[2], 10, 64); err != nil {
		return f, fmt.Errorf("fault %q: %w", text, err)
	}
	for _, p := range failpoint.All() {
		if p.String() == parts[1] {
			f.Point = p
			return f, nil
		}
	}
	return f, fmt.Errorf("fault %q: there is no point %q", text, parts[1])
}

// Main runs the job and ends the process.
func Main() {
	var (
		order  pipeline.Order
		book   string
		faults []Fault
	)
	flag.Int64Var(&order.Records, "records", 0, "how many clicks there are")
	flag.Float64Var(&order.Rate, "rate", 0, "clicks a second; 0 is as fast as they go")
	flag.StringVar(&order.Output, "output", "", "folder of the results")
	flag.Int64Var(&order.Panic, "panic", 0, "panic after so many clicks, once")
	flag.StringVar(&book, "ledger", "", "file that counts the points that are reached")
	flag.Func("fault", "harm:point:times; may be repeated", func(text string) error {
		f, err := parseFault(text)
		faults = append(faults, f)
		return err
	})
	stream.Main("killtest", func(env *stream.Environment) error {
		if order.Records <= 0 || order.Output == "" {
			return stream.UsageError("--records and --output are needed")
		}
		if book != "" {
			l, err := ledger.Open(book)
			if err != nil {
				return err
			}
			failpoint.Arm(func(p failpoint.Point) error { return suffer(l, faults, p) })
		}
		pipeline.Build(env, order)
		return nil
	})
}

var errWanted = errors.New("the kill test wants this to fail")

// suffer counts a point and does what is to be done there.
func suffer(l *ledger.Ledger, faults []Fault, p failpoint.Point) error {
	times := l.Reached(p)
	for _, f := range faults {
		if f.Point != p || f.Times != times {
			continue
		}
		switch f.Harm {
		case Kill:
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until the signal has come
		case Pause:
			l.Hurt()
			time.Sleep(pause)
		case Fail:
			l.Hurt()
			return fmt.Errorf("%v: %w", p, errWanted)
		}
	}
	return nil
}
