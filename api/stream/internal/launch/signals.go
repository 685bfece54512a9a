package launch

import "github.com/weir-stream/weir/runtime/graph"

// conduct decides what signals do to a job and how the process ends:
//
//	starting --submitted--> running --Ctrl-C--> canceling --Ctrl-C--> killed
//	                           |                    ^
//	                        SIGTERM          again, or impossible
//	                           v                    |
//	                        draining ---------------+
//
// and from each of them to ended, when the job has. What is asked for while the job is being submitted happens once it is.
type conduct struct {
	phase phase
	// asked is the exit code that the first signal stands for, 0 without one.
	asked int
	// submitted says that there is a job.
	submitted bool
}

type phase uint8

const (
	running phase = iota
	draining
	canceling
	over
)

// event is what happens to a conduct.
type event interface{ event() }

type (
	// interrupted is Ctrl-C; terminated is SIGTERM.
	interrupted struct{}
	terminated  struct{}
	// submitted says that the job is there and can be canceled.
	submitted struct{}
	// drainFailed says that the job could not be asked to drain.
	drainFailed struct{ cause error }
	// ended says in which final state the job is.
	ended struct{ state graph.JobState }
)

func (interrupted) event() {}
func (terminated) event()  {}
func (submitted) event()   {}
func (drainFailed) event() {}
func (ended) event()       {}

// command is what a conduct wants done.
type command interface{ command() }

type (
	// drainJob and cancelJob ask that of the job, without waiting.
	drainJob  struct{}
	cancelJob struct{}
	// tell says something to the person.
	tell struct{ text string }
	// exit ends the process with a code.
	exit struct{ code int }
)

func (drainJob) command()  {}
func (cancelJob) command() {}
func (tell) command()      {}
func (exit) command()      {}

// step takes an event and returns what to do.
func (c *conduct) step(e event) []command {
	if c.phase == over {
		return nil
	}
	switch e := e.(type) {
	case interrupted:
		return c.interrupt()
	case terminated:
		return c.terminate()
	case submitted:
		c.submitted = true
		return c.ask()
	case drainFailed:
		if c.phase == draining {
			c.phase = canceling
			return append([]command{tell{"the job could not be drained and is canceled: " + e.cause.Error()}}, c.ask()...)
		}
	case ended:
		c.phase = over
		return []command{exit{c.code(e.state)}}
	}
	return nil
}

func (c *conduct) interrupt() []command {
	if c.asked == ExitInterrupted || c.phase == canceling {
		c.phase = over
		return []command{exit{ExitKilled}}
	}
	if c.asked == 0 {
		c.asked = ExitInterrupted
	}
	c.phase = canceling
	return append([]command{tell{"canceling the job; Ctrl-C again ends the process at once"}}, c.ask()...)
}

func (c *conduct) terminate() []command {
	switch c.phase {
	case running:
		c.asked, c.phase = ExitTerminated, draining
		return append([]command{tell{"draining the job: its sources stop, and what they have read is worked off"}}, c.ask()...)
	case draining:
		c.phase = canceling
		return append([]command{tell{"canceling the job"}}, c.ask()...)
	}
	return nil // it is being canceled already
}

// ask carries the wish of this phase to the job, if there is one.
func (c *conduct) ask() []command {
	switch {
	case !c.submitted:
		return nil
	case c.phase == draining:
		return []command{drainJob{}}
	case c.phase == canceling:
		return []command{cancelJob{}}
	}
	return nil
}

// code is the exit code for a job that ended in this state. A job that was drained ends early even where it finishes.
func (c *conduct) code(state graph.JobState) int {
	switch {
	case state == graph.JobFinished && c.asked != ExitTerminated:
		return ExitFinished
	case state == graph.JobFinished || state == graph.JobCanceled && c.asked != 0:
		return c.asked
	}
	return ExitFailed
}
