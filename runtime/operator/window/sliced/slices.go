package sliced

import (
	"math"

	"github.com/weir-stream/weir/runtime/operator"
)

// slicing is how time is cut: at the start and the end of every window, which repeat with the slide. So there are one or two
// slices to a slide, whatever the numbers are. Source: Krishnamurthy, Wu, Franklin, "On-the-Fly Sharing for Streamed
// Aggregation" (2006), paired windows.
type slicing struct {
	size, slide, offset int64
	// cut is where the ends of windows lie within a slide, 0 if they lie at its start.
	cut int64
	// perSlide is how many slices a slide has, perWindow how many a window.
	perSlide, perWindow int64
}

func newSlicing(size, slide, offset int64) slicing {
	s := slicing{size: size, slide: slide, offset: offset % slide, cut: size % slide, perSlide: 1}
	s.perWindow = size / slide
	if s.cut != 0 {
		s.perSlide = 2
		s.perWindow = 2*(size/slide) + 1
	}
	return s
}

// slice is a stretch of time [start, end) that is in the same windows as a whole: those that end at firstEnd, a slide
// later, and so on to lastEnd. It is in none if lastEnd < end.
type slice struct {
	start, end        int64
	firstEnd, lastEnd int64
}

func (s slice) inWindow() bool         { return s.lastEnd >= s.end }
func (s slice) contains(at int64) bool { return uint64(at-s.start) < uint64(s.end-s.start) }

// of returns the slice of a record's time, which is one in no window for a time that is close to an end of time.
func (s *slicing) of(time int64) slice {
	if _, ok := operator.LastWindowStart(time, s.offset, s.slide, s.size); !ok {
		return slice{start: time, end: time, firstEnd: time, lastEnd: time - 1}
	}
	return s.at(time)
}

// at returns the slice of a time, which is that of a record that has a window, or in a window with such.
func (s *slicing) at(time int64) slice {
	base := time - floorMod(time-s.offset, s.slide)
	cut := slice{start: base, end: base + s.slide, lastEnd: base + s.size}
	switch {
	case s.cut == 0:
	case time-base < s.cut:
		cut.end = base + s.cut
	default:
		cut.start = base + s.cut
	}
	cut.firstEnd = cut.lastEnd
	if cut.inWindow() {
		cut.firstEnd -= (cut.lastEnd - cut.end) / s.slide * s.slide
	}
	return cut
}

// index numbers slices in the order of time; start is the start of one.
func (s *slicing) index(start int64) int64 {
	from := start - s.offset
	slides := (from - floorMod(from, s.slide)) / s.slide
	if s.perSlide == 1 {
		return slides
	}
	if from == slides*s.slide {
		return 2 * slides
	}
	return 2*slides + 1
}

// startOf is the inverse of index.
func (s *slicing) startOf(index int64) int64 {
	if s.perSlide == 1 {
		return index*s.slide + s.offset
	}
	return (index>>1)*s.slide + s.offset + (index&1)*s.cut
}

// endAfter is the least end of a window that is after a time.
func (s *slicing) endAfter(time int64) int64 {
	if time < math.MinInt64+2*s.slide+s.size {
		time = math.MinInt64 + 2*s.slide + s.size // event time does not begin so early; this only keeps the sums from overflowing
	}
	return time + s.slide - floorMod(time-s.offset-s.cut, s.slide)
}

func floorMod(a, b int64) int64 {
	m := a % b
	if m < 0 {
		m += b
	}
	return m
}

// plus adds a duration to a time, up to the end of time.
func plus(time, duration int64) int64 {
	if sum := time + duration; sum >= time {
		return sum
	}
	return math.MaxInt64
}
