package task

import (
	"time"

	"github.com/weir-stream/weir/runtime/operator"
)

// calls are the calls at times of the wall clock that the operators of a chain have asked for, one each.
type calls struct {
	// at is when each link of the chain wants to be called, in milliseconds since the epoch, and behind them when the task sends its next latency marker.
	at []int64
	// next is the least of them.
	next int64
}

func newCalls(links int) calls {
	c := calls{at: make([]int64, links+1), next: operator.NoCall}
	for i := range c.at {
		c.at[i] = operator.NoCall
	}
	return c
}

func (c *calls) set(link int, at int64) {
	before := c.at[link]
	c.at[link] = at
	if at < c.next {
		c.next = at
	} else if before == c.next {
		c.findNext()
	}
}

func (c *calls) findNext() {
	c.next = operator.NoCall
	for _, at := range c.at {
		c.next = min(c.next, at)
	}
}

// callDue calls the operators whose time has come, head first, and bounds the task's wait by the next time.
func (t *Task) callDue() error {
	if t.calls.next == operator.NoCall {
		return nil
	}
	now := t.clock.Now().UnixMilli()
	for link := range t.calls.at {
		if t.calls.at[link] > now {
			continue
		}
		t.calls.set(link, operator.NoCall)
		if link == len(t.chain.links) {
			t.sendMarker(now)
			continue
		}
		l := &t.chain.links[link]
		timed := l.Operator.(operator.Timed)
		if err := guarded(l.ctx, func() error { return timed.OnProcessingTime(now) }); err != nil {
			return err
		}
	}
	if t.calls.next != operator.NoCall {
		// The wall clock's next millisecond begins up to one after now.
		wait := min(t.calls.next-now, int64(time.Hour/time.Millisecond))
		t.deadline = min(t.deadline, t.clock.Nanos()+wait*int64(time.Millisecond))
	}
	return nil
}
