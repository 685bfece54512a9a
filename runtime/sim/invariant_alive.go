package sim

import (
	"fmt"
	"time"
)

// patience is how long the job may take to end once faults have stopped: a frozen leader goes on, silence is noticed, a checkpoint times
// out, and all records are read again.
const patience = 2 * time.Minute

// alive: the job ends within a time once faults have stopped.
type alive struct{}

func (alive) name() string { return "liveness" }

func (alive) sees(*World, observation) error { return nil }

func (alive) after(w *World) error {
	if w.calm && w.book.history.Ended == "" && w.now().Sub(w.calmAt) > patience {
		return fmt.Errorf("faults have stopped %v ago, and the job has not ended: %s", patience, w.current().leader.status())
	}
	return nil
}
