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
	"sync/atomic"
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
	// AtEnd counts from the end of the input on.
	AtEnd bool
}

// String is what parseFault reads.
func (f Fault) String() string {
	text := fmt.Sprintf("%s:%s:%d", f.Harm, f.Point, f.Times)
	if f.AtEnd {
		text += atEnd
	}
	return text
}

const atEnd = ":end"

func parseFault(text string) (f Fault, err error) {
	rest, end := strings.CutSuffix(text, atEnd)
	f.AtEnd = end
	parts := strings.Split(rest, ":")
	if len(parts) != 3 {
		return f, fmt.Errorf("fault %q: it must be harm:point:times, and :end if it counts from the end of the input on", text)
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
	flag.Func("fault", "harm:point:times, or harm:point:times:end; may be repeated", func(text string) error {
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
			order.AtEnd = l.End
			v := &victim{ledger: l, faults: faults, since: make([]atomic.Uint64, len(faults))}
			failpoint.Arm(v.suffer)
		}
		pipeline.Build(env, order)
		return nil
	})
}

var errWanted = errors.New("the kill test wants this to fail")

// victim is the process as it meets its faults.
type victim struct {
	ledger *ledger.Ledger
	faults []Fault
	// since counts for each fault how often its point was reached since the end of the input.
	since []atomic.Uint64
}

// suffer counts a point and does what is to be done there.
func (v *victim) suffer(p failpoint.Point) error {
	times, ended := v.ledger.Reached(p), v.ledger.Ended()
	for i, f := range v.faults {
		if f.Point != p || !v.due(i, times, ended) {
			continue
		}
		switch f.Harm {
		case Kill:
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // until the signal has come
		case Pause:
			v.ledger.Hurt()
			time.Sleep(pause)
		case Fail:
			v.ledger.Hurt()
			return fmt.Errorf("%v: %w", p, errWanted)
		}
	}
	return nil
}

// due reports whether a fault befalls the process now that its point was reached.
func (v *victim) due(fault int, times uint64, ended bool) bool {
	if f := v.faults[fault]; !f.AtEnd {
		return times == f.Times
	}
	return ended && v.since[fault].Add(1) == v.faults[fault].Times
}
