package planner

import (
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/weir-stream/weir/runtime/process"
	"github.com/weir-stream/weir/runtime/taskmanager/confine"
)

// look is how often the memory of a binary is looked at.
const look = 100 * time.Millisecond

// hold has a binary be ended when it takes more memory than it may, and be the first to go when the system's is full: a program that builds its graph must not take the JobManager along.
// Beyond tells afterwards whether it was ended for that.
func (p *Planner) hold(child *process.Child) (beyond func() bool) {
	// Where this may not be written the process is still looked at.
	_ = os.WriteFile("/proc/"+strconv.Itoa(child.PID())+"/oom_score_adj", []byte("1000"), 0)
	var ended atomic.Bool
	if p.Memory > 0 {
		go p.watch(child, &ended)
	}
	return ended.Load
}

func (p *Planner) watch(child *process.Child, ended *atomic.Bool) {
	limit := confine.Watch{Interval: look}
	limit.Allow(p.Clock.Nanos(), p.Memory)
	timer := p.Clock.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-child.Ended():
			return
		case <-timer.C():
		}
		again := look
		if used, err := confine.Usage(os.DirFS("/"), child.PID()); err == nil { // else it is ending
			var beyond bool
			if beyond, again = limit.Look(p.Clock.Nanos(), used); beyond {
				ended.Store(true)
				child.Kill()
				return
			}
		}
		timer.Reset(again)
	}
}
