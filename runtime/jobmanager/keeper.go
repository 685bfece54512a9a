package jobmanager

import (
	"context"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/checkpoint/journal"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/jobmanager/master"
)

// Keeper carries out what a job's checkpoint coordinator decides, as a JobMaster does, in the goroutine of the caller: for those who run a
// master.Master without an actor. Its methods block for as long as the store does.
type Keeper struct{ checkpoints *checkpoints }

// NewKeeper returns the Keeper of a leader's term. It is nil for a job that neither takes checkpoints nor starts from one. NewID makes all
// random ids.
func NewKeeper(c config.Configuration, open journal.Open, job *graph.JobGraph, newID func() ident.ID) (*Keeper, error) {
	k, err := newCheckpoints(c, open, job)
	if k == nil || err != nil {
		return nil, err
	}
	k.start.Writer.Leader, k.start.NewID = newID(), newID
	k.config.Writer, k.config.NewID = k.start.Writer, newID
	return &Keeper{k}, nil
}

// Claim claims the job's log. Neither a result nor an error says that an earlier run of the job has finished. It may be called again after an
// error.
func (k *Keeper) Claim(ctx context.Context) (*master.Checkpoints, error) {
	c := k.checkpoints.claim(ctx)
	return c.checkpoints, c.err
}

// Carry carries out a command and returns what came of it, nil if nobody waits for that.
func (k *Keeper) Carry(ctx context.Context, command coordinator.Command) coordinator.Event {
	return k.checkpoints.do(ctx, command)
}
