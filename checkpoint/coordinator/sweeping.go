package coordinator

import (
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
)

// mostDeletions is how often the files of a slot are tried to be deleted in a term. What is left then nothing names any more: a later run finds
// it as garbage. If it stayed in the log instead, that would grow with each slot behind it.
const mostDeletions = 6

// sweeping are the deletions that have failed, by the slot that has released the files.
type sweeping map[uint64]*deletion

type deletion struct {
	failed int
	// again is when it is tried again, zero while it is.
	again time.Time
}

// deleted takes in what came of a Delete.
func (c *Coordinator) deleted(e Deleted) {
	if e.Failure == "" {
		delete(c.sweeping, e.Slot)
		c.swept[e.Slot] = true
		return
	}
	d := c.sweeping[e.Slot]
	if d == nil {
		d = &deletion{}
		c.sweeping[e.Slot] = d
	}
	if d.failed++; d.failed >= mostDeletions {
		delete(c.sweeping, e.Slot)
		c.swept[e.Slot] = true
		return
	}
	d.again = c.now.Add(c.config.Retry << d.failed)
}

// sweep tries again what has failed, the oldest slot first.
func (c *Coordinator) sweep() {
	for _, r := range c.history.Released {
		if d := c.sweeping[r.Slot]; d != nil && !d.again.IsZero() && !c.now.Before(d.again) {
			d.again = time.Time{}
			c.do(Delete{r.Slot, snapshot.NamedFiles(r.Files)})
		}
	}
}
