package restapi

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/rest"
	"github.com/weir-stream/weir/runtime/rest/view"
)

var (
	job, vertex = ident.Derive("job"), ident.Derive("vertex")
	now         = time.UnixMilli(10_000)
)

// travel sends a message through its encoding.
func travel[M proto.Message](t *testing.T, m M) M {
	t.Helper()
	encoded, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	made := m.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(encoded, made); err != nil {
		t.Fatal(err)
	}
	return made.(M)
}

func states[S message.TaskState | message.JobState](pairs map[S]int64) map[int32]int64 {
	made := map[int32]int64{}
	for state, millis := range pairs {
		made[int32(state)] = millis
	}
	return made
}

func details() *message.JobDetails {
	sum := func(n string) []*message.Accumulator {
		return []*message.Accumulator{{Name: "seen", Value: []byte(`{"kind":"IntCounter","value":` + n + `}`)}}
	}
	subtask := func(index, attempt int32, state message.TaskState, seen string) *message.SubtaskDetails {
		return &message.SubtaskDetails{
			Subtask: index, Attempt: attempt, State: state, TaskExecutor: "tm", Data: "h:70", StateMillis: states(map[message.TaskState]int64{state: 300}), Accumulators: sum(seen),
		}
	}
	first, second := subtask(0, 1, message.TaskState_RUNNING, "4"), subtask(1, 0, message.TaskState_FINISHED, "5")
	first.Io = &message.TaskIO{RecordsIn: 1, RecordsOut: 2, BytesIn: 3, BytesOut: 4, BusyMillis: 5, IdleMillis: 6, BackpressuredMillis: 7}
	first.Earlier = []*message.SubtaskDetails{{Subtask: 0, State: message.TaskState_FAILED, TaskExecutor: "old", Data: "o:1"}}
	return &message.JobDetails{
		Summary: &message.JobSummary{
			Job: job[:], Name: "j", State: message.JobState_JOB_RUNNING, StartMillis: 100, EndMillis: -1, ChangedMillis: 200, Tasks: map[int32]int32{int32(message.TaskState_RUNNING): 1},
		},
		StateMillis: states(map[message.JobState]int64{message.JobState_JOB_RUNNING: 200}), Plan: []byte(`{"plan":{"jid":"x"}}`), Restarts: 3,
		Configuration: map[string]string{"parallelism.default": "2", "s3.secret-key": "hunter2"}, Accumulators: append(sum("4"), sum("5")...),
		Vertices:   []*message.VertexDetails{{Id: vertex[:], Name: "v", Parallelism: 2, MaxParallelism: 128, Subtasks: []*message.SubtaskDetails{first, second}}},
		Exceptions: []*message.ExceptionEntry{{Failure: &message.Failure{Message: "disk", Class: int32(operator.Environment)}, Millis: 250, Vertex: vertex[:], TaskExecutor: "old"}},
	}
}

func TestAJobIsShownAsItWasTold(t *testing.T) {
	got := jobOf(travel(t, details()), now)
	if got.State != view.JobRunning || !got.End.IsZero() || got.Modified != time.UnixMilli(200) || got.Tasks[view.TaskRunning] != 1 || string(got.Plan) != `{"jid":"x"}` {
		t.Errorf("%+v", got.JobSummary)
	}
	if diff := cmp.Diff([]view.Accumulator{{Name: "seen", Type: "IntCounter", Value: "9"}}, got.Accumulators); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]view.Setting{{Key: "parallelism.default", Value: "2"}, {Key: "s3.secret-key", Value: "******"}}, got.Configuration); diff != "" {
		t.Error(diff)
	}
	if got.Settings.Parallelism != 2 || got.Settings.RestartStrategy != "Cluster level default restart strategy" {
		t.Errorf("%+v", got.Settings)
	}
	v := got.Vertex(vertex)
	first := v.Subtasks[0]
	if first.Current.Number != 1 || first.Current.Endpoint != "h:70" || first.Current.State != view.TaskRunning || first.Current.Entered[view.TaskRunning] != time.UnixMilli(300) {
		t.Errorf("%+v", first.Current)
	}
	if diff := cmp.Diff(view.IO{ReadBytes: 3, WriteBytes: 4, ReadRecords: 1, WriteRecords: 2, BackpressuredMillis: 7, IdleMillis: 6, BusyMillis: 5}, first.Current.IO); diff != "" {
		t.Error(diff)
	}
	if len(first.Prior) != 1 || first.Prior[0].State != view.TaskFailed || first.Prior[0].TaskManager != "old" {
		t.Errorf("%+v", first.Prior)
	}
	if io := v.Subtasks[1].Current.IO; !io.Incomplete || !math.IsNaN(io.BusyMillis) {
		t.Errorf("%+v", io)
	}
	want := []view.Failure{{Cause: view.Cause{Class: "java.io.IOException", Message: "disk"}, At: time.UnixMilli(250), Task: "v (1/2) - execution #0", Endpoint: "o:1", TaskManager: "old"}}
	if diff := cmp.Diff(want, got.Failures); diff != "" {
		t.Error(diff)
	}
}

func TestAccumulatorsThatDoNotMergeSayWhy(t *testing.T) {
	got := accumulatorsOf([]*message.Accumulator{{Name: "b", Value: []byte(`{"kind":"IntCounter","value":1}`)}, {Name: "a", Value: []byte(`{`)}, {Name: "b", Value: []byte(`{"kind":"ListAccumulator","value":[]}`)}})
	if len(got) != 2 || got[0].Name != "a" || got[0].Type != "FailedAccumulator" || got[1].Type != "FailedAccumulator" {
		t.Errorf("%+v", got)
	}
}

func TestTaskManagersAreShownWithTheirTasks(t *testing.T) {
	other := ident.Derive("other")
	resources := travel(t, &message.ClusterOverview{TaskExecutors: 1, SlotsTotal: 4, SlotsFree: 1, Executors: []*message.TaskExecutorDetails{
		{Id: "tm", Address: &message.Address{Host: "h:6", Id: "e"}, Slots: 4, Jobs: [][]byte{job[:], job[:], other[:]}, HeardMillis: 77},
	}})
	want := []view.TaskManager{{
		ID: "tm", Path: "h:6/e", DataPort: 70, Heartbeat: time.UnixMilli(77), Slots: 4, FreeSlots: 1, Tasks: 1, Allocated: []view.AllocatedSlot{{Job: job, Tasks: 1}, {Job: job}, {Job: other}},
	}}
	if diff := cmp.Diff(want, taskManagersOf(resources, []*message.JobDetails{details()})); diff != "" {
		t.Error(diff)
	}
	o := overviewOf(resources, []*message.JobSummary{{State: message.JobState_JOB_RUNNING}, {State: message.JobState_JOB_CANCELED}, {State: message.JobState_JOB_RESTARTING}})
	if diff := cmp.Diff(view.Overview{TaskManagers: 1, Slots: 4, FreeSlots: 1, Running: 2, Canceled: 1}, o); diff != "" {
		t.Error(diff)
	}
}

func TestCheckpointsAreShownAsTheyWereTold(t *testing.T) {
	if checkpointsOf(travel(t, &message.CheckpointsOverview{})) != nil || checkpointsOf(nil) != nil {
		t.Error("a job that takes none shows some")
	}
	one := &message.CheckpointStatistics{
		Checkpoint: 7, Status: "COMPLETED", Savepoint: true, Path: "/s", TriggeredMillis: 1000, LatestAckMillis: 1300, EndedMillis: 1400, Subtasks: 2, Acknowledged: 1,
		Vertices: []*message.VertexCheckpoint{{Vertex: vertex[:], Parallelism: 2, Subtasks: []*message.SubtaskCheckpoint{
			{Subtask: 1, AckMillis: 1300, CheckpointedBytes: 10, StateBytes: 20, SyncMillis: 1, AsyncMillis: 2, StartDelayMillis: 3, AlignmentMillis: 4},
		}}},
	}
	spread := &message.CheckpointSpread{Min: 5, Max: 15, Sum: 20, Count: 2}
	got := checkpointsOf(travel(t, &message.CheckpointsOverview{
		Settings: &message.CheckpointSettings{IntervalMillis: 50, RetainedAfterFailure: true, Backend: "pebble"}, Total: 3, Completed: 2, Failed: 1, History: []*message.CheckpointStatistics{one},
		LatestSavepoint: one, CheckpointedBytes: spread, LatestRestored: &message.CheckpointRestored{Checkpoint: 4, Millis: 99, Savepoint: true, Path: "/r"},
	}))
	if s := got.Settings; s.Interval != 50*time.Millisecond || !s.Externalized || !s.DeleteOnCancel || s.Backend != "EmbeddedRocksDBStateBackend" || s.Storage != "FileSystemCheckpointStorage" {
		t.Errorf("%+v", s)
	}
	if diff := cmp.Diff(&view.Restore{ID: 4, At: time.UnixMilli(99), Savepoint: true, Path: "/r"}, got.Restored); diff != "" || got.Completed != nil || got.Savepoint.ID != 7 {
		t.Error(diff)
	}
	if s := got.Summary.Checkpointed; s.Min != 5 || s.Max != 15 || s.Avg != 10 || s.P50 != 10 {
		t.Errorf("%+v", s)
	}
	c := got.Find(7)
	if c.Millis != 400 || c.Format != "CANONICAL" || c.Sizes.Checkpointed != 10 || c.Sizes.State != 20 {
		t.Errorf("%+v", c)
	}
	want := []view.SubtaskCheckpoint{{Index: 0}, {
		Index: 1, Acked: true, At: time.UnixMilli(1300), Millis: 300, Sizes: view.CheckpointSizes{Checkpointed: 10, State: 20}, Sync: 1, Async: 2, Alignment: 4, Delay: 3,
	}}
	if diff := cmp.Diff(want, c.Vertices[0].Parts); diff != "" {
		t.Error(diff)
	}
}

// A subtask that had finished before the checkpoint takes no part in it.
func TestFinishedSubtasksHaveNoPart(t *testing.T) {
	answered := map[int]view.SubtaskCheckpoint{2: {Index: 2, Acked: true}, 3: {Index: 3, Acked: true}}
	if got := partsOf(answered, 2); len(got) != 2 || got[0].Index != 2 || got[1].Index != 3 {
		t.Errorf("%+v", got)
	}
}

func TestARequestSetsOptions(t *testing.T) {
	got, err := checked(rest.Program{
		Parallelism: 3, Job: job, Savepoint: "/s", AllowNonRestored: true, ClaimMode: "CLAIM", Configuration: map[string]string{"parallelism.default": "9", "pipeline.name": "n"},
	})
	want := map[string]string{
		"parallelism.default": "3", "pipeline.name": "n", "$internal.pipeline.job-id": job.String(), "execution.state-recovery.path": "/s",
		"execution.state-recovery.ignore-unclaimed-state": "true", "execution.state-recovery.claim-mode": "CLAIM",
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := checked(rest.Program{Configuration: map[string]string{"parallelism.default": "many"}}); err == nil {
		t.Error("an option that cannot be read is taken")
	}
}

func TestMetricsFollowFromWhatIsTold(t *testing.T) {
	d := details()
	d.Vertices[0].Coordinators = []*message.CoordinatorDetails{{Operator: "Source: a", Attempt: 2, Id: vertex[:]}}
	checkpoints := &view.Checkpoints{Counts: view.CheckpointCounts{Total: 6, Completed: 5}, Completed: &view.Checkpoint{Millis: 8, Path: "/c"}}
	got := view.MetricsOf(jobSamples(travel(t, d), checkpoints, 1200, metrics.Variable{Name: metrics.Host, Value: "h"})).Jobs[job]
	for id, want := range map[string]string{
		"numRestarts": "3", "uptime": "1000", "runningTime": "1000", "restartingTime": "0", "downtime": "0", "numberOfCompletedCheckpoints": "5", "totalNumberOfCheckpoints": "6",
		"lastCheckpointDuration": "8", "lastCheckpointExternalPath": "/c", "lastCheckpointRestoreTimestamp": "-1",
	} {
		if value, _ := view.Lookup(got.Own, id); value != want {
			t.Errorf("%s is %q", id, value)
		}
	}
	if value, _ := view.Lookup(got.Vertices[vertex].Coordinator, "Source__a.coordinator.attempt"); value != "2" {
		t.Errorf("%+v", got.Vertices[vertex])
	}
}

// Figures of an earlier attempt, of one that has failed, and of jobs that are not there any more would be taken for those of what runs.
func TestOnlyWhatRunsCounts(t *testing.T) {
	sample := func(level metrics.Level, job ident.JobID, subtask, attempt, name string) metrics.Sample {
		scope := &metrics.Scope{Level: level, Variables: []metrics.Variable{{Name: metrics.JobID, Value: job.String()}, {Name: metrics.TaskManagerID, Value: "tm"}}}
		if subtask != "" {
			scope.Variables = append(scope.Variables, metrics.Variable{Name: metrics.TaskID, Value: vertex.String()},
				metrics.Variable{Name: metrics.SubtaskIndex, Value: subtask}, metrics.Variable{Name: metrics.TaskAttemptNum, Value: attempt})
		}
		return metrics.Sample{Scope: scope, Name: name, Value: int64(1)}
	}
	other := ident.Derive("other")
	got := current([]metrics.Sample{
		sample(metrics.LevelTask, job, "0", "0", "earlier"), sample(metrics.LevelTask, job, "0", "1", "now"), sample(metrics.LevelOperator, job, "0", "1", "operator"),
		sample(metrics.LevelTask, job, "7", "0", "no such subtask"), sample(metrics.LevelTask, other, "0", "1", "no such job"),
		sample(metrics.LevelTaskManagerJob, job, "", "", "worker"), sample(metrics.LevelTaskManagerJob, other, "", "", "another's worker"), sample(metrics.LevelTaskManager, other, "", "", "process"),
	}, []*message.JobDetails{details()})
	var names []string
	for _, s := range got {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff([]string{"now", "operator", "worker", "process"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestAJobThatWasGivenUpSaysSo(t *testing.T) {
	d := details()
	d.Summary.State = message.JobState_JOB_FAILED
	got := jobOf(travel(t, d), now).Failures[0]
	if got.Task != "" || len(got.Concurrent) != 1 || got.Concurrent[0].Message != "disk" || got.Concurrent[0].Task == "" {
		t.Errorf("%+v", got)
	}
}

func TestStacksBecomeAFlameGraph(t *testing.T) {
	samples := &message.StackSamples{Functions: []string{"main", "work", "wait"}, Samples: []*message.StackSample{
		{Count: 3, Frames: []uint32{0, 1}}, {Count: 2, Waiting: true, Frames: []uint32{0, 2}}, {Subtask: 1, Count: 5, Frames: []uint32{0, 1, 99}},
	}}
	all := flameOf(samples, -1, "FULL")
	want := &view.Frame{Name: "root", Samples: 10, Children: []*view.Frame{{Name: "main", Samples: 10, Children: []*view.Frame{{Name: "work", Samples: 8}, {Name: "wait", Samples: 2}}}}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
	if on, off, one := flameOf(samples, -1, "ON_CPU"), flameOf(samples, -1, "OFF_CPU"), flameOf(samples, 1, "FULL"); on.Samples != 8 || off.Samples != 2 || one.Samples != 5 {
		t.Errorf("%d ran, %d waited, %d are of subtask 1", on.Samples, off.Samples, one.Samples)
	}
}

func TestGoroutinesAreTakenApart(t *testing.T) {
	got := threadsOf("", "goroutine 1 [running]:\nmain.main()\n\ngoroutine 2 [select]:\nx()\n\n")
	want := []view.Thread{{Name: "goroutine 1 [running]", Text: "goroutine 1 [running]:\nmain.main()\n"}, {Name: "goroutine 2 [select]", Text: "goroutine 2 [select]:\nx()\n"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := shownArguments([]string{"-Ds3.secret-key=x", "-Da=b"}); got[0] != "-Ds3.secret-key=******" || got[1] != "-Da=b" {
		t.Error(got)
	}
}
