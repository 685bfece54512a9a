package jobmanager

import (
	"encoding/binary"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/jobmanager/master"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator"
)

// jobMaster carries messages to a master.Master and its commands out.
//
//	claiming the job's log, if it takes checkpoints --claimed--> running
//	claiming --refused, canceled, finished before--> over
type jobMaster struct {
	config master.Config
	// plan is that of the job of planned.
	plan       []byte
	planned    *graph.JobGraph
	dispatcher *message.Address
	// followed says that somebody follows the job and tells people what becomes of it; otherwise the log does.
	followed bool
	// settled is told when nothing is left to do for the job's checkpoints; nil when it has been, or where nobody wants to know.
	settled func(ident.JobID)
	// checkpoints is nil if the job takes none.
	checkpoints *checkpoints

	context *actors.Context
	// master is nil while the job's log is being claimed, which claiming decides about; what came meanwhile is in early.
	master   *master.Master
	claiming master.Claiming
	// began is when the job was started, its log having been claimed.
	began time.Time
	early []message.Message
	told  *message.JobSummary
	// deleting is how many deletions are under way; the JobMaster is dismissed, which master wants when dismissing is set, after them.
	deleting   int
	dismissing bool
	// asked are the requests for snapshots by their ids.
	asked map[string]*asked
}

func (j *jobMaster) Start(c *actors.Context) {
	j.context = c
	j.config.Address = c.Self()
	j.config.Uniform = uniform
	now := c.Clock().Now()
	if j.checkpoints == nil {
		j.begin(now)
		return
	}
	j.claiming = master.Claiming{Location: j.checkpoints.journal.Location(), Uniform: uniform}
	j.checkpoints.begin(now, c.Post)
	j.claim(now, master.ClaimBegins{})
}

// claim does what an event leads to while the job's log is being claimed.
func (j *jobMaster) claim(now time.Time, e master.ClaimEvent) {
	for _, command := range j.claiming.Step(now, e) {
		switch c := command.(type) {
		case master.TryClaim:
			j.checkpoints.try()
		case master.ClaimLater:
			j.context.Log().Warn("the job cannot start: its checkpoints' storage fails; it is tried again", "job", j.config.Job.Name,
				"location", j.checkpoints.journal.Location(), "failed", c.Tries, "pause", c.Pause, "cause", c.Reason)
		case master.RefuseJob:
			j.refuse(now, c.Reason)
		case master.CancelJob:
			j.abandon(now)
		}
	}
}

// begin starts the job.
func (j *jobMaster) begin(now time.Time) {
	j.began = now
	j.master = master.New(j.config, now)
	j.master.Start(now)
	j.takeEarly(now)
	j.act()
}

func (j *jobMaster) takeEarly(now time.Time) {
	early := j.early
	j.early = nil
	for _, m := range early {
		j.Receive(now, m)
	}
}

// refuse ends a job whose log cannot be claimed, or that cannot go on from what the log or the user names.
func (j *jobMaster) refuse(now time.Time, reason string) {
	j.checkpoints.close()
	j.checkpoints = nil
	j.master = master.New(j.config, now)
	j.master.Refuse(now, &message.Failure{Message: fmt.Sprintf("job %q: %s", j.config.Job.Name, reason), Subtask: -1, Class: int32(operator.Environment)})
	j.act()
}

// abandon ends a job that is canceled before its log could be claimed. The log does not say so: what it names stays.
func (j *jobMaster) abandon(now time.Time) {
	j.context.Log().Warn("the job was canceled before its checkpoints' storage could be used: what is there stays", "job", j.config.Job.Name,
		"location", j.checkpoints.journal.Location())
	j.checkpoints.close()
	j.checkpoints = nil
	j.master = master.New(j.config, now)
	j.master.Abandon(now)
	j.takeEarly(now)
	j.act()
}

// finishedBefore ends a job that an earlier process has run to its end under the same id.
func (j *jobMaster) finishedBefore(now time.Time) {
	j.context.Log().Info("an earlier run under this job id has finished: there is nothing to do", "job", j.config.Job.Name, "id", j.config.Job.ID)
	j.checkpoints = nil
	j.master = master.New(j.config, now)
	j.master.FinishedBefore(now)
	j.act()
}

// uniform is random without a seed: only pauses depend on it.
func uniform() float64 {
	id := ident.NewID()
	return float64(binary.BigEndian.Uint64(id[:])>>11) / (1 << 53)
}

func (j *jobMaster) Receive(now time.Time, m message.Message) {
	request, ok := m.(*message.ClientRequest)
	if j.master == nil {
		j.receiveEarly(now, m, request)
		return
	}
	if ok {
		j.serve(now, request)
	} else {
		j.master.Receive(now, m)
	}
	j.act()
}

// receiveEarly takes in a message while the job's log is being claimed; request is the message if it is one of a client. Whoever asks how the
// job is learns that it is there.
func (j *jobMaster) receiveEarly(now time.Time, m message.Message, request *message.ClientRequest) {
	switch request.GetBody().(type) {
	case *message.ClientRequest_Details:
		d := j.describe(master.New(j.config, now))
		j.context.Send(request.ReplyTo, &message.ClientResponse{Body: &message.ClientResponse_Details{Details: d}})
	case *message.ClientRequest_Rescales:
		j.context.Send(request.ReplyTo, rescalesResponse(master.New(j.config, now).Rescales()))
	case *message.ClientRequest_Checkpoints:
		j.context.Send(request.ReplyTo, checkpointsResponse(j.checkpointsOverview()))
	case *message.ClientRequest_Cancel:
		j.early = append(j.early, m)
		j.claim(now, master.ClaimCanceled{})
	default:
		j.early = append(j.early, m)
	}
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
	case *message.ClientRequest_Checkpoints:
		response = checkpointsResponse(j.checkpointsOverview())
	case *message.ClientRequest_Rescales:
		response = rescalesResponse(j.master.Rescales())
	case *message.ClientRequest_Require:
		if err := j.master.Require(now, body.Require.Vertices); err != nil {
			response.Error = err.Error()
		}
	case *message.ClientRequest_Snapshot:
		if response = j.snapshot(now, request.ReplyTo, body.Snapshot); response == nil {
			return
		}
	}
	if request.ReplyTo != nil {
		j.context.Send(request.ReplyTo, response)
	}
}

// snapshot asks for a savepoint or checkpoint, and returns nil if the answer comes later.
func (j *jobMaster) snapshot(now time.Time, replyTo *message.Address, s *message.TriggerSnapshot) *message.ClientResponse {
	if j.checkpoints == nil {
		return &message.ClientResponse{Error: fmt.Sprintf("job %q takes no checkpoints: set execution.checkpointing.dir", j.config.Job.Name)}
	}
	if known := j.asked[s.Request]; known != nil {
		known.replyTo = replyTo
		return known.answer
	}
	if j.asked == nil {
		j.asked = map[string]*asked{}
	}
	j.asked[s.Request] = &asked{replyTo: replyTo}
	directory := s.Directory
	if directory == "" {
		directory = j.checkpoints.savepoints
	}
	switch {
	case s.Checkpoint:
		j.master.Checkpoint(now, coordinator.RequestCheckpoint{Request: s.Request, Full: s.Full})
	case directory == "":
		delete(j.asked, s.Request)
		return &message.ClientResponse{Error: "no folder for the savepoint: name one, or set execution.checkpointing.savepoint-dir"}
	default:
		j.master.Checkpoint(now, coordinator.RequestSavepoint{Request: s.Request, Directory: directory, Stop: s.Stop, Drain: s.Drain})
	}
	return nil
}

// asked is a request for a savepoint or checkpoint, with its answer once there is one.
type asked struct {
	replyTo *message.Address
	answer  *message.ClientResponse
}

func (j *jobMaster) answer(a master.Answer) {
	request := j.asked[a.Request]
	if request == nil {
		return
	}
	request.answer = &message.ClientResponse{Error: a.Failure}
	if a.Failure == "" {
		request.answer.Body = &message.ClientResponse_Snapshot{Snapshot: &message.SnapshotTaken{
			Request: a.Request, Checkpoint: uint64(a.Checkpoint), Path: j.checkpoints.journal.Path(a.Path),
		}}
	}
	if request.replyTo != nil {
		j.context.Send(request.replyTo, request.answer)
	}
}

func (j *jobMaster) details() *message.JobDetails { return j.describe(j.master) }

// describe tells of the job with its plan, which changes with its parallelism.
func (j *jobMaster) describe(m *master.Master) *message.JobDetails {
	if job := m.Job(); j.planned != job {
		j.plan, j.planned = graph.PlanJSON(job), job
	}
	d := m.Details()
	d.Plan = j.plan
	return d
}

// checkpointsOverview is nil for a job that can take none.
func (j *jobMaster) checkpointsOverview() *message.CheckpointsOverview {
	if j.checkpoints == nil {
		return nil
	}
	var known coordinator.Overview
	if claimed := j.config.Checkpoints; claimed != nil {
		known = withStart(claimed.Coordinator.Overview(), claimed.From, j.began)
	}
	return describeCheckpoints(j.checkpoints.settings, known, j.checkpoints.journal.Path)
}

func checkpointsResponse(o *message.CheckpointsOverview) *message.ClientResponse {
	return &message.ClientResponse{Body: &message.ClientResponse_Checkpoints{Checkpoints: o}}
}

func (j *jobMaster) Event(now time.Time, event any) {
	switch e := event.(type) {
	case claimed:
		if j.master != nil {
			return // it was no longer waited for
		}
		for _, n := range e.notes {
			j.context.Log().Warn(n.message, append([]any{"job", j.config.Job.Name}, n.attributes...)...)
		}
		if e.err != nil {
			j.claim(now, e.failure())
			return
		}
		if e.checkpoints == nil {
			j.finishedBefore(now)
			return
		}
		j.config.Checkpoints, j.config.Job = e.checkpoints, e.checkpoints.Job
		j.begin(now)
	case carried:
		if deletes(e.command) {
			j.deleting--
		}
		if what, why := e.failure(); why != "" {
			j.context.Log().Warn(what, "job", j.config.Job.Name, "location", j.checkpoints.journal.Location(), "cause", why)
		}
		if e.event != nil {
			j.master.Checkpoint(now, e.event)
		}
		j.act()
	}
}

func (j *jobMaster) Gone(now time.Time, who message.AddressKey) {
	if j.master != nil {
		j.master.Gone(now, who)
		j.act()
	}
}

func (j *jobMaster) ChildPanicked(time.Time, message.AddressKey, *actors.Panic) {}

func (j *jobMaster) Tick(now time.Time) {
	if j.master == nil {
		j.claim(now, master.ClaimTick{})
		return
	}
	j.master.Tick(now)
	j.act()
}

func (j *jobMaster) Deadline() time.Time {
	if j.master == nil {
		return j.claiming.Deadline()
	}
	return j.master.Deadline()
}

func (j *jobMaster) Stop() {
	if j.checkpoints != nil {
		j.checkpoints.close()
	}
}

func (j *jobMaster) act() {
	changed := &message.JobChanged{LeaderEpoch: j.config.LeaderEpoch}
	for _, command := range j.master.Take() {
		switch c := command.(type) {
		case master.Send:
			j.context.Send(c.To, c.Body)
		case master.Watch:
			j.context.Watch(c.Address)
		case master.Carry:
			if deletes(c.Command) {
				j.deleting++
			}
			j.checkpoints.carry(c.Command)
		case master.GivenUp:
			j.context.Log().Warn("a checkpoint was given up", "job", j.config.Job.Name, "checkpoint", c.Checkpoint, "cause", c.Reason)
		case master.Answer:
			j.answer(c)
		case master.Changed:
			j.tell(c)
		case master.Ended:
			changed.Result, changed.Details, changed.Checkpoints = j.master.Result(), j.details(), j.checkpointsOverview()
			changed.Rescales = j.master.Rescales()
		case master.Dismiss:
			j.dismissing = true
		}
	}
	if j.settled != nil && j.deleting == 0 && j.master.Settled() {
		j.settled(j.config.Job.ID)
		j.settled = nil
	}
	if j.dismissing && j.deleting == 0 {
		j.dismissing, changed.Dismissed = false, true
	}
	summary := j.master.Summary()
	if changed.Dismissed || !proto.Equal(summary, j.told) {
		j.told, changed.Summary = summary, summary
		j.context.Send(j.dispatcher, changed)
	}
}

// deletes reports whether a command is waited for before the JobMaster ends.
func deletes(command coordinator.Command) bool {
	switch command.(type) {
	case coordinator.Delete, coordinator.Clean:
		return true
	}
	return false
}

// tell logs what has become of the job, and why it restarts or fails.
func (j *jobMaster) tell(c master.Changed) {
	if j.followed {
		return
	}
	log := j.context.Log().With("job", j.config.Job.Name, "id", j.config.Job.ID)
	if c.Cause != nil {
		log.Warn("job is "+c.State.String(), "cause", c.Cause.Message)
		return
	}
	log.Info("job is " + c.State.String())
}
