package stream

import (
	"errors"
	"fmt"
	"time"

	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/operator"
	general "github.com/weir-stream/weir/runtime/operator/window"
)

// Contracts of window functions, which are those of the runtime.
type (
	// ProcessWindowFunction works on the contents of a window each time it fires.
	ProcessWindowFunction[K, In, Out any] = operator.ProcessWindowFunction[K, In, Out]
	// WindowContext is what a window function knows of the window at hand.
	WindowContext[K any] = operator.WindowContext[K]
)

// WindowedStream is a keyed stream whose records of a key are gathered in windows. What is done with them is said by
// ReduceWindow, Aggregate, ProcessWindow and their like. The methods return a stream with a changed setting.
type WindowedStream[K comparable, T any] struct {
	keyed    KeyedStream[K, T]
	assigner window.Assigner
	// newTrigger is nil for the assigner's default, evictor if there is none.
	newTrigger func() window.Trigger
	evictor    window.Evictor
	lateness   time.Duration
	late       OutputTag[T]
	// slicing and preAggregation are allowed, if not necessarily possible.
	slicing, preAggregation bool
	// all says that there is one key for all records.
	all bool
}

// Window gathers the records of each key in windows.
func Window[K comparable, T any](s KeyedStream[K, T], assigner window.Assigner) WindowedStream[K, T] {
	settings := s.stream.env.settings
	return WindowedStream[K, T]{
		keyed: s, assigner: assigner,
		slicing:        config.Get(settings, config.WindowSlicing),
		preAggregation: config.Get(settings, config.WindowPreAggregation),
	}
}

// CountWindow gathers each size records of a key in a window of their own. What is left at the end of the input is dropped.
func CountWindow[K comparable, T any](s KeyedStream[K, T], size int) WindowedStream[K, T] {
	return Window(s, window.Global()).Trigger(window.Purging(window.EveryCount(int64(size))))
}

// CountWindowSliding takes the last size records of a key at every slide-th of them. The first windows have fewer.
func CountWindowSliding[K comparable, T any](s KeyedStream[K, T], size, slide int) WindowedStream[K, T] {
	return slidingCount(Window(s, window.Global()), "CountWindowSliding", size, slide)
}

func slidingCount[K comparable, T any](w WindowedStream[K, T], name string, size, slide int) WindowedStream[K, T] {
	if size <= 0 {
		w.keyed.stream.env.problem("%s: size %d: it must be positive", name, size)
	}
	return w.Evictor(window.KeepCount(size)).Trigger(window.EveryCount(int64(slide)))
}

// All is the key of records that are not told apart by one.
type All struct{}

// WindowAll gathers all records of a stream in windows, in one subtask.
func WindowAll[T any](s DataStream[T], assigner window.Assigner) WindowedStream[All, T] {
	w := Window(KeyBy(s, func(T) All { return All{} }), assigner)
	w.all = true
	return w
}

// CountWindowAll gathers each size records of a stream in a window of their own, in one subtask.
func CountWindowAll[T any](s DataStream[T], size int) WindowedStream[All, T] {
	return WindowAll(s, window.Global()).Trigger(window.Purging(window.EveryCount(int64(size))))
}

// CountWindowAllSliding takes the last size records of a stream at every slide-th of them, in one subtask. The first windows have fewer.
func CountWindowAllSliding[T any](s DataStream[T], size, slide int) WindowedStream[All, T] {
	return slidingCount(WindowAll(s, window.Global()), "CountWindowAllSliding", size, slide)
}

// Trigger decides when windows fire, in place of the assigner's default. NewTrigger makes one for each subtask, and one while the
// graph is built; window.EveryCount and its like return one.
func (w WindowedStream[K, T]) Trigger(newTrigger func() window.Trigger) WindowedStream[K, T] {
	w.newTrigger = newTrigger
	return w
}

// Evictor drops elements from windows when they fire. Windows then hold all their elements, also below an aggregation.
func (w WindowedStream[K, T]) Evictor(evictor window.Evictor) WindowedStream[K, T] {
	w.evictor = evictor
	return w
}

// AllowedLateness keeps windows of event time that long after the watermark has reached their end. A late record fires its
// window again, with all its contents. It means nothing in processing time.
func (w WindowedStream[K, T]) AllowedLateness(lateness time.Duration) WindowedStream[K, T] {
	w.lateness = lateness
	return w
}

// SideOutputLateData emits records that come too late for all their windows to a side output, see SideOutput. Without it they are
// counted in the metric numLateRecordsDropped, and dropped.
func (w WindowedStream[K, T]) SideOutputLateData(tag OutputTag[T]) WindowedStream[K, T] {
	w.late = tag
	return w
}

// WithoutSlicing keeps an accumulator for each window. By default, tumbling and sliding windows with the default trigger and no
// evictor keep accumulators for slices of time instead, which overlapping windows share if the aggregate has a Merge: the
// same results, at a cost that does not grow with the overlap. It also leaves sessions of a fixed gap to the general operator.
func (w WindowedStream[K, T]) WithoutSlicing() WindowedStream[K, T] {
	w.slicing = false
	return w
}

// WithoutPreAggregation sends each record to the subtask of its key. By default, subtasks aggregate the records that they are about to
// send to windows that could be sliced, up to the next watermark, and send the accumulators.
func (w WindowedStream[K, T]) WithoutPreAggregation() WindowedStream[K, T] {
	w.preAggregation = false
	return w
}

// general is the configuration of the operator that does everything.
func generalWindow[K comparable, In, Out any](w WindowedStream[K, In], contents general.Contents[K, In, Out]) general.Config[K, In, Out] {
	return general.Config[K, In, Out]{
		Stream: w.keyed.by(), Assigner: w.assigner, NewTrigger: w.newTrigger, Evictor: w.evictor,
		Lateness: w.lateness.Milliseconds(), Late: w.late, Contents: contents,
	}
}

// windowed adds the operator of a window.
func windowed[K comparable, In, Out any](w WindowedStream[K, In], name string, contents general.Contents[K, In, Out]) DataStream[Out] {
	c := generalWindow(w, contents)
	states, err := c.Describe()
	if err = errors.Join(err, w.check()); err != nil {
		w.keyed.stream.env.problem("%s: %w", name, err)
		return nothing[Out](w.keyed.stream.env)
	}
	node, out := stateful[K, In, Out](w.keyed, "window", name, c.Factory())
	node.State = states
	w.place(node, c.Trigger())
	return out
}

// nothing is the stream of an operator that could not be made; the program has a problem that says why.
func nothing[T any](env *Environment) DataStream[T] { return streamOf[T](env, new(graph.StreamNode)) }

// check finds what only the whole of the settings tells.
func (w WindowedStream[K, T]) check() error {
	if w.lateness%time.Millisecond != 0 {
		return fmt.Errorf("allowed lateness %v: it must be whole milliseconds", w.lateness)
	}
	return nil
}

// place tells the graph what the operator of the window needs.
func (w WindowedStream[K, T]) place(node *graph.StreamNode, trigger window.Trigger) {
	if w.all {
		node.Parallelism, node.FixedParallelism = 1, true
	}
	node.NeedsWatermarks = w.assigner.TimeDomain() == operator.EventTime
	_, endless := w.assigner.(window.Globals)
	if endless && firesInEventTime(trigger) {
		node.NeedsWatermarks = true
		node.NeverEnds = "its trigger fires at every interval of event time, and its windows are global, which have no end"
	}
}

// firesInEventTime reports whether a trigger fires at every interval of event time.
func firesInEventTime(trigger window.Trigger) bool {
	if continuous, ok := trigger.(operator.ContinuousTrigger); ok && continuous.FiresContinuously(operator.EventTime) {
		return true
	}
	if wrapping, ok := trigger.(window.WrappingTrigger); ok {
		for _, inner := range wrapping.Wrapped() {
			if firesInEventTime(inner) {
				return true
			}
		}
	}
	return false
}
