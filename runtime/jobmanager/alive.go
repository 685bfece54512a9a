package jobmanager

import (
	"time"

	"github.com/weir-stream/weir/runtime/message"
)

// heard takes in that a job's client lives.
func (d *dispatcher) heard(alive *message.ClientAlive) error {
	j, err := d.find(alive.Job)
	if err == nil {
		j.until = time.UnixMilli(alive.UntilMillis)
	}
	return err
}

// Deadline is when the first of the clients that are waited for is missed.
func (d *dispatcher) Deadline() time.Time {
	var deadline time.Time
	for _, j := range d.order {
		if j.result == nil {
			deadline = message.Earliest(deadline, j.until)
		}
	}
	return deadline
}

// Tick cancels the jobs whose clients are missed.
func (d *dispatcher) Tick(now time.Time) {
	for _, j := range d.order {
		if j.result == nil && !j.until.IsZero() && !now.Before(j.until) {
			j.until = time.Time{}
			d.context.Log().Warn("the job is canceled, since its client is no longer heard of", "job", j.name, "id", j.id)
			d.context.Send(j.master.Address(), &message.ClientRequest{Body: &message.ClientRequest_Cancel{Cancel: &message.CancelJob{Job: message.IDBytes(j.id)}}})
		}
	}
}
