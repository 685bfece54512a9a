package processes_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/file"
	"github.com/weir-stream/weir/api/connectors/print"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/checkpoint/storage/stores"
	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/jobmanager"
	"github.com/weir-stream/weir/runtime/jobmanager/planner"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/process"
	"github.com/weir-stream/weir/runtime/taskmanager"
	"github.com/weir-stream/weir/runtime/taskmanager/processes"
)

// The test binary is a job's binary, too: its first argument names the program.
var programs = map[string]func(env *stream.Environment) error{
	"counts":       counts,
	"is unwilling": func(*stream.Environment) error { return errors.New("not today") },
	"wants a flag": func(*stream.Environment) error { return stream.UsageError("nothing to read: give --input") },
	"panics":       func(*stream.Environment) error { panic("bad graph") },
	"hangs":        hangs,
	"gobbles": func(*stream.Environment) error {
		for {
			gobbled = append(gobbled, bytes.Repeat([]byte{1}, 1<<20))
		}
	},
	"hangs as a worker": func(env *stream.Environment) error {
		if os.Getenv(process.RoleVariable) == string(process.Worker) {
			return hangs(env)
		}
		return counts(env)
	},
	"talks": func(env *stream.Environment) error {
		stream.To(stream.Map(stream.From(env, datagen.Generate(200, func(n int64) int64 { return n }).Rate(500)), func(n int64) int64 {
			fmt.Fprintln(os.Stderr, "a word")
			fmt.Println("another one")
			return n
		}), print.Sink[int64]())
		return nil
	},
	"exits": func(*stream.Environment) error { fmt.Println("farewell"); os.Exit(3); return nil },
	"differs": func(env *stream.Environment) error {
		stream.To(stream.Map(stream.From(env, collection.Of(1)), func(n int) int { return n }).Name("pid "+strconv.Itoa(os.Getpid())), print.Sink[int]())
		return nil
	},
	"crashes": func(env *stream.Environment) error {
		stream.To(stream.Map(stream.From(env, collection.Of(1)), func(n int) int { os.Exit(7); return n }), print.Sink[int]())
		return nil
	},
}

var gobbled [][]byte

// hangs waits for a connection that never comes; a bare select would be a deadlock, which Go ends by itself.
func hangs(*stream.Environment) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, err = listener.Accept()
	return err
}

var output = flag.String("output", "", "the `folder` of results")

func TestMain(m *testing.M) {
	if role, err := process.RoleOf(os.Getenv); err == nil && role != process.Local {
		stream.Main("test", func(env *stream.Environment) error { return programs[flag.Arg(0)](env) })
	}
	flag.Parse()
	os.Exit(m.Run())
}

const records = 20_000

// counts adds up a sequence by key, slowly enough to be killed meanwhile.
func counts(env *stream.Environment) error {
	numbers := stream.From(env, datagen.Generate(records, func(i int64) int64 { return i }).Rate(records))
	counted := stream.Count(stream.KeyBy(numbers, func(n int64) int64 { return n % 10 }))
	lines := stream.Map(counted, func(c stream.KeyCount[int64]) string { return fmt.Sprintf("%d %d", c.Key, c.Count) })
	stream.To(lines, file.TextAppend(*output, func(to []byte, line string) []byte { return append(to, line...) }).Rolling(file.OnCheckpointRollingPolicy()))
	return nil
}

func newPlanner(t *testing.T, limit time.Duration) *planner.Planner {
	s := process.NewStarter()
	t.Cleanup(s.Close)
	return &planner.Planner{Starter: s, Clock: clock.System(), Limit: limit}
}

func job(t *testing.T, program string, arguments ...string) planner.Job {
	return planner.Job{
		ID: ident.NewID(), Binary: os.Args[0], Arguments: append([]string{program}, arguments...),
		Environment: process.Environment(os.Environ(), nil), Folder: t.TempDir(),
	}
}

func TestPlan(t *testing.T) {
	p := newPlanner(t, 20*time.Second)
	plan, err := p.Plan(t.Context(), job(t, "counts", "--output", "/x", "-p", "3"))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(plan.Description); !strings.Contains(text, "Data Generator Source") || plan.Configuration["parallelism.default"] != "3" {
		t.Errorf("the plan is %s under %v", text, plan.Configuration)
	}
}

func TestRefusedPlans(t *testing.T) {
	p := newPlanner(t, 20*time.Second)
	for program, want := range map[string]planner.Refused{
		"is unwilling": {Reason: "not today"},
		"wants a flag": {Reason: "nothing to read: give --input", Usage: true},
		"panics":       {Reason: "building the program panicked: bad graph", Stack: "processes_test.go"},
	} {
		_, err := p.Plan(t.Context(), job(t, program))
		refused := (*planner.Refused)(nil)
		if !errors.As(err, &refused) || refused.Reason != want.Reason || refused.Usage != want.Usage || !strings.Contains(refused.Stack, want.Stack) {
			t.Errorf("%s: %+v", program, err)
		}
	}
	unknown := job(t, "counts", "--no-such-flag")
	if _, err := p.Plan(t.Context(), unknown); err == nil || !strings.Contains(err.Error(), "--no-such-flag") {
		t.Errorf("an unknown flag: %v", err)
	}
}

// TestAPlanThatTakesTooMuchMemoryIsEnded has a program fill the memory that the JobManager needs as well.
func TestAPlanThatTakesTooMuchMemoryIsEnded(t *testing.T) {
	p := newPlanner(t, 20*time.Second)
	p.Memory = 100 << 20
	_, err := p.Plan(t.Context(), job(t, "gobbles"))
	if refused := (*planner.Refused)(nil); !errors.As(err, &refused) || !strings.Contains(refused.Reason, "more than 100 MiB of memory (weir.plan.memory)") {
		t.Errorf("refused for %v", err)
	}
	p.Memory = 1 << 30
	if _, err := p.Plan(t.Context(), job(t, "counts", "--output", "/x")); err != nil {
		t.Errorf("a program that takes little: %v", err)
	}
}

// TestBinariesArePlannedInTurns has more binaries than may run at a time, all of which hang.
func TestBinariesArePlannedInTurns(t *testing.T) {
	p := newPlanner(t, 300*time.Millisecond)
	var going sync.WaitGroup
	for range 5 {
		going.Go(func() {
			if _, err := p.Plan(t.Context(), job(t, "hangs")); err == nil || !strings.Contains(err.Error(), "weir.plan.timeout") {
				t.Errorf("a plan that hangs: %v", err)
			}
		})
	}
	most := 0
	done := make(chan struct{})
	go func() { going.Wait(); close(done) }()
	for {
		most = max(most, len(workersOf(t)))
		select {
		case <-done:
			if most == 0 || most > 2 {
				t.Errorf("%d binaries at a time", most)
			}
			return
		default:
		}
	}
}

func TestBinariesThatAreNoJobs(t *testing.T) {
	p := newPlanner(t, 20*time.Second)
	exits := job(t, "exits")
	if _, err := p.Plan(t.Context(), exits); err == nil || !strings.Contains(err.Error(), "farewell") {
		t.Errorf("a program that ends the process: %v", err)
	}
	other := job(t, "counts")
	other.Binary = "/bin/echo"
	if _, err := p.Plan(t.Context(), other); err == nil || !strings.Contains(err.Error(), "stream.Main") {
		t.Errorf("no job: %v", err)
	}
	other.Binary = filepath.Join(t.TempDir(), "missing")
	if _, err := p.Plan(t.Context(), other); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestAPlanThatTakesTooLongIsEnded(t *testing.T) {
	p := newPlanner(t, 200*time.Millisecond)
	if _, err := p.Plan(t.Context(), job(t, "hangs")); err == nil || !strings.Contains(err.Error(), "longer than 200ms") {
		t.Errorf("the plan: %v", err)
	}
}

// cluster is a JobManager and a TaskManager in this process, whose workers are processes.
type cluster struct {
	t        *testing.T
	planner  *planner.Planner
	system   *actors.System
	jobs     *jobmanager.JobManager
	launcher *processes.Launcher
	folder   string
	mu       sync.Mutex
	written  bytes.Buffer
}

func newCluster(t *testing.T, change ...func(*processes.Options)) *cluster {
	t.Helper()
	c := &cluster{t: t, planner: newPlanner(t, 20*time.Second), folder: t.TempDir()}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	c.system = actors.NewSystem(actors.Options{Clock: clock.System(), Log: log, Panicked: func(p *actors.Panic) { t.Error(p, p.Stack) }})
	opener := stores.New(config.Configuration{}, clock.System())
	var err error
	if c.jobs, err = jobmanager.Start(c.system, jobmanager.Options{LeaderEpoch: 1, Stores: opener.Open}); err != nil {
		t.Fatal(err)
	}
	options := processes.Options{
		Starter: c.planner.Starter, Clock: clock.System(), Log: log, Folder: t.TempDir(), Grace: 5 * time.Second, Heartbeat: 100 * time.Millisecond, Timeout: 10 * time.Second, Cluster: func() string { return "test" }, Bind: "127.0.0.1", Advertised: "127.0.0.1",
		Binary: func(context.Context, []byte, int64) (string, func(), error) { return os.Args[0], func() {}, nil },
		Output: func(taskmanager.Spec) (io.WriteCloser, io.WriteCloser, error) { return c, c, nil },
	}
	for _, f := range change {
		f(&options)
	}
	c.launcher = processes.New(options)
	executor, err := taskmanager.Start(c.system, taskmanager.Options{
		Slots: 4, Launcher: c.launcher, ResourceManager: c.jobs.ResourceManager.Address(), LeaderEpoch: 1, CanKill: true, Apart: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.jobs.Stop()
		executor.Stop()
		<-executor.Ended()
		c.launcher.Wait()
		c.system.Shutdown()
		opener.Close()
	})
	return c
}

func (c *cluster) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written.Write(p)
}

func (c *cluster) Close() error { return nil }

func (c *cluster) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written.Len()
}

// awaitRunning waits until all tasks of a job run.
func (c *cluster) awaitRunning(id ident.JobID) {
	c.t.Helper()
	for {
		details := c.ask(&message.ClientRequest{Body: &message.ClientRequest_Details{Details: &message.RequestJobDetails{Job: message.IDBytes(id)}}}).GetDetails()
		if len(details.GetVertices()) > 0 && !slices.ContainsFunc(details.Vertices, func(v *message.VertexDetails) bool {
			return slices.ContainsFunc(v.Subtasks, func(s *message.SubtaskDetails) bool { return s.State != message.TaskState_RUNNING })
		}) {
			return
		}
		if c.t.Context().Err() != nil {
			c.t.Fatal("the job never ran")
		}
	}
}

func (c *cluster) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written.String()
}

func (c *cluster) ask(request *message.ClientRequest) *message.ClientResponse {
	c.t.Helper()
	request.LeaderEpoch = 1
	response, err := c.system.Ask(c.t.Context(), c.jobs.Dispatcher.Address(), message.Timing{Interval: 100 * time.Millisecond, Timeout: time.Minute}, request)
	if err != nil {
		c.t.Fatal(err)
	}
	return response
}

// submit plans a program and starts it.
func (c *cluster) submit(program string, configuration map[string]string) ident.JobID {
	c.t.Helper()
	j := job(c.t, program, "--output", filepath.Join(c.folder, "output"))
	j.Configuration = map[string]string{config.JobID.Key(): j.ID.String(), "parallelism.default": "2"}
	for key, text := range configuration {
		j.Configuration[key] = text
	}
	plan, err := c.planner.Plan(c.t.Context(), j)
	if err != nil {
		c.t.Fatal(err)
	}
	c.ask(&message.ClientRequest{Body: &message.ClientRequest_Submit{Submit: &message.SubmitJob{
		Description: plan.Description, Configuration: plan.Configuration,
		Program: &message.JobProgram{Arguments: j.Arguments, Environment: j.Environment, Description: plan.Description},
	}}})
	return j.ID
}

func (c *cluster) result(id ident.JobID) *message.JobResult {
	c.t.Helper()
	return c.ask(&message.ClientRequest{Body: &message.ClientRequest_Result{Result: &message.RequestJobResult{Job: message.IDBytes(id)}}}).GetResult()
}

// checkOutput compares what counts has published with what it must.
func (c *cluster) checkOutput() {
	c.t.Helper()
	parts, err := filepath.Glob(filepath.Join(c.folder, "output", "part-*"))
	if err != nil || len(parts) == 0 {
		c.t.Fatalf("parts %v: %v", parts, err)
	}
	var lines []string
	for _, part := range parts {
		data, err := os.ReadFile(part)
		if err != nil {
			c.t.Fatal(err)
		}
		lines = append(lines, strings.Fields(strings.ReplaceAll(strings.TrimSpace(string(data)), " ", ":"))...)
	}
	slices.Sort(lines)
	var want []string
	for n := range records {
		want = append(want, fmt.Sprintf("%d:%d", n%10, n/10+1))
	}
	slices.Sort(want)
	if !slices.Equal(lines, want) {
		c.t.Errorf("%d lines were published, %d are due", len(lines), len(want))
	}
}

func TestAJobRunsInAProcessOfItsOwnThatMayBeKilled(t *testing.T) {
	c := newCluster(t)
	id := c.submit("counts", map[string]string{
		"execution.checkpointing.interval": "50ms", "execution.checkpointing.dir": filepath.Join(c.folder, "checkpoints"),
		"restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "100", "restart-strategy.fixed-delay.delay": "1ms",
	})
	for range 3 {
		killWorker(t, id)
	}
	if result := c.result(id); result.State != message.JobState_JOB_FINISHED {
		t.Fatalf("the job is %v: %v; %s", result.State, result.Failure, c.said())
	}
	c.checkOutput()
}

// killWorker waits for a worker process of this test that has published results, and kills it.
func killWorker(t *testing.T, id ident.JobID) {
	t.Helper()
	for {
		if t.Context().Err() != nil {
			t.Fatal("no worker came")
		}
		for _, pid := range workersOf(t) {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				return
			}
		}
	}
}

// workersOf are the child processes of this one that are no zombies.
func workersOf(t *testing.T) (pids []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(data), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) && fields[0] != "Z" {
			pid, _ := strconv.Atoi(strings.Fields(string(data))[0])
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestHowAWorkerEnds(t *testing.T) {
	c := newCluster(t)
	for program, want := range map[string]string{
		"crashes": "it has exited with code 7",
		"differs": "the program builds another graph here than where it was planned",
	} {
		id := c.submit(program, map[string]string{"restart-strategy.type": "none"})
		result := c.result(id)
		if result.State != message.JobState_JOB_FAILED || !strings.Contains(result.Failure.GetMessage(), want) {
			t.Errorf("%s: the job is %v: %v", program, result.State, result.Failure)
		}
	}
}

// TestAWorkerThatNeverServesIsEnded has a program whose graph can be built where it is submitted, and not where its worker is.
func TestAWorkerThatNeverServesIsEnded(t *testing.T) {
	c := newCluster(t, func(o *processes.Options) { o.Start = time.Second })
	id := c.submit("hangs as a worker", map[string]string{"restart-strategy.type": "none"})
	result := c.result(id)
	if result.State != message.JobState_JOB_FAILED || !strings.Contains(result.Failure.GetMessage(), "it did not begin to serve within 1s (weir.plan.timeout)") {
		t.Errorf("the job is %v: %v", result.State, result.Failure)
	}
}

// full is a file on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }
func (full) Close() error              { return nil }

// TestAFullDiskEndsNoWorker has nobody take what a worker writes.
func TestAFullDiskEndsNoWorker(t *testing.T) {
	c := newCluster(t, func(o *processes.Options) {
		o.Output = func(taskmanager.Spec) (io.WriteCloser, io.WriteCloser, error) { return full{}, full{}, nil }
	})
	if result := c.result(c.submit("talks", map[string]string{"restart-strategy.type": "none"})); result.State != message.JobState_JOB_FINISHED {
		t.Errorf("the job is %v: %v", result.State, result.Failure)
	}
}

// TestAFrozenWorkerIsReplaced has a worker that is silent while its TaskManager lives.
func TestAFrozenWorkerIsReplaced(t *testing.T) {
	c := newCluster(t, func(o *processes.Options) { o.Timeout = time.Second })
	id := c.submit("counts", map[string]string{
		"restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "1", "restart-strategy.fixed-delay.delay": "1ms",
		"execution.checkpointing.interval": "20ms", "execution.checkpointing.dir": filepath.Join(c.folder, "checkpoints"),
	})
	c.awaitRunning(id)
	workers := c.launcher.Workers()
	if len(workers) != 1 {
		t.Fatalf("%d workers", len(workers))
	}
	if err := syscall.Kill(workers[0].PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if result := c.result(id); result.State != message.JobState_JOB_FINISHED {
		t.Fatalf("the job is %v: %v", result.State, result.Failure)
	}
	c.checkOutput()
}

func TestCancelEndsTheProcess(t *testing.T) {
	c := newCluster(t)
	id := c.submit("counts", nil)
	for len(workersOf(t)) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("no worker came")
		}
	}
	c.ask(&message.ClientRequest{Body: &message.ClientRequest_Cancel{Cancel: &message.CancelJob{Job: message.IDBytes(id)}}})
	if result := c.result(id); result.State != message.JobState_JOB_CANCELED {
		t.Errorf("the job is %v", result.State)
	}
	c.launcher.Wait()
	if pids := workersOf(t); len(pids) > 0 {
		t.Errorf("%v still run", pids)
	}
}
