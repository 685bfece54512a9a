package window

import (
	"fmt"
	"time"
)

// When says at which point of a firing an evictor works.
type When uint8

// The points.
const (
	// Before the function is called: it does not see what is evicted. It is the default.
	Before When = iota
	// After the function was called.
	After
)

// eviction has the two calls of an evictor that does the same in either.
type eviction struct {
	when  When
	evict func(*Elements)
}

// EvictBefore implements Evictor.
func (e eviction) EvictBefore(elements *Elements) {
	if e.when == Before {
		e.evict(elements)
	}
}

// EvictAfter implements Evictor.
func (e eviction) EvictAfter(elements *Elements) {
	if e.when == After {
		e.evict(elements)
	}
}

func last(when []When) When {
	if len(when) == 0 {
		return Before
	}
	return when[len(when)-1]
}

// KeepCount is the evictor that keeps the last n elements of a window, in the order in which they came (Flink's CountEvictor).
func KeepCount(n int, when ...When) Evictor {
	return keepCount{n, eviction{last(when), func(elements *Elements) {
		for i := range elements.Len() - n {
			elements.Evict(i)
		}
	}}}
}

type keepCount struct {
	n int
	eviction
}

func (k keepCount) Check() error {
	if k.n < 0 {
		return fmt.Errorf("it is to keep %d elements: the number must not be negative", k.n)
	}
	return nil
}

// KeepTime is the evictor that keeps those elements of a window that are less than span older than the latest of them, by
// event time (Flink's TimeEvictor). If the first element has no event time, all are kept.
func KeepTime(span time.Duration, when ...When) Evictor {
	millis, problem := millis("time", span)
	if problem == nil && millis < 0 {
		problem = fmt.Errorf("time %v: it must not be negative", span)
	}
	return keepTime{problem, eviction{last(when), func(elements *Elements) { evictOlder(elements, millis) }}}
}

type keepTime struct {
	problem error
	eviction
}

func (k keepTime) Check() error { return k.problem }

func evictOlder(elements *Elements, span int64) {
	if elements.Len() == 0 {
		return
	}
	if _, timed := elements.TimestampAt(0); !timed {
		return
	}
	latest, _ := elements.TimestampAt(0)
	for i := range elements.Len() {
		at, _ := elements.TimestampAt(i)
		latest = max(latest, at)
	}
	for i := range elements.Len() {
		if at, _ := elements.TimestampAt(i); at <= latest-span {
			elements.Evict(i)
		}
	}
}

// KeepDelta is the evictor that keeps those elements of a window that differ from the last one by less than threshold (Flink's
// DeltaEvictor). Delta is given an element and the last one, and is shared by the subtasks of a process.
func KeepDelta[T any](threshold float64, delta func(element, last T) float64, when ...When) Evictor {
	k := keepDelta[T]{}
	k.eviction = eviction{last(when), func(elements *Elements) {
		if elements.Len() == 0 {
			return
		}
		newest := k.ElementAt(elements, elements.Len()-1)
		for i := range elements.Len() {
			if delta(k.ElementAt(elements, i), newest) >= threshold {
				elements.Evict(i)
			}
		}
	}}
	return k
}

type keepDelta[T any] struct {
	Reads[T]
	eviction
}

func (keepDelta[T]) Check() error { return nil }
