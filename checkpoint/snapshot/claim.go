package snapshot

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/ident"
)

// Writer is who writes entries: a leader's term.
type Writer struct {
	Epoch ident.LeaderEpoch
	// Leader is random, so that two terms of one epoch differ.
	Leader ident.ID
}

// NewEntry returns an entry for the next slot. ID must be random; Body is set by the caller.
func (h *History) NewEntry(w Writer, id ident.ID) *LogEntry {
	return &LogEntry{Slot: h.Next, Id: id[:], Epoch: uint64(w.Epoch), Leader: w.Leader[:]}
}

// Start is what a term begins with beside the history.
type Start struct {
	// Damaged are retained checkpoints that cannot be read, with the reason; see Choose.
	Damaged map[ident.CheckpointID]error
	// NewRun starts a job that has run before under this id, so that what that run has kept is not the job's any more. A job
	// that has ended can only be started anew.
	NewRun bool
	// From is what a new run goes on from; nil if it begins at the beginning. Its path must be as Locate returns it.
	From *Completed
}

// Choose returns what a job goes on from: the newest retained snapshot that can be read, nil if it begins at the beginning.
// A snapshot that is damaged is passed over only if no task was ever told of it; otherwise what was committed since the one
// before would be committed twice, so Choose refuses and its error names the folder.
func (h *History) Choose(damaged map[ident.CheckpointID]error) (*Completed, error) {
	for _, c := range slices.Backward(h.Retained) {
		reason, bad := damaged[ident.CheckpointID(c.Checkpoint)]
		switch {
		case !bad:
			return c, nil
		case c.Told:
			return nil, fmt.Errorf("checkpoint %d in %s cannot be read, and results up to it were already committed, so that to go on from an"+
				" older one would repeat them; restore its files from a copy, or start anew from a snapshot of your choice with -s: %w", c.Checkpoint, c.Path, reason)
		}
	}
	return nil, nil
}

// NewClaim returns the entry by which a term begins, for the next slot. It is refused if a newer leader has claimed the log.
// If another entry stands in the slot, the log must be read again and claimed anew. By what it goes on from the claim counts as told:
// restored sinks commit.
func (h *History) NewClaim(w Writer, id ident.ID, start Start) (*LogEntry, error) {
	if w.Epoch < h.Epoch || w.Epoch == h.Epoch && h.Claimed > 0 && w.Leader != h.Leader {
		return nil, &FencedError{Slot: h.Claimed, Epoch: h.Epoch, Leader: h.Leader}
	}
	next := *h
	if start.NewRun {
		next.beginRun(start.From)
	} else if err := next.goOn(start); err != nil {
		return nil, err
	}
	if latest := next.Latest(); latest != nil {
		next.tell(latest.Checkpoint)
	}
	return next.summary(w, id), nil
}

// Summarize returns a claim of the current leader for the next slot, after which slots before it can be trimmed. Unlike NewClaim
// it changes nothing in what the log says.
func (h *History) Summarize(id ident.ID) *LogEntry { return h.summary(Writer{h.Epoch, h.Leader}, id) }

func (h *History) summary(w Writer, id ident.ID) *LogEntry {
	e := h.NewEntry(w, id)
	e.Body = &LogEntry_Claim{&Claim{Retained: h.Retained, Unowned: h.Unowned, NextCheckpoint: uint64(h.NextCheckpoint), Released: h.Released}}
	return e
}

func (h *History) beginRun(from *Completed) {
	for _, c := range h.Retained {
		if from == nil || c.Path != from.Path {
			h.abandon(c)
		}
	}
	h.Retained = nil
	if from == nil {
		return
	}
	h.Unowned = slices.DeleteFunc(slices.Clone(h.Unowned), func(c *Completed) bool { return c.Path == from.Path })
	h.NextCheckpoint = max(h.NextCheckpoint, ident.CheckpointID(from.Checkpoint)+1)
	from = proto.Clone(from).(*Completed)
	from.Recoverable = true
	h.Retained = []*Completed{from}
}

// abandon leaves to the user what an earlier run has kept.
func (h *History) abandon(c *Completed) {
	left := proto.Clone(c).(*Completed)
	left.Owned = false
	h.disown(left)
}

func (h *History) goOn(start Start) error {
	if h.Ended != "" {
		return fmt.Errorf("the job is %s: start it as a new run", h.Ended)
	}
	if start.From != nil && h.Claimed > 0 {
		return fmt.Errorf("the job goes on from its own checkpoints; %s can only be the start of a new run", start.From.Path)
	}
	if start.From != nil {
		h.beginRun(start.From)
		return nil
	}
	base, err := h.Choose(start.Damaged)
	if err != nil {
		return err
	}
	keep := 0
	if base != nil {
		keep = h.find(base.Checkpoint) + 1
	}
	h.Retained = h.Retained[:keep:keep]
	return nil
}

// FencedError says that another leader has taken a leader's place: it must stop, and may write and delete nothing more.
type FencedError struct {
	// Slot is where that was seen.
	Slot uint64
	// Epoch and Leader are those of the entry in the slot; zero if what was seen are slots above the leader's own.
	Epoch  ident.LeaderEpoch
	Leader ident.ID
}

// Error says what was seen.
func (e *FencedError) Error() string {
	if e.Leader.IsZero() {
		return fmt.Sprintf("another leader has taken over this job: its log goes on above slot %d", e.Slot)
	}
	return fmt.Sprintf("another leader has taken over this job: term %d has written slot %d of its log", e.Epoch, e.Slot)
}

// Judge says whether an entry stands, after its creation was answered or tried in vain: inSlot is what the slot holds now, nil if
// nothing, and highest the highest slot of a listing that was made after the creation.
//
//	stands  <=>  inSlot.id = mine.id  and  no slot above mine
//
// If it does not stand and there is no error, it was not written: the same entry can be tried again. The error is a *FencedError;
// for a claim that met another entry it means no more than that the log must be read again and claimed anew.
func Judge(mine, inSlot *LogEntry, highest uint64) (stands bool, err error) {
	if inSlot != nil && !slices.Equal(mine.Id, inSlot.Id) {
		fenced := &FencedError{Slot: mine.Slot, Epoch: ident.LeaderEpoch(inSlot.Epoch)}
		copy(fenced.Leader[:], inSlot.Leader)
		return false, fenced
	}
	if highest > mine.Slot {
		return false, &FencedError{Slot: mine.Slot}
	}
	return inSlot != nil, nil
}
