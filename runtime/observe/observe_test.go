package observe

import (
	"context"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/pprof/profile"
	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
)

func TestSamplesTravel(t *testing.T) {
	registry := metrics.NewRegistry(clock.NewManual(time.UnixMilli(0)), nil)
	task := registry.Root(metrics.LevelTaskManagerJob, metrics.Variable{Name: metrics.JobName, Value: "j"}).Child(metrics.LevelTask, metrics.Variable{Name: metrics.SubtaskIndex, Value: "0"})
	task.Counter("count").Add(3)
	task.AddPair("topic", "a").Meter("rate").Mark(2)
	task.Histogram("spread").Update(-5)
	metrics.Gauge(task, "real", func() float64 { return 0.5 })
	metrics.Gauge(task, "text", func() string { return "x" })
	metrics.Gauge(task, "on", func() bool { return true })
	metrics.Gauge(task, "least", func() int64 { return -1 << 63 })
	sent := registry.Snapshot()
	data, err := proto.Marshal(Encode(sent))
	if err != nil {
		t.Fatal(err)
	}
	var came message.MetricSamples
	if err := proto.Unmarshal(data, &came); err != nil {
		t.Fatal(err)
	}
	got := Decode(&came, metrics.Variable{Name: metrics.Host, Value: "h"}, metrics.Variable{Name: metrics.JobName, Value: "another"})
	if len(got) != len(sent) {
		t.Fatalf("%d of %d samples came", len(got), len(sent))
	}
	for i := range got {
		if diff := cmp.Diff(sent[i].Value, got[i].Value); diff != "" || sent[i].Name != got[i].Name || sent[i].Kind != got[i].Kind || sent[i].Scope.Identifier("x") != got[i].Scope.Identifier("x") {
			t.Errorf("%s: %s", sent[i].Name, diff)
		}
		if s := got[i].Scope; s.Variable(metrics.Host) != "h" || s.Variable(metrics.JobName) != "j" || s.Level != metrics.LevelTask {
			t.Errorf("%+v", s)
		}
	}
}

// A name that is not UTF-8 must not keep all figures of a job from being seen.
func TestNamesThatAreNotTextAreSent(t *testing.T) {
	registry := metrics.NewRegistry(clock.NewManual(time.UnixMilli(0)), nil)
	registry.Root(metrics.LevelTask, metrics.Variable{Name: "a\xff", Value: "\xff"}).Add("\xff").Counter("b\xff")
	if _, err := proto.Marshal(Encode(registry.Snapshot())); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	registry := metrics.NewRegistry(clock.NewManual(time.UnixMilli(0)), nil)
	registry.Root(metrics.LevelTask).Histogram("h").Update(3)
	if data, err := proto.Marshal(Encode(registry.Snapshot())); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		var m message.MetricSamples
		if proto.Unmarshal(data, &m) == nil {
			Decode(&m)
		}
	})
}

func TestStacksOfAVertexAreSeen(t *testing.T) {
	vertex := ident.Derive("v")
	end, waits := make(chan struct{}), make(chan struct{})
	defer close(end)
	pprof.Do(context.Background(), pprof.Labels(), func(context.Context) {
		go func() {
			pprof.SetGoroutineLabels(Labeled(context.Background(), vertex, "task", 3))
			close(waits)
			<-end
		}()
	})
	<-waits
	p := &Process{Clock: clock.System()}
	look := func() *message.StackSamples {
		content, err := p.Answer(t.Context(), &message.Look{Body: &message.Look_Stacks{Stacks: &message.LookStacks{Vertex: message.IDBytes(vertex), Samples: 3, Depth: 1}}})
		if err != nil {
			t.Fatal(err)
		}
		var got message.StackSamples
		if err := proto.Unmarshal(content, &got); err != nil {
			t.Fatal(err)
		}
		return &got
	}
	got := look()
	for len(got.Samples) != 1 || !got.Samples[0].Waiting { // it may not have come to its wait
		got = look()
	}
	s := got.Samples[0]
	if s.Subtask != 3 || s.Count != 3 || len(s.Frames) != 1 || !strings.HasPrefix(got.Functions[s.Frames[0]], "runtime.chanrecv") {
		t.Errorf("%v", got)
	}
	for _, bad := range []*message.LookStacks{{Vertex: []byte{1}, Samples: 1}, {Vertex: message.IDBytes(vertex)}, {Vertex: message.IDBytes(vertex), Samples: 1, PauseMillis: 1 << 40}} {
		if _, err := p.Answer(t.Context(), &message.Look{Body: &message.Look_Stacks{Stacks: bad}}); err == nil {
			t.Errorf("%v is answered", bad)
		}
	}
}

func TestProfilesOfSeveralProcessesAreOne(t *testing.T) {
	for _, mode := range []string{ModeWall, ModeLock, ModeAlloc} {
		content, err := TakeProfile(t.Context(), clock.System(), mode, time.Millisecond)
		if err != nil {
			t.Fatal(mode, err)
		}
		merged, err := MergeProfiles([]Named{{"a", content}, {"b", content}})
		if err != nil {
			t.Fatal(mode, err)
		}
		one, err := profile.ParseData(merged)
		if err != nil {
			t.Fatal(mode, err)
		}
		of := map[string]bool{}
		for _, s := range one.Sample {
			of[s.Label["process"][0]] = true
		}
		if mode != ModeLock && (!of["a"] || !of["b"]) {
			t.Errorf("%s has samples of %v", mode, of)
		}
	}
	if _, err := TakeProfile(t.Context(), clock.System(), "PERF", time.Second); err == nil {
		t.Error("a profile of no known kind was taken")
	}
	if _, err := TakeProfile(t.Context(), clock.System(), ModeCPU, time.Hour); err == nil {
		t.Error("a profile of an hour was taken")
	}
}

func TestOneProfileIsTakenAtATime(t *testing.T) {
	manual := clock.NewManual(time.UnixMilli(0))
	p := NewProfiler(manual, func(ctx context.Context, mode string, _ time.Duration) ([]byte, error) {
		<-ctx.Done()
		return []byte(mode), nil
	})
	one, err := p.Start(ModeCPU, time.Minute)
	if err != nil || !one.Finished.IsZero() {
		t.Fatal(one, err)
	}
	if _, err := p.Start(ModeCPU, time.Second); err != ErrBusy {
		t.Errorf("a second one: %v", err)
	}
	if _, ok := p.Content(one.File); ok {
		t.Error("there is a profile that has not ended")
	}
	p.Close() // which ends it
	if content, ok := p.Content(one.File); !ok || string(content) != ModeCPU || p.List()[0].Finished.IsZero() {
		t.Errorf("%q, %+v", content, p.List())
	}
	if _, err := p.Start(ModeAlloc, time.Second); err != ErrClosed {
		t.Errorf("after the end: %v", err)
	}
}

func TestFiguresOfTheProcess(t *testing.T) {
	registry := metrics.NewRegistry(clock.System(), func(problem string) { t.Error(problem) })
	RegisterFigures(registry.Root(metrics.LevelTaskManager), clock.System(), 1<<40)
	values := map[string]any{}
	for _, s := range registry.Snapshot() {
		values[s.Scope.Identifier(s.Name)] = s.Value
	}
	for _, id := range []string{"Memory.Heap.Used", "Memory.Heap.Committed", "Memory.Heap.Max", "Memory.NonHeap.Used", "Threads.Count", "CPU.Time", "FileDescriptor.Open", "FileDescriptor.Max"} {
		if n, ok := values[Prefix+id].(int64); !ok || n <= 0 {
			t.Errorf("%s is %v", id, values[Prefix+id])
		}
	}
	for _, id := range []string{"GarbageCollector.All.Count", "GarbageCollector.All.Time", "Memory.Metaspace.Used", "ClassLoader.ClassesLoaded"} {
		if _, ok := values[Prefix+id].(int64); !ok {
			t.Errorf("%s is %v", id, values[Prefix+id])
		}
	}
}
