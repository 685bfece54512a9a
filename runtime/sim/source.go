package sim

import (
	"encoding/binary"
	"fmt"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
)

// numbers is a source of a known number of records, in splits, at a pace.
type numbers struct {
	job  *job
	name string
	side int
}

// Name implements connector.Source.
func (s *numbers) Name() string { return s.name }

// Bounded implements connector.Source.
func (s *numbers) Bounded() bool { return true }

// NewEnumerator implements connector.Source.
func (s *numbers) NewEnumerator(ctx connector.EnumeratorContext) (connector.Enumerator, error) {
	return &enumerator{splits.NewEnumerator(ctx, splits.Plan{List: s.list}), s}, nil
}

// enumerator tells the trace what it is asked.
type enumerator struct {
	*splits.Enumerator
	source *numbers
}

func (e *enumerator) note(format string, args ...any) {
	w := e.source.job.world
	w.note("%s: enumerator of %s "+format, append([]any{w.running.process.name, e.source.name}, args...)...)
}

// RequestSplit implements connector.Enumerator.
func (e *enumerator) RequestSplit(subtask int) error {
	e.note("is asked by %d", subtask)
	return e.Enumerator.RequestSplit(subtask)
}

// AddSplitsBack implements connector.Enumerator.
func (e *enumerator) AddSplitsBack(subtask int, back []connector.Split) error {
	e.note("gets %d splits back from %d", len(back), subtask)
	return e.Enumerator.AddSplitsBack(subtask, back)
}

// Snapshot implements connector.Enumerator.
func (e *enumerator) Snapshot() ([]byte, error) {
	state, err := e.Enumerator.Snapshot()
	e.note("is in a snapshot, %d bytes", len(state))
	return state, err
}

// Restore implements connector.Enumerator.
func (e *enumerator) Restore(state []byte) error {
	e.note("is restored from %d bytes", len(state))
	return e.Enumerator.Restore(state)
}

func (s *numbers) list() (all []connector.Split, err error) {
	for i := range s.job.splits {
		from, to := s.job.records*i/s.job.splits, s.job.records*(i+1)/s.job.splits
		all = append(all, span{from, to}.split(fmt.Sprint(i)))
	}
	return all, nil
}

// span is the records of a split that are left.
type span struct{ from, to int }

func (s span) split(id string) connector.Split {
	return connector.Split{ID: id, State: binary.AppendUvarint(binary.AppendUvarint(nil, uint64(s.from)), uint64(s.to))}
}

func spanOf(split connector.Split) span {
	from, n := binary.Uvarint(split.State)
	to, _ := binary.Uvarint(split.State[n:])
	return span{int(from), int(to)}
}

// NewReader implements connector.Source.
func (s *numbers) NewReader(ctx connector.ReaderContext) (connector.Reader[record], error) {
	return &numbersReader{numbers: s, ctx: ctx, queue: splits.NewQueue(ctx)}, nil
}

type numbersReader struct {
	*numbers
	ctx   connector.ReaderContext
	queue splits.Queue
	// id is the split in hand, "" for none, and left what is left of it.
	id   string
	left span
	// next is when the next record is due, by the clock's Nanos.
	next    int64
	emitted int
}

// Open implements connector.Reader.
func (r *numbersReader) Open() error { r.queue.Request(); return nil }

// AddSplits implements connector.Reader.
func (r *numbersReader) AddSplits(added []connector.Split) error {
	for _, s := range added {
		left := spanOf(s)
		r.note("gets split %s, %d to %d", s.ID, left.from, left.to)
	}
	r.queue.Add(added)
	return nil
}

func (r *numbersReader) note(format string, args ...any) {
	w := r.job.world
	w.note("%s: %s %d "+format, append([]any{w.running.process.name, r.name, r.ctx.Subtask()}, args...)...)
}

// NoMoreSplits implements connector.Reader.
func (r *numbersReader) NoMoreSplits() {
	r.note("gets no more splits")
	r.queue.NoMore()
}

// Poll implements connector.Reader.
func (r *numbersReader) Poll(out *connector.Output[record]) (connector.Status, error) {
	now := r.ctx.Clock.Nanos()
	if r.next == 0 {
		r.next = now
	}
	for out.Room() > 0 {
		if r.next > now {
			r.ctx.WakeAt(r.next)
			return connector.Waiting, nil
		}
		if r.id == "" {
			split, ok := r.queue.Next()
			if !ok {
				r.next = now
				return r.queue.Status(), nil
			}
			r.id, r.left = split.ID, spanOf(split)
		}
		if r.left.from < r.left.to {
			if err := r.job.world.strike(r.name); err != nil {
				return connector.More, err
			}
			out.Split(r.id)
			made := r.job.at(r.side, r.left.from)
			if r.side == audit {
				made = audited(made)
			}
			out.EmitAt(made, made.At)
			r.left.from++
			if r.emitted++; r.emitted%r.job.burst == 0 {
				r.next += int64(r.job.pace) * int64(r.job.burst*r.ctx.Parallelism())
			}
		}
		if r.left.from >= r.left.to {
			out.FinishSplit(r.id)
			r.id = ""
		}
	}
	return connector.More, nil
}

// Snapshot implements connector.Reader.
func (r *numbersReader) Snapshot() (left []connector.Split, err error) {
	if r.id != "" {
		left = append(left, r.left.split(r.id))
	}
	if r.job.world.plant != LoseSplit {
		left = append(left, r.queue.Waiting()...)
	}
	r.note("has %d splits in a snapshot", len(left))
	return left, nil
}

// Close implements connector.Reader.
func (r *numbersReader) Close() error { return nil }
