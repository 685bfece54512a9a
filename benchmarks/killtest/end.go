package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/weir-stream/weir/benchmarks/killtest/internal/ledger"
	"github.com/weir-stream/weir/benchmarks/killtest/internal/victim"
	"github.com/weir-stream/weir/runtime/failpoint"
)

// finish lets the job run to its end, as fast as it can, and kills it there a few times before it may end.
func (k *killing) finish() error {
	l := life{parallelism: 3, backend: k.backend}
	for _, f := range k.endings() {
		// If the point is not reached any more, the job dies when it is about to say that it has ended.
		l.faults = []victim.Fault{f, {Harm: victim.Kill, Point: failpoint.Ending, Times: 1}}
		if err := k.dieAtEnd(l); err != nil {
			return fmt.Errorf("with %v: %w", f, err)
		}
	}
	var err error
	if k.tally.beforeLast, err = progressOf(k.path("killed")); err != nil {
		return err
	}
	l.faults = nil
	p, err := k.live(l)
	if err != nil {
		return err
	}
	if err := p.finished(patience); err != nil {
		return err
	}
	page, err := ledger.Read(k.path("ledger"))
	if err != nil {
		return err
	}
	k.tally.live(l, page)
	return nil
}

// endings are where the job is killed at its end: during the last checkpoints, their commits, and the commits of what was restored. Each is later
// than the one before.
func (k *killing) endings() []victim.Fault {
	kill := func(at failpoint.Point, times uint64, atEnd bool) victim.Fault {
		return victim.Fault{Harm: victim.Kill, Point: at, Times: times, AtEnd: atEnd}
	}
	taking := []failpoint.Point{failpoint.Triggered, failpoint.Copying, failpoint.Uploading, failpoint.Acknowledging, failpoint.Acknowledged, failpoint.Describing}
	// At the last checkpoint only one of these is reached: the job that goes on from it has nothing left to do but to commit.
	last := []victim.Fault{
		kill(failpoint.Completed, 1, true), kill(failpoint.Notified, 1+k.random.Uint64N(3), true), kill(failpoint.Committing, 1+k.random.Uint64N(4), true),
	}
	return []victim.Fault{
		kill(taking[k.random.IntN(len(taking))], 1+k.random.Uint64N(3), true),
		kill(failpoint.Completing, 1+k.random.Uint64N(2), true),
		last[k.random.IntN(len(last))],
		kill(failpoint.Committing, 1+k.random.Uint64N(3), false),
		kill(failpoint.Ending, 1, false),
		kill(failpoint.Ending, 1, false),
	}
}

// dieAtEnd has the job live until it kills itself.
func (k *killing) dieAtEnd(l life) error {
	p, err := k.live(l)
	if err != nil {
		return err
	}
	killed, err := p.diedWithin(patience)
	if err != nil {
		return err
	}
	if !killed {
		return errors.New("the job has ended, and was to be killed before")
	}
	page, err := ledger.Read(k.path("ledger"))
	if err != nil {
		return err
	}
	k.tally.add(l, page)
	return os.Remove(k.path(fmt.Sprintf("life-%d.log", k.lives)))
}

// ofPebble are the names of Pebble's tables. Files with other names are on their way to or from a checkpoint.
var ofPebble = regexp.MustCompile(`^[0-9]{6,}\.sst$`)

// hasTables reports whether a process has left tables of Pebble's. What was restored is among them; so it does not follow that state was evicted.
func hasTables(scratch string) (found bool) {
	_ = filepath.WalkDir(scratch, func(_ string, e os.DirEntry, err error) error {
		found = found || err == nil && !e.IsDir() && ofPebble.MatchString(e.Name())
		return nil
	})
	return found
}
