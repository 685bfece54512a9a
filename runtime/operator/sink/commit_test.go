package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
)

// twoPhase is a sink, its writer and its committer: each Flush prepares what was written under the next number.
type twoPhase struct {
	writer
	prepared int
	persist  func(context.Context) error
	commit   func(r *connector.CommitRequest)
	asked    []string
	callAt   func(int64)
	timed    int
}

func (s *twoPhase) NewWriter(ctx connector.WriterContext) (connector.Writer[int64], error) {
	s.callAt = ctx.CallAt
	return s, nil
}
func (s *twoPhase) NewCommitter(connector.CommitterContext) (connector.Committer, error) {
	return s, nil
}
func (s *twoPhase) PrepareCommit() ([]connector.Committable, error) {
	if len(s.got) == 0 {
		return nil, nil
	}
	c := connector.Committable{ID: fmt.Sprint("tx", s.prepared), State: []byte(fmt.Sprint(s.got)), Persist: s.persist}
	s.prepared++
	s.got = nil
	return []connector.Committable{c}, nil
}
func (s *twoPhase) Commit(_ context.Context, requests []*connector.CommitRequest) error {
	for _, r := range requests {
		s.asked = append(s.asked, r.ID+string(r.State))
		if s.commit != nil {
			s.commit(r)
		}
	}
	return nil
}
func (s *twoPhase) OnProcessingTime(int64) error { s.timed++; return nil }

// taskWithClock turns the clock while it waits.
type taskWithClock struct {
	*operatortest.Task
	clock *clock.Manual
}

func (t taskWithClock) Await(done func() bool) error {
	for !done() {
		t.clock.Advance(100 * time.Millisecond)
	}
	return nil
}

// bench is a sink operator with a clock.
type bench struct {
	t     *testing.T
	ctx   *operator.Context
	clock *clock.Manual
	op    *writing[int64]
	call  int64
}

func newBench(t *testing.T, sink connector.Sink[int64], checkpointing bool, restored ...*snapshot.Operator) (*bench, error) {
	b := &bench{t: t, ctx: operatortest.Context(t, "two"), call: operator.NoCall}
	b.clock = b.ctx.Clock.(*clock.Manual)
	b.ctx.Checkpointing, b.ctx.Restored = checkpointing, restored
	b.ctx.CallAt = func(at int64) { b.call = at }
	b.ctx.Task = taskWithClock{b.ctx.Task.(*operatortest.Task), b.clock}
	instance, err := Operator(sink)(b.ctx, operator.Outputs{})
	if err != nil {
		return nil, err
	}
	b.op = instance.Operator.(*writing[int64])
	return b, b.op.Open()
}

func mustBench(t *testing.T, sink connector.Sink[int64], checkpointing bool, restored ...*snapshot.Operator) *bench {
	t.Helper()
	b, err := newBench(t, sink, checkpointing, restored...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) write(values ...int64) {
	b.t.Helper()
	b.ok(b.op.Process(operatortest.Batch(values...)))
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) mark(id ident.CheckpointID) operator.Capture {
	b.t.Helper()
	b.ok(b.op.PrepareBarrier(id))
	c, err := b.op.Mark(snapshot.MarkChanges)
	b.ok(err)
	return c
}

func (b *bench) checkpoint(id ident.CheckpointID) *snapshot.Operator {
	b.t.Helper()
	state, err := b.mark(id).Write(context.Background(), "", nil)
	b.ok(err)
	return state
}

// pass turns the clock to the next call, and makes it.
func (b *bench) pass() error {
	b.t.Helper()
	at := b.call
	if at == operator.NoCall {
		b.t.Fatal("no call is wanted")
	}
	b.call = operator.NoCall
	b.clock.Advance(time.UnixMilli(at).Sub(b.clock.Now()))
	return b.op.OnProcessingTime(at)
}

func (b *bench) asked(s *twoPhase, want ...string) {
	b.t.Helper()
	if !slices.Equal(s.asked, want) {
		b.t.Fatalf("asked to commit %q, want %q", s.asked, want)
	}
	s.asked = nil
}

func TestACheckpointCommitsWhatItHasAndNoMore(t *testing.T) {
	s := &twoPhase{}
	b := mustBench(t, s, true)
	b.write(1)
	b.checkpoint(3)
	b.write(2)
	b.checkpoint(4)
	b.write(3)
	b.ok(b.op.CheckpointComplete(2)) // of an earlier attempt
	b.asked(s)
	b.ok(b.op.CheckpointComplete(3))
	b.asked(s, "tx0[1]")
	b.ok(b.op.CheckpointAborted(4))
	b.checkpoint(5)
	b.ok(b.op.CheckpointComplete(5)) // what the aborted one had is in it
	b.asked(s, "tx1[2]", "tx2[3]")
	if state := b.checkpoint(6); len(state.Lists[0].Elements) != 0 {
		t.Errorf("%d committables after all were committed", len(state.Lists[0].Elements))
	}
	b.write(4)
	b.ok(b.op.Drain())
	b.asked(s)
}

func TestWhatASnapshotHasIsCommittedFirst(t *testing.T) {
	s := &twoPhase{}
	b := mustBench(t, s, true)
	b.write(1)
	b.checkpoint(3)
	b.write(2)
	state := b.checkpoint(4)
	for _, c := range []struct {
		subtask, parallelism int
		want                 []string
	}{{0, 1, []string{"tx0[1]", "tx1[2]"}}, {0, 2, []string{"tx0[1]", "tx1[2]"}}, {1, 3, []string{"tx1[2]"}}} {
		again := &twoPhase{}
		again.commit = func(r *connector.CommitRequest) {
			if !r.Restored() || len(again.calls) > 0 {
				t.Errorf("restored: %v, calls before the commit: %v", r.Restored(), again.calls)
			}
		}
		b := &bench{t: t, ctx: operatortest.Context(t, "two")}
		b.ctx.Checkpointing, b.ctx.Subtask, b.ctx.Parallelism = true, c.subtask, c.parallelism
		b.ctx.Restored = []*snapshot.Operator{state, {}}[:min(2, c.parallelism)] // at 3 the two are dealt out
		instance, err := Operator[int64](again)(b.ctx, operator.Outputs{})
		b.ok(err)
		b.ok(instance.Operator.Open())
		b.asked(again, c.want...)
	}
}

func TestTheEndIsCommittedByTheLastCheckpoint(t *testing.T) {
	s := &twoPhase{}
	busy := 3
	s.commit = func(r *connector.CommitRequest) {
		if busy--; busy >= 0 {
			r.Retry(errors.New("busy"))
		}
	}
	b := mustBench(t, s, true)
	b.write(1)
	b.ok(b.op.Finish())
	b.checkpoint(7)
	b.asked(s)
	b.ok(b.op.CheckpointComplete(7)) // after which nobody calls any more
	b.asked(s, "tx0[1]", "tx0[1]", "tx0[1]", "tx0[1]")
	if n := slices.Index(s.calls, "flush"); n >= 0 {
		t.Errorf("flushed after the end: %v", s.calls)
	}
}

// TestTheSavepointOfAStopIsCommittedAtOnce: after its notice nobody calls any more. Other checkpoints leave what is put off to a later call.
func TestTheSavepointOfAStopIsCommittedAtOnce(t *testing.T) {
	s := &twoPhase{}
	busy := 0
	s.commit = func(r *connector.CommitRequest) {
		if busy--; busy >= 0 {
			r.Retry(errors.New("busy"))
		}
	}
	b := mustBench(t, s, true)
	b.write(1)
	b.checkpoint(7)
	b.write(2)
	b.checkpoint(8)
	b.ctx.Stopped = 8
	busy = 1
	b.ok(b.op.CheckpointComplete(7))
	b.asked(s, "tx0[1]")
	busy = 2
	b.ok(b.op.CheckpointComplete(8))
	b.asked(s, "tx0[1]", "tx1[2]", "tx0[1]", "tx1[2]")
}

// TestTheSavepointOfAStopIsCommittedForAll is the same for a global committer.
func TestTheSavepointOfAStopIsCommittedForAll(t *testing.T) {
	s := &twoPhase{}
	busy := 2
	s.commit = func(r *connector.CommitRequest) {
		if busy--; busy >= 0 {
			r.Retry(errors.New("busy"))
		}
	}
	ctx := operatortest.Context(t, "global")
	ctx.Checkpointing = true
	ctx.Task = taskWithClock{ctx.Task.(*operatortest.Task), ctx.Clock.(*clock.Manual)}
	instance, err := GlobalCommitter(committingForAll{s}, "global")(ctx, operator.Outputs{})
	if err != nil {
		t.Fatal(err)
	}
	g := instance.Operator.(*globalCommitter)
	b := &bench{t: t}
	b.ok(g.Open())
	b.ok(g.Process(operatortest.Batch(encodeCommittable(connector.Committable{ID: "tx"}))))
	b.ok(g.PrepareBarrier(8))
	ctx.Stopped = 8
	b.ok(g.CheckpointComplete(8))
	b.asked(s, "tx", "tx", "tx")
}

// committingForAll is a sink whose global committer is s.
type committingForAll struct{ s *twoPhase }

func (c committingForAll) NewGlobalCommitter(connector.CommitterContext) (connector.Committer, error) {
	return c.s, nil
}

func TestWithoutCheckpointsTheEndIsCommittedAtOnce(t *testing.T) {
	for name, end := range map[string]func(b *bench) error{
		"finish": func(b *bench) error { return b.op.Finish() }, "drain": func(b *bench) error { return b.op.Drain() },
	} {
		persisted, s := 0, &twoPhase{}
		s.persist = func(context.Context) error { persisted++; return nil }
		s.commit = func(*connector.CommitRequest) {
			if persisted != 1 {
				t.Errorf("%s: persisted %d times before the commit", name, persisted)
			}
		}
		b := mustBench(t, s, false)
		b.write(1)
		b.ok(end(b))
		b.asked(s, "tx0[1]")
	}
}

func TestOutcomes(t *testing.T) {
	s, busy := &twoPhase{}, errors.New("busy")
	b := mustBench(t, s, true)
	s.commit = func(r *connector.CommitRequest) {
		switch r.ID {
		case "tx0":
			r.Retry(busy)
		case "tx1":
			r.Discard(errors.New("gone"))
		case "tx2":
			r.AlreadyCommitted()
		}
	}
	for i := range 4 {
		b.write(int64(i))
		b.ok(b.op.PrepareBarrier(ident.CheckpointID(i + 1)))
	}
	b.ok(b.op.CheckpointComplete(4))
	b.asked(s, "tx0[0]", "tx1[1]", "tx2[2]", "tx3[3]")
	if state := b.checkpoint(5); len(state.Lists[0].Elements) != 1 {
		t.Errorf("%d committables wait, want the one that is put off", len(state.Lists[0].Elements))
	}
	b.write(9)
	b.checkpoint(6)
	b.ok(b.op.CheckpointComplete(5)) // not 6
	b.asked(s, "tx0[0]")
	var err error
	for range mostRetries {
		if err = b.pass(); err != nil {
			break
		}
	}
	if !errors.Is(err, busy) || !strings.Contains(err.Error(), "tx0: given up after 10 retries") || len(s.asked) != mostRetries-1 {
		t.Errorf("%v after %d calls", err, len(s.asked))
	}
	c := b.op.commits
	for name, n := range map[string][2]int64{
		"total": {c.total.Count(), 5}, "successful": {c.successful.Count(), 1}, "already": {c.already.Count(), 1},
		"failed": {c.failed.Count(), 1}, "retried": {c.retried.Count(), 11},
	} {
		if n[0] != n[1] {
			t.Errorf("%s: %d, want %d", name, n[0], n[1])
		}
	}
}

func TestDurabilityIsTriedAgain(t *testing.T) {
	full, s := errors.New("full"), &twoPhase{}
	tries := 0
	s.persist = func(context.Context) error {
		if tries++; tries == 1 {
			return full
		}
		return nil
	}
	b := mustBench(t, s, true)
	b.write(1)
	if _, err := b.mark(1).Write(context.Background(), "", nil); !errors.Is(err, full) || !strings.Contains(err.Error(), "tx0") {
		t.Fatal(err)
	}
	b.checkpoint(2)
	b.checkpoint(3)
	if tries != 2 {
		t.Errorf("made durable %d times", tries)
	}
	b.ok(b.op.CheckpointComplete(3))
	b.asked(s, "tx0[1]")
}

func TestWriterAndRetryShareTheCall(t *testing.T) {
	s := &twoPhase{}
	b := mustBench(t, s, true)
	now := b.ctx.Now()
	s.callAt(now + 1500)
	s.commit = func(r *connector.CommitRequest) { r.Retry(errors.New("busy")) }
	b.write(1)
	b.checkpoint(1)
	b.ok(b.op.CheckpointComplete(1))
	s.commit = nil
	for _, want := range []struct {
		at    int64
		timed int
		asked int
	}{{1000, 0, 2}, {1500, 1, 2}} {
		if b.call != now+want.at {
			t.Fatalf("a call is wanted at %d, want %d", b.call-now, want.at)
		}
		if b.ok(b.pass()); s.timed != want.timed || len(s.asked) != want.asked {
			t.Errorf("%d calls of the writer, %d commits", s.timed, len(s.asked))
		}
	}
	if b.call != operator.NoCall {
		t.Error("another call is wanted")
	}
}

// half has one half of the contract.
type half struct{ *twoPhase }

func (h half) NewWriter(ctx connector.WriterContext) (connector.Writer[int64], error) {
	return &writer{}, nil
}

type otherHalf struct{ *writer }

func (h otherHalf) NewWriter(ctx connector.WriterContext) (connector.Writer[int64], error) {
	return &twoPhase{}, nil
}

type global struct{ *twoPhase }

func (global) NewGlobalCommitter(connector.CommitterContext) (connector.Committer, error) {
	return nil, nil
}

func TestSinksThatCannotBe(t *testing.T) {
	waiting := &snapshot.Operator{Lists: []snapshot.List{{Name: CommittableState, Elements: [][]byte{encodeCommittable(connector.Committable{ID: "a"})}}}}
	state := &snapshot.Operator{Lists: []snapshot.List{{Name: writerState, Elements: [][]byte{{1}}}}}
	damaged := &snapshot.Operator{Lists: []snapshot.List{{Name: CommittableState, Elements: [][]byte{{9}}}}}
	union := &snapshot.Operator{Lists: []snapshot.List{{Name: CommittableState, Redistribution: snapshot.Union}}}
	for _, c := range []struct {
		sink     connector.Sink[int64]
		restored *snapshot.Operator
		want     string
	}{
		{half{&twoPhase{}}, nil, "no PrepareCommit"},
		{otherHalf{&writer{}}, nil, "neither NewCommitter"},
		{global{&twoPhase{}}, nil, "one for all"},
		{&writer{}, waiting, "has no committer"},
		{&writer{}, state, "another sink"},
		{&twoPhase{}, damaged, "element 0 of 1"},
		{&twoPhase{}, union, "UNION"},
	} {
		var restored []*snapshot.Operator
		if c.restored != nil {
			restored = append(restored, c.restored)
		}
		if _, err := newBench(t, c.sink, true, restored...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: %v, want %q", c.sink, err, c.want)
		}
	}
}

func FuzzDecodeCommittable(f *testing.F) {
	f.Add(encodeCommittable(connector.Committable{ID: "tx1", State: []byte("state")}))
	f.Add([]byte{committableVersion, 0x80, 0})
	f.Add([]byte{committableVersion, 5, 'a'})
	f.Add([]byte{2, 0})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		if c, err := DecodeCommittable(encoded); err == nil && !bytes.Equal(encodeCommittable(c), encoded) {
			t.Errorf("%q is read as %+v", encoded, c)
		}
	})
}
