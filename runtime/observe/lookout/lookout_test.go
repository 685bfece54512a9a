package lookout

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/logs"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/observe"
)

// start serves a TaskManager with one worker that answers and one that has ended.
func start(t *testing.T) (*Client, *message.Lookout) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{"tm-0.log": "main", "tm-0.out": "out", "tm-0-job.log": "job", "tm-01.log": "another's", "other.log": "another's"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	own, theirs := metrics.NewRegistry(clock.System(), nil), metrics.NewRegistry(clock.System(), nil)
	heap := func(g *metrics.Group, used, most int64) {
		memory := g.Add("Status").Add("JVM").Add("Memory").Add("Heap")
		metrics.Gauge(memory, "Used", func() int64 { return used })
		metrics.Gauge(memory, "Max", func() int64 { return most })
		netty := g.Add("Status").Add("Shuffle").Add("Netty")
		metrics.Gauge(netty, "TotalMemory", func() int64 { return most - 100 })
		metrics.Gauge(netty, "UsedMemory", func() int64 { return used - 10 })
		metrics.Gauge(netty, "RequestedMemoryUsage", func() int64 { return 0 })
	}
	heap(own.Root(metrics.LevelTaskManager, metrics.Variable{Name: metrics.TaskManagerID, Value: "tm"}), 10, 100)
	heap(theirs.Root(metrics.LevelTaskManagerJob, metrics.Variable{Name: metrics.TaskManagerID, Value: "tm"}), 15, 120)
	worker := &observe.Process{Registry: theirs, Clock: clock.System()}
	gone := func(context.Context, *message.Look) ([]byte, error) { return nil, errors.New("it has ended") }
	s := New(Options{
		Clock: clock.System(), Log: slog.New(slog.DiscardHandler), Secret: "known", Host: "h", Memory: 1000,
		Own: &observe.Process{Registry: own, Clock: clock.System()}, Logs: &logs.Group{Folder: logs.Folder{Path: folder}, Process: "tm-0"},
		Workers: func() []Worker {
			return []Worker{{Job: ident.Derive("j"), JobName: "j", PID: os.Getpid(), Look: worker.Answer}, {JobName: "gone", Look: gone}}
		},
	})
	t.Cleanup(s.Close)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	at := &message.Lookout{Base: server.URL, Secret: "known"}
	return &Client{HTTP: server.Client(), At: at}, at
}

func TestOnlyWhoKnowsTheSecretIsAnswered(t *testing.T) {
	client, at := start(t)
	for _, secret := range []string{"", "knowns", "Known"} {
		client.At = &message.Lookout{Base: at.Base, Secret: secret}
		if _, err := client.Metrics(t.Context()); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("%q: %v", secret, err)
		}
	}
	if _, err := (&Client{}).Metrics(t.Context()); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

func TestFiguresOfWorkersAreAmongThoseOfTheirTaskManager(t *testing.T) {
	client, _ := start(t)
	samples, err := client.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[metrics.Level]map[string]any{metrics.LevelTaskManager: {}, metrics.LevelTaskManagerJob: {}}
	for _, s := range samples {
		got[s.Scope.Level][s.Scope.Identifier(s.Name)] = s.Value
		if s.Scope.Level == metrics.LevelTaskManagerJob && s.Scope.Variable(metrics.Host) != "h" {
			t.Errorf("%v is of no host", s.Scope)
		}
	}
	const heap = "Status.JVM.Memory.Heap."
	if sum, part := got[metrics.LevelTaskManager], got[metrics.LevelTaskManagerJob]; sum[heap+"Used"] != int64(25) || sum[heap+"Max"] != int64(100) || part[heap+"Used"] != int64(15) {
		t.Error(got)
	}
	const netty = "Status.Shuffle.Netty."
	if sum := got[metrics.LevelTaskManager]; sum[netty+"TotalMemory"] != int64(20) || sum[netty+"UsedMemory"] != int64(5) || sum[netty+"RequestedMemoryUsage"] != int64(25) {
		t.Error(sum)
	}
}

func TestFilesOfOtherProcessesAreNotShown(t *testing.T) {
	client, _ := start(t)
	files, err := client.Logs(t.Context())
	if err != nil || len(files) != 3 || files[0].Name != "tm-0-job.log" || files[0].Size != 3 {
		t.Error(files, err)
	}
	for name, want := range map[string]string{MainLog: "main", Output: "out", "tm-0-job.log": "job"} {
		file, err := client.OpenLog(t.Context(), name)
		if err != nil {
			t.Fatal(name, err)
		}
		content, err := io.ReadAll(file)
		if err != nil || string(content) != want {
			t.Errorf("%s is %q, %v", name, content, err)
		}
		file.Close()
	}
	for _, name := range []string{"tm-01.log", "other.log", "../tm-0.log", "tm-0-no.log", "tm-0.log/../other.log"} {
		if _, err := client.OpenLog(t.Context(), name); !errors.Is(err, fs.ErrNotExist) && (err == nil || !strings.Contains(err.Error(), "301") && !strings.Contains(err.Error(), "307")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGoroutinesProfilesAndTheProcess(t *testing.T) {
	client, _ := start(t)
	dumps, err := client.Goroutines(t.Context())
	if err != nil || len(dumps) != 2 || dumps[0].Process != "" || !strings.Contains(dumps[1].Process, "worker of j") || !strings.HasPrefix(dumps[1].Text, "goroutine ") {
		t.Errorf("%d, %v", len(dumps), err)
	}
	p, err := client.Process(t.Context())
	if err != nil || p.Cores < 1 || p.MayUse != 1000 || p.PhysicalMemory < 1<<20 || len(p.Workers) != 2 || p.Workers[0].MemoryBytes < 1<<20 {
		t.Errorf("%+v, %v", p, err)
	}
	one, err := client.StartProfile(t.Context(), observe.ModeAlloc, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	for all := []observe.Profile{one}; all[0].Finished.IsZero(); {
		if all, err = client.Profiles(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	file, err := client.OpenProfile(t.Context(), one.File)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	if _, err := client.OpenProfile(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := client.StartProfile(t.Context(), observe.ModeAlloc, time.Hour); err == nil {
		t.Error("a profile of an hour was begun")
	}
}

func TestARequestThatCannotBeReadIsRefused(t *testing.T) {
	client, at := start(t)
	for _, path := range []string{"/stacks", "/stacks?job=x&vertex=y&samples=1&pause=1&depth=1"} {
		request, _ := http.NewRequest("GET", at.Base+path, nil)
		request.Header.Set("Authorization", "Bearer known")
		response, err := client.HTTP.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
}
