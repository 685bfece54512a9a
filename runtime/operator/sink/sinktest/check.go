// Package sinktest runs committing sinks through crashes, for the tests of connectors and of the sink operator. What it drives runs on one
// goroutine under a seed, so that a failure repeats.
package sinktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
)

// Case is a sink of numbers and the world outside in which its results appear.
type Case struct {
	// Sink is what the program has, made anew by each process.
	Sink func() connector.Sink[int]
	// Visible returns the results that are visible now, in any order.
	Visible func() []int
	// Crash, if not nil, is called when a process has died: what was not durable may be damaged now. Below returns a number from 0
	// up to n, exclusive.
	Crash func(below func(n int) int)
	// Ended, if not nil, is called when the job has ended, and returns what is wrong outside.
	Ended func() error
}

// Check runs the sink in jobs of several subtasks, one for each seed from first on, with checkpoints, notices that come late or never,
// failures in the middle of a commit, crashes at any moment, and restores at another parallelism. It checks after every step that nothing is
// visible that no complete checkpoint has and nothing is visible twice, and at the end that all is visible that was written.
func Check(t testing.TB, first, seeds int, newCase func(seed int) Case) {
	t.Helper()
	total := counts{}
	for seed := first; seed < first+seeds; seed++ {
		j := &job{t: t, Case: newCase(seed), random: random(seed), records: 40 + seed%80}
		if err := j.run(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		total.add(j.counts)
	}
	for _, c := range []struct {
		what string
		n    int
	}{
		{"crashes", total.crashes}, {"crashes in a commit", total.inCommit}, {"crashes between completion and notice", total.beforeNotice},
		{"restores at another parallelism", total.rescales}, {"aborted checkpoints", total.aborted},
	} {
		if c.n == 0 && seeds >= 20 {
			t.Fatalf("%d seeds have had no %s", seeds, c.what)
		}
	}
}

// counts are how often something happened.
type counts struct{ crashes, inCommit, beforeNotice, rescales, aborted int }

func (c *counts) add(o counts) {
	c.crashes += o.crashes
	c.inCommit += o.inCommit
	c.beforeNotice += o.beforeNotice
	c.rescales += o.rescales
	c.aborted += o.aborted
}

// errCrash ends a process.
var errCrash = errors.New("crash")

// mostCrashes is how often a job crashes at most, so that it ends.
const mostCrashes = 8

// run writes all records, through crashes, to the end.
func (j *job) run() error {
	if err := j.start(); err != nil {
		return err
	}
	for steps := 0; !j.over(); steps++ {
		if steps > 100_000 {
			return errors.New("no end")
		}
		err := j.step()
		if errors.Is(err, errCrash) {
			j.inCommit++
			err = j.crash()
		}
		if err == nil {
			err = j.checkVisible()
		}
		if err != nil {
			return err
		}
	}
	for _, s := range j.subtasks {
		if err := s.close(); err != nil {
			return err
		}
	}
	visible := slices.Sorted(slices.Values(j.Visible()))
	for i := range j.records {
		if i >= len(visible) || visible[i] != i {
			return fmt.Errorf("record %d is not visible at the end, of %d", i, j.records)
		}
	}
	if j.Ended != nil {
		return j.Ended()
	}
	return nil
}

// checkVisible checks that each visible result is in the last complete checkpoint, and there once.
func (j *job) checkVisible() error {
	seen := map[int]bool{}
	for _, r := range j.Visible() {
		switch {
		case seen[r]:
			return fmt.Errorf("record %d is visible twice", r)
		case r >= j.complete.position:
			return fmt.Errorf("record %d is visible, and the last complete checkpoint (%d) has those before %d", r, j.complete.id, j.complete.position)
		}
		seen[r] = true
	}
	return nil
}

// step does one of the things that could happen next.
func (j *job) step() error {
	if j.crashes < mostCrashes && j.random.below(40) == 0 {
		return j.crash()
	}
	var possible []func() error
	add := func(weight int, do func() error) {
		for range weight {
			possible = append(possible, do)
		}
	}
	if j.position < j.records && j.writable() {
		add(6, j.write)
	}
	if j.pending == nil {
		add(1, j.trigger)
	} else {
		add(3, j.advance)
		if j.random.below(30) == 0 {
			add(1, j.abort)
		}
	}
	if len(j.notices) > 0 {
		add(2, j.notify)
	}
	if j.position == j.records && !j.ended && j.pending == nil {
		add(2, j.finish)
	}
	add(1, j.tick)
	return possible[j.random.below(len(possible))]()
}

// write gives the next records to a subtask that the barrier of the pending checkpoint has passed.
func (j *job) write() error {
	var open []*subtask
	for _, s := range j.subtasks {
		if j.pending == nil || j.pending.marked[s.index] {
			open = append(open, s)
		}
	}
	s := open[j.random.below(len(open))]
	var batch element.Batch[int]
	for range 1 + j.random.below(5) {
		if j.position < j.records {
			batch.Append(j.position, element.NoTimestamp)
			j.position++
		}
	}
	return s.in.Process(&batch)
}

func (j *job) writable() bool { return j.pending == nil || len(j.pending.marked) > 0 }

func (j *job) trigger() error {
	j.lastID++
	j.pending = &pending{id: j.lastID, position: j.position, ended: j.ended, marked: map[int]bool{}, captures: make([]capture, len(j.subtasks))}
	return nil
}

// advance takes the pending checkpoint further: a barrier comes to a subtask, or what was marked is written, or all is.
func (j *job) advance() error {
	p := j.pending
	i := j.random.below(len(j.subtasks))
	c := &p.captures[i]
	switch {
	case !p.marked[i]:
		p.marked[i] = true
		var err error
		c.capture, err = j.subtasks[i].barrier(p.id)
		return err
	case c.state == nil:
		state, err := c.capture.Write(context.Background(), "", nil)
		c.state = state
		return err
	}
	for _, c := range p.captures {
		if c.state == nil {
			return nil
		}
	}
	j.complete = complete{id: p.id, position: p.position, ended: p.ended}
	for i, c := range p.captures {
		j.complete.states = append(j.complete.states, c.state)
		j.notices = append(j.notices, notice{subtask: i, id: p.id})
	}
	j.pending = nil
	return nil
}

// abort gives the pending checkpoint up, which some subtasks may never hear.
func (j *job) abort() error {
	j.aborted++
	p := j.pending
	j.pending = nil
	for i, c := range p.captures {
		if p.marked[i] && c.state == nil {
			c.capture.Drop()
		}
		if !p.marked[i] { // its barrier is passed over
			continue
		}
		if j.random.below(2) == 0 {
			if err := j.subtasks[i].op.(connector.CheckpointListener).CheckpointAborted(p.id); err != nil {
				return err
			}
		}
	}
	return nil
}

// notify tells a subtask that a checkpoint is complete, or leaves it to a later one to say.
func (j *job) notify() error {
	i := j.random.below(len(j.notices))
	n := j.notices[i]
	j.notices = slices.Delete(j.notices, i, i+1)
	if n.id < j.complete.id && j.random.below(2) == 0 {
		return nil
	}
	s := j.subtasks[n.subtask]
	s.told = max(s.told, n.id)
	return s.op.(connector.CheckpointListener).CheckpointComplete(n.id)
}

// tick turns the clock.
func (j *job) tick() error {
	for _, s := range j.subtasks {
		if err := s.tick(j.random.below(1500)); err != nil {
			return err
		}
	}
	return nil
}

// finish ends the input of all subtasks.
func (j *job) finish() error {
	j.ended = true
	for _, s := range j.subtasks {
		if err := s.op.Finish(); err != nil {
			return err
		}
	}
	return nil
}

// over says that all subtasks know of a complete checkpoint that came after the end of their input.
func (j *job) over() bool {
	if !j.ended || !j.complete.ended {
		return false
	}
	for _, s := range j.subtasks {
		if s.told < j.complete.id {
			return false
		}
	}
	return true
}

// crash ends all subtasks, some of which still close, and starts the job again from the last complete checkpoint.
func (j *job) crash() error {
	j.crashes++
	if slices.ContainsFunc(j.notices, func(n notice) bool { return n.id == j.complete.id }) {
		j.beforeNotice++
	}
	for _, s := range j.subtasks {
		if j.random.below(2) == 0 {
			if err := s.close(); err != nil {
				return err
			}
		}
	}
	if j.Crash != nil {
		j.Crash(j.random.below)
	}
	err := j.start()
	if errors.Is(err, errCrash) { // in a commit of what was restored
		j.inCommit++
		return j.crash()
	}
	return err
}

// start opens the subtasks, from the last complete checkpoint if there is one.
func (j *job) start() error {
	before := len(j.complete.states)
	parallelism := 1 + j.random.below(3)
	if before > 0 && before != parallelism {
		j.rescales++
	}
	j.attempt++
	if j.complete.id != 0 && j.random.below(2) == 0 {
		j.runs++ // another job that begins with the checkpoint
		j.attempt = 0
	}
	j.pending, j.notices, j.subtasks = nil, nil, nil
	j.position, j.ended = j.complete.position, false
	id := ident.Derive(fmt.Sprint("job", j.runs))
	for i := range parallelism {
		s, err := j.newSubtask(id, i, parallelism)
		if err != nil {
			return err
		}
		j.subtasks = append(j.subtasks, s)
	}
	for _, i := range j.shuffled(parallelism) {
		if err := j.subtasks[i].op.Open(); err != nil {
			return err
		}
		if err := j.checkVisible(); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) shuffled(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
		k := j.random.below(i + 1)
		order[i], order[k] = order[k], order[i]
	}
	return order
}
