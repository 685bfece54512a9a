package sliced

import (
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

// addAt adds records that all have one time, that of the clock.
func (w *windows[K, In, Acc, Out]) addAt(now int64, values []In, keys []K, hashes []uint64) error {
	if !w.current.contains(now) {
		w.current = w.of(now)
	}
	switch {
	case !w.current.inWindow():
		return nil
	case w.current.firstEnd-1 <= w.unclear():
		for i := range values {
			if err := w.addSingle(w.current, now, values[i], keys[i:i+1], hashes[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	return w.add(w.current, values, nil, keys, hashes)
}

// addByTime adds records by their timestamps. Most batches lie in one slice.
func (w *windows[K, In, Acc, Out]) addByTime(batch *element.Batch[In], keys []K, hashes []uint64) error {
	timestamps := batch.Timestamps
	if len(timestamps) == 0 {
		return noTimestamp()
	}
	if first := timestamps[0]; !w.current.contains(first) {
		if first == element.NoTimestamp {
			return noTimestamp()
		}
		w.current = w.of(first)
	}
	if w.clear(w.current) && allWithin(w.current, timestamps) {
		return w.add(w.current, batch.Values, nil, keys, hashes)
	}
	if !w.split.by(&w.slicing, timestamps, keys, hashes) {
		return noTimestamp()
	}
	for i := range w.split.parts {
		p := &w.split.parts[i]
		p.clear = w.clear(p.slice)
		if !p.clear {
			continue
		}
		keys, hashes := w.split.keys[p.from:p.from+p.n], w.split.hashes[p.from:p.from+p.n]
		if err := w.add(p.slice, batch.Values, w.split.places[p.from:p.from+p.n], keys, hashes); err != nil {
			return err
		}
	}
	// The records of a window that is late or has fired are told apart one by one, in their order. None of them shares a
	// window that fires at once with a record that was added above.
	for i, part := range w.split.partOf {
		if p := &w.split.parts[part]; !p.clear {
			if err := w.addSingle(p.slice, timestamps[i], batch.Values[i], keys[i:i+1], hashes[i:i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// clear reports whether all windows of the slice are yet to fire.
func (w *windows[K, In, Acc, Out]) clear(s slice) bool {
	return s.firstEnd-1 > w.unclear() && s.inWindow()
}

func allWithin(s slice, timestamps []int64) bool {
	start, width := s.start, uint64(s.end-s.start)
	for _, at := range timestamps {
		if uint64(at-start) >= width {
			return false
		}
	}
	return true
}

// paneOf returns the pane of a slice, and sees to it that its windows that are due after a time fire.
func (w *windows[K, In, Acc, Out]) paneOf(s slice) state.Backend[K] {
	if w.pane == nil || w.paneAt != s.start {
		w.pane, w.paneAt = w.panes.Pane(s.start), s.start
	}
	return w.pane
}

// add adds records to a slice. Places are those of the records in values, in the order of keys; nil if they are the same.
func (w *windows[K, In, Acc, Out]) add(s slice, values []In, places []int32, keys []K, hashes []uint64) error {
	pane := w.paneOf(s)
	w.next = min(w.next, s.firstEnd-1)
	if !w.accs.inline {
		return w.addEncoded(pane, values, places, keys, hashes)
	}
	cells := operator.Resize(&w.cells, len(keys))
	fresh := operator.Resize(&w.fresh, len(keys))
	pane.Upsert(0, keys, hashes, cells, fresh)
	add, urgent := w.config.Add, w.Ctx.Urgent()
	if places == nil {
		for i, cell := range cells {
			if operator.Waits(urgent) {
				if err := w.Ctx.GiveWay(); err != nil {
					return err
				}
			}
			add((*Acc)(cell), fresh[i], values[i])
		}
		return nil
	}
	for i, cell := range cells {
		if operator.Waits(urgent) {
			if err := w.Ctx.GiveWay(); err != nil {
				return err
			}
		}
		add((*Acc)(cell), fresh[i], values[places[i]])
	}
	return nil
}

func (w *windows[K, In, Acc, Out]) addEncoded(pane state.Backend[K], values []In, places []int32, keys []K, hashes []uint64) error {
	cell, urgent := pane.Value(0), w.Ctx.Urgent()
	pane.Prepare(keys, hashes)
	for i := range keys {
		if operator.Waits(urgent) {
			if err := w.Ctx.GiveWay(); err != nil {
				return err
			}
		}
		pane.SeekAt(i)
		had := w.accs.load(cell, &w.acc)
		place := i
		if places != nil {
			place = int(places[i])
		}
		w.config.Add(&w.acc, !had, values[place])
		w.accs.store(cell, &w.acc)
	}
	return nil
}

// splitter sorts the records of a batch by their slices and keeps their order within each.
type splitter[K any] struct {
	parts []part
	// partOf is the part of each record.
	partOf []int32
	// keys and hashes are those of the records part by part, places their places in the batch.
	keys   []K
	hashes []uint64
	places []int32
	// byStart finds parts where there are many.
	byStart map[int64]int32
}

// part is the records of one slice: n of them from the place from on.
type part struct {
	slice   slice
	from, n int
	clear   bool
}

// fewParts is how many parts are searched one after the other.
const fewParts = 8

// by splits a batch. It is false if a record has no timestamp.
func (s *splitter[K]) by(cut *slicing, timestamps []int64, keys []K, hashes []uint64) bool {
	n := len(timestamps)
	s.parts = s.parts[:0]
	clear(s.byStart)
	partOf := operator.Resize(&s.partOf, n)
	at := int32(-1)
	for i, time := range timestamps {
		if at < 0 || !s.parts[at].slice.contains(time) {
			if time == element.NoTimestamp {
				return false
			}
			at = s.find(cut, time)
		}
		partOf[i] = at
		s.parts[at].n++
	}
	from := 0
	for i := range s.parts {
		s.parts[i].from = from
		from += s.parts[i].n
		s.parts[i].n = 0
	}
	sortedKeys, sortedHashes, places := operator.Resize(&s.keys, n), operator.Resize(&s.hashes, n), operator.Resize(&s.places, n)
	for i, part := range partOf {
		p := &s.parts[part]
		to := p.from + p.n
		p.n++
		sortedKeys[to], sortedHashes[to], places[to] = keys[i], hashes[i], int32(i)
	}
	return true
}

// find returns the part of a time, made if there is none.
func (s *splitter[K]) find(cut *slicing, time int64) int32 {
	for i := range min(len(s.parts), fewParts) {
		if s.parts[i].slice.contains(time) {
			return int32(i)
		}
	}
	of := cut.of(time)
	if len(s.parts) >= fewParts {
		if i, ok := s.byStart[of.start]; ok {
			return i
		}
		if s.byStart == nil {
			s.byStart = map[int64]int32{}
		}
		s.byStart[of.start] = int32(len(s.parts))
	}
	s.parts = append(s.parts, part{slice: of})
	return int32(len(s.parts) - 1)
}
