package watermark

import "github.com/weir-stream/weir/runtime/element"

// Tracker makes the watermarks of one stream or split as its strategy says. One goroutine uses it.
type Tracker[T any] struct {
	kind kind
	// bound and highest are those of bounded out-of-orderness: it needs no generator, but the highest timestamp of a batch.
	bound, highest int64
	generator      Generator[T]
	idleness       idleness
	out            Output
}

// Observe looks at records that are about to be emitted, up to one after which there is something to say, and returns
// how many it has seen and what is to be said behind them. The result is valid until the next call. Generators other than
// those of the program see a batch as a whole and say nothing here. Timestamps may be empty.
func (t *Tracker[T]) Observe(values []T, timestamps []int64) (seen int, said []element.Event) {
	if len(values) == 0 {
		return 0, nil
	}
	t.idleness.activity()
	switch t.kind {
	case bounded:
		highest := t.highest
		for _, at := range timestamps {
			highest = max(highest, at)
		}
		t.highest = highest
	case custom:
		t.out.said = t.out.said[:0]
		for i, v := range values {
			if t.generator.OnEvent(v, at(timestamps, i), &t.out); len(t.out.said) > 0 {
				return i + 1, t.out.said
			}
		}
	}
	return len(values), nil
}

// Tick is the periodic call, at a reading of a clock in nanoseconds that stands still while the subtask cannot read. The
// result is valid until the next call.
func (t *Tracker[T]) Tick(nanos int64) (said []element.Event) {
	t.out.said = t.out.said[:0]
	switch idle, news := t.idleness.check(nanos); {
	case idle && news:
		t.out.Idle()
	case idle:
	case t.kind == bounded:
		t.out.Emit(t.highest - t.bound - 1)
	case t.kind == custom:
		t.generator.OnPeriodic(&t.out)
	}
	return t.out.said
}

// idleness finds out when a stream has had no records for a time.
type idleness struct {
	timeout int64 // nanoseconds; 0: never idle
	// active says that records came since the last tick. Otherwise since is the tick of the first that saw none.
	active, counting bool
	since            int64
	// said is set once idleness was told, until a record comes.
	said bool
}

func (i *idleness) activity() { i.active, i.said = true, false }

// check is called on each tick; news says that the stream has become idle since the last one.
func (i *idleness) check(now int64) (idle, news bool) {
	switch {
	case i.timeout == 0:
		return false, false
	case i.active:
		i.active, i.counting = false, false
		return false, false
	case !i.counting:
		i.counting, i.since = true, now
		return false, false
	case now-i.since <= i.timeout:
		return false, false
	}
	news, i.said = !i.said, true
	return true, news
}
