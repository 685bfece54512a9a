package worker

import (
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/task"
)

func TestTimesOfATask(t *testing.T) {
	c := clock.NewManual(time.Unix(0, 0))
	registry := metrics.NewRegistry(c, func(problem string) { t.Error(problem) })
	var times task.Times
	waits := []task.Waits{{Soft: 70e6, Hard: 20e6}, {}}
	registerTimes(registry.Root(metrics.LevelTask), c, func() task.Times { return times }, func() task.Waits {
		next := waits[0]
		waits = waits[1:]
		return next
	})
	times = task.Times{Busy: 500e6, Idle: 300e6, BackPressured: 200e6, Hard: 50e6}
	c.Advance(time.Second)
	shown := map[string]any{}
	for _, s := range registry.Snapshot() {
		shown[s.Name] = s.Value
	}
	for name, want := range map[string]any{
		"busyTimeMsPerSecond": int64(500), "idleTimeMsPerSecond": int64(300), "backPressuredTimeMsPerSecond": int64(200), "softBackPressuredTimeMsPerSecond": int64(150),
		"hardBackPressuredTimeMsPerSecond": int64(50), "maxSoftBackPressureTimeMs": int64(70), "maxHardBackPressureTimeMs": int64(20), "isBackPressured": true,
		"accumulateBusyTimeMs": int64(500), "changelogBusyTimeMsPerSecond": int64(0),
	} {
		if shown[name] != want {
			t.Errorf("%s is %v, want %v", name, shown[name], want)
		}
	}
	c.Advance(time.Second)
	for _, s := range registry.Snapshot() {
		if s.Name == "maxSoftBackPressureTimeMs" && s.Value != int64(0) {
			t.Errorf("the longest wait of the second before is shown again: %v", s.Value)
		}
	}
}

// TestMailboxesAreMeasured: an action that waits is counted with the time for which it has waited, and only one waits.
func TestMailboxesAreMeasured(t *testing.T) {
	m := newMaster(t, pipeline(&testSource{splits: 1}, same, &testSink{}), 1)
	id := m.execution("map", 0, 0) // which has no input
	m.deploy(id)
	await(m, 0, func(b *message.FromWorker_TaskState) bool { return b.TaskState.State == running })
	m.settle()
	hosted := m.host.tasks[id]
	entered, leave := make(chan struct{}), make(chan struct{})
	hosted.task.Do(func() { close(entered); <-leave })
	<-entered
	done := make(chan struct{})
	m.host.loop.do(func() {
		m.host.measureMailboxes()
		m.host.measureMailboxes()
		close(done)
	})
	<-done
	if n := hosted.mailboxLatency.Count(); n != 0 {
		t.Errorf("%d measurements of an action that waits", n)
	}
	served := make(chan struct{})
	hosted.task.Do(func() { close(served) })
	close(leave)
	<-served
	if n := hosted.mailboxLatency.Count(); n != 1 || hosted.measuring.Load() {
		t.Errorf("%d measurements, want 1", n)
	}
	m.cancel(id)
}
