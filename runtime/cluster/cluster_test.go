package cluster

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/file"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/runtime/blob"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/jobmanager/planner"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/process"
	"github.com/weir-stream/weir/runtime/taskmanager"
)

// The test binary is a TaskManager, if this variable has its properties, and a job's binary, if it is started in such a role.
const taskManagerVariable = "WEIR_TEST_TASKMANAGER"

var (
	endless = flag.Bool("endless", false, "go on until stopped")
	output  = flag.String("output", "", "the `folder` of results")
	slow    = flag.Bool("slow", false, "take three times as long")
	refused = flag.Bool("refused", false, "refuse to be built")
	failing = flag.Bool("failing", false, "fail at the first record after one second's")
)

func TestMain(m *testing.M) {
	if role, err := process.RoleOf(os.Getenv); err == nil && role != process.Local {
		stream.Main("counts", build)
	}
	if properties := os.Getenv(taskManagerVariable); properties != "" {
		os.Exit(serveTaskManager(strings.Fields(properties)))
	}
	flag.Parse()
	os.Exit(m.Run())
}

const records = 20_000

func build(env *stream.Environment) error {
	if *refused {
		return errors.New("not today")
	}
	count := int64(records)
	if *endless {
		count = 1 << 40
	}
	rate := records / 2
	if *slow {
		rate /= 3
	}
	numbers := stream.From(env, datagen.Generate(count, func(i int64) int64 { return i }).Rate(float64(rate)), stream.MonotonousTimestamps(func(n int64) int64 { return n }))
	if *endless { // with windows, so that there is more to see
		keyed := stream.KeyBy(numbers, func(n int64) int64 { return n % 10 })
		numbers = stream.ReduceWindow(stream.Window(keyed, window.Tumbling(20*time.Millisecond)), func(a, b int64) int64 { return max(a, b) })
	}
	if *failing {
		numbers = stream.MapErr(numbers, failLate)
	}
	counted := stream.Count(stream.KeyBy(numbers, func(n int64) int64 { return n % 10 }))
	lines := stream.Map(counted, func(c stream.KeyCount[int64]) string { return fmt.Sprintf("%d %d", c.Key, c.Count) })
	stream.To(lines, file.TextAppend(*output, func(to []byte, line string) []byte { return append(to, line...) }).Rolling(file.OnCheckpointRollingPolicy()))
	return nil
}

func failLate(n int64) (int64, error) {
	if n >= records/2 {
		return 0, fmt.Errorf("%d is too late", n)
	}
	return n, nil
}

func load(properties ...string) config.Configuration {
	c, _, err := config.Load("", append(properties, "jobmanager.rpc.address=127.0.0.1", "taskmanager.host=127.0.0.1", "heartbeat.interval=200ms", "heartbeat.timeout=2s",
		"metrics.reporters=prom", "metrics.reporter.prom.port=0", "metrics.reporter.prom.host=127.0.0.1", "metrics.fetcher.update-interval=100ms", "rest.flamegraph.num-samples=2"))
	if err != nil {
		panic(err)
	}
	return c
}

// nowhere takes what is written to it.
type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

func serveTaskManager(properties []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	t, err := StartTaskManager(load(properties...), Surroundings{Clock: clock.System(), Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Environ: os.Environ()},
		func(taskmanager.Spec) (io.WriteCloser, io.WriteCloser, error) {
			return nowhere{os.Stderr}, nowhere{os.Stderr}, nil
		})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	select {
	case <-ctx.Done():
	case <-t.Failed().Done():
		fmt.Fprintln(os.Stderr, context.Cause(t.Failed()))
		return 1
	}
	if err := t.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// bench is a JobManager in this process, and TaskManagers in others.
type bench struct {
	*testing.T
	folder string
	jobs   *JobManager
	binary blob.Key

	mu  sync.Mutex
	log bytes.Buffer
}

func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *bench) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, folder: t.TempDir()}
	log := slog.New(slog.NewTextHandler(b, nil))
	var err error
	b.jobs, err = StartJobManager(load("jobmanager.rpc.port=0", "rest.port=0", "rest.server.max-content-length=1073741824", "io.tmp.dirs="+t.TempDir()), Surroundings{Clock: clock.System(), Log: log, Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.jobs.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(b.logged())
		}
	})
	file, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if b.binary, _, err = b.jobs.Upload(file, 1<<30); err != nil {
		t.Fatal(err)
	}
	return b
}

// taskManager starts one, which ends with the test.
func (b *bench) taskManager(slots int) *exec.Cmd {
	b.Helper()
	_, port, _ := strings.Cut(b.jobs.Address(), ":")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=jobmanager.rpc.port=%s taskmanager.numberOfTaskSlots=%d io.tmp.dirs=%s", taskManagerVariable, port, slots, b.TempDir()))
	cmd.Stderr = b
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if cmd.ProcessState != nil {
			return // the test itself has waited
		}
		if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "killed") {
			b.Errorf("a TaskManager has ended with %v", err)
		}
	})
	return cmd
}

func (b *bench) submit(binary blob.Key, arguments []string, properties ...string) (ident.JobID, error) {
	configuration := map[string]string{
		"parallelism.default": "2", "execution.checkpointing.interval": "50ms", "execution.checkpointing.dir": filepath.Join(b.folder, "checkpoints"),
		"restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "100", "restart-strategy.fixed-delay.delay": "1ms",
	}
	for _, p := range properties {
		key, text, _ := strings.Cut(p, "=")
		configuration[key] = text
	}
	return b.jobs.Submit(b.Context(), Submission{Binary: binary, Configuration: configuration, Arguments: arguments})
}

func (b *bench) result(id ident.JobID) *message.JobResult {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	response, err := b.jobs.Ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Result{Result: &message.RequestJobResult{Job: message.IDBytes(id)}}})
	if err != nil {
		b.Fatal(err)
	}
	return response.GetResult()
}

// published are the lines in files that are visible.
func (b *bench) published() (lines []string) {
	b.Helper()
	parts, err := filepath.Glob(filepath.Join(b.folder, "output", "part-*"))
	if err != nil {
		b.Fatal(err)
	}
	for _, part := range parts {
		data, err := os.ReadFile(part)
		if err != nil {
			b.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")...)
	}
	slices.Sort(lines)
	return lines
}

func (b *bench) checkOutput() {
	b.Helper()
	var want []string
	for n := range records {
		want = append(want, fmt.Sprintf("%d %d", n%10, n/10+1))
	}
	slices.Sort(want)
	if got := b.published(); !slices.Equal(got, want) {
		b.Errorf("%d lines are published, %d are due", len(got), len(want))
	}
}

// await waits until something holds.
func (b *bench) await(what string, holds func() bool) {
	b.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); {
		if time.Now().After(end) {
			b.Fatalf("in vain: %s", what)
		}
	}
}

// TestCluster has all that needs the one JobManager that this process may have: protoactor's remote starts once in a process.
func TestCluster(t *testing.T) {
	b := newBench(t)
	t.Run("REST without a TaskManager", func(t *testing.T) { b.with(t).answersLikeAnEmptyCluster() })
	t.Run("REST", func(t *testing.T) { b.with(t).runsAJobOverREST() })
	t.Run("what cannot be planned is refused", func(t *testing.T) { b.with(t).refusesWhatCannotBePlanned() })
	t.Run("a job runs on two TaskManagers", func(t *testing.T) { b.with(t).hasAJobOnTwoTaskManagers() })
	t.Run("a TaskManager that is asked to end leaves at once", func(t *testing.T) { b.with(t).hasATaskManagerLeave() })
	t.Run("a job outlives its TaskManager", func(t *testing.T) { b.with(t).hasAJobOutliveItsTaskManager() })
	t.Run("checkpoints that go nowhere in particular", func(t *testing.T) { b.with(t).keepsCheckpointsOfAJobThatDoesNotSayWhere() })
	t.Run("jobs share slots", func(t *testing.T) { b.with(t).hasJobsShareSlots() })
	t.Run("a job follows its slots", func(t *testing.T) { b.with(t).hasAJobFollowItsSlots() })
	t.Run("a frozen TaskManager is replaced", func(t *testing.T) { b.with(t).hasAFrozenTaskManagerReplaced() })
}

// with is the bench for a part of its test.
func (b *bench) with(t *testing.T) *bench {
	b.T, b.folder = t, t.TempDir()
	return b
}

func (b *bench) refusesWhatCannotBePlanned() {
	_, err := b.submit(b.binary, []string{"--refused"})
	refused := (*planner.Refused)(nil)
	if !errors.As(err, &refused) || refused.Reason != "not today" {
		b.Errorf("refused for %v", err)
	}
	other := b.binary
	other[0]++
	missing := (*blob.NotFound)(nil)
	if _, err := b.submit(other, nil); !errors.As(err, &missing) {
		b.Errorf("a binary that was never uploaded: %v", err)
	}
}

// hasAJobOnTwoTaskManagers has the workers exchange records, and kills one of the TaskManagers.
func (b *bench) hasAJobOnTwoTaskManagers() {
	killed := b.taskManager(1)
	b.taskManager(1)
	id, err := b.submit(b.binary, []string{"--output", filepath.Join(b.folder, "output")})
	if err != nil {
		b.Fatal(err)
	}
	b.await("results", func() bool { return len(b.published()) > 0 })
	if err := killed.Process.Kill(); err != nil {
		b.Fatal(err)
	}
	b.taskManager(1)
	if result := b.result(id); result.State != message.JobState_JOB_FINISHED {
		b.Fatalf("the job is %v: %v", result.State, result.Failure)
	}
	b.checkOutput()
}

// hasATaskManagerLeave ends one by SIGTERM. The job is told by it, not by its silence, and goes on elsewhere; its workers end with it.
func (b *bench) hasATaskManagerLeave() {
	first := b.taskManager(2)
	id, err := b.submit(b.binary, []string{"--output", filepath.Join(b.folder, "output")})
	if err != nil {
		b.Fatal(err)
	}
	b.await("results", func() bool { return len(b.published()) > 0 })
	b.taskManager(2)
	if err := first.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := first.Wait(); err != nil {
		b.Errorf("it ends with %v", err)
	}
	if result := b.result(id); result.State != message.JobState_JOB_FINISHED {
		b.Fatalf("the job is %v: %v", result.State, result.Failure)
	}
	b.checkOutput()
	response, err := b.jobs.Ask(b.Context(), &message.ClientRequest{Body: &message.ClientRequest_Details{Details: &message.RequestJobDetails{Job: message.IDBytes(id)}}})
	if err != nil {
		b.Fatal(err)
	}
	exceptions := response.GetDetails().GetExceptions()
	if len(exceptions) == 0 {
		b.Fatal("nothing has happened to the job")
	}
	if cause := exceptions[len(exceptions)-1].GetFailure().GetMessage(); !strings.Contains(cause, "has ended") && !strings.Contains(cause, "connection") {
		b.Errorf("the job went on elsewhere because %s", cause)
	}
}

// hasAJobOutliveItsTaskManager kills it. The job goes on in the slots of another one from its last checkpoint, and nothing is lost or repeated.
func (b *bench) hasAJobOutliveItsTaskManager() {
	first := b.taskManager(2)
	id, err := b.submit(b.binary, []string{"--output", filepath.Join(b.folder, "output")})
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
