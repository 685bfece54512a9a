package restapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/rest/view"
)

func jobState(s message.JobState) view.JobState {
	if known, ok := s.Graph(); ok {
		return view.JobState(known.String())
	}
	return view.JobReconciling
}

func taskState(s message.TaskState) view.TaskState {
	if known, ok := s.Graph(); ok {
		return view.TaskState(known.String())
	}
	return view.TaskReconciling
}

// idOf reads an id that this process has written itself.
func idOf(b []byte) ident.ID {
	id, _ := message.ID(b)
	return id
}

func summaryOf(s *message.JobSummary, now time.Time) view.JobSummary {
	made := view.JobSummary{
		ID: idOf(s.GetJob()), Name: s.GetName(), State: jobState(s.GetState()), Start: at(s.GetStartMillis()), End: at(s.GetEndMillis()),
		Modified: at(s.GetChangedMillis()), Tasks: map[view.TaskState]int{}, Now: now,
	}
	for state, n := range s.GetTasks() {
		made.Tasks[taskState(message.TaskState(state))] = int(n)
	}
	return made
}

func enteredOf(d *message.JobDetails) map[view.JobState]time.Time {
	entered := map[view.JobState]time.Time{}
	for state, millis := range d.GetStateMillis() {
		entered[jobState(message.JobState(state))] = at(millis)
	}
	return entered
}

// jobOf is the view of a job as it was told.
func jobOf(d *message.JobDetails, now time.Time) *view.Job {
	job := &view.Job{
		JobSummary: summaryOf(d.GetSummary(), now), Entered: enteredOf(d), Plan: planOf(d), Settings: settingsOf(d.GetConfiguration()),
		Accumulators: accumulatorsOf(d.GetAccumulators()), Configuration: settingList(d.GetConfiguration()),
	}
	for _, v := range d.GetVertices() {
		job.Vertices = append(job.Vertices, vertexOf(v))
	}
	places := placesOf(d)
	for _, e := range d.GetExceptions() {
		job.Failures = append(job.Failures, failureOf(e, places))
	}
	if d.GetFailure() != nil {
		cause := causeOf(d.GetFailure())
		job.Cause = &cause
	}
	if job.State == view.JobFailed && len(job.Failures) > 0 && job.Failures[0].Task != "" {
		job.Failures[0] = givenUp(job.Failures[0], job.Settings.RestartStrategy, d.GetRestarts())
	}
	return job
}

// givenUp is how Flink shows the failure that a job was given up for: as what came at the same time as that.
func givenUp(last view.Failure, strategy string, restarts int32) view.Failure {
	concurrent := last.Concurrent
	last.Concurrent = nil
	return view.Failure{
		Cause: view.Cause{Class: "org.apache.flink.runtime.JobException", Message: fmt.Sprintf("Recovery is suppressed after %d restarts: %s", restarts, strategy)},
		At:    last.At, Concurrent: append([]view.Failure{last}, concurrent...),
	}
}

// planOf takes the plan out of the object that it is told in. A job that never came to have one has an empty plan.
func planOf(d *message.JobDetails) []byte {
	var wrapped struct {
		Plan json.RawMessage `json:"plan"`
	}
	if err := json.Unmarshal(d.GetPlan(), &wrapped); err == nil && len(wrapped.Plan) > 0 {
		return wrapped.Plan
	}
	empty, err := json.Marshal(map[string]any{"jid": idOf(d.GetSummary().GetJob()).String(), "name": d.GetSummary().GetName(), "type": "STREAMING", "nodes": []any{}})
	if err != nil {
		panic(err) // strings always encode
	}
	return empty
}

func settingsOf(properties map[string]string) view.Settings {
	var all []string
	for key, text := range properties {
		all = append(all, key+"="+text)
	}
	c, _, err := config.Load("", all)
	if err != nil { // it was read before the job was started
		return view.Settings{}
	}
	return view.Settings{RestartStrategy: restartInWords(c), Parallelism: config.Get(c, config.Parallelism), ObjectReuse: config.Get(c, config.ObjectReuse)}
}

// restartInWords says how a job restarts, in Flink's words where it has some.
func restartInWords(c config.Configuration) string {
	switch strategy := config.Get(c, config.RestartStrategyType); strategy {
	case config.RestartUnset:
		return "Cluster level default restart strategy"
	case config.RestartNone:
		return "Restart deactivated."
	case config.RestartFixedDelay:
		return fmt.Sprintf("Restart with fixed delay (PT%vS). #%d restart attempts.", config.Get(c, config.FixedDelayDelay).Seconds(), config.Get(c, config.FixedDelayAttempts))
	default:
		return "Restart with strategy " + string(strategy) + "."
	}
}

// settingList are options by their keys. Values that may be secrets are hidden.
func settingList(properties map[string]string) []view.Setting {
	all := []view.Setting{}
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		text := properties[key]
		if config.Sensitive(key) {
			text = "******"
		}
		all = append(all, view.Setting{Key: key, Value: text})
	}
	return all
}

func vertexOf(v *message.VertexDetails) view.Vertex {
	made := view.Vertex{
		ID: idOf(v.GetId()), Name: v.GetName(), SlotSharingGroup: idOf(v.GetSlotSharingGroup()), Parallelism: int(v.GetParallelism()), MaxParallelism: int(v.GetMaxParallelism()),
	}
	var all []*message.Accumulator
	for _, s := range v.GetSubtasks() {
		subtask := view.Subtask{Index: int(s.GetSubtask()), Current: attemptOf(v, s)}
		for _, earlier := range s.GetEarlier() {
			subtask.Prior = append(subtask.Prior, attemptOf(v, earlier))
		}
		made.Subtasks = append(made.Subtasks, subtask)
		all = append(all, s.GetAccumulators()...)
	}
	made.Accumulators = accumulatorsOf(all)
	return made
}

func attemptOf(v *message.VertexDetails, s *message.SubtaskDetails) view.Attempt {
	made := view.Attempt{
		Number: int(s.GetAttempt()), State: taskState(s.GetState()), Entered: map[view.TaskState]time.Time{}, Endpoint: s.GetData(), TaskManager: s.GetTaskExecutor(),
		Execution: fmt.Sprintf("%s_%d_%d", idOf(v.GetId()), s.GetSubtask(), s.GetAttempt()), IO: ioOf(s.GetIo()), Accumulators: accumulatorsOf(s.GetAccumulators()),
	}
	for state, millis := range s.GetStateMillis() {
		made.Entered[taskState(message.TaskState(state))] = at(millis)
	}
	return made
}

func ioOf(io *message.TaskIO) view.IO {
	if io == nil {
		return view.IO{Incomplete: true, BusyMillis: math.NaN()}
	}
	return view.IO{
		ReadBytes: io.GetBytesIn(), WriteBytes: io.GetBytesOut(), ReadRecords: io.GetRecordsIn(), WriteRecords: io.GetRecordsOut(),
		BackpressuredMillis: io.GetBackpressuredMillis(), IdleMillis: io.GetIdleMillis(), BusyMillis: float64(io.GetBusyMillis()),
	}
}

// accumulatorsOf merges what subtasks have gathered, by name. One that cannot be merged shows why.
func accumulatorsOf(parts []*message.Accumulator) []view.Accumulator {
	byName := map[string][]accumulator.Snapshot{}
	broken := map[string]error{}
	for _, part := range parts {
		var value accumulator.Value
		if err := json.Unmarshal(part.GetValue(), &value); err != nil {
			broken[part.GetName()] = err
			continue
		}
		byName[part.GetName()] = append(byName[part.GetName()], accumulator.Snapshot{part.GetName(): value})
	}
	all := []view.Accumulator{}
	for name, snapshots := range byName {
		merged, err := accumulator.Merge(snapshots...)
		if err != nil {
			broken[name] = err
			continue
		}
		all = append(all, view.Accumulator{Name: name, Type: string(merged[name].Kind), Value: merged[name].String()})
	}
	for name, err := range broken {
		all = slices.DeleteFunc(all, func(a view.Accumulator) bool { return a.Name == name })
		all = append(all, view.Accumulator{Name: name, Type: "FailedAccumulator", Value: err.Error()})
	}
	slices.SortFunc(all, func(a, b view.Accumulator) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// classes are Java's names for whose fault a failure is.
var classes = map[operator.Class]string{
	operator.User:        "org.apache.flink.util.FlinkException",
	operator.Environment: "java.io.IOException",
	operator.Bug:         "java.lang.IllegalStateException",
	operator.Lost:        "org.apache.flink.runtime.checkpoint.CheckpointException",
}

func causeOf(f *message.Failure) view.Cause {
	class := classes[operator.Class(f.GetClass())]
	if class == "" {
		class = "org.apache.flink.runtime.JobException"
	}
	return view.Cause{Class: class, Message: f.GetMessage(), Stack: f.GetStack()}
}

// place is a subtask of a vertex, as failures name it.
type place struct {
	vertex  ident.VertexID
	subtask int32
}

// where says what a place is called and which attempts it had.
type where struct {
	name     string
	attempts map[int32]*message.SubtaskDetails
}

func placesOf(d *message.JobDetails) map[place]where {
	places := map[place]where{}
	for _, v := range d.GetVertices() {
		for _, s := range v.GetSubtasks() {
			one := where{fmt.Sprintf("%s (%d/%d)", v.GetName(), s.GetSubtask()+1, v.GetParallelism()), map[int32]*message.SubtaskDetails{s.GetAttempt(): s}}
			for _, earlier := range s.GetEarlier() {
				one.attempts[earlier.GetAttempt()] = earlier
			}
			places[place{idOf(v.GetId()), s.GetSubtask()}] = one
		}
	}
	return places
}

// unassigned stands for a place that is not known any more.
const unassigned = "(unassigned)"

func failureOf(e *message.ExceptionEntry, places map[place]where) view.Failure {
	made := view.Failure{Cause: causeOf(e.GetFailure()), At: at(e.GetMillis())}
	if one, ok := places[place{idOf(e.GetVertex()), e.GetSubtask()}]; ok && len(e.GetVertex()) > 0 {
		made.Task = fmt.Sprintf("%s - execution #%d", one.name, e.GetAttempt())
		made.Endpoint, made.TaskManager = cmp.Or(one.attempts[e.GetAttempt()].GetData(), unassigned), cmp.Or(e.GetTaskExecutor(), unassigned)
	}
	for _, other := range e.GetConcurrent() {
		made.Concurrent = append(made.Concurrent, failureOf(other, places))
	}
	return made
}
