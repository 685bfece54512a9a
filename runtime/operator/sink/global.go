package sink

import (
	"context"
	"fmt"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
)

// GlobalCommitter makes the operator behind the writers of a sink that commits for all of them at once. It runs in one subtask. Its records are
// what the writers prepare, in the encoding of CommittableState; as they come before the barrier of their checkpoint, they are all in the
// operator's state when that is complete.
func GlobalCommitter(sink connector.GlobalCommittingSink, name string) operator.Factory {
	return func(ctx *operator.Context, _ operator.Outputs) (operator.Instance, error) {
		if ctx.Parallelism != 1 {
			return operator.Instance{}, fmt.Errorf("the global committer of sink %q runs in %d subtasks: there can be one", name, ctx.Parallelism)
		}
		committer, err := sink.NewGlobalCommitter(connector.CommitterContext{RuntimeContext: ctx.Runtime(), Clock: ctx.Clock})
		if err != nil {
			return operator.Instance{}, err
		}
		g := &globalCommitter{ctx: ctx, commits: newCommitting(ctx, committer, ctx.CallAt)}
		return operator.Instance{Operator: g, Inputs: []any{operator.Input[[]byte](g)}}, nil
	}
}

type globalCommitter struct {
	ctx     *operator.Context
	commits *committing
	// first and finished are those of writing.
	first    ident.CheckpointID
	finished bool
}

// Open commits what the snapshot has that the job goes on from.
func (g *globalCommitter) Open() error {
	waiting, err := g.ctx.RestoredList(CommittableState)
	if err != nil {
		return err
	}
	return g.commits.restore(waiting)
}

// Process takes what a writer has prepared.
func (g *globalCommitter) Process(batch *element.Batch[[]byte]) error {
	g.ctx.RecordsIn.Add(uint64(batch.Len()))
	prepared := make([]connector.Committable, batch.Len())
	for i, encoded := range batch.Values {
		var err error
		if prepared[i], err = DecodeCommittable(encoded); err != nil {
			return err
		}
	}
	g.commits.take(prepared)
	return nil
}

func (g *globalCommitter) Watermark(int64) error { return nil }
func (g *globalCommitter) Idle(bool) error       { return nil }

// OnProcessingTime implements operator.Timed: what was put off is tried again.
func (g *globalCommitter) OnProcessingTime(int64) (err error) {
	defer g.ctx.Guard(&err)
	return g.commits.commit()
}

// Finish leaves the rest to the last checkpoint, or commits it if there is none.
func (g *globalCommitter) Finish() error {
	g.finished = true
	return g.Drain()
}

// Drain commits where nothing waits for checkpoints, as that of a sink does.
func (g *globalCommitter) Drain() (err error) {
	if g.ctx.Checkpointing {
		return nil
	}
	defer g.ctx.Guard(&err)
	return g.commits.commitAll()
}

// PrepareBarrier implements operator.BarrierPreparer.
func (g *globalCommitter) PrepareBarrier(checkpoint ident.CheckpointID) error {
	if g.first == 0 {
		g.first = checkpoint
	}
	g.commits.stamp(checkpoint)
	return nil
}

// Mark implements operator.Stateful. What the committables stand for is made durable by the writers.
func (g *globalCommitter) Mark(snapshot.MarkKind) (operator.Capture, error) {
	list, _ := g.commits.snapshot()
	return operator.Taken{State: &snapshot.Operator{Groups: g.ctx.KeyGroups, Lists: []snapshot.List{list}}}, nil
}

// CheckpointComplete implements operator.CheckpointListener.
func (g *globalCommitter) CheckpointComplete(checkpoint ident.CheckpointID) (err error) {
	if g.first == 0 || checkpoint < g.first {
		return nil // meant for an earlier attempt
	}
	defer g.ctx.Guard(&err)
	return g.commits.complete(checkpoint, g.finished || checkpoint == g.ctx.Stopped)
}

// CheckpointAborted implements operator.CheckpointListener. What it had is committed with the next one.
func (g *globalCommitter) CheckpointAborted(ident.CheckpointID) error { return nil }

// Close closes the committer.
func (g *globalCommitter) Close() error { return g.commits.committer.Close() }

// handing hands on what a writer prepares to the global committer.
type handing struct {
	ctx  *operator.Context
	next *operator.Buffer[[]byte]
	// sent was handed on and is not known to be durable.
	sent []*entry
}

func newHanding(ctx *operator.Context, out operator.Outputs) *handing {
	return &handing{ctx: ctx, next: operator.NewBuffer(operator.Join[[]byte](out.Main, out.NewCopy), ctx.RecordsOut)}
}

// hand sends committables. In a job without checkpoints nothing waits for them to be durable but this.
func (h *handing) hand(prepared []connector.Committable) error {
	for _, c := range prepared {
		e := &entry{request: connector.NewCommitRequest(c, false)}
		if !h.ctx.Checkpointing {
			if err := persistAll(h.ctx.Go, []*entry{e}); err != nil {
				return err
			}
		} else {
			h.sent = append(h.sent, e)
		}
		h.next.Collector().Collect(encodeCommittable(c))
	}
	return h.next.Flush()
}

// persist returns what makes durable all that was sent before this checkpoint's barrier, and what earlier checkpoints failed to make so.
func (h *handing) persist() func(context.Context) error {
	waiting := h.sent[:0:0]
	for _, e := range h.sent {
		if !e.isDurable() {
			waiting = append(waiting, e)
		}
	}
	h.sent = waiting
	return func(ctx context.Context) error { return persistAll(ctx, waiting) }
}
