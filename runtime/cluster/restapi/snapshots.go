package restapi

import (
	"context"
	"errors"
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/rest"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Checkpoints shows a job's checkpoints.
func (c *Cluster) Checkpoints(ctx context.Context, id ident.JobID) (*view.Checkpoints, error) {
	if _, err := c.summary(ctx, id); err != nil {
		return nil, err
	}
	response, err := c.options.Ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Checkpoints{Checkpoints: &message.RequestCheckpoints{Job: message.IDBytes(id)}}})
	return checkpointsOf(response.GetCheckpoints()), err
}

func (c *Cluster) snapshot(ctx context.Context, s *message.TriggerSnapshot) (*message.SnapshotTaken, error) {
	if err := c.live(ctx, idOf(s.Job)); err != nil {
		return nil, err
	}
	response, err := c.options.Ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Snapshot{Snapshot: s}})
	return response.GetSnapshot(), err
}

// TakeSavepoint takes a savepoint. Its format is always the canonical one, whatever the request allows.
func (c *Cluster) TakeSavepoint(ctx context.Context, r rest.SavepointRequest) (string, error) {
	taken, err := c.snapshot(ctx, &message.TriggerSnapshot{
		Job: message.IDBytes(r.Job), Request: "savepoint-" + r.Trigger.String(), Directory: r.Directory, Stop: r.Stop, Drain: r.Drain,
	})
	if err != nil {
		return "", err
	}
	if r.Cancel {
		if err := c.Cancel(ctx, r.Job); err != nil {
			return "", fmt.Errorf("the savepoint %s is complete, and the job could not be canceled: %w", taken.GetPath(), err)
		}
	}
	return taken.GetPath(), nil
}

// TakeCheckpoint takes a checkpoint.
func (c *Cluster) TakeCheckpoint(ctx context.Context, r rest.CheckpointRequest) (uint64, error) {
	taken, err := c.snapshot(ctx, &message.TriggerSnapshot{
		Job: message.IDBytes(r.Job), Request: "checkpoint-" + r.Trigger.String(), Checkpoint: true, Full: r.Full,
	})
	return taken.GetCheckpoint(), err
}

// metadata reads that of the snapshot at a location, which is its folder or its metadata file.
func (c *Cluster) metadata(ctx context.Context, location string) (*snapshot.Metadata, storage.Store, error) {
	folder := snapshot.FolderOf(location)
	store, err := c.options.Stores(folder)
	if err != nil {
		return nil, nil, err
	}
	data, err := store.Read(ctx, snapshot.MetadataName)
	if errors.Is(err, storage.NotFound) {
		return nil, nil, fmt.Errorf("%s is no checkpoint or savepoint: it has no file %s", folder, snapshot.MetadataName)
	}
	if err != nil {
		return nil, nil, err
	}
	m, err := snapshot.Decode(snapshot.MetadataPath(folder), data)
	return m, store, err
}

// DisposeSavepoint deletes the files of a savepoint, and nothing else that may lie in its folder. The metadata goes first: what then stays after an error is nothing that a job
// would start from.
func (c *Cluster) DisposeSavepoint(ctx context.Context, path string) error {
	m, store, err := c.metadata(ctx, path)
	if err == nil {
		store, err = c.fromAbove(path, store)
	}
	if err != nil {
		return fmt.Errorf("could not dispose savepoint %s: %w", path, err)
	}
	if m.Kind != snapshot.Kind_SAVEPOINT {
		return fmt.Errorf("could not dispose %s: it is a checkpoint, which belongs to a job", path)
	}
	if err := store.Delete(ctx, snapshot.MetadataName); err != nil {
		return fmt.Errorf("could not dispose savepoint %s: %w", path, err)
	}
	if err := store.Delete(ctx, ownFiles(m)...); err != nil {
		return fmt.Errorf("savepoint %s is gone, but for some of its files, which may be deleted by hand: %w", path, err)
	}
	return nil
}

// fromAbove is the store of a snapshot's folder, opened at the folder that it lies in where that can be: a store in the file system removes folders that it has emptied, but not the one that it was opened at.
func (c *Cluster) fromAbove(path string, store storage.Store) (storage.Store, error) {
	location, err := storage.Parse(snapshot.FolderOf(path))
	if err != nil {
		return nil, err
	}
	parent, name := location.Split()
	if storage.CheckName(name) != nil {
		return store, nil
	}
	above, err := c.options.Stores(parent.String())
	if err != nil {
		return nil, err
	}
	return storage.Below(above, name), nil
}

// ownFiles are the names of the files in the savepoint's own folder.
func ownFiles(m *snapshot.Metadata) []string {
	var names []string
	for _, f := range m.Files("") {
		if f.Root == "" {
			names = append(names, f.Name)
		}
	}
	return names
}
