package sim

import (
	"context"
	"strings"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
)

// logbook is the job's log as the world sees it: entry by entry, as they come to stand in the store.
type logbook struct {
	// folder is the job's, below the store.
	folder  string
	history *snapshot.History
	// claimant is who has claimed it last.
	claimant *leader
	// released are the files that some slot has let go of, by their path in the store.
	released map[string]bool
	// needed are the files of snapshots that the job can be recovered to, or that are not its own to delete.
	needed map[string]ident.CheckpointID
	// committable has the results that complete checkpoints have.
	committable map[string]ident.CheckpointID
	// told is the newest checkpoint that tasks were told of, completed the number of those that were completed.
	told, completed ident.CheckpointID
	completions     map[ident.CheckpointID]int
}

func newLogbook(folder string) logbook {
	return logbook{
		folder: folder, history: &snapshot.History{Next: 1, NextCheckpoint: 1}, released: map[string]bool{},
		needed: map[string]ident.CheckpointID{}, committable: map[string]ident.CheckpointID{}, completions: map[ident.CheckpointID]int{},
	}
}

// slotOf returns the slot of the log that a path in the store is.
func (b *logbook) slotOf(name string) (uint64, bool) {
	below, ok := strings.CutPrefix(name, b.folder+"/")
	if !ok {
		return 0, false
	}
	return snapshot.ParseLogPath(below)
}

// created takes in an object that was not there before.
func (w *World) created(h *handle, name string, body []byte) {
	slot, ok := w.book.slotOf(name)
	if !ok {
		return
	}
	e, err := snapshot.DecodeEntry(name, slot, body)
	if err != nil {
		w.fail("the log", "%s writes %s: %v", h.name, name, err)
		return
	}
	o := logged{by: h, entry: e, stands: slot >= w.book.history.Next}
	w.observe(o)
	if !o.stands {
		w.counts.Holes++
		return
	}
	if err := w.book.history.Apply(e); err != nil {
		w.fail("the log", "%s writes slot %d: %v", h.name, slot, err)
		return
	}
	w.note("log %d: %s", slot, describe(e))
	w.take(e)
	w.observe(noted{by: h, entry: e})
	w.afterSlot(h, e)
}

func describe(e *snapshot.LogEntry) string {
	switch {
	case e.GetClaim() != nil:
		return "claim"
	case e.GetComplete() != nil:
		return "complete " + e.GetComplete().Path
	case e.GetRelease() != nil:
		return "release"
	}
	return "end " + e.GetEnd().GetState()
}

// take brings the book up to an entry.
func (w *World) take(e *snapshot.LogEntry) {
	b := &w.book
	switch {
	case e.GetComplete() != nil:
		c := e.GetComplete()
		id := ident.CheckpointID(c.Checkpoint)
		b.completions[id]++
		w.counts.Checkpoints++
		if c.Recoverable {
			b.completed = max(b.completed, id)
			w.takeCommittables(c)
		}
	case e.GetRelease() != nil:
		b.told = max(b.told, ident.CheckpointID(e.GetRelease().Told))
		b.release(e.GetRelease().Files)
	case e.GetEnd() != nil:
		b.release(e.GetEnd().Files)
	case e.GetClaim() != nil:
		w.counts.Claims++
		// What a leader goes on from counts as told.
		if latest := b.history.Latest(); latest != nil {
			b.told = max(b.told, ident.CheckpointID(latest.Checkpoint))
		}
	}
	w.refreshNeeded()
}

func (b *logbook) release(files []*snapshot.FileName) {
	for _, f := range snapshot.NamedFiles(files) {
		b.released[b.path(f)] = true
	}
}

// path is where a file is in the store.
func (b *logbook) path(f snapshot.File) string {
	if f.Root == "" {
		return b.folder + "/" + f.Name
	}
	return strings.Trim(strings.TrimPrefix(f.Root, storeName), "/") + "/" + f.Name
}

// metadata reads what a snapshot has, behind the back of all faults.
func (w *World) metadata(c *snapshot.Completed) (*snapshot.Metadata, error) {
	name := w.book.path(c.MetadataFile())
	data, err := w.store.Read(context.Background(), name)
	if err != nil {
		return nil, err
	}
	return snapshot.Decode(name, data)
}

func (w *World) refreshNeeded() {
	b := &w.book
	clear(b.needed)
	for _, list := range [][]*snapshot.Completed{b.history.Retained, b.history.Unowned} {
		for _, c := range list {
			m, err := w.metadata(c)
			if err != nil {
				continue // it was damaged on purpose
			}
			for _, f := range snapshot.Hold(c, m).Files {
				b.needed[b.path(f)] = ident.CheckpointID(c.Checkpoint)
			}
		}
	}
}

// takeCommittables notes the results that a complete checkpoint has: from now on they may be committed.
func (w *World) takeCommittables(c *snapshot.Completed) {
	m, err := w.metadata(c)
	if err != nil {
		w.fail("the log", "checkpoint %d is complete, and its metadata cannot be read: %v", c.Checkpoint, err)
		return
	}
	read := func(f *snapshot.FileRef) ([]byte, error) {
		if f.GetName() == "" {
			return f.GetInline(), nil
		}
		body, err := w.store.Read(context.Background(), w.book.path(snapshot.File{Root: f.Root, Name: f.Name}))
		if err != nil {
			return nil, err
		}
		return body[f.Offset : f.Offset+f.Length], nil
	}
	for _, op := range m.Operators {
		for _, s := range op.Subtasks {
			lists, err := op.UnpackLists(s, read)
			if err != nil {
				w.fail("durable", "checkpoint %d is complete, and its operator state cannot be read: %v", c.Checkpoint, err)
				return
			}
			for _, list := range lists {
				for _, element := range list.Elements {
					if id, ok := transactionIn(element); ok {
						if _, known := w.book.committable[id]; !known {
							w.book.committable[id] = ident.CheckpointID(c.Checkpoint)
						}
					}
				}
			}
		}
	}
}
