package sliced

import (
	"slices"

	"github.com/weir-stream/weir/runtime/operator"
)

// around is what the slices around one have of a key, for the windows that a late record of that slice fires: all of them
// have the slice within, so each is a run of slices that ends before it, and one that begins with it.
type around[Acc any] struct {
	known bool
	// starts are those of the slices that have the key, in order. The slice itself is at at. The value of one before it is merged
	// from there to just before the slice, that of it and of those behind it from the slice to there.
	starts []int64
	values []Acc
	at     int
}

// fireAround emits the result of a window for the key of a record of a slice. The windows of one record come from the last
// to the first.
func (w *windows[K, In, Acc, Out]) fireAround(s slice, window operator.Window, key K, hash uint64) error {
	if !w.accs.inline || !w.config.Overlap() {
		return w.fireSingle(window, key, hash)
	}
	a := &w.around
	if !a.known {
		w.lookAround(s, operator.Window{Start: s.firstEnd - w.size, End: window.End}, key, hash)
	}
	first, _ := slices.BinarySearch(a.starts, window.Start)
	last, _ := slices.BinarySearch(a.starts, window.End)
	if first < a.at {
		w.acc = a.values[first]
		w.config.Merge(&w.acc, &a.values[last-1])
	} else {
		w.acc = a.values[last-1]
	}
	return w.emitSingle(window, key, &w.acc)
}

// lookAround reads the slices of a span, which has the slice s and the key in it.
func (w *windows[K, In, Acc, Out]) lookAround(s slice, span operator.Window, key K, hash uint64) {
	a := &w.around
	a.known, a.starts, a.values = true, a.starts[:0], a.values[:0]
	all := w.panes.All()
	from, _ := slices.BinarySearch(all, span.Start)
	for _, start := range all[from:] {
		if start >= span.End {
			break
		}
		if start == s.start {
			a.at = len(a.starts)
		}
		pane := w.panes.Find(start)
		pane.Seek(key, hash)
		if w.accs.load(pane.Value(0), &w.acc) {
			a.starts, a.values = append(a.starts, start), append(a.values, w.acc)
		}
	}
	for i := a.at - 2; i >= 0; i-- {
		w.config.Merge(&a.values[i], &a.values[i+1])
	}
	for i := a.at + 1; i < len(a.values); i++ {
		sum := a.values[i-1]
		w.config.Merge(&sum, &a.values[i])
		a.values[i] = sum
	}
}
