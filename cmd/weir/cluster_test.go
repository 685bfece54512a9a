package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binaryVariable makes the test binary the weir command.
const binaryVariable = "WEIR_TEST_BINARY"

func TestMain(m *testing.M) {
	if os.Getenv(binaryVariable) != "" {
		main()
	}
	code := m.Run()
	if binaries != "" {
		os.RemoveAll(binaries)
	}
	os.Exit(code)
}

// binaries is a folder of examples that were built, which takes its time; empty without any.
var binaries string

// built returns the binary of an example.
func built(t *testing.T, example string) string {
	t.Helper()
	if binaries == "" {
		var err error
		if binaries, err = os.MkdirTemp("", "weir-examples-*"); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(binaries, example)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if out, err := exec.Command("go", "build", "-o", path, "../../examples/"+example).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// shell runs weir as processes, with folders of its own.
type shell struct {
	*testing.T
	run, logs string
	// folder is where commands are given; the test's own if empty.
	folder string
}

func newShell(t *testing.T) *shell {
	s := &shell{T: t, run: filepath.Join(t.TempDir(), "run"), logs: filepath.Join(t.TempDir(), "log")}
	t.Cleanup(func() {
		s.weir("stop-cluster")
		if t.Failed() {
			files, _ := filepath.Glob(s.logs + "/*")
			for _, f := range files {
				data, _ := os.ReadFile(f)
				t.Logf("%s:\n%s", f, data)
			}
		}
	})
	return s
}

func (s *shell) command(ctx context.Context, arguments []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], arguments...)
	cmd.Env = append(os.Environ(), binaryVariable+"=yes", pidVariable+"="+s.run, logVariable+"="+s.logs)
	cmd.Dir = s.folder
	return cmd
}

// weir returns what a command has printed to both of its outputs, and its exit code.
func (s *shell) weir(arguments ...string) (string, int) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := s.command(ctx, arguments)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cmd.ProcessState == nil {
		s.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// apart returns what a command that must not fail has printed to each of its outputs.
func (s *shell) apart(arguments ...string) (out, errs string) {
	s.Helper()
	var printed, said bytes.Buffer
	cmd := s.command(s.Context(), arguments)
	cmd.Stdout, cmd.Stderr = &printed, &said
	if err := cmd.Run(); err != nil {
		s.Fatalf("weir %q: %v, %s", arguments, err, &said)
	}
	return printed.String(), said.String()
}

// lockedBuffer is what a command prints while the test reads it.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// begin starts a command and does not wait for it.
func (s *shell) begin(arguments ...string) (*exec.Cmd, *lockedBuffer) {
	s.Helper()
	cmd, out := s.command(s.Context(), arguments), &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	return cmd, out
}

// firstJob waits until a run has said which job it is.
func (s *shell) firstJob(cmd *exec.Cmd, out *lockedBuffer) string {
	s.Helper()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(out.String(), "JobID"); {
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			s.Fatalf("nothing was submitted: %s", out)
		}
	}
	return s.submitted(out.String())
}

func (s *shell) must(words string, arguments ...string) string {
	s.Helper()
	out, code := s.weir(arguments...)
	if code != exitDone || !strings.Contains(out, words) {
		s.Fatalf("weir %q: %d, %s", arguments, code, out)
	}
	return out
}

var anyPorts = []string{"-D", "rest.port=0", "-D", "jobmanager.rpc.port=0", "-D", "jobmanager.rpc.address=127.0.0.1", "-D", "taskmanager.host=127.0.0.1"}

func TestAClusterIsStartedAndStopped(t *testing.T) {
	s := newShell(t)
	out := s.must("2 slots on 2 TaskManagers", append([]string{"start-cluster"}, anyPorts...)...)
	records, err := readRecords(s.run)
	if err != nil || len(records) != 3 {
		t.Fatalf("%d records: %v; %s", len(records), err, out)
	}
	for _, r := range records {
		if _, err := os.Stat(r.Log); err != nil || !r.lives() {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if out, code := s.weir(append([]string{"start-cluster"}, anyPorts...)...); code != exitFailed || !strings.Contains(out, "runs already") {
		t.Errorf("a second one: %d, %s", code, out)
	}
	s.must("jobmanager 0 has ended", "stop-cluster")
	for _, r := range records {
		if r.lives() {
			t.Errorf("the %s %d still runs", r.Role, r.Number)
		}
	}
	s.must("No cluster runs", "stop-cluster")
}

// TestProcessesThatWereKilled leave records that are in nobody's way, and a process that has their number is left alone.
func TestProcessesThatWereKilled(t *testing.T) {
	s := newShell(t)
	s.must("1 slots on 1 TaskManagers", append([]string{"start-cluster", "--taskmanagers", "1"}, anyPorts...)...)
	records, err := readRecords(s.run)
	if err != nil || len(records) != 2 {
		t.Fatal(len(records), err)
	}
	for _, r := range records {
		if err := r.signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	mine := record{Role: "taskmanager", Number: 7, PID: os.Getpid(), Started: "1"}
	if err := mine.write(s.run); err != nil {
		t.Fatal(err)
	}
	s.must("taskmanager 7 has ended", "stop-cluster")
	s.must("1 slots", append([]string{"start-cluster", "--taskmanagers", "1"}, anyPorts...)...)
}

func TestAClusterThatCannotStartSaysWhy(t *testing.T) {
	s := newShell(t)
	out, code := s.weir("start-cluster", "-D", "jobmanager.rpc.address=256.0.0.1")
	if code != exitFailed || !strings.Contains(out, "256.0.0.1") {
		t.Errorf("%d, %s", code, out)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, key := range []string{"rest.port", "jobmanager.rpc.port", "blob.server.port"} {
		out, code = s.weir(flat([]string{"start-cluster"}, anyPorts, []string{"-D", key + "=" + port})...)
		if code != exitFailed || !strings.Contains(out, key) || !strings.Contains(out, port) {
			t.Errorf("%s is taken: %d, %s", key, code, out)
		}
	}
	out, code = s.weir("start-cluster", "-D", "no.such.key=1")
	if code != exitUsage || !strings.Contains(out, "no.such.key") {
		t.Errorf("%d, %s", code, out)
	}
	if records, err := readRecords(s.run); err != nil || len(records) != 0 {
		t.Errorf("%d records are left: %v", len(records), err)
	}
}

// TestWhatTheTranscriptLeavesOut has options and mistakes that the README does not show. Options of start-cluster hold for its TaskManagers, and for
// jobs that do not set them.
func TestWhatTheTranscriptLeavesOut(t *testing.T) {
	s := newShell(t)
	savepoints := filepath.Join(t.TempDir(), "savepoints")
	s.must("4 slots on 2 TaskManagers", append([]string{"start-cluster", "-D", "execution.checkpointing.savepoint-dir=" + savepoints,
		"-D", "execution.checkpointing.dir=" + filepath.Join(t.TempDir(), "checkpoints"), "-D", "taskmanager.numberOfTaskSlots=2", "-D", "parallelism.default=2"}, anyPorts...)...)
	steady := built(t, "steady")
	var run struct {
		Job      string `json:"jobId"`
		Revision string
	}
	out, errs := s.apart("run", "-d", "--json", steady)
	if err := json.Unmarshal([]byte(out), &run); err != nil || !strings.Contains(errs, "Submitting steady") {
		t.Fatalf("%v: %s; %s", err, out, errs)
	}
	if tasks := s.awaitRunning(run.Job); tasks != 4 {
		t.Errorf("the default parallelism of the cluster gives %d subtasks", tasks)
	}
	one := s.submitted(s.must("Job has been submitted", "run", "-d", "-p", "1", steady))
	if tasks := s.awaitRunning(one); tasks != 2 {
		t.Errorf("the parallelism of the job gives %d subtasks", tasks)
	}
	s.must("Cancelled job", "cancel", one)
	s.must("completed", "checkpoint", "-full", run.Job)
	saved := s.location(s.must("Savepoint completed. Path: ", "savepoint", "-type", "native", run.Job))
	if !strings.HasPrefix(strings.TrimPrefix(saved, "file://"), savepoints) {
		t.Errorf("the savepoint is %s", saved)
	}
	s.must("disposed", "savepoint", "-d", saved)
	if _, err := os.Stat(strings.TrimPrefix(saved, "file://")); !os.IsNotExist(err) {
		t.Errorf("what is left of a savepoint that was disposed of: %v", err)
	}
	s.must("Cancelled job "+run.Job, "cancel", run.Job)
	if out, code := s.weir("cancel", strings.Repeat("0", 32)); code != exitFailed || !strings.Contains(out, strings.Repeat("0", 32)) {
		t.Errorf("a job that there is not: %d, %s", code, out)
	}
	out, code := s.weir("run", steady, "--", "--no-such-flag")
	if code != exitFailed || !strings.Contains(out, "--no-such-flag") {
		t.Errorf("a flag that there is not: %d, %s", code, out)
	}
	out, code = s.weir("run", "-d", "-s", filepath.Join(savepoints, "nowhere"), steady)
	if code != exitFailed || !strings.Contains(out, "nowhere") {
		t.Errorf("a savepoint that there is not: %d, %s", code, out)
	}
}

// TestWhoFollowsAJob has an attached run interrupted, and one killed: the first cancels its job, and of the second the cluster cancels it since it was told
// to. A job that is detached goes on, and one whose end is seen by its client is said to be canceled.
func TestWhoFollowsAJob(t *testing.T) {
	s := newShell(t)
	s.must("3 slots", append([]string{"start-cluster", "--taskmanagers", "1", "-D", "taskmanager.numberOfTaskSlots=3"}, anyPorts...)...)
	steady := built(t, "steady")
	detached := s.submitted(s.must("Job has been submitted", "run", "-d", steady))

	cmd, out := s.begin("run", steady)
	job := s.firstJob(cmd, out)
	s.awaitRunning(job)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(out.String(), "the job was canceled") {
		t.Errorf("interrupted: %d, %s", code, out)
	}
	s.must(job+" : steady (CANCELED)", "list", "-a")

	cmd, out = s.begin("run", "-sae", "-D", "client.heartbeat.interval=50ms", "-D", "client.heartbeat.timeout=500ms", steady)
	job = s.firstJob(cmd, out)
	s.awaitRunning(job)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	s.awaitState(job, "CANCELED")

	cmd, out = s.begin("run", steady)
	job = s.firstJob(cmd, out)
	s.awaitRunning(job)
	s.must("Cancelled job", "cancel", job)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(out.String(), "job "+job+" was canceled") {
		t.Errorf("canceled by somebody: %d, %s", code, out)
	}
	s.must(detached+" : steady (RUNNING)", "list")
}

// submitted reads the job's id.
func (s *shell) submitted(out string) string {
	s.Helper()
	_, id, _ := strings.Cut(out, "JobID ")
	id, _, _ = strings.Cut(id, "\n")
	if len(id) != 32 {
		s.Fatalf("no job id in %s", out)
	}
	return id
}

// location reads a savepoint's path.
func (s *shell) location(out string) string {
	_, path, _ := strings.Cut(out, "Path: ")
	path, _, _ = strings.Cut(path, "\n")
	return path
}

// listed is an entry of a list of jobs.
type listed struct {
	ID    string `json:"jid"`
	State string
	Tasks struct{ Running, Total int }
}

// awaitJob waits until a job is as it should be.
func (s *shell) awaitJob(job, what string, is func(listed) bool) listed {
	s.Helper()
	for end := time.Now().Add(30 * time.Second); ; {
		var list struct{ Jobs []listed }
		out := s.must("", "list", "-a", "--json")
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			s.Fatalf("%v: %s", err, out)
		}
		for _, j := range list.Jobs {
			if j.ID == job && is(j) {
				return j
			}
		}
		if time.Now().After(end) {
			s.Fatalf("the job never was %s: %s", what, out)
		}
	}
}

// awaitRunning waits until all subtasks of a job run, and returns how many there are.
func (s *shell) awaitRunning(job string) (tasks int) {
	s.Helper()
	return s.awaitJob(job, "RUNNING", func(j listed) bool { return j.Tasks.Running == j.Tasks.Total && j.Tasks.Total > 0 }).Tasks.Total
}

func (s *shell) awaitState(job, state string) {
	s.Helper()
	s.awaitJob(job, state, func(j listed) bool { return j.State == state })
}
