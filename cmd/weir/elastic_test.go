package main

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// quickly has the adaptive scheduler act without its pauses.
var quickly = []string{
	"-D", "jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling=0s", "-D", "jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout=100ms",
	"-D", "jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout=100ms",
}

// oneMore starts a TaskManager more of a cluster that was started here.
func (s *shell) oneMore() *exec.Cmd {
	s.Helper()
	records, err := readRecords(s.run)
	if err != nil {
		s.Fatal(err)
	}
	master := records[len(records)-1]
	_, port, _ := strings.Cut(master.RPC, ":")
	cmd, out := s.begin(flat([]string{"taskmanager", "-D", "jobmanager.rpc.port=" + port}, anyPorts[4:])...)
	s.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if s.Failed() {
			s.Log(out)
		}
	})
	return cmd
}

// TestReactiveModeUsesWhatThereIs has a job follow TaskManagers that come, leave and are killed.
func TestReactiveModeUsesWhatThereIs(t *testing.T) {
	s := newShell(t)
	s.must("1 slots", flat([]string{"start-cluster", "--taskmanagers", "1", "-D", "scheduler-mode=reactive", "-D", "restart-strategy.exponential-delay.initial-backoff=1ms"}, quickly, anyPorts)...)
	job := s.submitted(s.must("Job has been submitted", "run", "-d", built(t, "steady")))
	s.awaitTasks(job, 2)
	second := s.oneMore()
	s.awaitTasks(job, 4)
	third := s.oneMore()
	s.awaitTasks(job, 6)
	if err := third.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.awaitTasks(job, 4)
	if err := second.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.awaitTasks(job, 2)
	s.must("Cancelled job", "cancel", job)
}

// TestAJobIsRescaled has weir rescale change a job under the adaptive scheduler, within the slots that there are.
func TestAJobIsRescaled(t *testing.T) {
	s := newShell(t)
	s.must("3 slots", flat([]string{"start-cluster", "--taskmanagers", "3", "-D", "jobmanager.scheduler=adaptive"}, quickly, anyPorts)...)
	job := s.submitted(s.must("Job has been submitted", "run", "-d", "-p", "1", built(t, "steady")))
	s.awaitTasks(job, 2)
	s.must("up to 3", "rescale", "-p", "3", job)
	s.awaitTasks(job, 6)
	s.must("up to 9", "rescale", "-p", "9", job) // for which there are no slots
	s.must("up to 2", "rescale", "-p", "2", job)
	s.awaitTasks(job, 4)
	s.must("Cancelled job", "cancel", job)
}

// awaitTasks waits until exactly so many tasks of a job run.
func (s *shell) awaitTasks(job string, want int) {
	s.Helper()
	s.awaitJob(job, fmt.Sprintf("%d tasks run", want), func(j listed) bool { return j.Tasks.Running == want && j.Tasks.Total == want })
}
