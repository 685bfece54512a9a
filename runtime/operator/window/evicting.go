package window

import (
	"iter"

	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

// stamped is a record with its timestamp, element.NoTimestamp if it has none.
type stamped[T any] struct {
	Timestamp int64
	Value     T
}

// evictable keeps all records with their timestamps and has an evictor remove some whenever the window fires.
type evictable[K comparable, In, Out any] struct {
	user    any
	process func(*operator.WindowContext[K], iter.Seq[In], operator.Collector[Out]) error
	evictor operator.Evictor
	state   struct {
		Contents state.List[stamped[In]] `state:"window/contents"`
	}
	cell       state.ListCell
	values     []In
	timestamps []int64
	lifted     []stamped[In]
}

func (e *evictable[K, In, Out]) handles() any  { return &e.state }
func (e *evictable[K, In, Out]) function() any { return e.user }

func (e *evictable[K, In, Out]) open(store state.Store) { e.cell = store.List(0) }

func (e *evictable[K, In, Out]) add(value In, timestamp int64) bool {
	_, some := e.cell.Chunk(0)
	e.state.Contents.Add(stamped[In]{timestamp, value})
	return !some
}

func (e *evictable[K, In, Out]) fire(ctx *operator.WindowContext[K], out operator.Collector[Out]) error {
	e.load()
	if len(e.values) == 0 {
		return nil
	}
	had := len(e.values)
	e.evict(e.evictor.EvictBefore, ctx.Window())
	if err := e.process(ctx, e.each, out); err != nil {
		return err
	}
	e.evict(e.evictor.EvictAfter, ctx.Window())
	if len(e.values) < had {
		e.store()
	}
	clear(e.values)
	return nil
}

func (e *evictable[K, In, Out]) load() {
	e.values, e.timestamps = e.values[:0], e.timestamps[:0]
	for s := range e.state.Contents.Get() {
		e.values, e.timestamps = append(e.values, s.Value), append(e.timestamps, s.Timestamp)
	}
}

func (e *evictable[K, In, Out]) store() {
	e.state.Contents.Clear()
	for i, value := range e.values {
		e.state.Contents.Add(stamped[In]{e.timestamps[i], value})
	}
}

// evict removes what the evictor chooses.
func (e *evictable[K, In, Out]) evict(choose func(*operator.WindowElements), window operator.Window) {
	elements := operator.NewWindowElements(&e.values, e.timestamps, window)
	choose(elements)
	if elements.EvictedCount() == 0 {
		return
	}
	kept := 0
	for i := range e.values {
		if !elements.Evicted(i) {
			e.values[kept], e.timestamps[kept] = e.values[i], e.timestamps[i]
			kept++
		}
	}
	e.values, e.timestamps = e.values[:kept], e.timestamps[:kept]
}

func (e *evictable[K, In, Out]) each(yield func(In) bool) {
	for _, value := range e.values {
		if !yield(value) {
			return
		}
	}
}

func (e *evictable[K, In, Out]) clear()         { e.state.Contents.Clear() }
func (e *evictable[K, In, Out]) canMerge() bool { return true }

func (e *evictable[K, In, Out]) lift() {
	e.lifted = e.state.Contents.Slice()
	e.state.Contents.Clear()
}

func (e *evictable[K, In, Out]) drop() {
	e.state.Contents.AddAll(e.lifted)
	e.lifted = nil
}
