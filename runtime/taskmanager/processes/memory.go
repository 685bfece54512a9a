package processes

import (
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/process"
	"github.com/weir-stream/weir/runtime/taskmanager/confine"
)

// Memory is how workers are kept to their share of it.
type Memory struct {
	Shares confine.Shares
	// Interval is the time between two looks at a worker.
	Interval time.Duration
	// Groups is nil where the system has none for us.
	Groups *confine.Groups
}

// confined is what keeps one worker to its share:
//
//	made --holds a process, watches it--> the process has ended --release--> released
type confined struct {
	memory *Memory
	group  *confine.Group // nil without one
	// changed has a value when slots has been changed.
	changed chan struct{}

	mu     sync.Mutex
	slots  int
	beyond string // why the worker was ended, once it was
}

func (m *Memory) confine(slots int) *confined {
	return &confined{memory: m, slots: slots, changed: make(chan struct{}, 1)}
}

// hold changes how many slots the worker's job has.
func (c *confined) hold(slots int) {
	c.mu.Lock()
	c.slots = slots
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *confined) held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slots
}

// share is in bytes, 0 for a worker that is not confined.
func (c *confined) share() int64 {
	if c.memory == nil {
		return 0
	}
	return c.memory.Shares.Of(c.held())
}

// take confines a process that has just started, and has not been told anything yet.
func (c *confined) take(w *worker, child *process.Child) {
	if c.memory == nil {
		return
	}
	// When the whole system is short of memory, a worker goes before a TaskManager or JobManager does.
	if err := os.WriteFile("/proc/"+strconv.Itoa(child.PID())+"/oom_score_adj", []byte("500"), 0); err != nil {
		w.log.Debug("a worker is not marked as the first to go when the system's memory is full", "error", err)
	}
	if groups := c.memory.Groups; groups != nil {
		group, err := groups.Make(w.spec.Job.String()+"-"+strconv.Itoa(child.PID()), c.share())
		if err == nil {
			if err = group.Add(child.PID()); err == nil {
				c.group = group
			} else {
				_ = group.Remove()
			}
		}
		if err != nil {
			w.log.Warn("a worker is held by looking at its memory, since it has no control group", "error", err)
		}
	}
	w.launcher.running.Go(func() { c.watch(w, child) })
}

// watch ends the process when it is beyond its share.
func (c *confined) watch(w *worker, child *process.Child) {
	clock := w.launcher.options.Clock
	look := confine.Watch{Interval: c.memory.Interval}
	look.Allow(clock.Nanos(), c.share())
	timer := clock.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-child.Ended():
			return
		case <-c.changed:
			c.grant(w, &look)
			continue
		case <-timer.C():
		}
		used, err := confine.Usage(os.DirFS("/"), child.PID())
		if err != nil {
			timer.Reset(c.memory.Interval) // it is ending
			continue
		}
		beyond, again := look.Look(clock.Nanos(), used)
		if beyond {
			c.mu.Lock()
			c.beyond = c.memory.Shares.Beyond(used, c.slots)
			c.mu.Unlock()
			child.Kill()
			return
		}
		timer.Reset(again)
	}
}

// grant has a new share hold everywhere: here, in the control group, and in the worker, which gives back what is over.
func (c *confined) grant(w *worker, look *confine.Watch) {
	share := c.share()
	look.Allow(w.launcher.options.Clock.Nanos(), share)
	w.send(&message.ToProcess{Body: &message.ToProcess_Memory{Memory: &message.WorkerMemory{Bytes: share}}})
	if c.group != nil {
		if err := c.group.Limit(share); err != nil {
			w.log.Warn("the control group of a worker keeps its limit", "error", err, "share", share)
		}
	}
}

// verdict says why the process was ended for its memory, "" if it was not. It is called when the process has ended.
func (c *confined) verdict() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.beyond == "" && c.group != nil {
		if killed, peak := c.group.Killed(); killed {
			return c.memory.Shares.Beyond(max(peak, c.memory.Shares.Of(c.slots)), c.slots)
		}
	}
	return c.beyond
}

// release removes the control group.
func (c *confined) release(w *worker) {
	if c.group == nil {
		return
	}
	if err := c.group.Remove(); err != nil {
		w.log.Warn("a control group was not removed", "error", err)
	}
}
