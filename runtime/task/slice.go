package task

// slicer decides how many records a task works on before it looks at its mailbox again: about target nanoseconds of
// work, as measured, so that barriers, timers and cancellation never wait for slow user code times a whole batch.
//
// It starts at one record and grows fourfold at most from slice to slice, so that slow code is found out early; a slice
// that took too long shrinks the next one at once.
type slicer struct {
	target int64
	limit  int
	most   int
}

func newSlicer(targetNanos int64, most int) slicer {
	return slicer{target: targetNanos, limit: 1, most: most}
}

// measured reports that records took nanos.
func (s *slicer) measured(records int, nanos int64) {
	if records <= 0 {
		return
	}
	affordable := int64(s.most)
	if perRecord := nanos / int64(records); perRecord > 0 {
		affordable = s.target / perRecord
	}
	// A slice smaller than the limit says little about larger ones, so only a full one lets the limit grow.
	next := int64(s.limit)
	switch {
	case affordable < next:
		next = affordable
	case records >= s.limit:
		next = min(affordable, 4*next)
	}
	s.limit = int(min(max(next, 1), int64(s.most)))
}
