package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

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
	// sleep waits between two tries. It fails when the context is done.
	sleep func(ctx context.Context, d time.Duration) error
	log   *slog.Logger
	// oneByOne keeps it from fetching files at the same time.
	oneByOne bool

	mu sync.Mutex
	// location is that of the snapshot that was read last.
	location string
	metadata *snapshot.Metadata
}

// read returns the metadata of a snapshot. It is not enough that there is one where it is said to be: of a leader that sleeps the checkpoint may
// have been deleted, and one of the same number be there that another leader has begun, and nobody has completed.
func (r *restores) read(ctx context.Context, from *message.Restore) (metadata *snapshot.Metadata, err error) {
	err = r.again(ctx, func() (err error) {
		metadata, err = r.at(ctx, from.GetLocation(), from.GetRoot())
		return err
	})
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
	// folder returns a folder for copies, which lives as long as the attempt; nil where there are no local folders, and tables are read into memory.
	folder func() (string, error)
}

// run reads the state of all operators of the chain, and reports whether they had finished.
func (r *restoring) run(ctx context.Context) (map[ident.OperatorID][]*snapshot.Operator, bool, error) {
	metadata, err := r.read(ctx, r.restore)
	if err != nil {
		return nil, false, fmt.Errorf("restore from %s: %w", r.restore.GetLocation(), err)
	}
	files, ended := r.newFetches(metadata), false
	shares := map[ident.OperatorID]snapshot.Share{}
	for _, op := range r.vertex.Operators {
		before := findOperator(metadata, op.ID)
		if before == nil {
			continue
		}
		all, err := snapshot.Assign(before, r.vertex.Parallelism, r.vertex.MaxParallelism)
		if err != nil {
			return nil, false, fmt.Errorf("restore from %s: %w", r.restore.GetLocation(), err)
		}
		shares[op.ID] = all[r.subtask]
		ended = ended || all[r.subtask].InputEnded
		files.addAll(before, all[r.subtask])
	}
	if err := files.run(ctx); err != nil {
		return nil, false, fmt.Errorf("restore from %s: %w", r.restore.GetLocation(), err)
	}
	states := map[ident.OperatorID][]*snapshot.Operator{}
	for _, op := range r.vertex.Operators {
		share, restored := shares[op.ID]
		if !restored {
			continue
		}
		states[op.ID], err = r.take(files, findOperator(metadata, op.ID), share)
		if err != nil {
			return nil, false, fmt.Errorf("restore operator %q from %s: %w", op.Name, r.restore.GetLocation(), err)
		}
	}
	return states, ended, nil
}

// coordinator reads the state of an operator's coordinator, and reports whether there is one.
func (r *restoring) coordinator(ctx context.Context, id ident.OperatorID) (state []byte, found bool, err error) {
	metadata, err := r.read(ctx, r.restore)
	if err != nil {
		return nil, false, err
	}
	before := findOperator(metadata, id)
	if before.GetCoordinator() == nil {
		return nil, false, nil
	}
	err = r.again(ctx, func() (err error) {
		state, err = r.bytes(ctx, metadata, before.Coordinator)
		return err
	})
	return state, true, err
}

func findOperator(m *snapshot.Metadata, id ident.OperatorID) *snapshot.OperatorState {
	for _, op := range m.Operators {
		if ident.OperatorID(op.Id) == id {
			return op
		}
	}
	return nil
}

// take makes of the files what a subtask needs: of each former subtask the tables with entries of its key groups, and all operator state, of which
// the operator takes its share.
func (r *restoring) take(files *fetches, op *snapshot.OperatorState, share snapshot.Share) ([]*snapshot.Operator, error) {
	states, err := statesOf(op)
	if err != nil {
		return nil, err
	}
	former := make([]*snapshot.Operator, op.Parallelism)
	for i := range former {
		former[i] = &snapshot.Operator{} // of a subtask that had nothing
	}
	for _, s := range op.Subtasks {
		before := &snapshot.Operator{Groups: keygroup.RangeOf(int(op.MaxParallelism), int(op.Parallelism), int(s.Subtask)), States: states}
		for _, keyed := range share.Keyed {
			if keyed.Subtask != s.Subtask {
				continue
			}
			before.Chains = append(before.Chains, r.chain(files, keyed))
		}
		if before.Lists, err = op.UnpackLists(s, files.read); err != nil {
			return nil, err
		}
		former[s.Subtask] = before
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

func (r *restoring) chain(files *fetches, keyed snapshot.KeyedShare) snapshot.Chain {
	chain := snapshot.Chain{Groups: keyed.Groups, Whole: keyed.Whole && r.restore.GetOwned()}
	for _, t := range keyed.Tables {
		local := snapshot.LocalTable{
			Ref: t.File, Changes: t.Changes, Entries: t.Entries,
			Groups: keygroup.Range{First: uint16(t.FirstGroup), Last: uint16(t.LastGroup)},
		}
		if got := files.got[t.File]; got != nil {
			local.Path, local.Content = got.path, got.content
		}
		chain.Tables = append(chain.Tables, local)
	}
	return chain
}

// storeOf returns the store that a reference's name is in.
func (r *restoring) storeOf(m *snapshot.Metadata, f *snapshot.FileRef) (storage.Store, error) {
	if f.GetRoot() != "" {
		return r.open(f.GetRoot())
	}
	return r.open((&snapshot.Completed{Path: r.restore.GetLocation(), Kind: m.Kind}).Root())
}
