package collection

import "github.com/weir-stream/weir/api/connector"

// cursor stands at a place in a collection.
type cursor[T any] interface {
	// copyTo emits values while there is room, and reports how many and whether there are more.
	copyTo(out *connector.Output[T], timestamps func(T) int64) (n int, more bool, err error)
	close()
}

type sliceCursor[T any] struct{ rest []T }

func (c *sliceCursor[T]) copyTo(out *connector.Output[T], timestamps func(T) int64) (int, bool, error) {
	n := min(out.Room(), len(c.rest))
	values := c.rest[:n]
	c.rest = c.rest[n:]
	if timestamps == nil {
		copy(out.Extend(n), values)
	} else {
		for _, value := range values {
			out.EmitAt(value, timestamps(value))
		}
	}
	return n, len(c.rest) > 0, nil
}

func (c *sliceCursor[T]) close() {}

// skipAtOnce is how many values of a sequence are skipped in one Poll.
const skipAtOnce = 10_000

type seqCursor[T any] struct {
	next func() (T, bool)
	stop func()
	// from is the index to begin at, skipped how far the way there is done.
	from, skipped int64
}

func (c *seqCursor[T]) copyTo(out *connector.Output[T], timestamps func(T) int64) (int, bool, error) {
	for range min(c.from-c.skipped, skipAtOnce) {
		if _, ok := c.next(); !ok {
			return 0, false, changedError{c.from, c.skipped}
		}
		c.skipped++
	}
	if c.skipped < c.from {
		return 0, true, nil
	}
	n := 0
	for out.Room() > 0 {
		value, ok := c.next()
		if !ok {
			return n, false, nil
		}
		n++
		if timestamps == nil {
			out.Emit(value)
		} else {
			out.EmitAt(value, timestamps(value))
		}
	}
	return n, true, nil
}

func (c *seqCursor[T]) close() { c.stop() }
