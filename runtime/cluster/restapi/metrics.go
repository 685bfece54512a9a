package restapi

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/rest"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// gathered are the latest known metrics.
type gathered struct {
	mu  sync.Mutex // held while they are gathered: whoever asks meanwhile waits for the same
	at  time.Time
	all *view.Metrics
}

// Metrics are those of all processes, as old as metrics.fetcher.update-interval says at the most. They are gathered by whoever asks for them first.
func (c *Cluster) Metrics(ctx context.Context) (*view.Metrics, error) {
	c.metrics.mu.Lock()
	defer c.metrics.mu.Unlock()
	if known := c.metrics.all; known != nil && c.clock.Since(c.metrics.at) < c.options.MetricsAge {
		return known, nil
	}
	all, err := c.gather(ctx)
	if err == nil {
		c.metrics.at, c.metrics.all = c.clock.Now(), all
	}
	return all, err
}

func (c *Cluster) gather(ctx context.Context) (*view.Metrics, error) {
	resources, err := c.resources(ctx)
	if err != nil {
		return nil, err
	}
	jobs, err := c.detailed(ctx, func(s message.JobState) bool { return !s.Ended() || s == message.JobState_JOB_FAILED })
	if err != nil {
		return nil, err
	}
	samples := current(c.fetch(ctx, resources.GetExecutors()), jobs)
	own, err := c.ownSamples(ctx, jobs)
	if err != nil {
		return nil, err
	}
	return view.MetricsOf(append(samples, own...)), nil
}

// fetch asks all TaskManagers at once for their figures, and leaves out those that do not answer in good time.
func (c *Cluster) fetch(ctx context.Context, executors []*message.TaskExecutorDetails) []metrics.Sample {
	ctx, cancel := context.WithTimeout(ctx, c.options.MetricsTimeout)
	defer cancel()
	parts := make([][]metrics.Sample, len(executors))
	var going sync.WaitGroup
	for i, e := range executors {
		going.Go(func() {
			var err error
			if parts[i], err = c.at(e).Metrics(ctx); err != nil {
				c.options.Log.Warn("a TaskManager does not tell its figures", "taskmanager", e.GetId(), "cause", err)
			}
		})
	}
	going.Wait()
	return slices.Concat(parts...)
}

// Samples are what the JobManager itself knows: the figures of its process, and of the cluster's jobs.
func (c *Cluster) Samples(ctx context.Context) ([]metrics.Sample, error) {
	jobs, err := c.running(ctx)
	if err != nil {
		return nil, err
	}
	return c.ownSamples(ctx, jobs)
}

func (c *Cluster) ownSamples(ctx context.Context, jobs []*message.JobDetails) ([]metrics.Sample, error) {
	overview, err := c.Overview(ctx)
	if err != nil {
		return nil, err
	}
	host := metrics.Variable{Name: metrics.Host, Value: c.options.Host}
	all := append(c.options.Registry.Snapshot(), clusterSamples(overview, host)...)
	for _, d := range jobs {
		checkpoints, err := c.Checkpoints(ctx, idOf(d.GetSummary().GetJob()))
		if err != nil && !errors.Is(err, rest.ErrUnknownJob) {
			return nil, err
		}
		all = append(all, jobSamples(d, checkpoints, c.clock.Now().UnixMilli(), host)...)
	}
	return all, nil
}

// attempt is a try to run a subtask.
type attempt struct {
	job     ident.JobID
	vertex  ident.VertexID
	subtask string
}

// current leaves out what earlier attempts have counted and what belongs to jobs that are not there.
func current(samples []metrics.Sample, jobs []*message.JobDetails) []metrics.Sample {
	known, running := map[string]bool{}, map[attempt]string{}
	for _, d := range jobs {
		job := idOf(d.GetSummary().GetJob())
		known[job.String()] = true
		for _, v := range d.GetVertices() {
			for _, s := range v.GetSubtasks() {
				switch s.GetState() {
				case message.TaskState_INITIALIZING, message.TaskState_RUNNING, message.TaskState_FINISHED:
					running[attempt{job, idOf(v.GetId()), strconv.Itoa(int(s.GetSubtask()))}] = strconv.Itoa(int(s.GetAttempt()))
				}
			}
		}
	}
	return slices.DeleteFunc(samples, func(s metrics.Sample) bool {
		if s.Scope.Level == metrics.LevelTaskManager {
			return false
		}
		subtask := s.Scope.Variable(metrics.SubtaskIndex)
		if subtask == "" {
			return !known[s.Scope.Variable(metrics.JobID)]
		}
		job, err1 := ident.ParseID(s.Scope.Variable(metrics.JobID))
		vertex, err2 := ident.ParseID(s.Scope.Variable(metrics.TaskID))
		number, ok := running[attempt{job, vertex, subtask}]
		return errors.Join(err1, err2) != nil || !ok || number != s.Scope.Variable(metrics.TaskAttemptNum)
	})
}

// sampler makes samples of one scope.
type sampler struct {
	scope *metrics.Scope
	all   []metrics.Sample
}

func (s *sampler) add(name string, value any) {
	s.all = append(s.all, metrics.Sample{Scope: s.scope, Name: name, Kind: metrics.KindGauge, Value: value})
}

func clusterSamples(o view.Overview, host metrics.Variable) []metrics.Sample {
	s := &sampler{scope: &metrics.Scope{Level: metrics.LevelJobManager, Variables: []metrics.Variable{host}}}
	s.add("numRegisteredTaskManagers", int64(o.TaskManagers))
	s.add("taskSlotsTotal", int64(o.Slots))
	s.add("taskSlotsAvailable", int64(o.FreeSlots))
	s.add("numRunningJobs", int64(o.Running))
	return s.all
}

// jobSamples are those metrics of Flink's that follow from what a JobMaster tells. checkpoints may be nil.
func jobSamples(d *message.JobDetails, checkpoints *view.Checkpoints, now int64, host metrics.Variable) []metrics.Sample {
	variables := []metrics.Variable{
		host, {Name: metrics.JobID, Value: idOf(d.GetSummary().GetJob()).String()}, {Name: metrics.JobName, Value: d.GetSummary().GetName()},
	}
	s := &sampler{scope: &metrics.Scope{Level: metrics.LevelJobManagerJob, Variables: variables}}
	s.add("numRestarts", int64(d.GetRestarts()))
	s.add("fullRestarts", int64(d.GetRestarts()))
	s.add("numRescales", int64(d.GetRescales()))
	s.addTimes(d, now)
	if checkpoints != nil {
		s.addCheckpoints(checkpoints)
	}
	for _, v := range d.GetVertices() {
		for _, c := range v.GetCoordinators() {
			s.scope = &metrics.Scope{Level: metrics.LevelOperator, User: []string{"coordinator"}, UserLogical: []string{"coordinator"}, Variables: append(variables[:len(variables):len(variables)],
				metrics.Variable{Name: metrics.TaskID, Value: idOf(v.GetId()).String()}, metrics.Variable{Name: metrics.TaskName, Value: v.GetName()},
				metrics.Variable{Name: metrics.OperatorID, Value: idOf(c.GetId()).String()}, metrics.Variable{Name: metrics.OperatorName, Value: c.GetOperator()})}
			s.add("attempt", int64(c.GetAttempt()))
		}
	}
	return s.all
}

// addTimes says how long the job has been in the state in which it is; 0 for all other states.
func (s *sampler) addTimes(d *message.JobDetails, now int64) {
	state := jobState(d.GetSummary().GetState())
	entered := enteredOf(d)
	for _, one := range []view.JobState{view.JobInitializing, view.JobCreated, view.JobRunning, view.JobFailing, view.JobRestarting, view.JobCancelling} {
		spent := int64(0)
		if one == state && !entered[one].IsZero() {
			spent = max(0, now-entered[one].UnixMilli())
		}
		s.add(strings.ToLower(string(one))+"Time", spent)
		if one == view.JobRunning {
			s.add("uptime", spent)
		}
	}
	down := int64(0)
	if failing := entered[view.JobRestarting]; state != view.JobRunning && !failing.IsZero() {
		down = max(0, now-failing.UnixMilli())
	}
	s.add("downtime", down)
	deploying, since := deployment(d)
	switch {
	case state != view.JobRunning || since == 0:
		since = now
	case deploying:
		s.add("deployingTime", max(0, now-since))
		s.add("allSubTasksRunningOrFinishedTime", int64(0))
		return
	}
	s.add("deployingTime", int64(0))
	s.add("allSubTasksRunningOrFinishedTime", max(0, now-since))
}

// deployment says whether some subtask is yet to run, and since when all do or that one is being started.
func deployment(d *message.JobDetails) (deploying bool, since int64) {
	for _, v := range d.GetVertices() {
		for _, s := range v.GetSubtasks() {
			switch s.GetState() {
			case message.TaskState_RUNNING, message.TaskState_FINISHED:
				if !deploying {
					since = max(since, s.GetStateMillis()[int32(message.TaskState_RUNNING)])
				}
			default:
				started := s.GetStateMillis()[int32(message.TaskState_DEPLOYING)]
				if !deploying || started < since {
					since = started
				}
				deploying = true
			}
		}
	}
	return deploying, since
}

func (s *sampler) addCheckpoints(c *view.Checkpoints) {
	s.add("totalNumberOfCheckpoints", int64(c.Counts.Total))
	s.add("numberOfInProgressCheckpoints", int64(c.Counts.InProgress))
	s.add("numberOfCompletedCheckpoints", int64(c.Counts.Completed))
	s.add("numberOfFailedCheckpoints", int64(c.Counts.Failed))
	last := c.Completed
	if last == nil {
		last = &view.Checkpoint{}
	}
	s.add("lastCompletedCheckpointId", int64(last.ID))
	s.add("lastCheckpointDuration", last.Millis)
	s.add("lastCheckpointSize", last.Sizes.Checkpointed)
	s.add("lastCheckpointFullSize", last.Sizes.State)
	s.add("lastCheckpointProcessedData", last.Sizes.Processed)
	s.add("lastCheckpointPersistedData", last.Sizes.Persisted)
	s.add("lastCheckpointExternalPath", last.Path)
	s.add("lastCheckpointCompletedTimestamp", stamp(last.LatestAck))
	restored := int64(-1)
	if c.Restored != nil {
		restored = stamp(c.Restored.At)
	}
	s.add("lastCheckpointRestoreTimestamp", restored)
}

// stamp is a time in milliseconds since the epoch; -1 for never.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return t.UnixMilli()
}
