package task

import (
	"errors"
	"slices"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
)

// ledger notes what tasks say of checkpoints.
type ledger struct {
	captured map[ident.CheckpointID][]*Captured
	declined []ident.CheckpointID
	ended    []ident.ExecutionID
	// ending counts the tasks that are about to close their operators.
	ending int
}

func newLedger() *ledger { return &ledger{captured: map[ident.CheckpointID][]*Captured{}} }

func (l *ledger) Captured(c *Captured) {
	l.captured[c.Barrier.Checkpoint] = append(l.captured[c.Barrier.Checkpoint], c)
}
func (l *ledger) Declined(_ ident.ExecutionID, id ident.CheckpointID, _ string, _ bool) {
	l.declined = append(l.declined, id)
}
func (l *ledger) InputEnded(of ident.ExecutionID) { l.ended = append(l.ended, of) }

func (l *ledger) Ending() { l.ending++ }

// turns gives every task some turns, and returns how many have ended.
func (p *plant) turns() (over int) {
	for range 20 {
		over = 0
		for _, task := range p.tasks {
			if reason, _ := task.RunUntilBlocked(); reason == Ended {
				over++
			}
		}
	}
	return over
}

// stopBarrier is that of a savepoint to stop with.
func stopBarrier(id ident.CheckpointID, drain bool) *element.Barrier {
	return &element.Barrier{Checkpoint: id, Savepoint: true, ExactlyOnce: true, Stop: true, Drain: drain}
}

// line is a source that waits for word of the test, a task behind it, and a sink, in one task each.
func line(out *basin, read func() bool) *sketch {
	s := &sketch{}
	src := s.source("numbers", func(connector.ReaderContext) connector.Reader[int64] {
		return &script{poll: func(o *connector.Output[int64]) (connector.Status, error) {
			if read != nil && read() {
				o.Emit(7)
			}
			return connector.Waiting, nil
		}}
	})
	apart(s.sink("sink", out.writer, apart(s.op("map", mapping(same), src))))
	return s
}

// TestADrainedJobWaitsForItsSavepoint, also where tasks do not wait for a last checkpoint otherwise. The savepoint of a job that takes others,
// too, is not over with one of those.
func TestADrainedJobWaitsForItsSavepoint(t *testing.T) {
	for _, last := range []bool{false, true} {
		settings := small
		settings.LastCheckpoint = last
		out, told := &basin{}, newLedger()
		p := line(out, nil).buildWith(t, manual(), settings, 1, told).open()
		p.turns()
		before := &element.Barrier{Checkpoint: 4, ExactlyOnce: true}
		p.task("numbers", 0).Trigger(before)
		p.turns()
		b := stopBarrier(5, true)
		p.task("numbers", 0).Trigger(b)
		if over := p.turns(); over != 0 || len(told.captured[5]) != 1 || !told.captured[5][0].InputEnded {
			t.Fatalf("last checkpoint %v: %d tasks have ended before the savepoint, which has %d parts", last, over, len(told.captured[5]))
		}
		if len(told.ended) != 3 || !slices.Equal(out.flushes, []bool{false, true}) {
			t.Fatalf("last checkpoint %v: %d tasks have come to the end of their input, flushes %v", last, len(told.ended), out.flushes)
		}
		for _, task := range p.tasks[1:] {
			task.Trigger(b)
		}
		for _, task := range p.tasks {
			task.CompleteCheckpoint(4)
		}
		if over := p.turns(); over != 0 || len(told.captured[5]) != 3 {
			t.Fatalf("last checkpoint %v: %d tasks have ended before the savepoint is complete, which has %d parts", last, over, len(told.captured[5]))
		}
		for _, task := range p.tasks {
			task.CompleteCheckpoint(5)
		}
		if over := p.turns(); over != 3 {
			t.Fatalf("last checkpoint %v: %d of 3 tasks have ended", last, over)
		}
		for _, task := range p.tasks {
			if task.Err() != nil {
				t.Error(task.Err())
			}
		}
	}
}

// TestAFinishedTaskWaitsForTheSavepointItIsPartOf: what it has captured is not written yet. If the savepoint fails it ends at once.
func TestAFinishedTaskWaitsForTheSavepointItIsPartOf(t *testing.T) {
	for _, fails := range []bool{false, true} {
		var s sketch
		var source *Task
		told := newLedger()
		src := s.source("numbers", func(connector.ReaderContext) connector.Reader[int64] {
			return &script{poll: func(*connector.Output[int64]) (connector.Status, error) {
				source.Trigger(stopBarrier(5, false)) // it comes just before the end of the input is known
				return connector.Ended, nil
			}}
		})
		apart(s.sink("sink", (&basin{}).writer, src))
		p := s.buildWith(t, manual(), small, 1, told).open()
		source = p.task("numbers", 0)
		step(t, source, Idle)
		if parts := told.captured[5]; len(parts) != 1 || !parts[0].InputEnded {
			t.Fatalf("the savepoint has the parts %v", parts)
		}
		if fails {
			source.AbortCheckpoint(5)
		} else {
			source.CompleteCheckpoint(5)
		}
		step(t, source, Ended)
	}
}

// follower is an operator that notes, at each notice of a checkpoint, behind which one its subtask stands still.
type follower struct {
	operator.Base[int64]
	noted []ident.CheckpointID
}

func (f *follower) Process(b *element.Batch[int64]) error { return f.Next.Process(b) }
func (f *follower) CheckpointComplete(ident.CheckpointID) error {
	f.noted = append(f.noted, f.Ctx.Stopped)
	return nil
}
func (f *follower) CheckpointAborted(id ident.CheckpointID) error { return f.CheckpointComplete(id) }

// TestOperatorsKnowThatTheirSubtaskStandsStill and with which checkpoint it ends; nothing is read meanwhile.
func TestOperatorsKnowThatTheirSubtaskStandsStill(t *testing.T) {
	f, told, out, read := &follower{}, newLedger(), &basin{}, 0
	var s sketch
	src := s.source("numbers", func(connector.ReaderContext) connector.Reader[int64] {
		return &script{poll: func(*connector.Output[int64]) (connector.Status, error) {
			read++
			return connector.Waiting, nil
		}}
	})
	follows := s.op("follow", func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		f.Base = operator.NewBase[int64](ctx, out)
		return operator.Instance{Operator: f, Inputs: []any{operator.Input[int64](f)}}, nil
	}, src)
	s.sink("sink", out.writer, follows)
	task := s.buildWith(t, manual(), small, 1, told).open().task("follow", 0)
	step(t, task, Idle)
	task.Trigger(stopBarrier(5, false))
	step(t, task, Idle)
	before := read
	task.CompleteCheckpoint(4)
	step(t, task, Idle)
	if read != before {
		t.Error("it reads behind the barrier")
	}
	task.AbortCheckpoint(5)
	step(t, task, Idle)
	if read == before {
		t.Error("it does not go on")
	}
	task.Trigger(stopBarrier(6, false))
	task.CompleteCheckpoint(6)
	step(t, task, Ended)
	if want := []ident.CheckpointID{5, 0, 6}; !slices.Equal(f.noted, want) {
		t.Errorf("noted %v, want %v", f.noted, want)
	}
}

// TestWhatIsBeingWrittenIsGivenUpBeforeOperatorsClose: a state that is closed while it is read is not a checkpoint's failure.
func TestWhatIsBeingWrittenIsGivenUpBeforeOperatorsClose(t *testing.T) {
	for _, status := range []connector.Status{connector.Ended, connector.Waiting} {
		var s sketch
		told, out := newLedger(), &basin{}
		given := -1
		src := s.source("numbers", func(connector.ReaderContext) connector.Reader[int64] {
			return &script{
				poll: func(*connector.Output[int64]) (connector.Status, error) {
					if status == connector.Waiting {
						return status, errors.New("the source is gone")
					}
					return status, nil
				},
				closed: func() error { given = told.ending; return nil },
			}
		})
		s.sink("sink", out.writer, src)
		s.buildWith(t, manual(), small, 1, told).open().turns()
		if given != 1 {
			t.Errorf("%v: the source was closed when %d tasks had said so", status, given)
		}
	}
}
