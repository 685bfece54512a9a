package cluster

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

func (b *bench) details(id ident.JobID) *message.JobDetails {
	b.Helper()
	response, err := b.jobs.Ask(b.Context(), &message.ClientRequest{Body: &message.ClientRequest_Details{Details: &message.RequestJobDetails{Job: message.IDBytes(id)}}})
	if err != nil {
		b.Fatal(err)
	}
	return response.GetDetails()
}

// runs reports whether all subtasks of a job run, with that parallelism.
func (b *bench) runs(id ident.JobID, parallelism int) bool {
	d := b.details(id)
	for _, v := range d.GetVertices() {
		if int(v.GetParallelism()) != parallelism {
			return false
		}
		for _, s := range v.GetSubtasks() {
			if s.GetState() != message.TaskState_RUNNING {
				return false
			}
		}
	}
	return d.GetSummary().GetState() == message.JobState_JOB_RUNNING
}

func (b *bench) cancel(id ident.JobID) {
	b.Helper()
	if _, err := b.jobs.Ask(b.Context(), &message.ClientRequest{Body: &message.ClientRequest_Cancel{Cancel: &message.CancelJob{Job: message.IDBytes(id)}}}); err != nil {
		b.Fatal(err)
	}
	if r := b.result(id); r.State != message.JobState_JOB_CANCELED {
		b.Errorf("the job is %v", r.State)
	}
}

// hasJobsShareSlots has two jobs in the slots of one TaskManager, a third that gives up waiting, and a fourth that gets the slot of the first.
func (b *bench) hasJobsShareSlots() {
	b.taskManager(2)
	submit := func(name string, properties ...string) ident.JobID {
		b.Helper()
		id, err := b.submit(b.binary, []string{"--endless", "--output", filepath.Join(b.folder, name)}, append(properties, "parallelism.default=1")...)
		if err != nil {
			b.Fatal(err)
		}
		return id
	}
	first, second := submit("first"), submit("second")
	b.await("both jobs run", func() bool { return b.runs(first, 1) && b.runs(second, 1) })
	third := b.result(submit("third", "slot.request.timeout=200ms", "restart-strategy.type=none"))
	why := third.GetFailure().GetMessage()
	for _, part := range []string{"slot.request.timeout (200ms)", "needs 1 and has 0", "2 slots on 1 TaskManagers, 0 of them free", "has 0 of 2 free"} {
		if third.State != message.JobState_JOB_FAILED || !strings.Contains(why, part) {
			b.Errorf("the third is %v: %q, want %q in it", third.State, why, part)
		}
	}
	fourth := submit("fourth")
	b.cancel(first)
	b.await("the job that waited runs", func() bool { return b.runs(fourth, 1) })
	status, answer := b.ask("GET", "/jobs/"+fourth.String()+"/resource-requirements", "", nil)
	if status != http.StatusInternalServerError {
		b.Errorf("requirements under the default scheduler: %d %v", status, answer)
	}
	if status, answer = b.ask("GET", "/jobs/"+fourth.String()+"/rescales/history", "", nil); status != http.StatusNotFound {
		b.Errorf("rescales under the default scheduler: %d %v", status, answer)
	}
	b.cancel(second)
	b.cancel(fourth)
	b.await("blobs of the jobs are let go", func() bool { return b.jobs.binaries.held() == 0 })
}

// hasAJobFollowItsSlots has a job start with one slot, get another, lose one, and be rescaled by REST. Its results are those of an undisturbed run.
func (b *bench) hasAJobFollowItsSlots() {
	first := b.taskManager(1)
	id, err := b.submit(b.binary, []string{"--slow", "--output", filepath.Join(b.folder, "output")}, "jobmanager.scheduler=adaptive",
		"jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout=300ms", "jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling=100ms",
		"jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout=300ms", "web.adaptive-scheduler.rescale-history.size=20")
	if err != nil {
		b.Fatal(err)
	}
	b.await("it runs in one slot", func() bool { return b.runs(id, 1) })
	b.await("results", func() bool { return len(b.published()) > 0 })
	b.taskManager(1)
	b.await("it runs in two", func() bool { return b.runs(id, 2) })
	if err := first.Process.Signal(syscall.SIGKILL); err != nil {
		b.Fatal(err)
	}
	b.await("it goes on in one", func() bool { return b.runs(id, 1) })
	b.taskManager(1)
	b.await("it runs in two again", func() bool { return b.runs(id, 2) })

	path := "/jobs/" + id.String()
	wanted := map[string]any{}
	for vertex := range b.get(path + "/resource-requirements") {
		wanted[vertex] = map[string]any{"parallelism": map[string]int{"lowerBound": 1, "upperBound": 1}}
	}
	b.send("PUT", path+"/resource-requirements", wanted)
	if got := b.get(path + "/resource-requirements"); fmt.Sprint(got) != fmt.Sprint(wanted) {
		b.Errorf("required %v, and it says %v", wanted, got)
	}
	b.await("it runs with what was required", func() bool { return b.runs(id, 1) })
	for vertex := range wanted {
		status, answer := b.ask("PUT", path+"/resource-requirements", "application/json", strings.NewReader(`{"`+vertex+`":{"parallelism":{"lowerBound":1,"upperBound":999}}}`))
		if status != http.StatusBadRequest {
			b.Errorf("a parallelism that cannot be: %d %v", status, answer)
		}
	}
	counts := b.get(path + "/rescales/overview")["rescalesCounts"].(map[string]any)
	if n := counts["completed"].(float64); n < 5 {
		b.Errorf("%v", counts)
	}
	if mode := b.get(path + "/rescales/config")["executingCooldownTimeoutInMillis"]; mode != 100.0 {
		b.Errorf("cooldown %v", mode)
	}
	if result := b.result(id); result.State != message.JobState_JOB_FINISHED {
		b.Fatalf("the job is %v: %v", result.State, result.Failure)
	}
	b.checkOutput()
}

// keepsCheckpointsOfAJobThatDoesNotSayWhere kills the TaskManager of a job without a folder for checkpoints: another one goes on from them.
func (b *bench) keepsCheckpointsOfAJobThatDoesNotSayWhere() {
	first := b.taskManager(2)
	id, err := b.submit(b.binary, []string{"--output", filepath.Join(b.folder, "output")}, "execution.checkpointing.dir=")
	if err != nil {
		b.Fatal(err)
	}
	b.await("results", func() bool { return len(b.published()) > 0 })
	b.taskManager(2)
	if err := first.Process.Kill(); err != nil {
		b.Fatal(err)
	}
	if result := b.result(id); result.State != message.JobState_JOB_FINISHED {
		b.Fatalf("the job is %v: %v", result.State, result.Failure)
	}
	b.checkOutput()
}
