package keyed

import (
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

const (
	// cleanEvery is the milliseconds between two steps of a pass, cleanPause the least between two passes.
	cleanEvery = 10
	cleanPause = 1000
	// cleanLeast and cleanMost bound the keys of a step, which then takes well below a millisecond.
	cleanLeast, cleanMost = 64, 2048
)

// cleaner drops state that has outlived its time to live and that nobody reads: in passes over all keys by key group, a few
// keys at a time.
type cleaner struct {
	store state.Store
	timed []state.Field
	// half is half the shortest time to live: a pass should take no longer, and comes no sooner.
	half int64
	// next is the time of the next step.
	next int64
}

// newCleaner returns nil if nothing is to be cleaned.
func newCleaner(store state.Store, fields []state.Field, now int64) *cleaner {
	c := &cleaner{store: store}
	for _, field := range fields {
		ttl := field.Descriptor.TTL
		if ttl.Duration == 0 || ttl.NoCleanup {
			continue
		}
		c.timed = append(c.timed, field)
		if half := ttl.Duration.Milliseconds() / 2; c.half == 0 || half < c.half {
			c.half = half
		}
	}
	if len(c.timed) == 0 {
		return nil
	}
	c.next = now + max(c.half, cleanPause)
	return c
}

// clean takes a step if it is time to.
func (c *cleaner) clean(now int64) {
	if now < c.next {
		return
	}
	limit := min(max(c.store.Len()/max(c.half/cleanEvery, 1)+1, cleanLeast), cleanMost)
	c.next = now + cleanEvery
	if c.store.Scan(int(limit), c.visit) {
		c.next = now + max(c.half, cleanPause)
	}
}

func (c *cleaner) visit() {
	for _, field := range c.timed {
		field.Expire()
	}
}

// Clean drops some of the state that has outlived its time to live, if it is time to do so, and returns when to call again:
// operator.NoCall if nothing expires. An operator calls it between batches or by the clock; a call looks at a bounded number of
// keys. It leaves no key current.
func (s *Store) Clean() (next int64) {
	next = operator.NoCall
	if len(s.cleaners) == 0 {
		return next
	}
	now := s.Now()
	for _, c := range s.cleaners {
		c.clean(now)
		next = min(next, c.next)
	}
	return next
}
