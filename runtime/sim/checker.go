package sim

import (
	"fmt"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

type checkpointID = ident.CheckpointID

// checker holds an invariant against the world.
type checker interface {
	// name is the invariant's.
	name() string
	// sees takes in an observation as it is made; an error is a violation.
	sees(w *World, o observation) error
	// after is called after every event.
	after(w *World) error
}

// Violation is a broken invariant.
type Violation struct {
	Seed      uint64
	Invariant string
	// At is the time of the run.
	At      time.Duration
	Problem string
}

// Error names the seed and how to see it again.
func (v *Violation) Error() string {
	return fmt.Sprintf("seed %d: %s, after %v: %s\n\tgo run ./runtime/sim/cmd --seed %d --verbose", v.Seed, v.Invariant, v.At, v.Problem, v.Seed)
}

// observation is something that has just happened, or is about to, that an invariant speaks of.
type observation interface{ observation() }

type (
	// logged: an entry of the log was created. It stands unless its slot is below the end of the log, a hole that trimming has left. It
	// is seen before the book takes it in, noted after.
	logged struct {
		by     *handle
		entry  *snapshot.LogEntry
		stands bool
	}
	noted struct {
		by    *handle
		entry *snapshot.LogEntry
	}
	// deletes: an object is about to be deleted.
	deletes struct {
		by   *handle
		name string
	}
	// acked: a worker acknowledges a subtask's part of a checkpoint.
	acked struct {
		by  *workerProcess
		ack *message.CheckpointAck
	}
	// notified: a master tells tasks that a checkpoint is complete.
	notified struct {
		by         *leader
		checkpoint uint64
	}
	// deployed: a master deploys an attempt that goes on from a checkpoint, 0 for none.
	deployed struct {
		by   *leader
		from uint64
	}
	// commits: a transaction is committed outside.
	commits struct{ by, transaction string }
)

func (logged) observation()   {}
func (noted) observation()    {}
func (deletes) observation()  {}
func (acked) observation()    {}
func (notified) observation() {}
func (deployed) observation() {}
func (commits) observation()  {}

// observe shows an observation to all checkers.
func (w *World) observe(o observation) {
	for _, c := range w.checkers {
		if err := c.sees(w, o); err != nil {
			w.fail(c.name(), "%v", err)
		}
	}
}

// check has all checkers look at the world after an event.
func (w *World) check() {
	for _, c := range w.checkers {
		if err := c.after(w); err != nil {
			w.fail(c.name(), "%v", err)
		}
	}
}

// deleted is called before an object is deleted.
func (w *World) deleted(h *handle, name string) { w.observe(deletes{h, name}) }

func newCheckers() []checker {
	return []checker{&monotone{}, &durable{}, &unique{}, &kept{}, &complete{}, &fence{knows: map[*leader]bool{}}, &alive{}}
}

// leads reports whether a leader is the last one that has claimed the log.
func (w *World) leads(l *leader) bool {
	return l != nil && w.book.claimant == l
}
