package graph

import (
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/runtime/ident"
)

func TestTaskTransitions(t *testing.T) {
	// Rows are states, columns what they may become, in the order of the constants; as Flink's Execution allows it.
	const table = `
		CREATED       .S.....CF
		SCHEDULED     ..D....CF
		DEPLOYING     ...I..cCF
		INITIALIZING  ....RXcCF
		RUNNING       .....XcCF
		FINISHED      .........
		CANCELING     .......C.
		CANCELED      .........
		FAILED        .........`
	for i, row := range strings.Split(strings.TrimSpace(table), "\n") {
		name, allowed, _ := strings.Cut(strings.TrimSpace(row), " ")
		allowed = strings.TrimSpace(allowed)
		from := TaskState(i)
		if from.String() != name {
			t.Fatalf("state %d is %s, want %s", i, from, name)
		}
		for to := range TaskStates {
			if got, want := from.CanBecome(to), allowed[to] != '.'; got != want {
				t.Errorf("%s can become %s: %v", from, to, got)
			}
		}
		if from.Terminal() != (allowed == ".........") {
			t.Errorf("%s is terminal: %v", from, from.Terminal())
		}
	}
}

func TestJobTransitions(t *testing.T) {
	allowed := map[JobState]string{
		JobInitializing: "CREATED RECONCILING FAILED CANCELLING CANCELED SUSPENDED",
		JobCreated:      "RUNNING FAILING FAILED CANCELLING CANCELED SUSPENDED",
		JobRunning:      "FINISHED RESTARTING FAILING CANCELLING SUSPENDED",
		JobFailing:      "FAILED CANCELLING SUSPENDED",
		JobCancelling:   "CANCELED FAILING SUSPENDED",
		JobRestarting:   "RUNNING CREATED FAILING CANCELLING SUSPENDED",
		JobReconciling:  "RUNNING RESTARTING FAILING CANCELLING SUSPENDED",
	}
	for from := range JobStates {
		for to := range JobStates {
			if got, want := from.CanBecome(to), slices.Contains(strings.Fields(allowed[from]), to.String()); got != want {
				t.Errorf("%s can become %s: %v", from, to, got)
			}
		}
		if from.Terminal() != (allowed[from] == "") || from.GloballyTerminal() != (from.Terminal() && from != JobSuspended) {
			t.Errorf("%s is terminal: %v, %v", from, from.Terminal(), from.GloballyTerminal())
		}
	}
}

func TestAggregateState(t *testing.T) {
	cases := map[string]TaskState{
		"CREATED CREATED": TaskCreated, "SCHEDULED DEPLOYING": TaskCreated, "CREATED RUNNING": TaskRunning,
		"INITIALIZING RUNNING": TaskInitializing, "RUNNING FINISHED": TaskRunning, "FINISHED FINISHED": TaskFinished,
		"FINISHED SCHEDULED": TaskRunning, "RUNNING CANCELED": TaskCanceled, "CANCELED CANCELING": TaskCanceling,
		"FAILED CANCELING": TaskFailed,
	}
	for states, want := range cases {
		var counts [TaskStates]int
		for _, s := range strings.Fields(states) {
			counts[slices.Index(taskStateNames[:], s)]++
		}
		if got := AggregateState(counts); got != want {
			t.Errorf("%s: %s, want %s", states, got, want)
		}
	}
}

func executed(t *testing.T) *ExecutionGraph {
	t.Helper()
	o := chaining
	o.JobID = ident.Derive("job")
	return NewExecutionGraph(compile(t, &wordCount().StreamGraph, o), 2, 100)
}

// drive moves the current attempt of a subtask through states.
func drive(t *testing.T, g *ExecutionGraph, s SubtaskID, states ...TaskState) {
	t.Helper()
	for i, to := range states {
		if _, err := g.Update(g.Subtask(s).Current().ID, to, int64(200+i), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExecutionOfAnAttempt(t *testing.T) {
	g := executed(t)
	s := g.Vertices()[0].Subtasks[1].ID
	drive(t, g, s, TaskScheduled, TaskDeploying, TaskInitializing, TaskRunning)
	e := g.Subtask(s).Current()
	if e.State() != TaskRunning || e.EnteredAt(TaskCreated) != 100 || e.EnteredAt(TaskRunning) != 203 || e.EnteredAt(TaskFinished) != 0 {
		t.Errorf("%s, times %v", e.State(), e.entered)
	}
	if changed, err := g.Update(e.ID, TaskRunning, 999, nil); changed || err != nil || e.EnteredAt(TaskRunning) != 203 {
		t.Errorf("a repeated report: changed %v, error %v, since %d", changed, err, e.EnteredAt(TaskRunning))
	}
	cause := &FailureCause{Message: "boom"}
	if changed, err := g.Update(e.ID, TaskFailed, 300, cause); !changed || err != nil || e.Failure() != cause {
		t.Errorf("changed %v, error %v, failure %v", changed, err, e.Failure())
	}
	var illegal *TaskTransitionError
	if _, err := g.Update(e.ID, TaskRunning, 301, nil); !errors.As(err, &illegal) || illegal.From != TaskFailed || illegal.To != TaskRunning {
		t.Errorf("late report: %v", err)
	}
	if counts := g.Counts(); counts[TaskCreated] != 3 || counts[TaskFailed] != 1 || g.Vertices()[0].State() != TaskFailed {
		t.Errorf("counts %v, vertex %s", counts, g.Vertices()[0].State())
	}
}

func TestCancellationEndsInCanceled(t *testing.T) {
	for _, reported := range []TaskState{TaskFinished, TaskFailed, TaskCanceled} {
		g := executed(t)
		s := g.Vertices()[0].Subtasks[0].ID
		drive(t, g, s, TaskScheduled, TaskDeploying, TaskInitializing, TaskRunning, TaskCanceling)
		cause := &FailureCause{Message: "while canceling"}
		changed, err := g.Update(g.Subtask(s).Current().ID, reported, 500, cause)
		e := g.Subtask(s).Current()
		if !changed || err != nil || e.State() != TaskCanceled || e.EnteredAt(TaskCanceled) != 500 || e.Failure() != cause {
			t.Errorf("%s reported: changed %v, error %v, now %s", reported, changed, err, e.State())
		}
		if e.EnteredAt(reported) != 0 && reported != TaskCanceled {
			t.Errorf("%s was never entered", reported)
		}
	}
}

func TestRestartCountsAttempts(t *testing.T) {
	g := executed(t)
	ids := []SubtaskID{g.Vertices()[0].Subtasks[0].ID, g.Vertices()[1].Subtasks[0].ID}
	drive(t, g, ids[0], TaskCanceled)
	var illegal *TaskTransitionError
	if err := g.Restart(ids, 400); !errors.As(err, &illegal) || g.Subtask(ids[0]).Current().ID.Attempt != 0 {
		t.Fatalf("one is not over: error %v, attempt %d", err, g.Subtask(ids[0]).Current().ID.Attempt)
	}
	drive(t, g, ids[1], TaskCanceled)
	first := g.Subtask(ids[0]).Current()
	if err := g.Restart(append(ids, ids[0]), 400); err != nil {
		t.Fatal(err)
	}
	s := g.Subtask(ids[0])
	if now := s.Current(); now.ID.Attempt != 1 || now.State() != TaskCreated || now.EnteredAt(TaskCreated) != 400 || s.Earlier()[0] != first {
		t.Errorf("attempt %d is %s, earlier %v", now.ID.Attempt, now.State(), s.Earlier())
	}
	var unknown *UnknownExecutionError
	if _, err := g.Update(first.ID, TaskRunning, 401, nil); !errors.As(err, &unknown) || !unknown.Stale() {
		t.Errorf("report of attempt 0: %v", err)
	}
	for range 3 {
		drive(t, g, ids[0], TaskCanceled)
		if err := g.Restart(ids[:1], 500); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.Earlier()); n != 2 || s.Earlier()[1].ID.Attempt != 3 || s.Current().ID.Attempt != 4 {
		t.Errorf("%d earlier attempts kept, the current one is %d", n, s.Current().ID.Attempt)
	}
}

func TestUnknownExecutions(t *testing.T) {
	g := executed(t)
	known := g.Vertices()[0].Subtasks[0].Current().ID
	for name, change := range map[string]func(*ident.ExecutionID){
		"job":      func(id *ident.ExecutionID) { id.Job = ident.Derive("other") },
		"vertex":   func(id *ident.ExecutionID) { id.Vertex = ident.Derive("other") },
		"subtask":  func(id *ident.ExecutionID) { id.Subtask = 2 },
		"negative": func(id *ident.ExecutionID) { id.Subtask = -1 },
		"attempt":  func(id *ident.ExecutionID) { id.Attempt = 1 },
	} {
		id := known
		change(&id)
		var unknown *UnknownExecutionError
		if _, err := g.Update(id, TaskScheduled, 1, nil); !errors.As(err, &unknown) || unknown.Stale() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := g.Restart([]SubtaskID{{Subtask: 1}}, 1); err == nil {
		t.Error("restarted what is not there")
	}
}

func TestJobLife(t *testing.T) {
	g := executed(t)
	for i, to := range []JobState{JobCreated, JobRunning, JobRestarting, JobRunning, JobRunning, JobFailing, JobFailed} {
		if err := g.Become(to, int64(1000+i)); err != nil {
			t.Fatal(err)
		}
	}
	if g.EnteredAt(JobInitializing) != 100 || g.EnteredAt(JobRunning) != 1003 || g.State() != JobFailed {
		t.Errorf("%s, times %v", g.State(), g.entered)
	}
	var illegal *JobTransitionError
	if err := g.Become(JobRunning, 1); !errors.As(err, &illegal) || !strings.Contains(err.Error(), `"word count"`) {
		t.Errorf("left its end: %v", err)
	}
}

// Random events, legal or not, are given to a graph and to a plain model of it: for each attempt the path of states
// that it has taken.
func TestRandomEventsKeepTheInvariants(t *testing.T) {
	random := rand.New(rand.NewSource(5))
	for round := range 200 {
		g := executed(t)
		paths := map[ident.ExecutionID][]TaskState{}
		var everybody []SubtaskID
		for _, v := range g.Vertices() {
			for _, s := range v.Subtasks {
				everybody = append(everybody, s.ID)
				paths[s.Current().ID] = []TaskState{TaskCreated}
			}
		}
		for at := int64(1); at <= 150; at++ {
			id := everybody[random.Intn(len(everybody))]
			if random.Intn(6) == 0 {
				before := g.Subtask(id).Current()
				if err := g.Restart([]SubtaskID{id}, at); (err == nil) != before.State().Terminal() {
					t.Fatalf("round %d: restart of %s: %v", round, before.State(), err)
				} else if err == nil {
					next := g.Subtask(id).Current().ID
					if next.Attempt != before.ID.Attempt+1 || paths[next] != nil {
						t.Fatalf("round %d: attempt %d after %d", round, next.Attempt, before.ID.Attempt)
					}
					paths[next] = []TaskState{TaskCreated}
				}
				continue
			}
			target := g.Subtask(id).Current().ID
			if target.Attempt > 0 && random.Intn(5) == 0 {
				target.Attempt--
			}
			to := TaskState(random.Intn(int(TaskStates)))
			path := paths[target]
			changed, err := g.Update(target, to, at, nil)
			step := modelStep(path, to)
			switch {
			case target != g.Subtask(id).Current().ID:
				if err == nil {
					t.Fatalf("round %d: a stale attempt became %s", round, to)
				}
			case (step != "") != changed || (err != nil) != (step == "" && path[len(path)-1] != to):
				t.Fatalf("round %d: %s to %s: changed %v, error %v, the model says %q", round, path[len(path)-1], to, changed, err, step)
			case changed:
				paths[target] = append(path, g.Subtask(id).Current().State())
				if got := g.Subtask(id).Current().State().String(); got != step {
					t.Fatalf("round %d: became %s, the model says %s", round, got, step)
				}
			}
		}
		total := 0
		for _, n := range g.Counts() {
			total += n
		}
		if total != len(everybody) {
			t.Fatalf("round %d: %d subtasks counted, there are %d", round, total, len(everybody))
		}
		for _, path := range paths {
			for _, s := range path[:len(path)-1] {
				if s.Terminal() {
					t.Fatalf("round %d: path %v goes on after its end", round, path)
				}
			}
		}
	}
}

// modelStep says what an attempt becomes that is told to become to, or "" if nothing: written from Flink's rules, not
// from the table.
func modelStep(path []TaskState, to TaskState) string {
	now := path[len(path)-1]
	deployed := now == TaskDeploying || now == TaskInitializing || now == TaskRunning
	switch {
	case now == to || now.Terminal():
		return ""
	case now == TaskCanceling:
		if to.Terminal() {
			return "CANCELED"
		}
		return ""
	case to == TaskFailed, to == TaskCanceled:
		return to.String()
	case to == TaskCanceling && deployed:
		return "CANCELING"
	case to == TaskFinished && (now == TaskRunning || now == TaskInitializing):
		return "FINISHED"
	case to < TaskFinished && to == now+1:
		return to.String()
	}
	return ""
}

func TestAllIn(t *testing.T) {
	g := executed(t)
	if !g.AllIn(TaskCreated) || g.AllIn(TaskRunning) {
		t.Error("a new graph is all CREATED")
	}
	drive(t, g, g.Vertices()[0].Subtasks[0].ID, TaskCanceled)
	if g.AllIn(TaskCreated) || !g.AllIn(TaskCreated, TaskCanceled) {
		t.Error(fmt.Sprint("one is CANCELED: ", g.Counts()))
	}
}
