package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// Start says how a term begins.
type Start struct {
	// Writer is who claims. Without an epoch it was not elected: its term is the one after the last in the log.
	Writer snapshot.Writer
	// NewID returns random ids.
	NewID func() ident.ID
	// From is the snapshot that the user has named for the start of the job, "" for none. A job that was running before under
	// the same id goes on from its own checkpoints instead, unless it cannot.
	From string
	Mode snapshot.ClaimMode
	// Fit, if not nil, says why the job cannot go on from a snapshot. It is asked before anything is written.
	Fit func(*snapshot.Metadata) error
}

// Claimed is the log of a job under a new leader.
type Claimed struct {
	History *snapshot.History
	// Writer is the term that has begun.
	Writer snapshot.Writer
	// Finished says that an earlier run under the job's id has finished, so that there is nothing to claim.
	Finished bool
	// Held are the snapshots that the history names, with their files.
	Held []snapshot.Held
	// From is what the job goes on from, nil if it begins at the beginning, and Metadata what is in it.
	From     *snapshot.Completed
	Metadata *snapshot.Metadata
	// PassedOver are checkpoints newer than From that cannot be read, newest first.
	PassedOver []PassedOver
	// Ignored says that the user's snapshot is not what the job goes on from, as it has checkpoints of its own.
	Ignored bool
}

// PassedOver is a checkpoint that a job does not go on from, since it is damaged and no task was ever told of it.
type PassedOver struct {
	Checkpoint ident.CheckpointID
	// Location is where it lies, Reason what is wrong with it.
	Location string
	Reason   error
}

// collisions is how often a claim is tried again that has met another leader's.
const collisions = 16

// Claim makes the writer the leader of the job. If it was lost to another one the error is a [*snapshot.FencedError]. A checkpoint that the
// job cannot go on from, or the user's snapshot if that cannot be read, is an error that names the file.
func (j *Journal) Claim(ctx context.Context, start Start) (*Claimed, error) {
	for range collisions {
		claimed, err := j.tryClaim(ctx, start)
		if claimed != nil || err != nil {
			return claimed, err
		}
	}
	return nil, fmt.Errorf("the log of the job in %s was claimed by others %d times in a row: several leaders run for this job", j.location, collisions)
}

// tryClaim returns nothing if the log has grown meanwhile.
func (j *Journal) tryClaim(ctx context.Context, start Start) (*Claimed, error) {
	history, err := j.read(ctx)
	if err != nil {
		return nil, err
	}
	c := &Claimed{History: history, Writer: start.Writer}
	if history.Ended == graph.JobFinished.String() && start.From == "" {
		c.Finished = true
		return c, nil
	}
	if c.Writer.Epoch == 0 {
		c.Writer.Epoch = history.Epoch + 1
	}
	contents := map[string]*snapshot.Metadata{}
	if history.Claimed == 0 {
		// Nobody has relied on the store yet: a service without conditional writes would let two leaders have the job.
		if err := storage.Probe(ctx, j.store, "probe-"+start.NewID().String()); err != nil {
			return nil, fmt.Errorf("try out execution.checkpointing.dir: %w", err)
		}
	}
	damaged, err := j.load(ctx, history, contents)
	if err != nil {
		return nil, err
	}
	own, err := history.Choose(damaged)
	begin := snapshot.Start{Damaged: damaged, NewRun: history.Ended != "" || err != nil && start.From != ""}
	from := begin.From
	switch {
	case start.From != "" && (history.Claimed == 0 || begin.NewRun):
		if begin.From, err = j.named(ctx, start, contents); err != nil {
			return nil, err
		}
		from = begin.From
	case begin.NewRun:
	case err != nil:
		return nil, err
	default:
		from, c.Ignored = own, start.From != ""
	}
	if from != nil && start.Fit != nil {
		if err := start.Fit(contents[from.Path]); err != nil {
			return nil, fmt.Errorf("the job cannot go on from %s: %w", j.Path(from.Path), err)
		}
	}
	before := history.Retained
	claim, err := history.NewClaim(c.Writer, start.NewID(), begin)
	if err != nil {
		return nil, err
	}
	inSlot, highest, err := j.write(ctx, claim)
	if err != nil {
		return nil, fmt.Errorf("claim the job's log in %s: %w", j.location, err)
	}
	stands, err := snapshot.Judge(claim, inSlot, highest)
	switch {
	case err != nil:
		return nil, nil // that of another leader stands there, or above
	case !stands:
		return nil, &storage.Error{Kind: storage.Ambiguous, Op: "create", Store: j.store.String(), Object: snapshot.LogPath(claim.Slot)}
	}
	if err := history.Apply(claim); err != nil {
		return nil, err
	}
	for _, done := range slices.Concat(history.Retained, history.Unowned) {
		if m := contents[done.Path]; m != nil {
			c.Held = append(c.Held, snapshot.Hold(done, m))
		} else {
			c.Held = append(c.Held, snapshot.Held{Completed: done})
		}
	}
	if c.From = history.Latest(); c.From != nil {
		c.Metadata = contents[c.From.Path]
	}
	if !begin.NewRun && begin.From == nil {
		c.PassedOver = j.passedOver(before, damaged, c.From)
	}
	return c, nil
}

// passedOver are those of the retained checkpoints that are newer than what is gone on from.
func (j *Journal) passedOver(retained []*snapshot.Completed, damaged map[ident.CheckpointID]error, from *snapshot.Completed) (passed []PassedOver) {
	for _, r := range slices.Backward(retained) {
		if id := ident.CheckpointID(r.Checkpoint); from == nil || r.Checkpoint > from.Checkpoint {
			passed = append(passed, PassedOver{id, j.Path(r.Path), damaged[id]})
		}
	}
	return passed
}

// read folds the log.
func (j *Journal) read(ctx context.Context) (*snapshot.History, error) {
	slots, err := j.slots(ctx)
	if err != nil {
		return nil, err
	}
	var entries []*snapshot.LogEntry
	for _, slot := range slots {
		e, err := j.entry(ctx, slot)
		if errors.Is(err, storage.NotFound) {
			continue // trimmed meanwhile
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return snapshot.Fold(entries)
}

// load reads the metadata of all snapshots of the history, and returns those of the retained ones that cannot be read.
func (j *Journal) load(ctx context.Context, h *snapshot.History, contents map[string]*snapshot.Metadata) (map[ident.CheckpointID]error, error) {
	damaged := map[ident.CheckpointID]error{}
	for i, c := range slices.Concat(h.Retained, h.Unowned) {
		// Where it may be passed over it is looked at closely: later that is too late.
		m, err := j.whole(ctx, c, !c.Told)
		switch {
		case err == nil:
			contents[c.Path] = m
		case snapshot.IsDamaged(err) || errors.Is(err, storage.NotFound) || errors.Is(err, storage.Damaged):
			if i < len(h.Retained) { // another run may have one of the same number
				damaged[ident.CheckpointID(c.Checkpoint)] = err
			}
		default:
			return nil, err
		}
	}
	return damaged, nil
}

// whole reads the metadata of a snapshot and looks whether its files are there with the sizes that they should have; if closely, with the
// checksums.
func (j *Journal) whole(ctx context.Context, c *snapshot.Completed, closely bool) (*snapshot.Metadata, error) {
	m, err := j.Metadata(ctx, c.Path)
	if err != nil {
		return nil, err
	}
	var refs []*snapshot.FileRef
	m.EachFile(func(r *snapshot.FileRef) {
		if r.Name != "" {
			refs = append(refs, r)
		}
	})
	for _, r := range refs {
		if err := j.there(ctx, cmp.Or(r.Root, c.Root()), r, closely); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// there looks whether what a reference names is in the store of its root.
func (j *Journal) there(ctx context.Context, root string, r *snapshot.FileRef, closely bool) (err error) {
	store := j.store
	if root != "" {
		if store, err = j.open(root); err != nil {
			return err
		}
	}
	if closely {
		return r.Check(ctx, store)
	}
	object, err := store.Stat(ctx, r.Name)
	if end := r.Offset + r.Length; err == nil && uint64(object.Size) < end {
		err = &snapshot.DamagedError{Path: store.String() + "/" + r.Name, Reason: fmt.Sprintf("it has %d of %d bytes", object.Size, end)}
	}
	return err
}

// named is the snapshot that the user has named.
func (j *Journal) named(ctx context.Context, start Start, contents map[string]*snapshot.Metadata) (*snapshot.Completed, error) {
	c := &snapshot.Completed{Path: snapshot.Locate(j.location, start.From), Owned: start.Mode == snapshot.TakeOver, Recoverable: true}
	m, err := j.Metadata(ctx, c.Path)
	if err != nil {
		return nil, fmt.Errorf("start from %s: %w", start.From, err)
	}
	c.Checkpoint, c.Kind, c.TriggerMillis = m.Checkpoint, m.Kind, m.TriggerMillis
	if m, err = j.whole(ctx, c, false); err != nil {
		return nil, fmt.Errorf("start from %s: %w", start.From, err)
	}
	contents[c.Path] = m
	return c, nil
}

// Collect deletes what nobody names, left by earlier terms: right after a claim, before the first checkpoint.
func (j *Journal) Collect(ctx context.Context, c *Claimed) (deleted int, err error) {
	return j.Clean(ctx, coordinator.Clean{Kept: c.Held, Epoch: c.History.Epoch, Next: c.History.NextCheckpoint})
}

// CollectPieces removes from the job's folder what writers have left that were killed before a time, where the store does not do that by itself.
func (j *Journal) CollectPieces(ctx context.Context, before time.Time) error {
	collector, ok := j.store.(storage.Collector)
	if !ok {
		return nil
	}
	_, err := collector.Collect(ctx, "", before)
	if errors.Is(err, storage.Refused) {
		return nil // such a service, or who runs it, sees to them
	}
	return err
}

// Clean carries out the coordinator's command of that name. If it is not known what files a snapshot has that is no longer the job's, it deletes
// nothing: who has taken that over may have deleted its metadata and go on with its files.
func (j *Journal) Clean(ctx context.Context, c coordinator.Clean) (deleted int, err error) {
	for _, held := range c.Kept {
		if held.Files == nil {
			return 0, nil
		}
	}
	var listed []string
	for object, err := range storage.All(ctx, j.store, "") {
		if err != nil {
			return 0, err
		}
		listed = append(listed, object.Name)
	}
	garbage := snapshot.Garbage(listed, c.Kept, c.Epoch, c.Next)
	return len(garbage), j.store.Delete(ctx, garbage...)
}
