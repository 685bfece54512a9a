package processes_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/jobmanager/planner"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/taskmanager/confine"
	"github.com/weir-stream/weir/runtime/taskmanager/processes"
)

// evil makes a program whose map does something bad with one of its first records.
func evil(do func(n int64)) func(*stream.Environment) error {
	return func(env *stream.Environment) error {
		numbers := stream.From(env, datagen.Generate(datagen.Unbounded, func(i int64) int64 { return i }).Rate(1000))
		stream.To(stream.Map(numbers, func(n int64) int64 { do(n); return n }).Name("Evil"), discard.Sink[int64]())
		return nil
	}
}

var kept [][]byte

// blockForEver is what a stack is expected to show.
func blockForEver(int64) { select {} }

func init() {
	for name, do := range map[string]func(int64){
		"panics beside": func(int64) { go func() { panic("a goroutine of the program") }() },
		"exits early":   func(int64) { fmt.Fprintln(os.Stderr, "no way to go on"); os.Exit(9) },
		"nil pointer":   func(int64) { go func() { var p *int; *p = 1 }() },
		"leaks": func(int64) {
			leak := make([]byte, 1<<20)
			for i := range leak {
				leak[i] = 1
			}
			kept = append(kept, leak)
		},
		"blocks": blockForEver,
		"floods": func(int64) {
			line := []byte(strings.Repeat("flood ", 1000) + "\n")
			for range 1000 {
				os.Stdout.Write(line)
			}
		},
	} {
		programs[name] = evil(do)
	}
	programs["is slow"] = slow
	programs["plan panics beside"] = func(*stream.Environment) error {
		go func() { panic("in the middle of the plan") }()
		select {}
	}
	programs["plan floods"] = func(*stream.Environment) error {
		line := []byte(strings.Repeat("flood ", 1000) + "\n")
		for {
			os.Stdout.Write(line)
		}
	}
	programs["plan says much"] = func(*stream.Environment) error {
		os.Stdout.WriteString(strings.Repeat("much ", 10_000) + "but this at last")
		os.Exit(4)
		return nil
	}
}

// slow makes every record wait for long, and its source for credit, though no call takes as long as a task may.
func slow(env *stream.Environment) error {
	var calls atomic.Int64
	numbers := stream.From(env, datagen.Generate(200_000, func(i int64) int64 { return i }))
	counted := stream.Count(stream.KeyBy(numbers, func(n int64) int64 { return n % 10 }))
	stream.To(stream.Map(counted, func(c stream.KeyCount[int64]) int64 {
		if n := calls.Add(1); n > 50_000 && n <= 50_060 { // when its task has got used to many records at a time
			time.Sleep(40 * time.Millisecond)
		}
		return c.Count
	}), discard.Sink[int64]())
	return nil
}

// small are shares that are soon used up: 128 MiB for each of 4 slots.
func small(groups *confine.Groups) *processes.Memory {
	return &processes.Memory{Shares: confine.Shares{Own: 32 << 20, Slot: 128 << 20, Slots: 4}, Interval: 20 * time.Millisecond, Groups: groups}
}

// failure runs a program, without restarts, until it has failed.
func (c *cluster) failure(program string, properties map[string]string) *message.Failure {
	c.t.Helper()
	all := map[string]string{"restart-strategy.type": "none", "parallelism.default": "1"}
	for key, text := range properties {
		all[key] = text
	}
	result := c.result(c.submit(program, all))
	if result.State != message.JobState_JOB_FAILED {
		c.t.Fatalf("%s: the job is %v", program, result.State)
	}
	return result.Failure
}

func expect(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s: %q is not in\n%s", what, part, text)
		}
	}
}

func TestACrashIsNamedWithItsStack(t *testing.T) {
	c := newCluster(t)
	crash := c.failure("panics beside", nil)
	expect(t, "a panic", crash.Message, `job "test": its worker on TaskManager`, "it has crashed: panic: a goroutine of the program")
	expect(t, "its stack", crash.Stack, "confined_test.go", "goroutine")
	crash = c.failure("nil pointer", nil)
	expect(t, "a nil pointer", crash.Message, "it has crashed: panic: runtime error: invalid memory address or nil pointer dereference", "SIGSEGV")
	expect(t, "its stack", crash.Stack, "confined_test.go")
	expect(t, "an exit", c.failure("exits early", nil).Message, "it has exited with code 9", "no way to go on")
}

func TestAWorkerThatLeaksIsEndedByName(t *testing.T) {
	c := newCluster(t, func(o *processes.Options) { o.Memory = small(nil) })
	expect(t, "the leak", c.failure("leaks", nil).Message, "its worker on TaskManager", "MiB, beyond its share of 128 MiB (1 of 4 slots)", "taskmanager.memory.process.size")
	expect(t, "with two slots", c.failure("leaks", map[string]string{"parallelism.default": "2"}).Message, "beyond its share of 256 MiB (2 of 4 slots)")
}

func TestAControlGroupHoldsAWorker(t *testing.T) {
	groups, why, err := confine.FindGroups("/", "auto", os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if groups == nil {
		t.Skip("no control group can be made here: " + why)
	}
	c := newCluster(t, func(o *processes.Options) {
		o.Memory = small(groups)
		o.Memory.Interval = time.Hour // so that nobody looks
	})
	expect(t, "the leak", c.failure("leaks", nil).Message, "it used 128 MiB, beyond its share of 128 MiB (1 of 4 slots)")
	c.launcher.Wait()
	if left := groups.Names(); len(left) > 0 {
		t.Errorf("groups are left: %v", left)
	}
}

func TestATaskThatDoesNotAnswerEndsItsWorker(t *testing.T) {
	c := newCluster(t)
	blocked := c.failure("blocks", map[string]string{"weir.task.mailbox.timeout": "500ms"})
	expect(t, "the failure", blocked.Message, "has not answered for 500ms (weir.task.mailbox.timeout)", "blockForEver (", "confined_test.go:")
	expect(t, "the stack", blocked.Stack, "[select (no cases)", "runtime/task.(*Task).Drive")
}

// TestTasksThatAreOnlySlowAnswer, in the middle of a batch and under back pressure.
func TestTasksThatAreOnlySlowAnswer(t *testing.T) {
	c := newCluster(t)
	id := c.submit("is slow", map[string]string{"weir.task.mailbox.timeout": "1s", "restart-strategy.type": "none", "parallelism.default": "1"})
	if result := c.result(id); result.State != message.JobState_JOB_FINISHED {
		t.Errorf("the job is %v: %v", result.State, result.Failure)
	}
}

func TestACanceledTaskThatDoesNotEndIsKilled(t *testing.T) {
	c := newCluster(t, func(o *processes.Options) { o.Grace = 100 * time.Millisecond })
	id := c.submit("blocks", map[string]string{"task.cancellation.timeout": "200ms", "parallelism.default": "1"})
	c.awaitRunning(id)
	c.ask(&message.ClientRequest{Body: &message.ClientRequest_Cancel{Cancel: &message.CancelJob{Job: message.IDBytes(id)}}})
	if result := c.result(id); result.State != message.JobState_JOB_CANCELED {
		t.Errorf("the job is %v: %v", result.State, result.Failure)
	}
	c.launcher.Wait()
	if left := workersOf(t); len(left) > 0 {
		t.Errorf("%v still run", left)
	}
}

func TestAFloodOfOutputWaits(t *testing.T) {
	const rate = 8 << 20
	c := newCluster(t, func(o *processes.Options) { o.OutputRate = rate })
	begun := time.Now()
	id := c.submit("floods", map[string]string{"parallelism.default": "1"})
	for c.size() < 2*rate {
		if t.Context().Err() != nil {
			t.Fatal("the output does not come")
		}
	}
	if took := time.Since(begun); took < 800*time.Millisecond {
		t.Errorf("%d bytes have passed after %v", c.size(), took)
	}
	c.ask(&message.ClientRequest{Body: &message.ClientRequest_Cancel{Cancel: &message.CancelJob{Job: message.IDBytes(id)}}})
	c.result(id)
}

func TestPlansThatGoWrong(t *testing.T) {
	p := newPlanner(t, 2*time.Second)
	p.OutputRate = 1 << 20
	_, err := p.Plan(t.Context(), job(t, "plan panics beside"))
	refused, ok := err.(*planner.Refused)
	if !ok {
		t.Fatalf("a panic: %v", err)
	}
	expect(t, "a panic", refused.Reason, "the program has crashed before it had declared its graph: panic: in the middle of the plan")
	expect(t, "its stack", refused.Stack, "confined_test.go")
	if _, err = p.Plan(t.Context(), job(t, "plan floods")); err == nil || len(err.Error()) > 1000 {
		t.Errorf("a flood: %v", err)
	} else {
		expect(t, "a flood", err.Error(), "longer than 2s (weir.plan.timeout)")
	}
	if _, err = p.Plan(t.Context(), job(t, "plan says much")); err == nil || len(err.Error()) > 5000 {
		t.Errorf("much: %v", err)
	} else {
		expect(t, "much", err.Error(), "but this at last")
	}
	garbage := job(t, "counts")
	garbage.Binary = filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage.Binary, []byte("#!/bin/sh\nhead -c 1000000 /dev/zero >&3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Plan(t.Context(), garbage); err == nil {
		t.Error("garbage on the socket is a plan")
	}
}
