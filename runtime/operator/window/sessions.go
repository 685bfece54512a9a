package window

import (
	"cmp"
	"slices"

	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

// session is a window of a key that merges with those that it touches.
type session struct {
	Start, End int64
	// StateStart and StateEnd are the window under which the session's contents are kept: that of one of its first records,
	// so that merging moves the contents of all sessions but one. No two sessions of a key have the same.
	StateStart, StateEnd int64
	// Timer is the time of the session's next timer, where the default trigger is on; see lazy.go. noTimer if there is none.
	Timer int64
}

func (s session) window() operator.Window { return operator.Window{Start: s.Start, End: s.End} }
func (s session) state() operator.Window {
	return operator.Window{Start: s.StateStart, End: s.StateEnd}
}

// sessions are those of one key, in order of time. They do not touch each other.
type sessions []session

// add makes w part of the sessions. It returns the place of the session that has w within, and the sessions that had to be
// merged into it: none if w is a session of its own, or lies within one. The merged session goes on with contents and timer of
// the first of them.
func (s *sessions) add(w operator.Window, merged []session) (at int, _ []session) {
	all := *s
	first := 0
	for first < len(all) && all[first].End < w.Start {
		first++
	}
	end := first
	for end < len(all) && all[end].Start <= w.End {
		end++
	}
	switch {
	case end == first:
		all = append(all, session{})
		copy(all[first+1:], all[first:])
		all[first] = session{w.Start, w.End, w.Start, w.End, noTimer}
		*s = all
		return first, merged
	case end == first+1 && all[first].window().Contains(w):
		return first, merged
	}
	cover := all[first].window().Cover(all[end-1].window()).Cover(w)
	merged = append(merged, all[first:end]...)
	if len(merged) > 1 {
		inFlinksOrder(merged)
	}
	all[first] = merged[0]
	all[first].Start, all[first].End = cover.Start, cover.End
	*s = append(all[:first+1], all[end:]...)
	return first, merged
}

// inFlinksOrder sorts sessions that merge, given by time, as Flink visits them. It makes a difference only to functions for which
// the order of records matters: theirs are then the same results. Flink keeps the windows to be merged in a hash table,
// by the sum of their ends in the mixing of SplitMix64.
func inFlinksOrder(merged []session) {
	buckets := uint32(16)
	for uint32(len(merged)+1) > buckets/4*3 {
		buckets *= 2
	}
	bucket := func(s session) uint32 {
		h := uint64(s.Start + s.End)
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		low := uint32(h ^ h>>31)
		return (low ^ low>>16) & (buckets - 1)
	}
	slices.SortStableFunc(merged, func(a, b session) int { return cmp.Compare(bucket(a), bucket(b)) })
}

func (s *sessions) remove(at int) { *s = append((*s)[:at], (*s)[at+1:]...) }

// of returns the place of the session that is exactly w, -1 if there is none.
func (s sessions) of(w operator.Window) int {
	for i := range s {
		if s[i].window() == w {
			return i
		}
	}
	return -1
}

// ofState returns the place of the session whose contents are kept under w, -1 if there is none.
func (s sessions) ofState(w operator.Window) int {
	for i := range s {
		if s[i].state() == w {
			return i
		}
	}
	return -1
}

// sessionSet keeps the sessions of the current key of a backend. Nearly always there is one, which is kept in place.
type sessionSet struct {
	handles struct {
		First state.Value[session]   `state:"window/session"`
		More  state.Value[[]session] `state:"window/sessions"`
	}
	// hasMore is whether More was there at the last load.
	hasMore bool
}

// load reads the sessions into the memory of buffer.
func (s *sessionSet) load(buffer sessions) sessions {
	buffer = buffer[:0]
	s.hasMore = false
	first, some := s.handles.First.Get()
	if !some {
		return buffer
	}
	buffer = append(buffer, first)
	more, hasMore := s.handles.More.Get()
	s.hasMore = hasMore
	return append(buffer, more...)
}

// store writes the sessions of the key of the last load.
func (s *sessionSet) store(all sessions) {
	switch len(all) {
	case 0:
		s.handles.First.Clear()
	default:
		s.handles.First.Set(all[0])
	}
	switch {
	case len(all) > 1:
		s.handles.More.Set(all[1:])
	case s.hasMore:
		s.handles.More.Clear()
	}
}
