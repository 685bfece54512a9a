package job

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-stream/weir/benchmarks/internal/resident"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/failpoint"
)

// Kind says what an Event is about.
type Kind string

// The events.
const (
	// Started: the process is about to start the job.
	Started Kind = "started"
	// Restoring: a subtask with state is about to read it.
	Restoring Kind = "restoring"
	// First: the function has had a record.
	First Kind = "first"
	// Ready: each key has come, and three checkpoints were taken since; of a job that was resumed: it has caught up and taken one.
	Ready Kind = "ready"
	// Caught: there was a backlog, and it is gone.
	Caught Kind = "caught"
	// Measured: the Outcome is there.
	Measured Kind = "measured"
)

// Event is a line that a process reports.
type Event struct {
	Kind Kind
	// At is in nanoseconds since 1970.
	At      int64
	Outcome *Outcome `json:",omitempty"`
}

// Outcome is what was measured while nothing but changes came.
type Outcome struct {
	Checkpoints []Checkpoint
	// Failed counts those that were triggered and not completed.
	Failed int
	// Marks and Slices are CPU times of the threads of the function's subtasks.
	Marks, Slices Times
	// CPU is processor seconds of the process in each interval.
	CPU []float64
	// Peak is the most that the process had resident, in bytes. LoadSeconds is how long the first record of each key took.
	Peak        int64
	LoadSeconds float64
}

// Times are nanoseconds.
type Times struct {
	Count          int
	P50, P999, Max int64
}

// Checkpoint is what one took.
type Checkpoint struct {
	// Millis is from the trigger until it was complete.
	Millis float64
	// Bytes is what was uploaded for it, Base whether a table with everything was among it. Records came since the one before.
	Bytes, Records int64
	Base           bool
}

// seen is what a subtask of the function has seen. Its goroutine writes it.
type seen struct {
	records atomic.Int64
	meter   *meter
	// behind says that there was a backlog; caught that it is gone.
	behind, caught bool
	_              [64]byte
}

// lateness is what a record may be late in a job that keeps up.
const lateness = 30 * time.Millisecond

func (s *seen) add(due int64) {
	n := s.records.Load() + 1
	s.records.Store(n)
	if due == 0 || s.caught || n&63 != 0 {
		return
	}
	late := time.Duration(time.Now().UnixNano() - due)
	if late > lateness {
		s.behind = true
	} else if s.behind {
		s.caught = true
		s.meter.caughtUp()
	}
}

type meter struct {
	order Order
	out   *json.Encoder
	outMu sync.Mutex

	mu       sync.Mutex
	subtasks []*seen
	caught   int
	// began has when the stretch began that a thread is in.
	began     sync.Map
	recording atomic.Bool
	times     [2][]int64

	reader    *reading
	completed chan int64
	triggered atomic.Int64
}

func newMeter(o Order) *meter {
	return &meter{order: o, out: json.NewEncoder(os.Stdout), completed: make(chan int64, 1000)}
}

func (m *meter) report(e Event) {
	m.outMu.Lock()
	defer m.outMu.Unlock()
	e.At = time.Now().UnixNano()
	if err := m.out.Encode(e); err != nil {
		panic(err)
	}
}

// enter adds a subtask.
func (m *meter) enter() *seen {
	s := &seen{meter: m}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.subtasks = append(m.subtasks, s)
	if len(m.subtasks) == 1 {
		m.report(Event{Kind: First})
	}
	return s
}

func (m *meter) caughtUp() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.caught++; m.caught == len(m.subtasks) {
		m.report(Event{Kind: Caught})
	}
}

func (m *meter) records() (n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.subtasks {
		n += s.records.Load()
	}
	return n
}

// attach follows the job's checkpoints.
func (m *meter) attach(c config.Configuration) error {
	if m.order.Interval == 0 || m.order.Storage == "" {
		return nil
	}
	var err error
	if m.reader, err = newReading(c, m.order); err != nil {
		return err
	}
	restoring := sync.Once{}
	failpoint.Arm(func(p failpoint.Point) error {
		switch p {
		case failpoint.Restoring:
			restoring.Do(func() { m.report(Event{Kind: Restoring}) })
		case failpoint.Triggered:
			m.triggered.Add(1)
		case failpoint.Completed:
			m.completed <- time.Now().UnixNano()
		}
		return nil
	})
	failpoint.Watch(m.stretch)
	return nil
}

// stretch measures what the function's subtasks do for a checkpoint. While they do, their goroutines keep to their threads.
func (m *meter) stretch(task string, of failpoint.Stretch, begins bool) {
	if !m.recording.Load() || !strings.Contains(task, keeperName) {
		return
	}
	if begins {
		runtime.LockOSThread()
		m.began.Store(threadNumber(), threadNanos())
		return
	}
	now := threadNanos()
	began, ok := m.began.LoadAndDelete(threadNumber())
	if !ok {
		return
	}
	runtime.UnlockOSThread()
	m.mu.Lock()
	m.times[of] = append(m.times[of], now-began.(int64))
	m.mu.Unlock()
}

func threadNanos() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return t.Nano()
}

// run waits until each key has come, measures, and returns.
func (m *meter) run() error {
	began := time.Now()
	if m.order.Resumed {
		return m.runOn()
	}
	for m.records() < m.order.Keys {
		time.Sleep(20 * time.Millisecond) // looked at from outside: a signal would cost the job that is measured a check per batch
	}
	loaded := time.Since(began).Seconds()
	if m.reader == nil {
		time.Sleep(2 * m.order.Interval) // the process settles as long as the other one does, which waits for checkpoints
		return m.measureWithout(loaded)
	}
	for len(m.completed) > 0 {
		<-m.completed
	}
	for range 3 {
		<-m.completed
	}
	m.report(Event{Kind: Ready})
	if m.order.Checkpoints == 0 {
		for range m.completed {
		}
	}
	return m.measure(loaded)
}

// profiled is how long a job that was resumed is profiled, if it does not catch up before.
const profiled = 20 * time.Second

// runOn waits until a job that was resumed has caught up and taken a checkpoint after that, and then for its end.
func (m *meter) runOn() error {
	stop, err := profile(m.order.Profile)
	if err != nil {
		return err
	}
	stop = sync.OnceFunc(stop)
	time.AfterFunc(profiled, stop)
	ready := false
	for range m.completed {
		m.mu.Lock()
		caught := len(m.subtasks) > 0 && m.caught == len(m.subtasks)
		m.mu.Unlock()
		if caught && !ready {
			ready = true
			stop()
			m.report(Event{Kind: Ready})
		}
	}
	return nil
}

// measureWithout measures a job that takes no checkpoints.
func (m *meter) measureWithout(loaded float64) error {
	stop, err := profile(m.order.Profile)
	if err != nil {
		return err
	}
	var o Outcome
	last := cpuSeconds()
	ticks := time.NewTicker(m.order.Interval)
	for range m.order.Checkpoints {
		<-ticks.C
		now := cpuSeconds()
		o.CPU = append(o.CPU, now-last)
		last = now
	}
	stop()
	return m.finish(&o, loaded)
}

// measure measures checkpoints.
func (m *meter) measure(loaded float64) error {
	if _, err := m.reader.next(context.Background(), <-m.completed); err != nil { // what came before does not count
		return err
	}
	stop, err := profile(m.order.Profile)
	if err != nil {
		return err
	}
	var o Outcome
	triggered, lastCPU, lastRecords := m.triggered.Load(), cpuSeconds(), m.records()
	m.recording.Store(true)
	for len(o.Checkpoints) < m.order.Checkpoints {
		at := <-m.completed
		cpu, records := cpuSeconds(), m.records()
		c, err := m.reader.next(context.Background(), at)
		if err != nil {
			return err
		}
		c.Records = records - lastRecords
		o.CPU = append(o.CPU, cpu-lastCPU)
		o.Checkpoints = append(o.Checkpoints, c)
		lastCPU, lastRecords = cpu, records
	}
	m.recording.Store(false)
	stop()
	o.Failed = int(m.triggered.Load()-triggered) - len(o.Checkpoints)
	return m.finish(&o, loaded)
}

func (m *meter) finish(o *Outcome, loaded float64) (err error) {
	m.mu.Lock()
	o.Marks, o.Slices = summarize(m.times[failpoint.Marking]), summarize(m.times[failpoint.Slicing])
	m.mu.Unlock()
	o.LoadSeconds = loaded
	if o.Peak, err = resident.Peak(); err != nil {
		return err
	}
	m.report(Event{Kind: Measured, Outcome: o})
	return nil
}

func summarize(nanos []int64) Times {
	sorted := slices.Sorted(slices.Values(nanos))
	return Times{len(sorted), stats.Quantile(sorted, 0.5), stats.Quantile(sorted, 0.999), stats.Quantile(sorted, 1)}
}

func cpuSeconds() float64 {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

// profile starts a CPU profile and returns what ends it.
func profile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return func() {
		pprof.StopCPUProfile()
		file.Close()
	}, nil
}
