package embedded_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/embedded"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

func TestAJobRunsAndItsAccumulatorsAreMerged(t *testing.T) {
	c, made := start(t, script{})
	client := submit(t, c, pipeline("count", 3))
	result, err := wait(t, client)
	if err != nil || result.State != graph.JobFinished {
		t.Fatalf("the job is %s: %v", result.State, err)
	}
	if n, err := result.Accumulators["records"].Int(); err != nil || n != 12 {
		t.Errorf("6 subtasks that counted 2 each make %d: %v", n, err)
	}
	if made.count() != 1 {
		t.Errorf("%d workers were started for one job on one TaskManager", made.count())
	}
	details, err := client.Details(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range details.Vertices {
		for _, s := range v.Subtasks {
			if s.State != message.TaskState_FINISHED || s.TaskExecutor == "" {
				t.Errorf("%s subtask %d is %s on %q", v.Name, s.Subtask, s.State, s.TaskExecutor)
			}
		}
	}
	if !strings.Contains(string(details.Plan), `"plan"`) {
		t.Errorf("the plan is %q", details.Plan)
	}
}

func TestSlotsAreFreeAgainAfterAJob(t *testing.T) {
	c, _ := start(t, script{}, config.TaskSlots.To(2))
	for range 5 {
		if _, err := wait(t, submit(t, c, pipeline("again", 2))); err != nil {
			t.Fatal(err)
		}
	}
	awaitFreeSlots(t, c, 2)
}

func awaitFreeSlots(t *testing.T, c *embedded.Cluster, want int32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		overview, err := c.Overview(ctx)
		if err != nil {
			t.Fatalf("%v: %v", err, overview)
		}
		if overview.SlotsFree == want && overview.SlotsTotal == want {
			return
		}
	}
}

func TestTheClusterGrowsWithItsJobs(t *testing.T) {
	c, _ := start(t, script{run: func(*scripted, ident.ExecutionID) {}})
	a, b := submit(t, c, pipeline("a", 20)), submit(t, c, pipeline("b", 30))
	awaitTasks(t, a, message.TaskState_RUNNING, 40)
	awaitTasks(t, b, message.TaskState_RUNNING, 60)
	for _, client := range []*embedded.Client{a, b} {
		if err := client.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := wait(t, client); !errors.Is(err, embedded.ErrCanceled) {
			t.Errorf("a canceled job ends with %v", err)
		}
	}
	awaitFreeSlots(t, c, 50)
}

func awaitTasks(t *testing.T, client *embedded.Client, state message.TaskState, want int32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		details, err := client.Details(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if details.Summary.Tasks[int32(state)] == want {
			return
		}
	}
}

func TestAFailureNamesItsPlaceAndKeepsItsStack(t *testing.T) {
	c, _ := start(t, script{run: func(w *scripted, id ident.ExecutionID) {
		if id.Vertex == ident.Derive("map") && id.Subtask == 1 {
			w.fail(id, "no such thing")
		}
	}})
	result, err := wait(t, submit(t, c, pipeline("bad", 2)))
	var failed *embedded.JobError
	if !errors.As(err, &failed) || result.State != graph.JobFailed {
		t.Fatalf("the job is %s: %v", result.State, err)
	}
	if want := `job "bad": operator "map" (subtask 1) failed: no such thing`; err.Error() != want {
		t.Errorf("the error is\n%s, want\n%s", err, want)
	}
	if failed.Stack() != "the stack" || failed.Operator() != "map" || failed.Subtask() != 1 {
		t.Errorf("stack %q, operator %q, subtask %d", failed.Stack(), failed.Operator(), failed.Subtask())
	}
}

func TestAFailedRegionStartsAgainUntilItsRestartsAreUsedUp(t *testing.T) {
	var attempts atomic.Int32
	c, _ := start(t, script{run: func(w *scripted, id ident.ExecutionID) {
		if id.Vertex == ident.Derive("map") {
			attempts.Store(id.Attempt)
			w.fail(id, "again")
		}
	}})
	client := submit(t, c, pipeline("stubborn", 1),
		config.RestartStrategyType.To(config.RestartFixedDelay), config.FixedDelayAttempts.To(3), config.FixedDelayDelay.To(time.Millisecond))
	_, err := wait(t, client)
	if err == nil || !strings.Contains(err.Error(), "again (not restarted: all 3 restarts are used up") {
		t.Errorf("the job ends with %v", err)
	}
	if attempts.Load() != 3 {
		t.Errorf("the last attempt is %d", attempts.Load())
	}
	details, err := client.Details(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if details.Restarts != 3 || len(details.Exceptions) != 4 {
		t.Errorf("%d restarts, %d exceptions", details.Restarts, len(details.Exceptions))
	}
}

func TestAJobThatLacksSlotsSaysHowMany(t *testing.T) {
	c, _ := start(t, script{}, config.TaskSlots.To(2))
	_, err := wait(t, submit(t, c, pipeline("wide", 5), config.SlotRequestTimeout.To(50*time.Millisecond)))
	if err == nil || !strings.Contains(err.Error(), `job "wide"`) || !strings.Contains(err.Error(), "needs 5 and has 2") || !strings.Contains(err.Error(), "2 slots on 1 TaskManagers") {
		t.Errorf("the job ends with %v", err)
	}
}

func TestATaskThatDoesNotStopFailsTheJobByName(t *testing.T) {
	abandoned := make(chan error, 1)
	made := &workers{script: script{
		run:    func(*scripted, ident.ExecutionID) {},
		cancel: func(*scripted, ident.ExecutionID) {},
	}}
	c := startWith(t, embedded.Options{
		NewWorker: made.make, Abandoned: func(_ ident.JobID, cause error) { abandoned <- cause },
	})
	client := submit(t, c, pipeline("deaf", 1), config.CancellationTimeout.To(20*time.Millisecond))
	awaitTasks(t, client, message.TaskState_RUNNING, 2)
	if err := client.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	result, err := wait(t, client)
	if result.State != graph.JobFailed || err == nil || !strings.Contains(err.Error(), "task.cancellation.timeout") || !strings.Contains(err.Error(), `job "deaf"`) {
		t.Errorf("the job is %s: %v", result.State, err)
	}
	if cause := <-abandoned; cause.Error() != err.Error() {
		t.Errorf("the handler was told %v", cause)
	}
}

func TestCancelOfAJobThatWaitsForSlots(t *testing.T) {
	c, _ := start(t, script{}, config.TaskSlots.To(1))
	client := submit(t, c, pipeline("waits", 2))
	if err := client.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := wait(t, client); !errors.Is(err, embedded.ErrCanceled) {
		t.Errorf("the job ends with %v", err)
	}
}

func TestARepeatedSubmissionAttachesToTheJob(t *testing.T) {
	c, made := start(t, script{run: func(*scripted, ident.ExecutionID) {}})
	g := pipeline("one", 1)
	first, second := submit(t, c, g), submit(t, c, g)
	awaitTasks(t, first, message.TaskState_RUNNING, 2)
	if err := second.Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := wait(t, first); !errors.Is(err, embedded.ErrCanceled) {
		t.Errorf("the job ends with %v", err)
	}
	if made.count() != 1 {
		t.Errorf("%d workers", made.count())
	}
}

func TestBadConfigurationIsRefusedAtSubmission(t *testing.T) {
	c, _ := start(t, script{})
	bad := configuration(t, config.HeartbeatTimeout.To(time.Second*20), config.HeartbeatInterval.To(time.Second))
	// Each is right alone; together with the cluster's they contradict.
	other, err := c.Submit(t.Context(), pipeline("x", 1), bad)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if _, err := wait(t, other); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsThoseWhoWait(t *testing.T) {
	made := &workers{script: script{run: func(*scripted, ident.ExecutionID) {}}}
	c := startWith(t, embedded.Options{NewWorker: made.make})
	client := submit(t, c, pipeline("endless", 1))
	awaitTasks(t, client, message.TaskState_RUNNING, 2)
	ended := make(chan error)
	go func() {
		_, err := client.Wait(context.Background())
		ended <- err
	}()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, embedded.ErrClosed) {
		t.Errorf("who waits is told %v", err)
	}
}

func TestAnUnknownJobIsNamed(t *testing.T) {
	c, _ := start(t, script{})
	done := submit(t, c, pipeline("a", 1))
	if _, err := wait(t, done); err != nil {
		t.Fatal(err)
	}
	jobs, err := c.Jobs(t.Context())
	if err != nil || len(jobs) != 1 || jobs[0].State != message.JobState_JOB_FINISHED {
		t.Errorf("the list is %v: %v", jobs, err)
	}
}
