package sliced

import (
	"cmp"
	"slices"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// singles are windows of single keys whose firing cannot be told from the slices.
//
// Event time begins anew after a restore, and so a record may come for a window that has fired before, or was gone already;
// the clock may show for a while the millisecond at which a window was due. Such a window fires once more, for the keys
// that have new records only. One that was gone has only its new records, though its slices are still there for later windows: it
// is made anew, with an accumulator of its own. Both need a timer for each key and window, as in the general operator. There
// are none of them once time has come back to where it was.
type singles[K comparable, Acc any] struct {
	keys     state.Keys[K]
	contents state.Backend[state.Windowed[K]]
	cell     state.ValueCell
	timers   state.Timers[state.Windowed[K]]
	due      []state.Timer[state.Windowed[K]]
	groups   keygroup.Range
	// maxGroups is the job's number of key groups.
	maxGroups int
	// fired has for each key group the time up to which its windows had fired before the restore; nil if none had. All are
	// at most most.
	fired []int64
	most  int64
	key   [1]K
	hash  [1]uint64
}

const (
	contentsName = "windows made anew"
	timersName   = "windows that fire anew"
	firedName    = "fired up to"
)

// firedUpTo says that all windows of some key groups that were due at a time have fired.
type firedUpTo struct {
	First, Last uint16
	At          int64
}

func newSingles[K comparable, Acc any](ctx *operator.Context, store *keyed.Store, keys state.Keys[K], accs codec.Codec[Acc]) (*singles[K, Acc], error) {
	windowed, err := state.WindowedKeys(keys)
	if err != nil {
		return nil, err
	}
	s := &singles[K, Acc]{
		keys: keys, groups: ctx.KeyGroups, maxGroups: ctx.MaxParallelism, most: element.NoWatermark,
		due: make([]state.Timer[state.Windowed[K]], 0, 256),
	}
	if s.contents, err = keyed.Backend(store, windowed, contentsOf(accs)); err != nil {
		return nil, err
	}
	s.cell = s.contents.Value(0)
	s.timers = keyed.Timers(store, timersName, windowed)
	return s, nil
}

func contentsOf[Acc any](accs codec.Codec[Acc]) []state.Descriptor {
	return []state.Descriptor{state.Describe(contentsName, state.KindAggregating, accs)}
}

// restore takes up how far the windows had fired. No window that goes after last has anything in it.
func (s *singles[K, Acc]) restore(ctx *operator.Context, last int64) error {
	elements, err := codec.For[firedUpTo]()
	if err != nil {
		return err
	}
	if s.timers.Len() > 0 {
		last = never
	}
	for _, before := range ctx.Restored {
		for _, list := range before.Lists {
			if list.Name != firedName {
				continue
			}
			for _, encoded := range list.Elements {
				var f firedUpTo
				if _, err := elements.Decode(encoded, &f); err != nil {
					return err
				}
				s.restoreFired(f, last)
			}
		}
	}
	return nil
}

func (s *singles[K, Acc]) restoreFired(f firedUpTo, last int64) {
	common, ok := s.groups.Intersect(keygroup.Range{First: f.First, Last: f.Last})
	at := min(f.At, last)
	if !ok || at == element.NoWatermark {
		return
	}
	if s.fired == nil {
		s.fired = slices.Repeat([]int64{element.NoWatermark}, s.groups.Size())
	}
	for group := int(common.First); group <= int(common.Last); group++ {
		s.fired[group-int(s.groups.First)] = at
	}
	s.most = max(s.most, at)
}

// snapshot returns how far the windows have fired.
func (s *singles[K, Acc]) snapshot(time int64) (snapshot.List, error) {
	elements, err := codec.For[firedUpTo]()
	if err != nil {
		return snapshot.List{}, err
	}
	list, err := describeFired()
	if err != nil {
		return snapshot.List{}, err
	}
	for from := 0; from < s.groups.Size(); {
		f := firedUpTo{First: s.groups.First + uint16(from), At: s.firedOf(from, time)}
		for from++; from < s.groups.Size() && s.firedOf(from, time) == f.At; from++ {
		}
		f.Last = s.groups.First + uint16(from) - 1
		if f.At != element.NoWatermark {
			list.Elements = append(list.Elements, elements.Append(nil, &f))
		}
	}
	return list, nil
}

// describeFired returns the operator state with how far the windows have fired, without elements.
func describeFired() (snapshot.List, error) {
	elements, err := codec.For[firedUpTo]()
	if err != nil {
		return snapshot.List{}, err
	}
	return snapshot.List{Name: firedName, Redistribution: snapshot.Union, Element: elements.Schema()}, nil
}

func (s *singles[K, Acc]) firedOf(group int, time int64) int64 {
	if s.fired == nil {
		return time
	}
	return max(time, s.fired[group])
}

// active reports whether time is not yet where it was before the restore.
func (s *singles[K, Acc]) active() bool { return s.fired != nil }

// settledFor is the time up to which the windows of a key had fired before the restore.
func (s *singles[K, Acc]) settledFor(hash uint64) int64 {
	if s == nil || s.fired == nil {
		return element.NoWatermark
	}
	return s.fired[keygroup.Group(hash, s.maxGroups)-s.groups.First]
}

// least is the time up to which the windows of all keys had fired before the restore.
func (s *singles[K, Acc]) least() int64 {
	if s.fired == nil {
		return element.NoWatermark
	}
	return slices.Min(s.fired)
}

// forget is called when time has advanced.
func (s *singles[K, Acc]) forget(time int64) {
	if s.fired != nil && time >= s.most {
		s.fired, s.most = nil, element.NoWatermark
	}
}

// next is the time of the first timer, never if there is none.
func (s *singles[K, Acc]) next() int64 {
	if s.timers.Len() == 0 {
		return never
	}
	next, _ := s.timers.Next()
	return next
}

func (s *singles[K, Acc]) hashOf(key K) uint64 {
	s.key[0] = key
	_ = s.keys.HashesOf(s.key[:], s.hash[:]) // a key with a NaN has never come as far as here
	return s.hash[0]
}

// addSingle adds one record whose windows may be late, may have fired, or may be gone. Times of keys and hashes are one.
func (w *windows[K, In, Acc, Out]) addSingle(s slice, at int64, value In, keys []K, hashes []uint64) error {
	if operator.Waits(w.Ctx.Urgent()) {
		if err := w.Ctx.GiveWay(); err != nil {
			return err
		}
	}
	w.around.known = false
	event := !w.config.ProcessingTime
	gone := w.singles.settledFor(hashes[0])
	if !event {
		gone = max(gone, w.time)
	}
	late := func(end int64) bool { return event && plus(end-1, w.lateness) <= w.time }
	if !s.inWindow() || late(s.lastEnd) {
		return w.tooLate(value, at)
	}
	if plus(s.lastEnd-1, w.lateness) > gone {
		if err := w.addShared(s, value, keys, hashes); err != nil {
			return err
		}
	}
	for end := s.lastEnd; end >= s.firstEnd && !late(end); end -= w.slide {
		due := end - 1
		window := operator.Window{Start: end - w.size, End: end}
		switch {
		case plus(due, w.lateness) <= gone:
			if err := w.addAnew(window, value, keys[0], hashes[0]); err != nil {
				return err
			}
		case event && due <= w.time:
			if err := w.fireAround(s, window, keys[0], hashes[0]); err != nil {
				return err
			}
		case due <= gone:
			w.singles.timers.Register(windowed(keys[0], hashes[0], window, due))
		default:
			w.next = min(w.next, due)
		}
	}
	return nil
}

// tooLate handles a record that all windows have gone for, or that is in none.
func (w *windows[K, In, Acc, Out]) tooLate(value In, at int64) error {
	if w.config.ProcessingTime || plus(at, w.lateness) > w.time {
		return nil
	}
	if w.late == nil {
		w.dropped.Add(1)
		return nil
	}
	w.late.Collector().CollectAt(value, at)
	return w.late.Err()
}

// addShared adds a record to its slice, and to what was derived of the slice.
func (w *windows[K, In, Acc, Out]) addShared(s slice, value In, keys []K, hashes []uint64) error {
	next := w.next
	if err := w.add(s, []In{value}, nil, keys, hashes); err != nil {
		return err
	}
	w.next = next // its first windows may have fired
	if w.shares == nil {
		return nil
	}
	if index := w.index(s.start); w.shares.holds(index) {
		var alone Acc
		w.config.Add(&alone, true, value)
		w.shares.late(index, keys[0], hashes[0], &alone)
	}
	return nil
}

// addAnew adds a record to a window that was gone.
func (w *windows[K, In, Acc, Out]) addAnew(window operator.Window, value In, key K, hash uint64) error {
	due := window.End - 1
	id, idHash, _ := windowed(key, hash, window, due)
	w.singles.contents.Seek(id, idHash)
	had := w.accs.load(w.singles.cell, &w.acc)
	w.config.Add(&w.acc, !had, value)
	w.accs.store(w.singles.cell, &w.acc)
	if w.lateness > 0 {
		w.singles.timers.Register(id, idHash, plus(due, w.lateness))
	}
	if !w.config.ProcessingTime && due <= w.time {
		return w.emitSingle(window, key, &w.acc)
	}
	w.singles.timers.Register(id, idHash, due)
	return nil
}

// fireSingle emits the result of a window for one key.
func (w *windows[K, In, Acc, Out]) fireSingle(window operator.Window, key K, hash uint64) error {
	if !w.gather(window, key, hash, &w.acc) {
		return nil
	}
	return w.emitSingle(window, key, &w.acc)
}

func (w *windows[K, In, Acc, Out]) emitSingle(window operator.Window, key K, acc *Acc) error {
	w.out.At(window.End - 1)
	w.sides.At(window.End - 1)
	w.firing.Window, w.firing.Watermark = window, w.watermark
	return w.emit(key, acc)
}

// gather merges what the slices of a window have of a key.
func (w *windows[K, In, Acc, Out]) gather(window operator.Window, key K, hash uint64, acc *Acc) (any bool) {
	all := w.panes.All()
	first, _ := slices.BinarySearch(all, window.Start)
	var part Acc
	for _, at := range all[first:] {
		if at >= window.End {
			break
		}
		pane := w.panes.Find(at)
		pane.Seek(key, hash)
		cell := pane.Value(0)
		switch {
		case !any:
			any = w.accs.load(cell, acc)
		case w.accs.load(cell, &part):
			w.config.Merge(acc, &part)
		}
	}
	return any
}

// fireSingles fires the windows of single keys that are due, and lets those go that are past their lateness.
func (w *windows[K, In, Acc, Out]) fireSingles() error {
	s := w.singles
	for s.timers.Len() > 0 {
		s.due = s.timers.Take(w.time, s.due[:0])
		if len(s.due) == 0 {
			break
		}
		w.Ctx.FiredTimers(len(s.due))
		slices.SortStableFunc(s.due, func(a, b state.Timer[state.Windowed[K]]) int { return cmp.Compare(a.At, b.At) })
		for _, t := range s.due {
			if err := w.fireTimer(t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *windows[K, In, Acc, Out]) fireTimer(t state.Timer[state.Windowed[K]]) error {
	s := w.singles
	window := operator.Window{Start: t.Key.Start, End: t.Key.End}
	s.contents.Seek(t.Key, t.Hash)
	if t.At != window.End-1 {
		s.cell.Clear()
		return nil
	}
	if !w.accs.load(s.cell, &w.acc) {
		return w.fireSingle(window, t.Key.Key, s.hashOf(t.Key.Key))
	}
	if w.lateness == 0 {
		s.cell.Clear()
	}
	return w.emitSingle(window, t.Key.Key, &w.acc)
}

func windowed[K comparable](key K, hash uint64, window operator.Window, at int64) (state.Windowed[K], uint64, int64) {
	return state.Windowed[K]{Key: key, Start: window.Start, End: window.End}, state.WindowedHash(hash, window.Start, window.End), at
}
