package confine

import "time"

// Watch decides whether a worker is beyond its share. It belongs to one goroutine.
type Watch struct {
	// Interval is the time between two looks at a worker that is far from its share.
	Interval time.Duration
	share    int64
	// next is a lower share, which holds from then on, by the clock's Nanos; 0 if there is none.
	next, then int64
}

// grace is how long a worker has to give memory back when its share becomes less.
const grace = int64(10 * time.Second)

// Allow sets the share: more counts at once, less after a while.
func (w *Watch) Allow(now, share int64) {
	if share >= w.share {
		w.share, w.next = share, 0
		return
	}
	if w.next == 0 {
		w.then = now + grace
	}
	w.next = share
}

// Look takes in how much a worker uses, and returns whether that is too much, or else when to look again: soon if it is near its share, since
// memory can be filled at a gigabyte a second.
func (w *Watch) Look(now, used int64) (beyond bool, again time.Duration) {
	if w.next != 0 && now >= w.then {
		w.share, w.next = w.next, 0
	}
	switch {
	case used > w.share:
		return true, 0
	case used > w.share-w.share/4:
		return false, max(w.Interval/10, time.Millisecond)
	}
	return false, w.Interval
}
