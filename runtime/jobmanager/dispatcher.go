package jobmanager

import (
	"fmt"
	"time"

	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/jobmanager/master"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/schedule"
)

// dispatcher takes in jobs, starts a JobMaster for each, and keeps how they ended.
type dispatcher struct {
	options         Options
	resourceManager *message.Address
	context         *actors.Context

	jobs map[ident.JobID]*submitted
	// order has the jobs as they came.
	order []*submitted
}

// submitted is a job:
//
//	runs --JobChanged with a result, or its JobMaster panicked--> archived --later jobs--> forgotten
type submitted struct {
	id      ident.JobID
	name    string
	master  *actors.Ref
	summary *message.JobSummary
	details *message.JobDetails
	result  *message.JobResult
	// dismissed says that its JobMaster has ended.
	dismissed bool
	// checkpoints are those of a job that is over; nil if it took none.
	checkpoints *message.CheckpointsOverview
	// rescales are those of a job that is over.
	rescales *message.Rescales
	// until is when the job is canceled if its client is not heard of before; zero if nobody waits for one.
	until time.Time
	// waiting are the clients that asked for the result.
	waiting []*message.Address
}

// archiveSize is how many ended jobs are kept, and exceptionHistory how many failures of a job, as Flink does by default.
const (
	archiveSize      = 50
	exceptionHistory = 16
)

func (d *dispatcher) Start(c *actors.Context) {
	d.context = c
	d.jobs = map[ident.JobID]*submitted{}
}

func (d *dispatcher) Receive(now time.Time, m message.Message) {
	switch m := m.(type) {
	case *message.ClientRequest:
		d.serve(now, m)
	case *message.JobChanged:
		d.onJobChanged(m)
	}
}

func (d *dispatcher) Event(time.Time, any)               {}
func (d *dispatcher) Gone(time.Time, message.AddressKey) {}
func (d *dispatcher) Stop()                              {}

// ChildPanicked fails the job whose JobMaster is gone. Its TaskExecutors see that it is, and close their workers.
func (d *dispatcher) ChildPanicked(now time.Time, who message.AddressKey, p *actors.Panic) {
	for _, j := range d.order {
		if j.master.Address().Key() != who {
			continue
		}
		if j.dismissed = true; j.result != nil {
			return
		}
		failure := &message.Failure{
			Message: fmt.Sprintf("job %q: a bug in the JobMaster ended it: %v", j.name, p.Reason),
			Subtask: -1, Class: int32(operator.Bug), Stack: p.Stack,
		}
		d.context.Log().Error("job ended", "job", j.name, "id", j.id, "cause", failure.Message, "stack", p.Stack)
		j.summary.State, j.summary.EndMillis = message.JobState_JOB_FAILED, now.UnixMilli()
		d.archive(j, &message.JobDetails{Summary: j.summary, Failure: failure}, &message.JobResult{
			Job: message.IDBytes(j.id), Name: j.name, State: message.JobState_JOB_FAILED, Failure: failure,
			StartMillis: j.summary.StartMillis, EndMillis: j.summary.EndMillis,
		})
		if d.options.Settled != nil {
			d.options.Settled(j.id)
		}
		return
	}
}

func (d *dispatcher) serve(now time.Time, request *message.ClientRequest) {
	if request.ReplyTo == nil {
		return
	}
	if request.LeaderEpoch != 0 && request.LeaderEpoch != d.options.LeaderEpoch {
		d.refuse(request, fmt.Errorf("the request is for leader epoch %d, this JobManager leads in %d: look the leader up again", request.LeaderEpoch, d.options.LeaderEpoch))
		return
	}
	switch body := request.Body.(type) {
	case *message.ClientRequest_Submit:
		if err := d.submit(now, body.Submit); err != nil {
			d.refuse(request, err)
			return
		}
		d.context.Send(request.ReplyTo, &message.ClientResponse{})
	case *message.ClientRequest_List:
		list := &message.JobList{}
		for _, j := range d.order {
			list.Jobs = append(list.Jobs, j.summary)
		}
		d.context.Send(request.ReplyTo, &message.ClientResponse{Body: &message.ClientResponse_List{List: list}})
	case *message.ClientRequest_Overview:
		d.context.Send(d.resourceManager, request)
	case *message.ClientRequest_Cancel:
		d.forward(request, body.Cancel.Job, func(*submitted) *message.ClientResponse { return &message.ClientResponse{} })
	case *message.ClientRequest_Details:
		d.forward(request, body.Details.Job, func(j *submitted) *message.ClientResponse {
			return &message.ClientResponse{Body: &message.ClientResponse_Details{Details: j.details}}
		})
	case *message.ClientRequest_Checkpoints:
		d.forward(request, body.Checkpoints.Job, func(j *submitted) *message.ClientResponse { return checkpointsResponse(j.checkpoints) })
	case *message.ClientRequest_Alive:
		if err := d.heard(body.Alive); err != nil {
			d.refuse(request, err)
			return
		}
		d.context.Send(request.ReplyTo, &message.ClientResponse{})
	case *message.ClientRequest_Snapshot:
		d.forward(request, body.Snapshot.Job, func(j *submitted) *message.ClientResponse {
			return &message.ClientResponse{Error: fmt.Sprintf("job %q is over: it can no longer be snapshotted", j.name)}
		})
	case *message.ClientRequest_Rescales:
		d.forward(request, body.Rescales.Job, func(j *submitted) *message.ClientResponse { return rescalesResponse(j.rescales) })
	case *message.ClientRequest_Require:
		d.forward(request, body.Require.Job, func(j *submitted) *message.ClientResponse {
			return &message.ClientResponse{Error: fmt.Sprintf("job %q is over: its parallelism can no longer be changed", j.name)}
		})
	case *message.ClientRequest_Result:
		d.result(request, body.Result.Job)
	default:
		d.refuse(request, fmt.Errorf("a request of an unknown kind"))
	}
}

func (d *dispatcher) refuse(request *message.ClientRequest, err error) {
	d.context.Send(request.ReplyTo, &message.ClientResponse{Error: err.Error()})
}

func (d *dispatcher) find(id []byte) (*submitted, error) {
	job, err := message.ID(id)
	if err != nil {
		return nil, fmt.Errorf("job: %w", err)
	}
	if j := d.jobs[job]; j != nil {
		return j, nil
	}
	return nil, fmt.Errorf("job %s is not known here: it was never submitted, or ended long ago", job)
}

// forward has the JobMaster answer, or answers itself if the job is over.
func (d *dispatcher) forward(request *message.ClientRequest, id []byte, archived func(*submitted) *message.ClientResponse) {
	j, err := d.find(id)
	switch {
	case err != nil:
		d.refuse(request, err)
	case j.result == nil:
		d.context.Send(j.master.Address(), request)
	default:
		d.context.Send(request.ReplyTo, archived(j))
	}
}

// result answers when the job is over. A client repeats its request; it is remembered once.
func (d *dispatcher) result(request *message.ClientRequest, id []byte) {
	j, err := d.find(id)
	if err != nil {
		d.refuse(request, err)
		return
	}
	if j.result != nil {
		d.context.Send(request.ReplyTo, &message.ClientResponse{Body: &message.ClientResponse_Result{Result: j.result}})
		return
	}
	for _, known := range j.waiting {
		if known.Key() == request.ReplyTo.Key() {
			return
		}
	}
	j.waiting = append(j.waiting, request.ReplyTo)
}

// submit starts a job, unless it is known.
func (d *dispatcher) submit(now time.Time, s *message.SubmitJob) error {
	described, err := graph.DecodeDescription(s.Description)
	if err != nil {
		return fmt.Errorf("job description: %w", err)
	}
	if d.jobs[described.JobID] != nil {
		return nil
	}
	job, err := graph.FromDescription(described)
	if err != nil {
		return fmt.Errorf("job description: %w", err)
	}
	effective, err := d.configuration(s.Configuration)
	if err != nil {
		return fmt.Errorf("job %q: %w", job.Name, err)
	}
	checkpoints, err := newCheckpoints(effective, d.options.Stores, job)
	if err != nil {
		return fmt.Errorf("job %q: %w", job.Name, err)
	}
	restart, err := schedule.NewRestartStrategy(schedule.RestartConfigOf(effective, config.Get(effective, config.CheckpointInterval) > 0))
	if err != nil {
		return fmt.Errorf("job %q: %w", job.Name, err)
	}
	adaptive, reactive := newAdaptive(effective)
	j := &submitted{id: job.ID, name: job.Name, summary: &message.JobSummary{
		Job: message.IDBytes(job.ID), Name: job.Name, State: message.JobState_JOB_INITIALIZING, StartMillis: now.UnixMilli(), EndMillis: -1,
		ChangedMillis: now.UnixMilli(),
	}}
	j.master, err = d.context.Spawn(actors.UniqueName("jobmaster"), &jobMaster{
		dispatcher: d.context.Self(), followed: !d.options.Registered, checkpoints: checkpoints, settled: d.options.Settled,
		config: master.Config{
			Job: job, Configuration: effective.Properties(), Program: s.Program, LeaderEpoch: d.options.LeaderEpoch,
			ResourceManager: d.resourceManager, Timing: timing(d.options.Configuration),
			SlotRequestTimeout: config.Get(effective, config.SlotRequestTimeout), SlotIdleTimeout: config.Get(effective, config.SlotIdleTimeout),
			AttemptHistory: graph.DefaultAttemptHistory, ExceptionHistory: exceptionHistory, Restart: restart,
			Adaptive: adaptive, Reactive: reactive,
		},
	})
	if err != nil {
		return err
	}
	d.jobs[job.ID] = j
	d.order = append(d.order, j)
	return nil
}

// configuration is the cluster's, overridden by the job's.
func (d *dispatcher) configuration(job map[string]string) (config.Configuration, error) {
	var properties []string
	for key, text := range d.options.Configuration.Properties() {
		properties = append(properties, key+"="+text)
	}
	for key, text := range job {
		properties = append(properties, key+"="+text)
	}
	effective, _, err := config.Load("", properties)
	return effective, err
}

func (d *dispatcher) onJobChanged(changed *message.JobChanged) {
	j, err := d.find(changed.GetSummary().GetJob())
	if err != nil || changed.LeaderEpoch != d.options.LeaderEpoch {
		return
	}
	if j.result == nil {
		j.summary = changed.Summary
	}
	if changed.Result != nil && j.result == nil {
		j.checkpoints, j.rescales = changed.Checkpoints, changed.Rescales
		d.archive(j, changed.Details, changed.Result)
	}
	if changed.Dismissed {
		j.master.Stop()
		j.dismissed = true
		d.forget()
	}
}

// archive keeps how a job ended, tells those who wait, and forgets the oldest.
func (d *dispatcher) archive(j *submitted, details *message.JobDetails, result *message.JobResult) {
	j.details, j.result = details, result
	if d.options.Ended != nil {
		d.options.Ended(result)
	}
	for _, client := range j.waiting {
		d.context.Send(client, &message.ClientResponse{Body: &message.ClientResponse_Result{Result: result}})
	}
	j.waiting = nil
	d.forget()
}

// forget keeps the last archiveSize jobs that are over, and those whose JobMaster still has to close their log.
func (d *dispatcher) forget() {
	ended := 0
	for _, j := range d.order {
		if j.result != nil {
			ended++
		}
	}
	kept := d.order[:0]
	for _, j := range d.order {
		if j.result != nil && j.dismissed && ended > archiveSize {
			ended--
			delete(d.jobs, j.id)
			continue
		}
		kept = append(kept, j)
	}
	clear(d.order[len(kept):])
	d.order = kept
}
