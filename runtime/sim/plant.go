package sim

import (
	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/message"
)

// Plant is a fault that is built into the world on purpose, to see that it is found.
type Plant string

// The faults that can be planted. None of them is in the engine: the world stands between its parts and does what the faulty engine
// would.
const (
	Nothing Plant = ""
	// SkipClaim has new leaders begin without claiming the log.
	SkipClaim Plant = "skip-claim"
	// DeleteFirst deletes what a slot is to release before the slot stands.
	DeleteFirst Plant = "delete-first"
	// AckBeforeUpload acknowledges files that are on their way.
	AckBeforeUpload Plant = "ack-before-upload"
	// CommitFirst tells tasks that a checkpoint is complete when its metadata is there.
	CommitFirst Plant = "commit-first"
	// BarrierBlocksNothing lets records overtake barriers.
	BarrierBlocksNothing Plant = "barrier-blocks-nothing"
	// DeleteTooEarly deletes a file that the newest checkpoint shares with the released one.
	DeleteTooEarly Plant = "delete-too-early"
	// OverwriteSlots has the store overwrite slots of the log instead of refusing them, all but those by which it is tried out.
	OverwriteSlots Plant = "overwrite-slots"
	// LoseSplit has a source's reader leave a split out of its state.
	LoseSplit Plant = "lose-split"
)

// Plants are all faults that can be planted.
func Plants() []Plant {
	return []Plant{SkipClaim, DeleteFirst, AckBeforeUpload, CommitFirst, BarrierBlocksNothing, DeleteTooEarly, OverwriteSlots, LoseSplit}
}

// planted does what the planted fault makes of a command, and reports whether that was all.
func (l *leader) planted(command coordinator.Command) bool {
	w := l.world
	switch c := command.(type) {
	case coordinator.Append:
		if r := c.Entry.GetRelease(); r != nil && w.plant == DeleteFirst && len(r.Files) > 0 {
			l.Go(func() {
				l.keeper.Carry(l.context(), coordinator.Delete{Slot: c.Entry.Slot, Files: snapshot.NamedFiles(r.Files)})
			})
		}
	case coordinator.Delete:
		if w.plant == DeleteTooEarly {
			if f, ok := w.shared(); ok {
				c.Files = append(c.Files, f)
				l.Go(func() { l.keeper.Carry(l.context(), c) })
			}
		}
	case coordinator.Store:
		if w.plant == CommitFirst {
			l.commitFirst(uint64(c.Checkpoint))
		}
	}
	return false
}

// shared is a file of the newest checkpoint.
func (w *World) shared() (snapshot.File, bool) {
	latest := w.book.history.Latest()
	if latest == nil {
		return snapshot.File{}, false
	}
	m, err := w.metadata(latest)
	if err != nil {
		return snapshot.File{}, false
	}
	files := m.Files("")
	if len(files) == 0 {
		return snapshot.File{}, false
	}
	return files[0], true
}

// commitFirst tells all tasks of a checkpoint.
func (l *leader) commitFirst(checkpoint uint64) {
	for _, n := range l.cluster.live() {
		if n.worker == nil || n.worker.dead {
			continue
		}
		n.worker.host.Send(&message.ToWorker{LeaderEpoch: l.cluster.epoch, Body: &message.ToWorker_CheckpointComplete{
			CheckpointComplete: &message.CheckpointComplete{Tasks: n.worker.deployed, Checkpoint: checkpoint},
		}})
	}
}

// claims reports whether an object is the claim of a log that has been claimed before.
func (h *handle) claims(name string, body []byte) bool {
	slot, ok := h.world.book.slotOf(name)
	if !ok {
		return false
	}
	e, err := snapshot.DecodeEntry(name, slot, body)
	return err == nil && e.GetClaim() != nil && slot > 1
}
