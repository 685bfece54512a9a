package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/state/keygroup"
)

// restores reads what attempts go on from. The metadata of a snapshot is read once for all attempts of a deployment. Its methods may
// be called by any goroutine.
type restores struct {
	open func(location string) (storage.Store, error)

	mu sync.Mutex
	// location is that of the snapshot that was read last.
	location string
	metadata *snapshot.Metadata
}

// read returns the metadata of a snapshot. It is not enough that there is one where it is said to be: of a leader that sleeps the checkpoint may
// have been deleted, and one of the same number be there that another leader has begun, and nobody has completed.
func (r *restores) read(ctx context.Context, from *message.Restore) (*snapshot.Metadata, error) {
	metadata, err := r.at(ctx, from.GetLocation(), from.GetRoot())
	if err == nil && from.GetTriggerMillis() != 0 && metadata.TriggerMillis != from.GetTriggerMillis() {
		return nil, &snapshot.DamagedError{Path: snapshot.MetadataPath(from.GetLocation()), Reason: fmt.Sprintf(
			"checkpoint %d in it is not the one that the job's log names, but another leader's: it was triggered at %d and not at %d",
			from.GetCheckpoint(), metadata.TriggerMillis, from.GetTriggerMillis())}
	}
	return metadata, err
}

// at returns the metadata that is at a location, with references that are good in snapshots of this job too.
func (r *restores) at(ctx context.Context, location, root string) (*snapshot.Metadata, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.metadata != nil && r.location == location {
		return r.metadata, nil
	}
	store, err := r.open(location)
	if err != nil {
		return nil, err
	}
	data, err := store.Read(ctx, snapshot.MetadataName)
	if err != nil {
		return nil, err
	}
	metadata, err := snapshot.Decode(snapshot.MetadataPath(location), data)
	if err != nil {
		return nil, err
	}
	metadata.Rebase(root)
	r.location, r.metadata = location, metadata
	return metadata, nil
}

// restoring is one attempt that goes on from a snapshot.
type restoring struct {
	*restores
	restore *message.Restore
	vertex  *graph.JobVertex
	subtask ident.SubtaskIndex
	// folder returns a folder for copies, which lives as long as the attempt.
	folder func() (string, error)
}

// run reads the state of all operators of the chain, and reports whether they had finished.
func (r *restoring) run(ctx context.Context) (map[ident.OperatorID][]*snapshot.Operator, bool, error) {
	metadata, err := r.read(ctx, r.restore)
	if err != nil {
		return nil, false, fmt.Errorf("restore from %s: %w", r.restore.GetLocation(), err)
	}
	states, ended := map[ident.OperatorID][]*snapshot.Operator{}, false
	for _, op := range r.vertex.Operators {
		before := findOperator(metadata, op.ID)
		if before == nil {
			continue
		}
		shares, err := snapshot.Assign(before, r.vertex.Parallelism, r.vertex.MaxParallelism)
		if err != nil {
			return nil, false, fmt.Errorf("restore from %s: %w", r.restore.GetLocation(), err)
		}
		share := shares[r.subtask]
		ended = ended || share.InputEnded
		restored, err := r.take(ctx, metadata, before, share)
		if err != nil {
			return nil, false, fmt.Errorf("restore operator %q from %s: %w", op.Name, r.restore.GetLocation(), err)
		}
		states[op.ID] = restored
	}
	return states, ended, nil
}

// coordinator reads the state of an operator's coordinator, nil if there is none.
func (r *restoring) coordinator(ctx context.Context, id ident.OperatorID) ([]byte, error) {
	metadata, err := r.read(ctx, r.restore)
	if err != nil {
		return nil, err
	}
	before := findOperator(metadata, id)
	if before.GetCoordinator() == nil {
		return nil, nil
	}
	return r.bytes(ctx, metadata, before.Coordinator)
}

func findOperator(m *snapshot.Metadata, id ident.OperatorID) *snapshot.OperatorState {
	for _, op := range m.Operators {
		if ident.OperatorID(op.Id) == id {
			return op
		}
	}
	return nil
}

// take brings what a subtask needs here: of each former subtask the tables with entries of its key groups, and all operator state, of which
// the operator takes its share.
func (r *restoring) take(ctx context.Context, m *snapshot.Metadata, op *snapshot.OperatorState, share snapshot.Share) ([]*snapshot.Operator, error) {
	states, err := statesOf(op)
	if err != nil {
		return nil, err
	}
	read := func(f *snapshot.FileRef) ([]byte, error) { return r.bytes(ctx, m, f) }
	var former []*snapshot.Operator
	for _, s := range op.Subtasks {
		before := &snapshot.Operator{Groups: keygroup.RangeOf(int(op.MaxParallelism), int(op.Parallelism), int(s.Subtask)), States: states}
		for _, keyed := range share.Keyed {
			if keyed.Subtask != s.Subtask {
				continue
			}
			chain, err := r.chain(ctx, m, keyed)
			if err != nil {
				return nil, err
			}
			before.Chains = append(before.Chains, chain)
		}
		if before.Lists, err = op.UnpackLists(s, read); err != nil {
			return nil, err
		}
		former = append(former, before)
	}
	return former, nil
}

func statesOf(op *snapshot.OperatorState) (states []snapshot.State, err error) {
	for _, described := range op.States {
		st, err := described.State()
		if err != nil {
			return nil, err
		}
		states = append(states, st)
	}
	return states, nil
}

func (r *restoring) chain(ctx context.Context, m *snapshot.Metadata, keyed snapshot.KeyedShare) (snapshot.Chain, error) {
	chain := snapshot.Chain{Groups: keyed.Groups, Whole: keyed.Whole && r.restore.GetOwned()}
	for _, t := range keyed.Tables {
		path, content, err := r.download(ctx, m, t.File)
		if err != nil {
			return chain, err
		}
		chain.Tables = append(chain.Tables, snapshot.LocalTable{
			Ref: t.File, Path: path, Content: content, Changes: t.Changes, Entries: t.Entries,
			Groups: keygroup.Range{First: uint16(t.FirstGroup), Last: uint16(t.LastGroup)},
		})
	}
	return chain, nil
}

// storeOf returns the store that a reference's name is in.
func (r *restoring) storeOf(m *snapshot.Metadata, f *snapshot.FileRef) (storage.Store, error) {
	if f.GetRoot() != "" {
		return r.open(f.GetRoot())
	}
	return r.open((&snapshot.Completed{Path: r.restore.GetLocation(), Kind: m.Kind}).Root())
}

// bytes reads a file, or the part of one, that is small.
func (r *restoring) bytes(ctx context.Context, m *snapshot.Metadata, f *snapshot.FileRef) ([]byte, error) {
	if f.GetName() == "" {
		return f.GetInline(), nil
	}
	store, err := r.storeOf(m, f)
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	err = f.CopyTo(ctx, store, &data)
	return data.Bytes(), err
}

// download gives a table a path on this machine: a further name where the store is in files here, else a copy. Where there are no local
// folders it is read into memory, and neither is needed for one that is inline.
func (r *restoring) download(ctx context.Context, m *snapshot.Metadata, f *snapshot.FileRef) (path string, content []byte, err error) {
	if f.GetName() == "" {
		return "", nil, nil
	}
	if r.folder == nil {
		content, err = r.bytes(ctx, m, f)
		return "", content, err
	}
	store, err := r.storeOf(m, f)
	if err != nil {
		return "", nil, err
	}
	folder, err := r.folder()
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(folder, ident.NewID().String())
	if linked, err := link(ctx, store, f, path); linked || err != nil {
		return path, nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", nil, err
	}
	return path, nil, errors.Join(f.CopyTo(ctx, store, file), file.Close())
}

// link reports whether the file of a reference has got a further name. Its contents are checked all the same.
func link(ctx context.Context, store storage.Store, f *snapshot.FileRef, path string) (linked bool, err error) {
	linker, local := store.(storage.Linker)
	if !local {
		return false, nil
	}
	object, err := store.Stat(ctx, f.Name)
	if err != nil || uint64(object.Size) != f.Length || f.Offset != 0 {
		return false, err
	}
	if err := linker.LinkOut(ctx, f.Name, path); errors.Is(err, storage.Refused) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return true, f.Check(ctx, store)
}
