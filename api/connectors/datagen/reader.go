package datagen

import (
	"math"
	"slices"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
)

// reader works on all its splits in turn: a job restored with fewer subtasks has several for each, and those of an
// unbounded source never end.
type reader[T any] struct {
	ctx        connector.ReaderContext
	queue      splits.Queue
	fill       func(start int64, out []T)
	timestamps func(T) int64
	pace       pace
	active     []*activeLane
	turn       int
}

type activeLane struct {
	id string
	lane
	paused bool
}

func (r *reader[T]) Open() error {
	r.queue.Request()
	return nil
}

func (r *reader[T]) AddSplits(added []connector.Split) error {
	for _, split := range added {
		l, err := decodeLane(split.State)
		if err != nil {
			return err
		}
		r.active = append(r.active, &activeLane{id: split.ID, lane: l})
	}
	r.queue.Add(nil) // the queue only keeps account of requests here
	return nil
}

func (r *reader[T]) NoMoreSplits() { r.queue.NoMore() }

func (r *reader[T]) Poll(out *connector.Output[T]) (connector.Status, error) {
	if len(r.active) == 0 {
		r.queue.Request()
		return r.queue.Status(), nil
	}
	if r.pace.perSecond > 0 {
		return r.pollPaced(out), nil
	}
	l := r.takeTurn()
	if l == nil {
		return connector.Waiting, nil // until PauseSplits
	}
	out.Split(l.id)
	r.emit(&l.lane, out, math.MaxInt)
	if l.done() {
		r.retire(out)
	}
	return connector.More, nil
}

// takeTurn goes to the next lane that is not paused.
func (r *reader[T]) takeTurn() *activeLane {
	for range r.active {
		l := r.active[r.turn%len(r.active)]
		if r.turn++; !l.paused {
			return l
		}
	}
	return nil
}

// PauseSplits implements connector.SplitPauser.
func (r *reader[T]) PauseSplits(pause, resume []string) {
	for _, l := range r.active {
		l.paused = (l.paused || slices.Contains(pause, l.id)) && !slices.Contains(resume, l.id)
	}
}

// pollPaced emits what is due and sets the alarm for what is due next.
func (r *reader[T]) pollPaced(out *connector.Output[T]) connector.Status {
	now := r.ctx.Clock.Nanos()
	r.pace.begin(now, r.first())
	wake := int64(math.MaxInt64)
	for range r.active {
		l := r.takeTurn()
		if l == nil {
			break
		}
		out.Split(l.id)
		r.emit(&l.lane, out, r.pace.ready(now, l.next, l.stride, out.Room()))
		if !l.done() {
			wake = min(wake, r.pace.wakeAt(now, l.next, l.stride))
		}
	}
	r.retire(out)
	switch {
	case out.Room() == 0 || len(r.active) == 0 || wake <= now:
		return connector.More
	case wake < math.MaxInt64:
		r.ctx.WakeAt(wake)
	}
	return connector.Waiting
}

// first is the lowest index not emitted.
func (r *reader[T]) first() int64 {
	first := int64(math.MaxInt64)
	for _, l := range r.active {
		first = min(first, l.next)
	}
	return first
}

// retire drops the lanes that are done.
func (r *reader[T]) retire(out *connector.Output[T]) {
	kept := r.active[:0]
	for _, l := range r.active {
		if l.done() {
			out.FinishSplit(l.id)
		} else {
			kept = append(kept, l)
		}
	}
	r.active = kept
}

// emit makes the next records of a lane, at most limit.
func (r *reader[T]) emit(l *lane, out *connector.Output[T], limit int) {
	var values []T
	var timestamps []int64
	if r.timestamps == nil {
		values = out.Extend(r.count(l, min(limit, out.Room())))
	} else {
		values, timestamps = out.ExtendAt(r.count(l, min(limit, out.Room())))
	}
	for done := 0; done < len(values); {
		n := min(int(min(l.run(), math.MaxInt32)), len(values)-done)
		r.fill(l.next, values[done:done+n])
		l.advance(int64(n))
		done += n
	}
	for i := range timestamps {
		timestamps[i] = r.timestamps(values[i])
	}
}

// count is how many records the lane has left, at most limit.
func (r *reader[T]) count(l *lane, limit int) int {
	ahead, n := *l, int64(0)
	for n < int64(limit) && !ahead.done() {
		run := min(ahead.run(), int64(limit)-n)
		ahead.advance(run)
		n += run
	}
	return int(n)
}

func (r *reader[T]) Snapshot() ([]connector.Split, error) {
	left := make([]connector.Split, 0, len(r.active))
	for _, l := range r.active {
		left = append(left, connector.Split{ID: l.id, State: l.encode()})
	}
	return left, nil
}

func (r *reader[T]) Close() error { return nil }
