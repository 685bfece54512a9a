package generator

import (
	"cmp"
	"slices"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
)

// reader makes the events of its generators.
type reader struct {
	source Source
	queue  splits.Queue
	// active are the generators that have events left, in their order.
	active []*active
}

type active struct {
	split string
	index int
	*Generator
}

func (r *reader) Open() error {
	r.queue.Request()
	return nil
}

func (r *reader) AddSplits(added []connector.Split) error {
	for _, split := range added {
		generators, err := r.source.resume(split)
		if err != nil {
			return err
		}
		r.active = append(r.active, generators...)
	}
	slices.SortFunc(r.active, func(a, b *active) int { return cmp.Compare(a.index, b.index) })
	r.queue.Add(nil) // the queue only keeps account of requests here
	return nil
}

func (r *reader) NoMoreSplits() { r.queue.NoMore() }

func (r *reader) Poll(out *connector.Output[Event]) (connector.Status, error) {
	for len(r.active) > 0 && out.Room() > 0 {
		next, run := r.next()
		events, times := out.ExtendAt(int(min(run, int64(out.Room()))))
		next.Fill(events, times)
		if next.Left() == 0 {
			r.active = slices.DeleteFunc(r.active, func(a *active) bool { return a == next })
		}
	}
	if len(r.active) > 0 {
		return connector.More, nil
	}
	r.queue.Request()
	return r.queue.Status(), nil
}

// next is the generator whose turn it is, and how many events it may make until it is another's.
func (r *reader) next() (next *active, run int64) {
	if len(r.active) == 1 {
		return r.active[0], r.active[0].Left()
	}
	next = r.active[0]
	for _, a := range r.active[1:] {
		if a.made < next.made {
			next = a
		}
	}
	return next, 1
}

func (r *reader) Snapshot() ([]connector.Split, error) {
	var left []connector.Split
	for _, a := range r.active {
		at := slices.IndexFunc(left, func(split connector.Split) bool { return split.ID == a.split })
		if at < 0 {
			at = len(left)
			left = append(left, connector.Split{ID: a.split})
		}
		left[at].State = position{a.index, a.made, a.random}.append(left[at].State)
	}
	return left, nil
}

func (r *reader) Close() error { return nil }
