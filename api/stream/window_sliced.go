package stream

import (
	"errors"
	"iter"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/process"
	"github.com/weir-stream/weir/runtime/operator/window/session"
	"github.com/weir-stream/weir/runtime/operator/window/sliced"
)

// slices returns how the windows could be sliced: they are the same for all keys, and fire at their ends only, with all they have.
func (w WindowedStream[K, T]) slices() (aligned window.AlignedAssigner, ok bool) {
	aligned, ok = w.assigner.(window.AlignedAssigner)
	return aligned, ok && w.newTrigger == nil && w.evictor == nil
}

// hasState reports whether a window function keeps state, or wants to know when windows go: slices know nothing of either. It is
// also true of a function that cannot be used: the general operator says what is wrong with it.
func hasState[K any](function any) bool {
	perKey, perWindow, err := operator.WindowFields(function)
	_, clears := function.(operator.WindowClearer[K])
	return err != nil || len(perKey)+len(perWindow) > 0 || clears || process.CheckWindow[K](function) != nil
}

// slicedConfig is the configuration of the operator that keeps slices, if it can do what is asked for.
func slicedConfig[K comparable, In, Acc, Res, Out any](w WindowedStream[K, In], fold windowFold[In, Acc, Res], newFunction func() operator.ProcessWindowFunction[K, Res, Out]) (c sliced.Config[K, In, Acc, Out], ok bool) {
	aligned, ok := w.slices()
	if !ok || hasState[K](newFunction()) {
		return c, false
	}
	accumulators, err := codec.For[Acc]()
	if err != nil {
		return c, false // the general operator says what is wrong
	}
	c = sliced.Config[K, In, Acc, Out]{
		Stream: w.keyed.by(), ProcessingTime: aligned.TimeDomain() == operator.ProcessingTime,
		Lateness: w.lateness.Milliseconds(), Late: w.late,
		Accumulators: accumulators, Add: fold.Add, Merge: fold.Merge, New: resultsOf(fold.Result, newFunction),
	}
	c.Size, c.Slide, c.Offset = aligned.Aligned()
	return c, !c.Overlap() || fold.Merge != nil && !fold.ordered
}

// sessionConfig is the configuration of the operator that keeps a session in one entry of its key, if it can do what is asked for.
func sessionConfig[K comparable, In, Acc, Res, Out any](w WindowedStream[K, In], fold windowFold[In, Acc, Res], newFunction func() operator.ProcessWindowFunction[K, Res, Out]) (c session.Config[K, In, Acc, Out], ok bool) {
	sessions, ok := w.assigner.(window.Sessions)
	if !ok || w.newTrigger != nil || w.evictor != nil || fold.Merge == nil || fold.ordered || hasState[K](newFunction()) {
		return c, false
	}
	c = session.Config[K, In, Acc, Out]{
		Stream: w.keyed.by(), Gap: sessions.Gap(), ProcessingTime: sessions.TimeDomain() == operator.ProcessingTime,
		Lateness: w.lateness.Milliseconds(), Late: w.late,
		Add: fold.Add, Merge: fold.Merge, New: resultsOf(fold.Result, newFunction),
	}
	fits, err := c.Fits()
	return c, fits && err == nil && w.check() == nil && sessions.Check() == nil
}

// sessionWindow adds the operator that keeps a session in one entry of its key.
func sessionWindow[K comparable, In, Acc, Out any](w WindowedStream[K, In], name string, c session.Config[K, In, Acc, Out]) DataStream[Out] {
	node, out := stateful[K, In, Out](w.keyed, "session window", name, c.Factory())
	node.State = c.States()
	w.place(node, w.assigner.NewDefaultTrigger())
	return out
}

// resultsOf has a window function called with the results of accumulators.
func resultsOf[K comparable, Acc, Res, Out any](result func(*Acc) Res, newFunction func() operator.ProcessWindowFunction[K, Res, Out]) func(*operator.Context, *operator.SideOutputs) (sliced.Function[K, Acc, Out], error) {
	return func(ctx *operator.Context, sides *operator.SideOutputs) (sliced.Function[K, Acc, Out], error) {
		return &slicedFunction[K, Acc, Res, Out]{result: result, user: newFunction(), context: operator.NewWindowContext[K](ctx, sides)}, nil
	}
}

// slicedFunction calls a window function with the result of an accumulator.
type slicedFunction[K comparable, Acc, Res, Out any] struct {
	result  func(*Acc) Res
	user    operator.ProcessWindowFunction[K, Res, Out]
	context *operator.WindowContext[K]
	// current is the result at hand, and only iterates over it.
	current Res
	only    iter.Seq[Res]
}

// Fire implements sliced.Function.
func (f *slicedFunction[K, Acc, Res, Out]) Fire(firing *sliced.Firing[K], acc *Acc, out operator.Collector[Out]) error {
	if f.only == nil {
		f.only = func(yield func(Res) bool) { yield(f.current) }
	}
	f.context.At(firing.Key, firing.Window)
	f.context.SetWatermark(firing.Watermark)
	f.current = f.result(acc)
	return f.user.Process(f.context, f.only, out)
}

// Open implements operator.Opener.
func (f *slicedFunction[K, Acc, Res, Out]) Open(ctx RuntimeContext) error {
	if user, ok := f.user.(operator.Opener); ok {
		return user.Open(ctx)
	}
	return nil
}

// Close implements operator.Closer.
func (f *slicedFunction[K, Acc, Res, Out]) Close() error {
	if user, ok := f.user.(operator.Closer); ok {
		return user.Close()
	}
	return nil
}

// NotifyCheckpointComplete implements operator.CompleteListener.
func (f *slicedFunction[K, Acc, Res, Out]) NotifyCheckpointComplete(checkpoint int64) error {
	return operator.NotifyComplete(f.user, ident.CheckpointID(checkpoint))
}

// NotifyCheckpointAborted implements operator.AbortListener.
func (f *slicedFunction[K, Acc, Res, Out]) NotifyCheckpointAborted(checkpoint int64) error {
	return operator.NotifyAborted(f.user, ident.CheckpointID(checkpoint))
}

// slicedWindow adds the operator that keeps slices and, where possible, one before the shuffle.
func slicedWindow[K comparable, In, Acc, Out any](w WindowedStream[K, In], name string, c sliced.Config[K, In, Acc, Out]) DataStream[Out] {
	env := w.keyed.stream.env
	states, lists, err := c.States()
	if err := errors.Join(w.check(), w.assigner.Check(), err); err != nil {
		env.problem("%s: %w", name, err)
		return nothing[Out](env)
	}
	var node *graph.StreamNode
	var out DataStream[Out]
	if w.preAggregation && c.CheckPartial() == nil {
		node, out = stateful[K, sliced.Partial[K, Acc], Out](preAggregated(w, name, c), "sliced window of partials", name, c.Global().Factory())
	} else {
		node, out = stateful[K, In, Out](w.keyed, "sliced window", name, c.Factory())
	}
	node.State, node.Lists = states, lists
	w.place(node, w.assigner.NewDefaultTrigger())
	return out
}

// preAggregated adds the operators that aggregate before the shuffle: one behind each origin of the stream, in as many subtasks,
// so that they are chained to it.
func preAggregated[K comparable, In, Acc, Out any](w WindowedStream[K, In], name string, c sliced.Config[K, In, Acc, Out]) KeyedStream[K, sliced.Partial[K, Acc]] {
	type partial = sliced.Partial[K, Acc]
	env := w.keyed.stream.env
	partials := DataStream[partial]{env: env}
	for _, p := range w.keyed.stream.parts {
		node := env.add(&graph.StreamNode{
			Name: name + " (before the shuffle)", Kind: "window pre-aggregation", InTypes: []string{typeName[In]()}, OutType: typeName[partial](),
			NewCopy: copier[partial], Factory: c.Local(),
			Parallelism: p.node.Parallelism, FixedParallelism: p.node.FixedParallelism, ParallelismLimit: p.node.ParallelismLimit,
		})
		p.partitioning, p.unset, p.edgeType = graph.Forward, true, edge[In]{}
		DataStream[In]{env: env, parts: []part{p}}.connect(node, 0)
		partials.parts = append(partials.parts, part{node: node, unset: true, edgeType: edge[partial]{}})
	}
	selector := func(p partial) K { return p.Key }
	return KeyedStream[K, partial]{
		stream:   partials.partitioned(graph.Hash, keyEdge[K, partial]{selector: selector, key: w.keyed.key}),
		selector: selector, key: w.keyed.key,
	}
}
