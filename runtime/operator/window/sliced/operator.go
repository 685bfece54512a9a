package sliced

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/state"
)

// stateName is the name of the accumulators' state.
const stateName = "slices"

// States describes the operator's state, for the graph. An error says that a key cannot be one of state.
func (c *Config[K, In, Acc, Out]) States() ([]snapshot.State, []snapshot.List, error) {
	keys := state.Keys[K]{Codec: c.Key}
	states := keyed.DescribePanes(keys, c.descriptors())
	if !c.needsSingles() {
		return states, nil, nil
	}
	windowed, err := state.WindowedKeys(keys)
	if err != nil {
		return nil, nil, err
	}
	states = append(states, keyed.DescribeBackend(windowed, contentsOf(c.Accumulators))...)
	states = append(states, keyed.DescribeTimers(timersName, windowed))
	fired, err := describeFired()
	return states, []snapshot.List{fired}, err
}

func (c *Config[K, In, Acc, Out]) descriptors() []state.Descriptor {
	return []state.Descriptor{state.Describe(stateName, state.KindAggregating, c.Accumulators)}
}

// needsSingles reports whether windows may have to be made anew.
func (c *Config[K, In, Acc, Out]) needsSingles() bool {
	return c.Overlap() || c.Lateness > 0 && !c.ProcessingTime
}

// Factory makes the operator. An error is that of settings which make no sense.
func (c Config[K, In, Acc, Out]) Factory() operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		if err := c.check(); err != nil {
			return operator.Instance{}, err
		}
		base := operator.NewBase[Out](ctx, out)
		w := &windows[K, In, Acc, Out]{
			Base: base, config: c, slicing: newSlicing(c.Size, c.Slide, c.Offset), keys: keyed.Keys[K, In]{Stream: c.Stream},
			out: operator.NewBuffer(base.Next, ctx.RecordsOut), sides: operator.NewSideOutputs(ctx, out),
			dropped: ctx.Metrics.Counter("numLateRecordsDropped"),
			time:    element.NoWatermark, watermark: element.NoWatermark, next: never, called: operator.NoCall, lateness: c.Lateness,
		}
		if c.ProcessingTime {
			w.lateness = 0
		} else if c.Late.Name != "" {
			w.late = c.Late.Buffer(ctx, out)
		}
		descriptor := c.descriptors()[0]
		w.accs = accumulators[Acc]{codec: c.Accumulators, inline: descriptor.Inline > 0}
		var err error
		if w.function, err = c.New(ctx, w.sides); err != nil {
			return operator.Instance{}, err
		}
		return operator.Instance{Operator: w, Inputs: []any{operator.Input[In](w)}}, nil
	}
}

// never is a time that does not come.
const never = int64(math.MaxInt64)

// windows is the operator. A window is due when the time of its domain (the watermark, or the clock as of the last call)
// reaches its last millisecond. Which windows there are follows from the panes, so there are no timers, but for the windows of
// package file restored.go.
type windows[K comparable, In, Acc, Out any] struct {
	operator.Base[Out]
	config Config[K, In, Acc, Out]
	slicing
	lateness int64
	keys     keyed.Keys[K, In]
	store    *keyed.Store
	// panes has a pane for each slice, by its start, until the last window of the slice is gone.
	panes    state.Panes[K]
	accs     accumulators[Acc]
	shares   sharing[K, Acc] // nil where windows do not overlap
	singles  *singles[K, Acc]
	function Function[K, Acc, Out]
	opened   bool
	out      *operator.Buffer[Out]
	sides    *operator.SideOutputs
	late     *operator.Buffer[In] // nil if there is no late output
	dropped  *metrics.Counter

	// time is that of the windows' domain. All windows due then have fired, but for those in singles.
	time, watermark int64
	// next is when the next window is due, never if there is none, and called when a call for it is pending.
	next, called int64

	// current is the slice of the last batch and pane its pane.
	current slice
	pane    state.Backend[K]
	paneAt  int64
	split   splitter[K]
	cells   []unsafe.Pointer
	fresh   []bool
	around  around[Acc]
	firing  Firing[K]
	acc     Acc
}

// Open opens the state and takes up what was restored.
func (w *windows[K, In, Acc, Out]) Open() (err error) {
	defer w.Ctx.Guard(&err)
	keys := state.Keys[K]{Codec: w.config.Key}
	if w.store, err = keyed.OpenStore(w.Ctx); err != nil {
		return err
	}
	if w.panes, err = keyed.Panes(w.store, keys, w.config.descriptors()); err != nil {
		return err
	}
	if w.config.Overlap() {
		if w.shares, err = newSharing(w.Ctx, w.slicing, keys, w.config.Accumulators, w.accs.inline, w.config.Merge); err != nil {
			return err
		}
	}
	if w.config.needsSingles() {
		if w.singles, err = newSingles[K](w.Ctx, w.store, keys, w.config.Accumulators); err != nil {
			return err
		}
	}
	if err := w.store.Restore(); err != nil {
		return err
	}
	if w.singles != nil {
		if err := w.singles.restore(w.Ctx, w.lastOfPanes()); err != nil {
			return err
		}
	}
	w.next = w.dueAfter(w.settled())
	if opener, ok := w.function.(operator.Opener); ok {
		w.opened = true
		if err := opener.Open(w.Ctx.Runtime()); err != nil {
			return err
		}
	}
	w.call()
	return nil
}

// UserFunction implements operator.FunctionCaller.
func (w *windows[K, In, Acc, Out]) UserFunction() any { return w.function }

// Close closes the function and the state.
func (w *windows[K, In, Acc, Out]) Close() (err error) {
	defer w.Ctx.Guard(&err)
	if closer, ok := w.function.(operator.Closer); ok {
		err = closer.Close()
	}
	if w.store != nil {
		if closing := w.store.Close(); err == nil {
			err = closing
		}
	}
	return err
}

// Mark implements operator.Stateful: it fixes the accumulators and, where it matters, which windows have fired.
func (w *windows[K, In, Acc, Out]) Mark(kind snapshot.MarkKind) (operator.Capture, error) {
	if w.singles == nil {
		return w.store.Mark(kind)
	}
	fired, err := w.singles.snapshot(w.time)
	if err != nil {
		return nil, err
	}
	return w.store.Mark(kind, fired)
}

// Process adds records to their slices.
func (w *windows[K, In, Acc, Out]) Process(batch *element.Batch[In]) (err error) {
	defer w.Ctx.Guard(&err)
	if batch.Len() == 0 {
		return nil
	}
	w.Ctx.RecordsIn.Add(uint64(batch.Len()))
	keys, hashes, err := w.keys.Of(batch)
	if err != nil {
		return err
	}
	if w.config.ProcessingTime {
		err = w.addAt(w.Ctx.Now(), batch.Values, keys, hashes)
	} else {
		err = w.addByTime(batch, keys, hashes)
	}
	if err != nil {
		return err
	}
	w.call()
	return w.flush()
}

// Watermark fires the windows that are due and passes the watermark on.
func (w *windows[K, In, Acc, Out]) Watermark(at int64) (err error) {
	defer w.Ctx.Guard(&err)
	w.watermark = max(w.watermark, at)
	if !w.config.ProcessingTime {
		if err := w.advance(w.watermark); err != nil {
			return err
		}
	}
	return w.Next.Watermark(at)
}

// OnProcessingTime fires the windows that are due.
func (w *windows[K, In, Acc, Out]) OnProcessingTime(now int64) (err error) {
	defer w.Ctx.Guard(&err)
	w.called = operator.NoCall
	if w.config.ProcessingTime {
		if err := w.advance(max(w.time, now)); err != nil {
			return err
		}
	}
	w.call()
	return nil
}

// call asks for a call when the next window of processing time is due.
func (w *windows[K, In, Acc, Out]) call() {
	if !w.config.ProcessingTime {
		return
	}
	next := w.next
	if w.singles != nil {
		next = min(next, w.singles.next())
	}
	if next != w.called {
		w.called = next
		w.Ctx.CallAt(next)
	}
}

func (w *windows[K, In, Acc, Out]) flush() error {
	if err := w.out.Flush(); err != nil {
		return err
	}
	if w.late != nil {
		if err := w.late.Flush(); err != nil {
			return err
		}
	}
	return w.sides.Flush()
}

// settled is the time up to which the windows of every key have fired or are up to singles.
func (w *windows[K, In, Acc, Out]) settled() int64 {
	if w.singles != nil {
		return max(w.time, w.singles.least())
	}
	if w.config.ProcessingTime {
		return element.NoWatermark // a window that has fired is gone, and made anew it fires again
	}
	return w.time
}

// unclear is the time up to which windows need looking at key by key: some have fired, or were gone already.
func (w *windows[K, In, Acc, Out]) unclear() int64 {
	switch {
	case w.singles != nil:
		return max(w.time, w.singles.most)
	case w.config.ProcessingTime:
		return element.NoWatermark
	}
	return w.time
}

// lastOfPanes is when the last window goes that has anything in it.
func (w *windows[K, In, Acc, Out]) lastOfPanes() int64 {
	all := w.panes.All()
	if len(all) == 0 {
		return element.NoWatermark
	}
	return plus(w.at(all[len(all)-1]).lastEnd-1, w.lateness)
}

// dueAfter is when the first window that is due after a time and has anything in it is due.
func (w *windows[K, In, Acc, Out]) dueAfter(time int64) int64 {
	for _, at := range w.panes.All() {
		if s := w.at(at); s.lastEnd-1 > time {
			if s.firstEnd-1 > time {
				return s.firstEnd - 1
			}
			return w.endAfter(time+1) - 1
		}
	}
	return never
}

// advance fires the windows that are due at a time, in the order of their ends, and drops what no window needs any longer.
func (w *windows[K, In, Acc, Out]) advance(time int64) error {
	w.time = time
	w.firing.Watermark = w.watermark
	if w.singles != nil {
		// Of each key these end before all that are fired below.
		if err := w.fireSingles(); err != nil {
			return err
		}
	}
	for w.next != never && w.next <= time {
		due := w.next
		if err := w.fire(operator.Window{Start: due + 1 - w.size, End: due + 1}); err != nil {
			return err
		}
		w.next = w.dueAfter(due)
	}
	w.drop()
	if w.singles != nil {
		w.singles.forget(time)
	}
	return w.flush()
}

// drop removes the panes of slices whose windows are all gone.
func (w *windows[K, In, Acc, Out]) drop() {
	all := w.panes.All()
	gone := 0
	for gone < len(all) && plus(w.at(all[gone]).lastEnd-1, w.lateness) <= w.time {
		gone++
	}
	if gone == 0 {
		return
	}
	for _, at := range slices.Clone(all[:gone]) {
		w.panes.Drop(at)
	}
	w.pane = nil
}

// fire emits the results of a window for all its keys.
func (w *windows[K, In, Acc, Out]) fire(window operator.Window) error {
	w.out.At(window.End - 1)
	w.sides.At(window.End - 1)
	w.firing.Window = window
	if w.shares != nil {
		w.shares.advance(w.index(w.at(window.End-1).start), w.panes)
		return w.shares.each(func(key K, hash uint64, acc *Acc) error {
			if w.singles.settledFor(hash) >= window.End-1 {
				return nil
			}
			return w.emit(key, acc)
		})
	}
	pane := w.panes.Find(window.Start)
	cell := pane.Value(0)
	var err error
	pane.Each(0, func(key K) bool {
		if w.singles != nil && w.singles.active() && w.singles.settledFor(w.singles.hashOf(key)) >= window.End-1 {
			return true
		}
		w.accs.load(cell, &w.acc)
		err = w.emit(key, &w.acc)
		return err == nil
	})
	if err == nil && w.lateness == 0 {
		w.panes.Drop(window.Start)
		w.pane = nil
	}
	return err
}

// emit calls the function for a key of the window that fires.
func (w *windows[K, In, Acc, Out]) emit(key K, acc *Acc) error {
	if operator.Waits(w.Ctx.Urgent()) {
		if err := w.Ctx.GiveWay(); err != nil {
			return err
		}
	}
	w.firing.Key = key
	if err := w.function.Fire(&w.firing, acc, w.out.Collector()); err != nil {
		return err
	}
	return w.out.Err()
}

func noTimestamp() error {
	return fmt.Errorf("a record has no timestamp, so it belongs to no window of event time: assign timestamps and watermarks at or behind the source, or use a window of processing time")
}
