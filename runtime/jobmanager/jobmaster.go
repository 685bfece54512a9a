package jobmanager

import (
	"encoding/binary"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/jobmanager/master"
	"github.com/weir-stream/weir/runtime/message"
)

// jobMaster carries messages to a master.Master and its commands out.
type jobMaster struct {
	config     master.Config
	plan       []byte
	dispatcher *message.Address

	context *actors.Context
	master  *master.Master
	told    *message.JobSummary
}

func (j *jobMaster) Start(c *actors.Context) {
	j.context = c
	j.config.Address = c.Self()
	j.config.Uniform = uniform
	now := c.Clock().Now()
	j.master = master.New(j.config, now)
	j.master.Start(now)
	j.act()
}

// uniform is random without a seed: only pauses depend on it.
func uniform() float64 {
	id := ident.NewID()
	return float64(binary.BigEndian.Uint64(id[:])>>11) / (1 << 53)
}

func (j *jobMaster) Receive(now time.Time, m message.Message) {
	if request, ok := m.(*message.ClientRequest); ok {
		j.serve(now, request)
	} else {
		j.master.Receive(now, m)
	}
	j.act()
}

func (j *jobMaster) serve(now time.Time, request *message.ClientRequest) {
	response := &message.ClientResponse{}
	switch body := request.Body.(type) {
	case *message.ClientRequest_Cancel:
		if limit := body.Cancel.DrainMillis; limit > 0 {
			j.master.Drain(now, time.Duration(limit)*time.Millisecond)
		} else {
			j.master.Cancel(now)
		}
	case *message.ClientRequest_Details:
		response.Body = &message.ClientResponse_Details{Details: j.details()}
	}
	if request.ReplyTo != nil {
		j.context.Send(request.ReplyTo, response)
	}
}

func (j *jobMaster) details() *message.JobDetails {
	d := j.master.Details()
	d.Plan = j.plan
	return d
}

func (j *jobMaster) Event(time.Time, any) {}

func (j *jobMaster) Gone(now time.Time, who message.AddressKey) {
	j.master.Gone(now, who)
	j.act()
}

func (j *jobMaster) ChildPanicked(time.Time, message.AddressKey, *actors.Panic) {}

func (j *jobMaster) Tick(now time.Time) {
	j.master.Tick(now)
	j.act()
}

func (j *jobMaster) Deadline() time.Time { return j.master.Deadline() }

func (j *jobMaster) Stop() {}

func (j *jobMaster) act() {
	changed := &message.JobChanged{LeaderEpoch: j.config.LeaderEpoch}
	for _, command := range j.master.Take() {
		switch c := command.(type) {
		case master.Send:
			j.context.Send(c.To, c.Body)
		case master.Watch:
			j.context.Watch(c.Address)
		case master.Ended:
			changed.Result, changed.Details = j.master.Result(), j.details()
			j.log()
		case master.Dismiss:
			changed.Dismissed = true
		}
	}
	summary := j.master.Summary()
	if changed.Dismissed || !proto.Equal(summary, j.told) {
		j.told, changed.Summary = summary, summary
		j.context.Send(j.dispatcher, changed)
	}
}

func (j *jobMaster) log() {
	r := j.master.Result()
	log := j.context.Log().With("job", j.config.Job.Name, "id", j.config.Job.ID, "state", j.master.State())
	// Whoever waits for the job is told, and tells people.
	log.Debug("job ended", "cause", r.Failure.GetMessage())
}
