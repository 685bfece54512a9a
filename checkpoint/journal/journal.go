// Package journal carries out in a store what a job's checkpoint coordinator decides: it claims and writes the job's log, writes
// metadata, and deletes what was let go of. All decisions are those of packages snapshot and coordinator.
package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/failpoint"
	"github.com/weir-stream/weir/runtime/ident"
)

// Open returns the store of a location, a folder.
type Open func(location string) (storage.Store, error)

// Journal is a job's folder below the checkpoint directory. Its methods block for as long as the store takes, or their context lets
// them. Any goroutine may call them.
type Journal struct {
	open Open
	// location is that of the job's folder, store what is in it.
	location string
	store    storage.Store
}

// New returns the journal of a job below a checkpoint directory. Nothing is touched.
func New(open Open, directory string, job ident.JobID) (*Journal, error) {
	location := strings.TrimRight(directory, "/") + "/" + snapshot.JobFolder(job)
	store, err := open(location)
	if err != nil {
		return nil, fmt.Errorf("execution.checkpointing.dir: %w", err)
	}
	return &Journal{open, location, store}, nil
}

// Location is that of the job's folder.
func (j *Journal) Location() string { return j.location }

// Path is where a snapshot lies, as users name it.
func (j *Journal) Path(path string) string {
	if _, own := snapshot.ParseCheckpointFolder(path); own {
		return j.location + "/" + path
	}
	return path
}

// Metadata reads the metadata of a snapshot, whose path is as the log has it.
func (j *Journal) Metadata(ctx context.Context, path string) (*snapshot.Metadata, error) {
	store, name, err := j.metadataOf(path)
	if err != nil {
		return nil, err
	}
	data, err := store.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	return snapshot.Decode(snapshot.MetadataPath(j.Path(path)), data)
}

// metadataOf returns where the metadata of a snapshot is.
func (j *Journal) metadataOf(path string) (storage.Store, string, error) {
	if _, own := snapshot.ParseCheckpointFolder(path); own {
		return j.store, snapshot.MetadataPath(path), nil
	}
	store, err := j.open(snapshot.FolderOf(path))
	return store, snapshot.MetadataName, err
}

// Store carries out the coordinator's command of that name.
func (j *Journal) Store(ctx context.Context, c coordinator.Store) coordinator.Stored {
	answer := coordinator.Stored{Checkpoint: c.Checkpoint}
	err := failpoint.Reach(failpoint.Describing)
	if err != nil {
		return coordinator.Stored{Checkpoint: c.Checkpoint, Outcome: coordinator.StoreFailed, Failure: err.Error()}
	}
	if answer.Outcome, err = j.storeMetadata(ctx, c); err != nil {
		answer.Failure = err.Error()
	}
	return answer
}

func (j *Journal) storeMetadata(ctx context.Context, c coordinator.Store) (coordinator.StoreOutcome, error) {
	data, err := snapshot.Encode(c.Metadata)
	if err != nil {
		return coordinator.StoreFailed, err
	}
	store, name, err := j.metadataOf(c.Folder)
	if err != nil {
		return coordinator.StoreFailed, err
	}
	err = store.Create(ctx, name, data)
	switch {
	case err == nil:
		return coordinator.StoreWritten, nil
	case !errors.Is(err, storage.Exists) && !errors.Is(err, storage.Ambiguous):
		return coordinator.StoreFailed, err
	}
	there, readErr := store.Read(ctx, name)
	switch {
	case readErr == nil && bytes.Equal(there, data):
		return coordinator.StoreWritten, nil
	case readErr == nil || errors.Is(err, storage.Exists):
		return coordinator.StoreExists, nil
	}
	return coordinator.StoreFailed, errors.Join(err, readErr)
}

// Append carries out the coordinator's command of that name.
func (j *Journal) Append(ctx context.Context, e *snapshot.LogEntry) coordinator.LogAnswered {
	inSlot, highest, err := j.write(ctx, e)
	if err != nil {
		return coordinator.LogAnswered{Slot: e.Slot, Failure: err.Error()}
	}
	return coordinator.LogAnswered{Slot: e.Slot, InSlot: inSlot, Highest: highest}
}

// write creates a slot, if absent, and returns what it holds then, nil if nothing, and the highest slot after that.
func (j *Journal) write(ctx context.Context, e *snapshot.LogEntry) (inSlot *snapshot.LogEntry, highest uint64, err error) {
	if err = reachBefore(e); err != nil {
		return nil, 0, err
	}
	if inSlot, err = j.create(ctx, e); err != nil {
		return nil, 0, err
	}
	if highest, err = j.highest(ctx); err == nil && e.GetComplete() != nil {
		err = failpoint.Reach(failpoint.Completed)
	}
	return inSlot, highest, err
}

// reachBefore reaches the point before an entry is written.
func reachBefore(e *snapshot.LogEntry) error {
	switch {
	case e.GetComplete() != nil:
		return failpoint.Reach(failpoint.Completing)
	case e.GetRelease() != nil:
		return failpoint.Reach(failpoint.Releasing)
	case e.GetEnd() != nil:
		return failpoint.Reach(failpoint.Ending)
	}
	return failpoint.Reach(failpoint.Claiming)
}

// create returns what the entry's slot holds after an attempt to create it, nil if nothing.
func (j *Journal) create(ctx context.Context, e *snapshot.LogEntry) (*snapshot.LogEntry, error) {
	data, err := snapshot.EncodeEntry(e)
	if err != nil {
		return nil, err
	}
	err = j.store.Create(ctx, snapshot.LogPath(e.Slot), data)
	switch {
	case err == nil:
		return e, nil
	case !errors.Is(err, storage.Exists) && !errors.Is(err, storage.Ambiguous):
		return nil, err
	}
	there, err := j.entry(ctx, e.Slot)
	if errors.Is(err, storage.NotFound) {
		return nil, nil
	}
	return there, err
}

func (j *Journal) entry(ctx context.Context, slot uint64) (*snapshot.LogEntry, error) {
	path := snapshot.LogPath(slot)
	data, err := j.store.Read(ctx, path)
	if err != nil {
		return nil, err
	}
	return snapshot.DecodeEntry(j.location+"/"+path, slot, data)
}

// slots lists the log.
func (j *Journal) slots(ctx context.Context) ([]uint64, error) {
	var slots []uint64
	for object, err := range storage.All(ctx, j.store, snapshot.LogFolder+"/") {
		if err != nil {
			return nil, err
		}
		if slot, ok := snapshot.ParseLogPath(object.Name); ok {
			slots = append(slots, slot)
		}
	}
	return slots, nil
}

// highest is the highest slot.
func (j *Journal) highest(ctx context.Context) (highest uint64, err error) {
	slots, err := j.slots(ctx)
	for _, slot := range slots {
		highest = max(highest, slot)
	}
	return highest, err
}

// Trim removes the slots below one. What it cannot remove stays, and harms nobody.
func (j *Journal) Trim(ctx context.Context, below uint64) error {
	slots, err := j.slots(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, slot := range slots {
		if slot < below {
			names = append(names, snapshot.LogPath(slot))
		}
	}
	return j.store.Delete(ctx, names...)
}

// Delete removes files that a slot of the log has released.
func (j *Journal) Delete(ctx context.Context, files []snapshot.File) error {
	if err := failpoint.Reach(failpoint.Deleting); err != nil {
		return err
	}
	byRoot := map[string][]string{}
	for _, f := range files {
		byRoot[f.Root] = append(byRoot[f.Root], f.Name)
	}
	var failed error
	for root, names := range byRoot {
		store := j.store
		if root != "" {
			var err error
			if store, err = j.open(root); err != nil {
				failed = errors.Join(failed, err)
				continue
			}
		}
		failed = errors.Join(failed, store.Delete(ctx, names...))
	}
	return failed
}

// Sweep removes what the log has released and an earlier run did not come to remove.
func (j *Journal) Sweep(ctx context.Context, h *snapshot.History) error {
	var files []snapshot.File
	for _, r := range h.Released {
		files = append(files, snapshot.NamedFiles(r.Files)...)
	}
	return j.Delete(ctx, files)
}

// Discard removes a savepoint's folder with all that is in it. It refuses what is not named as one.
func (j *Journal) Discard(ctx context.Context, folder string) error {
	return Discard(ctx, j.open, folder)
}

// Discard removes a savepoint's folder with all that is in it. It refuses what is not named as one.
func Discard(ctx context.Context, open Open, folder string) error {
	folder = snapshot.FolderOf(folder)
	if !snapshot.IsSavepointFolder(folder) {
		return fmt.Errorf("%s is not a savepoint's folder (savepoint-...): nothing was deleted", folder)
	}
	store, err := open(folder)
	if err != nil {
		return err
	}
	// The metadata goes first: what is left without it is no savepoint.
	names := []string{snapshot.MetadataName}
	for object, err := range storage.All(ctx, store, "") {
		if err != nil {
			return err
		}
		names = append(names, object.Name)
	}
	if err := store.Delete(ctx, names[0]); err != nil {
		return err
	}
	return store.Delete(ctx, names...)
}
