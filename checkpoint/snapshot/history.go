package snapshot

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/ident"
)

// History is what a job's log says. Its owner changes it by Apply alone; the *Completed in it are never changed once there.
//
// The log is the authority on who leads a job and on what it can go on from. Its slots are numbered from 1 and created if
// absent, so of two leaders that write the same slot one learns that the other was first:
//
//	claim     a leader's term begins, with a summary of what was before
//	complete  a snapshot is durable
//	release   tasks are told of a checkpoint; older checkpoints are given up, and files with them
//	end       the job is over
//
// Slots below a claim may be trimmed. A leader that slept over that can create a slot below the claim, a hole, so after each
// creation it lists the log: if a higher slot exists, its own does not count and it has lost its place.
type History struct {
	// Next is the slot that is written next, Claimed that of the last claim, 0 if there is none.
	Next, Claimed uint64
	// Epoch and Leader are those of the last claim.
	Epoch  ident.LeaderEpoch
	Leader ident.ID
	// Retained are the snapshots that the job can go on from, oldest first. Their numbers ascend.
	Retained []*Completed
	// Unowned are snapshots in the job's folder that are not the job's to delete.
	Unowned []*Completed
	// Savepoint is the newest savepoint since the last claim that the job goes on without; nil if there is none.
	Savepoint *Completed
	// NextCheckpoint is above all numbers of checkpoints in the log.
	NextCheckpoint ident.CheckpointID
	// Released are files that were let go of and may not have been deleted yet.
	Released []*Released
	// Ended is the state in which the job ended, empty while it has not.
	Ended string
}

// Latest is what the job goes on from, nil if it begins at the beginning.
func (h *History) Latest() *Completed {
	if len(h.Retained) == 0 {
		return nil
	}
	return h.Retained[len(h.Retained)-1]
}

// Fold reads a log: entries in any order, all that a listing has named. What is below the last claim does not count, be it
// left of what was trimmed or the hole of a leader that lost its place. Without a claim there must be no entries.
func Fold(entries []*LogEntry) (*History, error) {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b *LogEntry) int { return cmp.Compare(a.Slot, b.Slot) })
	h := &History{Next: 1, NextCheckpoint: 1}
	if len(entries) == 0 {
		return h, nil
	}
	first := len(entries) - 1
	for first >= 0 && entries[first].GetClaim() == nil {
		first--
	}
	if first < 0 {
		return nil, fmt.Errorf("the job's log has no claim in slots %d to %d: it is damaged", entries[0].Slot, entries[len(entries)-1].Slot)
	}
	h.Next = entries[first].Slot
	for _, e := range entries[first:] {
		if err := h.Apply(e); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// Apply adds the entry of the next slot. After an error, which says that the log is damaged, the history is as it was.
func (h *History) Apply(e *LogEntry) error {
	if err := h.check(e); err != nil {
		return fmt.Errorf("slot %d of the job's log: %w: the log is damaged", e.Slot, err)
	}
	if e.Swept > 0 {
		h.Released = slices.DeleteFunc(slices.Clone(h.Released), func(r *Released) bool { return r.Slot <= e.Swept })
	}
	switch body := e.Body.(type) {
	case *LogEntry_Claim:
		h.claim(e, body.Claim)
	case *LogEntry_Complete:
		h.complete(body.Complete)
	case *LogEntry_Release:
		h.tell(body.Release.Told)
		h.drop(body.Release.Checkpoints)
		h.let(e.Slot, body.Release.Files)
	case *LogEntry_End:
		h.drop(body.End.Checkpoints)
		h.let(e.Slot, body.End.Files)
		h.Ended = body.End.State
		h.NextCheckpoint = max(h.NextCheckpoint, ident.CheckpointID(body.End.NextCheckpoint))
	}
	h.Next = e.Slot + 1
	return nil
}

func (h *History) check(e *LogEntry) error {
	if e.Slot != h.Next {
		return fmt.Errorf("slot %d was to come", h.Next)
	}
	if claim := e.GetClaim(); claim != nil {
		if ident.LeaderEpoch(e.Epoch) < h.Epoch {
			return fmt.Errorf("a leader of term %d claims after one of term %d", e.Epoch, h.Epoch)
		}
		if ident.CheckpointID(claim.NextCheckpoint) < h.NextCheckpoint {
			return fmt.Errorf("it would use the numbers of checkpoints from %d on again", claim.NextCheckpoint)
		}
		return nil
	}
	switch {
	case h.Claimed == 0:
		return fmt.Errorf("nobody has claimed the log before")
	case ident.LeaderEpoch(e.Epoch) != h.Epoch || ident.ID(e.Leader) != h.Leader:
		return fmt.Errorf("it is of term %d, but the leader of term %d has claimed the log", e.Epoch, h.Epoch)
	case h.Ended != "":
		return fmt.Errorf("the job is %s", h.Ended)
	}
	switch body := e.Body.(type) {
	case *LogEntry_Complete:
		if latest := h.Latest(); body.Complete.Recoverable && latest != nil && body.Complete.Checkpoint <= latest.Checkpoint {
			return fmt.Errorf("checkpoint %d completes after %d", body.Complete.Checkpoint, latest.Checkpoint)
		}
	case *LogEntry_Release:
		return h.checkRelease(body.Release)
	case *LogEntry_End:
		return h.checkRetained(body.End.Checkpoints)
	}
	return nil
}

func (h *History) checkRelease(r *Release) error {
	if err := h.checkRetained(r.Checkpoints); err != nil {
		return err
	}
	if r.Told != 0 && (h.find(r.Told) < 0 || slices.Contains(r.Checkpoints, r.Told)) {
		return fmt.Errorf("tasks are told of checkpoint %d, which is not retained", r.Told)
	}
	if latest := h.Latest(); latest != nil && slices.Contains(r.Checkpoints, latest.Checkpoint) {
		return fmt.Errorf("it releases the latest checkpoint, %d", latest.Checkpoint)
	}
	return nil
}

func (h *History) checkRetained(checkpoints []uint64) error {
	for _, id := range checkpoints {
		if h.find(id) < 0 {
			return fmt.Errorf("it releases checkpoint %d, which is not retained", id)
		}
	}
	return nil
}

func (h *History) find(id uint64) int {
	return slices.IndexFunc(h.Retained, func(c *Completed) bool { return c.Checkpoint == id })
}

func (h *History) claim(e *LogEntry, c *Claim) {
	*h = History{
		Claimed: e.Slot, Epoch: ident.LeaderEpoch(e.Epoch), Leader: ident.ID(e.Leader),
		Retained: slices.Clone(c.Retained), Unowned: slices.Clone(c.Unowned), Released: slices.Clone(c.Released),
		NextCheckpoint: ident.CheckpointID(c.NextCheckpoint),
	}
}

func (h *History) complete(c *Completed) {
	h.NextCheckpoint = max(h.NextCheckpoint, ident.CheckpointID(c.Checkpoint)+1)
	if c.Recoverable {
		h.Retained = append(slices.Clip(h.Retained), c)
	} else {
		h.Savepoint = c
	}
}

// tell replaces the entry of a checkpoint by one that says that tasks were told of it.
func (h *History) tell(id uint64) {
	at := h.find(id)
	if at < 0 {
		return
	}
	h.Retained = slices.Clone(h.Retained)
	told := proto.Clone(h.Retained[at]).(*Completed)
	told.Told = true
	h.Retained[at] = told
}

// drop forgets checkpoints, save those in the job's folder that are not its own.
func (h *History) drop(checkpoints []uint64) {
	left := make([]*Completed, 0, len(h.Retained))
	for _, c := range h.Retained {
		if !slices.Contains(checkpoints, c.Checkpoint) {
			left = append(left, c)
		} else {
			h.disown(c)
		}
	}
	h.Retained = left
}

func (h *History) disown(c *Completed) {
	if !c.Owned && c.Root() == "" {
		h.Unowned = append(slices.Clip(h.Unowned), c)
	}
}

func (h *History) let(slot uint64, files []*FileName) {
	if len(files) > 0 {
		h.Released = append(slices.Clip(h.Released), &Released{Slot: slot, Files: files})
	}
}
