package sinktest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/runtime/operator/sink"
	"github.com/weir-stream/weir/state/keygroup"
)

// job is a sink, what a coordinator knows of its checkpoints, and an input of the numbers below records.
type job struct {
	Case
	counts
	t       testing.TB
	random  random
	records int

	runs, attempt int
	subtasks      []*subtask
	// position is the next record, ended says that the subtasks' input has ended.
	position int
	ended    bool
	lastID   ident.CheckpointID
	pending  *pending
	complete complete
	notices  []notice
}

// pending is a checkpoint under way.
type pending struct {
	id       ident.CheckpointID
	position int
	ended    bool
	marked   map[int]bool
	captures []capture
}

type capture struct {
	capture operator.Capture
	state   *snapshot.Operator
}

// complete is the last complete checkpoint.
type complete struct {
	id       ident.CheckpointID
	position int
	ended    bool
	states   []*snapshot.Operator
}

// notice is word of a complete checkpoint on its way to a subtask.
type notice struct {
	subtask int
	id      ident.CheckpointID
}

// subtask is a sink operator and what its task knows.
type subtask struct {
	index  int
	op     operator.Operator
	in     operator.Input[int]
	clock  *clock.Manual
	callAt int64
	told   ident.CheckpointID
	cancel context.CancelFunc
}

func (j *job) newSubtask(id ident.JobID, index, parallelism int) (*subtask, error) {
	c := clock.NewManual(time.Unix(1000, 0))
	s := &subtask{index: index, clock: c, callAt: operator.NoCall}
	group := metrics.NewRegistry(c, func(string) {}).Root(metrics.LevelOperator)
	ctx := &operator.Context{
		Job: id, JobName: "test", Name: "sink", Subtask: index, Parallelism: parallelism, MaxParallelism: 128, Attempt: j.attempt,
		KeyGroups: keygroup.RangeOf(128, parallelism, index), ObjectReuse: true, Checkpointing: true,
		Clock: c, Log: slog.New(slog.DiscardHandler), Metrics: group, RecordsIn: group.Counter("numRecordsIn"),
		Accumulators: new(accumulator.Set), Task: &patient{clock: c}, CallAt: func(at int64) { s.callAt = at }, Restored: j.complete.states,
	}
	ctx.Go, s.cancel = context.WithCancel(context.Background())
	instance, err := sink.Operator[int](interrupted{j.Sink(), j})(ctx, operator.Outputs{})
	if err != nil {
		return nil, err
	}
	s.op, s.in = instance.Operator, instance.Inputs[0].(operator.Input[int])
	return s, nil
}

func (s *subtask) barrier(id ident.CheckpointID) (operator.Capture, error) {
	if err := s.op.(operator.BarrierPreparer).PrepareBarrier(id); err != nil {
		return nil, err
	}
	c, err := s.op.(operator.Stateful).Mark(snapshot.MarkChanges)
	if err == nil {
		for !c.Copy(1) {
		}
	}
	return c, err
}

// tick turns the clock of the subtask, and calls it if it has asked for that.
func (s *subtask) tick(millis int) error {
	s.clock.Advance(time.Duration(millis) * time.Millisecond)
	now := s.clock.Now().UnixMilli()
	if s.callAt > now {
		return nil
	}
	s.callAt = operator.NoCall
	return s.op.(operator.Timed).OnProcessingTime(now)
}

func (s *subtask) close() error {
	s.cancel()
	return s.op.Close()
}

// patient is an operator.Task that turns the clock while it waits.
type patient struct {
	operatortest.Task
	clock *clock.Manual
}

// Await implements operator.Task.
func (p *patient) Await(done func() bool) error {
	for !done() {
		p.clock.Advance(time.Second)
	}
	return nil
}

// interrupted is a sink whose commits are interrupted by crashes now and then.
type interrupted struct {
	connector.Sink[int]
	job *job
}

// NewCommitter implements connector.CommittingSink.
func (s interrupted) NewCommitter(ctx connector.CommitterContext) (connector.Committer, error) {
	c, err := s.Sink.(connector.CommittingSink).NewCommitter(ctx)
	return interruptedCommitter{c, s.job}, err
}

type interruptedCommitter struct {
	connector.Committer
	job *job
}

// Commit implements connector.Committer: it may do its work in part, or all of it and yet fail.
func (c interruptedCommitter) Commit(ctx context.Context, requests []*connector.CommitRequest) error {
	if c.job.crashes >= mostCrashes || c.job.random.below(6) > 0 {
		return c.Committer.Commit(ctx, requests)
	}
	if n := c.job.random.below(len(requests) + 1); n > 0 {
		if err := c.Committer.Commit(ctx, requests[:n]); err != nil {
			return err
		}
	}
	return errCrash
}

// random is a sequence of numbers that a seed determines (splitmix64: Steele, Lea, Flood, OOPSLA 2014).
type random uint64

// below returns a number from 0 up to n, exclusive.
func (r *random) below(n int) int {
	*r += 0x9e3779b97f4a7c15
	x := uint64(*r)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return int((x ^ x>>31) >> 1 % uint64(n))
}
