package source

import (
	"slices"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/ident"
)

// Assignments is what a source's coordinator remembers of the splits that it has sent to readers, so that those which no checkpoint
// holds go back to the enumerator when a reader fails alone (see connector.Enumerator.AddSplitsBack). A failure of all readers needs
// none of it: the enumerator is restored then. The zero value is empty. One goroutine uses it.
//
// It goes by the order of what the coordinator does: an assignment before Taken(n) is in checkpoint n, one after it is not. That holds if
// what the coordinator sends before it snapshots its enumerator reaches a reader before the trigger of the checkpoint, and what it sends
// after is held back until the trigger was sent.
type Assignments struct {
	// taken are the latest complete checkpoint and those after it, in the order in which they were taken.
	taken []taken
	sent  []assignment
	// number counts the splits ever assigned.
	number uint64
}

// taken is a checkpoint, and how many splits had been assigned before it.
type taken struct {
	checkpoint ident.CheckpointID
	before     uint64
}

// assignment is a split that was sent to a subtask, as the number-th of all.
type assignment struct {
	number  uint64
	subtask int
	split   connector.Split
}

// Assign notes splits that are sent to a subtask.
func (a *Assignments) Assign(subtask int, splits []connector.Split) {
	for _, split := range splits {
		a.number++
		a.sent = append(a.sent, assignment{a.number, subtask, split})
	}
}

// Taken says that the enumerator's part of a checkpoint has just been taken.
func (a *Assignments) Taken(checkpoint ident.CheckpointID) {
	a.taken = append(a.taken, taken{checkpoint, a.number})
}

// Complete says that a checkpoint is complete, and no reader will go on from an earlier one. What was assigned before it is in it, or was
// finished before it.
func (a *Assignments) Complete(checkpoint ident.CheckpointID) {
	i := a.find(checkpoint)
	if i < 0 {
		return // of an earlier coordinator, or subsumed
	}
	a.taken = slices.Delete(a.taken, 0, i)
	held := a.taken[0].before
	a.sent = slices.DeleteFunc(a.sent, func(s assignment) bool { return s.number <= held })
}

// Reset says that a subtask begins anew from a checkpoint, and returns the splits that it has lost, in the order in which they were
// assigned: all that this coordinator has ever sent to it if that began from the checkpoint itself, or from nothing.
func (a *Assignments) Reset(subtask int, checkpoint ident.CheckpointID) (lost []connector.Split) {
	held := uint64(0)
	if i := a.find(checkpoint); i >= 0 {
		held = a.taken[i].before
	}
	for _, s := range a.sent {
		if s.subtask == subtask && s.number > held {
			lost = append(lost, s.split)
		}
	}
	a.sent = slices.DeleteFunc(a.sent, func(s assignment) bool { return s.subtask == subtask })
	return lost
}

func (a *Assignments) find(checkpoint ident.CheckpointID) int {
	return slices.IndexFunc(a.taken, func(t taken) bool { return t.checkpoint == checkpoint })
}
