package main

import (
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// quickly has the adaptive scheduler act without its pauses.
var quickly = []string{
	"-D", "jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling=0s", "-D", "jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout=100ms",
	"-D", "jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout=100ms",
}

// oneMore starts a TaskManager more of a cluster that was started here.
func (s *shell) oneMore(options ...string) *exec.Cmd {
	s.Helper()
	records, err := readRecords(s.run)
	if err != nil {
		s.Fatal(err)
	}
	master := records[len(records)-1]
	_, port, _ := strings.Cut(master.RPC, ":")
	cmd, out := s.begin(flat([]string{"taskmanager", "-D", "jobmanager.rpc.port=" + port}, anyPorts[4:], options)...)
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

// TestATaskManagerSaysWhetherItIsWell asks one that loses its JobManager.
func TestATaskManagerSaysWhetherItIsWell(t *testing.T) {
	s := newShell(t)
	s.must("1 slots", flat([]string{"start-cluster", "--taskmanagers", "1", "-D", "heartbeat.interval=100ms", "-D", "heartbeat.timeout=1s"}, anyPorts)...)
	records, err := readRecords(s.run)
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	health := "http://" + free.Addr().String() + "/weir/v1/health/"
	_, port, _ := net.SplitHostPort(free.Addr().String())
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	s.oneMore("-D", "weir.health.port="+port)
	s.awaitStatus(health+"ready", http.StatusOK)
	s.awaitStatus(health+"live", http.StatusOK)
	if err := syscall.Kill(records[len(records)-1].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.awaitStatus(health+"ready", http.StatusServiceUnavailable)
	s.awaitStatus(health+"live", http.StatusOK)
}

func (s *shell) awaitStatus(url string, want int) {
	s.Helper()
	var got any
	for end := time.Now().Add(30 * time.Second); got != want; {
		if time.Now().After(end) {
			s.Fatalf("%s: %v, want %d", url, got, want)
		}
		if response, err := http.Get(url); err != nil {
			got = err
		} else {
			got = response.StatusCode
			response.Body.Close()
		}
	}
}

// awaitTasks waits until exactly so many tasks of a job run.
func (s *shell) awaitTasks(job string, want int) {
	s.Helper()
	s.awaitJob(job, fmt.Sprintf("%d tasks run", want), func(j listed) bool { return j.Tasks.Running == want && j.Tasks.Total == want })
}
