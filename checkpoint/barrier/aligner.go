// Package barrier decides when a task takes a checkpoint: when the barrier has come through all of its input channels.
package barrier

import (
	"cmp"
	"slices"
	"time"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/invariant"
)

// Aligner follows the barriers of one task's input channels. The one goroutine that drives the task owns it. It allocates
// nothing for barriers that come through channels.
//
// With d(c) the number of the last barrier that channel c has delivered, infinite once the channel has finished, P the pending
// checkpoint and T the one taken last:
//
//	taken(P)    <=>  min over c of d(c) >= P                              all have delivered the barrier
//	blocked(c)  <=>  exactly once, P pending, c not finished, d(c) >= P   so no record behind a barrier passes before P is taken
//	given up P  <=>  some c goes from d(c) < P to d(c) > P                 its barrier was left out there, so it will never come
//	                 or P was canceled
//	T < P, and both only grow: each checkpoint is taken at most once, in order
//
// Exactly once, a channel that has delivered P delivers nothing more, so d(c) <= P for all that have not finished, and a newer
// barrier always gives P up. At least once, channels run ahead, and of the barriers that were delivered the lowest above
// T that was not canceled is pending.
//
// There is no deadlock: every channel that the pending checkpoint waits for is open to be read, and the barrier, a newer one, the end of
// the channel, or the coordinator's cancellation comes.
type Aligner struct {
	channels []channel
	// aligned counts the channels with d(c) >= P while P is pending. Unfinished counts those that have not finished.
	aligned, unfinished int
	pending             *element.Barrier
	since               time.Time
	// announced are barriers that came from the coordinator itself and are not over, the lowest first.
	announced []*element.Barrier
	// over is such that this checkpoint and all before it were taken or given up.
	over ident.CheckpointID
	// canceled are checkpoints above over that were canceled before their barriers came; the oldest of so many is forgotten.
	canceled   [16]ident.CheckpointID
	cancelNext int
}

type channel struct {
	// last is the last barrier that the channel has delivered, nil if none.
	last     *element.Barrier
	finished bool
}

// delivered is d(c).
func (c *channel) delivered() ident.CheckpointID {
	switch {
	case c.finished:
		return ^ident.CheckpointID(0)
	case c.last == nil:
		return 0
	}
	return c.last.Checkpoint
}

// Outcome is what a task has to do after something happened at its inputs, in the order of the fields.
type Outcome struct {
	// GaveUp is the checkpoint that was pending and will not be taken here, 0 if there is none. The task reports it, unless the
	// coordinator has canceled it itself.
	GaveUp ident.CheckpointID
	// Take is the barrier of the checkpoint to take at once, before any other record is worked on; nil if there is none.
	Take *element.Barrier
	// Since is when the first channel delivered Take, so that until now the alignment has lasted.
	Since time.Time
	// More says that once Take is taken Resume has another one, since a channel has finished that held back several.
	More bool
	// Changed says that channels that were blocked no longer are.
	Changed bool
}

// New makes the aligner of a task with that many input channels, all open and none blocked. A source has none.
func New(channels int) *Aligner {
	return &Aligner{channels: make([]channel, channels), unfinished: channels}
}

// Blocked reports whether a channel must not be read now.
func (a *Aligner) Blocked(channel int) bool {
	if a.pending == nil || !a.pending.ExactlyOnce {
		return false
	}
	c := &a.channels[channel]
	return !c.finished && c.delivered() >= a.pending.Checkpoint
}

// Pending is the barrier that has come through some channels but not through all, nil if there is none, and when the first of
// them delivered it.
func (a *Aligner) Pending() (*element.Barrier, time.Time) { return a.pending, a.since }

// AllFinished reports whether no channel is left.
func (a *Aligner) AllFinished() bool { return a.unfinished == 0 }

// Announce says that the coordinator has triggered a checkpoint at this task itself, because all that sends to it has come to its
// end (or nothing does). The barrier then stands at the end of all channels: the checkpoint is taken once all have finished, unless it
// came through them. Announcing it again, or when it is over, has no effect.
func (a *Aligner) Announce(b *element.Barrier, now time.Time) Outcome {
	a.keep(b)
	if a.pending != nil {
		return Outcome{}
	}
	return a.next(Outcome{}, now)
}

// keep adds a barrier to those that are announced, and drops those that are over: there are at most as many as checkpoints in flight.
func (a *Aligner) keep(b *element.Barrier) {
	a.announced = slices.DeleteFunc(a.announced, func(old *element.Barrier) bool { return !a.isOpen(old) })
	at, known := slices.BinarySearchFunc(a.announced, b.Checkpoint, func(old *element.Barrier, id ident.CheckpointID) int {
		return cmp.Compare(old.Checkpoint, id)
	})
	if !known && a.isOpen(b) {
		a.announced = slices.Insert(a.announced, at, b)
	}
}

// Resume goes on after an Outcome with More.
func (a *Aligner) Resume(now time.Time) Outcome { return a.settle(now) }

// Barrier says that a channel has delivered a barrier. One of a checkpoint that is over has no effect. The channel must be
// neither blocked nor finished.
func (a *Aligner) Barrier(channel int, b *element.Barrier, now time.Time) Outcome {
	c := &a.channels[channel]
	if invariant.Enabled {
		invariant.Check(!c.finished && !a.Blocked(channel), "barrier %d comes through channel %d, which is blocked or finished", b.Checkpoint, channel)
		invariant.Check(c.delivered() < b.Checkpoint, "barrier %d follows %d in channel %d", b.Checkpoint, c.delivered(), channel)
	}
	before := c.delivered()
	c.last = b
	out := Outcome{}
	if a.pending != nil {
		pending := a.pending.Checkpoint
		if before < pending && b.Checkpoint == pending {
			a.aligned++
		}
		if before >= pending || b.Checkpoint <= pending {
			return a.settle(now)
		}
		out = a.giveUp()
	}
	// The channel has left out all between. Exactly once, what it delivered before is over too: taken, or canceled ahead.
	if before <= a.over || b.ExactlyOnce {
		a.over = max(a.over, b.Checkpoint-1)
	}
	return a.next(out, now)
}

// Finish says that a channel has come to its end. It counts as having delivered every barrier.
func (a *Aligner) Finish(channel int, now time.Time) Outcome {
	c := &a.channels[channel]
	if c.finished {
		return Outcome{}
	}
	if a.pending != nil && c.delivered() < a.pending.Checkpoint {
		a.aligned++
	}
	c.finished = true
	c.last = nil
	a.unfinished--
	if a.pending == nil {
		return a.next(Outcome{}, now)
	}
	return a.settle(now)
}

// Cancel says that the coordinator has given a checkpoint up. Its barriers have no effect from here on.
func (a *Aligner) Cancel(id ident.CheckpointID, now time.Time) Outcome {
	if a.pending != nil && a.pending.Checkpoint == id {
		return a.next(a.giveUp(), now)
	}
	if id > a.over && !a.isCanceled(id) {
		a.canceled[a.cancelNext%len(a.canceled)] = id
		a.cancelNext++
	}
	return Outcome{}
}

func (a *Aligner) isCanceled(id ident.CheckpointID) bool {
	for _, canceled := range a.canceled {
		if canceled == id {
			return true
		}
	}
	return false
}

func (a *Aligner) giveUp() Outcome {
	out := Outcome{GaveUp: a.pending.Checkpoint, Changed: a.pending.ExactlyOnce}
	a.end()
	return out
}

func (a *Aligner) end() {
	a.over = a.pending.Checkpoint
	a.pending, a.aligned = nil, 0
}

// settle takes the pending checkpoint if all channels have delivered it.
func (a *Aligner) settle(now time.Time) Outcome {
	if a.pending == nil || a.aligned < len(a.channels) {
		return Outcome{}
	}
	out := Outcome{Take: a.pending, Since: a.since, Changed: a.pending.ExactlyOnce && len(a.channels) > 1}
	a.end()
	return a.next(out, now)
}

// next makes another barrier the pending one, and takes it if that can be done at once.
func (a *Aligner) next(out Outcome, now time.Time) Outcome {
	a.begin(now)
	if a.pending == nil || a.aligned < len(a.channels) {
		return out
	}
	if out.Take != nil {
		out.More = true
		return out
	}
	settled := a.settle(now)
	settled.GaveUp, settled.Changed = out.GaveUp, settled.Changed || out.Changed
	return settled
}

// begin makes the lowest delivered barrier that is not over the pending one. Once all channels have finished it is the lowest of those that
// were announced.
func (a *Aligner) begin(now time.Time) {
	lowest := (*element.Barrier)(nil)
	if a.unfinished == 0 {
		if open := slices.IndexFunc(a.announced, a.isOpen); open >= 0 {
			lowest = a.announced[open]
		}
	}
	for i := range a.channels {
		if b := a.channels[i].last; a.isOpen(b) && (lowest == nil || b.Checkpoint < lowest.Checkpoint) {
			lowest = b
		}
	}
	if lowest == nil {
		return
	}
	a.pending, a.since = lowest, now
	for i := range a.channels {
		if a.channels[i].delivered() >= lowest.Checkpoint {
			a.aligned++
		}
	}
}

// isOpen reports whether a barrier's checkpoint can still be taken.
func (a *Aligner) isOpen(b *element.Barrier) bool {
	return b != nil && b.Checkpoint > a.over && !a.isCanceled(b.Checkpoint)
}
