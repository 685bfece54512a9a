package answer

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-stream/weir/runtime/rest/view"
)

func TestDouble(t *testing.T) {
	encoded, err := json.Marshal([]Double{0, 13, 0.25, 71630848, Double(math.NaN()), Double(math.Inf(-1))})
	if err != nil || string(encoded) != `[0.0,13.0,0.25,7.1630848E7,"NaN","-Infinity"]` {
		t.Errorf("%s, %v", encoded, err)
	}
	var back any
	if err := json.Unmarshal(encoded, &back); err != nil {
		t.Error(err)
	}
}

func at(millis int64) time.Time { return time.UnixMilli(1000 + millis) }

func attempt(state view.TaskState, entered map[view.TaskState]time.Time) *view.Attempt {
	return &view.Attempt{State: state, Entered: entered}
}

// The state of a vertex is what is worst first.
func TestVertexState(t *testing.T) {
	for _, c := range []struct {
		states []view.TaskState
		want   view.TaskState
	}{
		{nil, view.TaskCreated}, {[]view.TaskState{view.TaskCreated, view.TaskScheduled, view.TaskDeploying}, view.TaskCreated},
		{[]view.TaskState{view.TaskRunning, view.TaskInitializing}, view.TaskInitializing}, {[]view.TaskState{view.TaskRunning, view.TaskFinished}, view.TaskRunning},
		{[]view.TaskState{view.TaskFinished, view.TaskCreated}, view.TaskRunning}, {[]view.TaskState{view.TaskFinished, view.TaskFinished}, view.TaskFinished},
		{[]view.TaskState{view.TaskCanceled, view.TaskCanceling}, view.TaskCanceling}, {[]view.TaskState{view.TaskCanceled, view.TaskFailed, view.TaskRunning}, view.TaskFailed},
		{[]view.TaskState{view.TaskCanceled, view.TaskFinished}, view.TaskCanceled},
	} {
		var all []*view.Attempt
		for _, s := range c.states {
			all = append(all, attempt(s, nil))
		}
		if got := vertexState(all); got != c.want {
			t.Errorf("%v: %s, want %s", c.states, got, c.want)
		}
	}
}

func TestStateMillis(t *testing.T) {
	entered := map[view.TaskState]time.Time{view.TaskCreated: at(0), view.TaskScheduled: at(10), view.TaskDeploying: at(30), view.TaskInitializing: at(60), view.TaskRunning: at(100)}
	want := map[view.TaskState]int64{view.TaskCreated: 10, view.TaskScheduled: 20, view.TaskDeploying: 30, view.TaskInitializing: 40, view.TaskRunning: 400}
	if diff := cmp.Diff(want, stateMillis(attempt(view.TaskRunning, entered), at(500))); diff != "" {
		t.Errorf("running: %s", diff)
	}
	entered[view.TaskFailed] = at(150)
	want[view.TaskRunning] = 50
	if diff := cmp.Diff(want, stateMillis(attempt(view.TaskFailed, entered), at(500))); diff != "" {
		t.Errorf("failed: %s", diff)
	}
	early := map[view.TaskState]time.Time{view.TaskCreated: at(0), view.TaskCanceled: at(7)}
	want = map[view.TaskState]int64{view.TaskCreated: 7, view.TaskScheduled: -1, view.TaskDeploying: -1, view.TaskInitializing: -1, view.TaskRunning: -1}
	if diff := cmp.Diff(want, stateMillis(attempt(view.TaskCanceled, early), at(500))); diff != "" {
		t.Errorf("canceled before it was scheduled: %s", diff)
	}
}

func TestSpanOf(t *testing.T) {
	one := attempt(view.TaskFinished, map[view.TaskState]time.Time{view.TaskDeploying: at(10), view.TaskFinished: at(90)})
	other := attempt(view.TaskCanceled, map[view.TaskState]time.Time{view.TaskDeploying: at(5), view.TaskCanceled: at(70)})
	going := attempt(view.TaskRunning, map[view.TaskState]time.Time{view.TaskDeploying: at(20)})
	never := attempt(view.TaskCanceled, map[view.TaskState]time.Time{view.TaskCanceled: at(3)})
	for _, c := range []struct {
		all  []*view.Attempt
		want span
	}{
		{[]*view.Attempt{one, other}, span{at(5), at(90)}}, {[]*view.Attempt{one, going}, span{at(10), time.Time{}}}, {[]*view.Attempt{never}, span{}}, {nil, span{}},
	} {
		if got := spanOf(c.all); got != c.want {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}

// The numbers are those of a recorded answer.
func TestAggregateMetrics(t *testing.T) {
	lists := [][]view.Metric{{{ID: "lastCheckpointSize", Value: "-1"}, {ID: "text", Value: "x"}, {ID: "uptime", Value: "69438"}},
		{{ID: "lastCheckpointSize", Value: "7416"}, {ID: "uptime", Value: "145554"}}}
	encoded, err := json.Marshal(AggregateMetrics(lists, []string{"uptime", "lastCheckpointSize", "nosuch", "text"}, nil))
	want := `[{"id":"uptime","min":69438.0,"max":145554.0,"avg":107496.0,"sum":214992.0,"skew":35.40410805983478},` +
		`{"id":"lastCheckpointSize","min":-1.0,"max":7416.0,"avg":3707.5,"sum":7415.0,"skew":100.0}]`
	if err != nil || string(encoded) != want {
		t.Errorf("%s\nwant\n%s", encoded, want)
	}
	encoded, _ = json.Marshal(AggregateMetrics(lists, []string{"uptime"}, []Aggregation{Max, Sum}))
	if want := `[{"id":"uptime","max":145554.0,"sum":214992.0}]`; string(encoded) != want {
		t.Errorf("%s, want %s", encoded, want)
	}
	encoded, _ = json.Marshal(AggregateMetrics(lists, nil, []Aggregation{Max}))
	if want := `[{"id":"lastCheckpointSize"},{"id":"text"},{"id":"uptime"}]`; string(encoded) != want {
		t.Errorf("%s, want %s", encoded, want)
	}
}

func TestBackPressure(t *testing.T) {
	metric := func(pressure string) []view.Metric {
		return []view.Metric{{ID: "backPressuredTimeMsPerSecond", Value: pressure}, {ID: "busyTimeMsPerSecond", Value: "NaN"}, {ID: "idleTimeMsPerSecond", Value: "250"}}
	}
	for pressure, want := range map[string]string{"0": "ok", "100.0": "ok", "101": "low", "500": "low", "501": "high", "nonsense": "ok"} {
		got, ok := DescribeBackPressure(&view.VertexMetrics{Subtasks: map[int][]view.Metric{0: metric("0"), 3: metric(pressure)}}, 7)
		if !ok || got.Level != want || got.LevelAgain != want || got.Subtasks[1].Level != want || got.Subtasks[1].Subtask != 3 || got.Subtasks[0].Level != "ok" || got.Subtasks[0].Idle != 0.25 || got.Subtasks[0].Busy != 0 {
			t.Errorf("%s: %+v, want %s", pressure, got, want)
		}
	}
	if got, ok := DescribeBackPressure(nil, 7); !ok || got.Status != "deprecated" {
		t.Errorf("nothing known: %+v", got)
	}
	if _, ok := DescribeBackPressure(&view.VertexMetrics{Coordinator: []view.Metric{{ID: "x"}}}, 7); ok {
		t.Error("a coordinator without subtasks is answered")
	}
}

func TestExceptionsAreLimitedAndFiltered(t *testing.T) {
	job := &view.Job{Failures: []view.Failure{
		{Cause: view.Cause{Class: "a"}, Labels: map[string]string{"type": "user"}}, {Cause: view.Cause{Class: "b"}}, {Cause: view.Cause{Class: "c"}, Labels: map[string]string{"type": "user", "x": "y"}},
	}}
	names := func(limit int, labels ...Label) (all string, truncated bool) {
		history := DescribeExceptions(job, limit, labels).History
		for _, e := range history.Entries {
			all += e.Name
		}
		return all, history.Truncated
	}
	for _, c := range []struct {
		limit     int
		labels    []Label
		want      string
		truncated bool
	}{
		{3, nil, "abc", false}, {2, nil, "ab", true}, {0, nil, "", true}, {9, []Label{{"type", "user"}}, "ac", false}, {1, []Label{{"type", "user"}}, "a", true},
		{9, []Label{{"type", "user"}, {"x", "y"}}, "c", false}, {9, []Label{{"type", ""}}, "", false},
	} {
		if got, truncated := names(c.limit, c.labels...); got != c.want || truncated != c.truncated {
			t.Errorf("%d %v: %s %v, want %s %v", c.limit, c.labels, got, truncated, c.want, c.truncated)
		}
	}
}

// Which keys there are is decided by how far a checkpoint has come, not by what is known of it.
func TestKeysOfCheckpoints(t *testing.T) {
	for status, want := range map[view.CheckpointStatus]map[string]any{
		view.CheckpointCompleted:  {"className": "completed", "external_path": nil, "discarded": false},
		view.CheckpointFailed:     {"className": "failed", "failure_timestamp": 0.0, "failure_message": nil},
		view.CheckpointInProgress: {"className": "in_progress"},
	} {
		encoded, _ := json.Marshal(DescribeCheckpoint(&view.Checkpoint{ID: 3, Status: status}))
		var keys map[string]any
		if err := json.Unmarshal(encoded, &keys); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"className", "external_path", "discarded", "failure_timestamp", "failure_message"} {
			wanted, want := want[key]
			got, there := keys[key]
			if there != want || got != wanted {
				t.Errorf("%s: %s is %v (%v)", status, key, got, there)
			}
		}
		if len(keys) != 17+len(want)-1 {
			t.Errorf("%s: %d keys: %s", status, len(keys), encoded)
		}
	}
}

func TestSubtasksThatHaveNotAnswered(t *testing.T) {
	one := &view.Checkpoint{ID: 3, Status: view.CheckpointInProgress}
	encoded, _ := json.Marshal(DescribeSubtaskCheckpoints(one, &view.VertexCheckpoint{Parts: []view.SubtaskCheckpoint{{Index: 1}, {Index: 2, Acked: true, Millis: 7}}}))
	var got struct {
		Summary  map[string]struct{ Min, Max int }
		Subtasks []map[string]any
	}
	_ = json.Unmarshal(encoded, &got)
	want := map[string]any{"className": "pending", "index": 1.0, "status": "pending_or_failed"}
	if diff := cmp.Diff(want, got.Subtasks[0]); diff != "" || got.Subtasks[1]["end_to_end_duration"] != 7.0 {
		t.Errorf("%s %s", diff, encoded)
	}
	if d := got.Summary["end_to_end_duration"]; d.Min != 7 || d.Max != 7 {
		t.Errorf("who has not answered counts: %+v", d)
	}
}
