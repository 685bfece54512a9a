package master

import (
	"fmt"
	"time"
)

// How long a job's log is tried to be claimed while its storage fails in a way that may pass.
const (
	// ClaimPatience is how long after its first failure a claim is tried again: longer than it takes to start a service of storage anew, and
	// short enough that whoever has named a wrong one learns it.
	ClaimPatience = 5 * time.Minute
	// cancelPatience is how long a try that is under way may still end when the job is canceled, since the log of a job that has been claimed
	// says that it was canceled.
	cancelPatience = 5 * time.Second

	firstClaimPause   = 250 * time.Millisecond
	longestClaimPause = 15 * time.Second
)

// Claiming decides about the claim of a job's log, which comes before the job itself: whether it is tried again once it has failed, and when.
// Nothing is deployed meanwhile. Pauses double from a quarter of a second to a quarter of a minute, and are up to a half shorter at
// random, so that many jobs that have failed together do not come back together.
//
//	trying --failure that may pass--> pausing --the pause is over--> trying
//	trying --other failure, or too late for another pause--> over (RefuseJob)
//	trying, pausing --cancel--> over (CancelJob), while trying only when the try has failed or takes too long
type Claiming struct {
	// Location is that of the job's folder, for messages.
	Location string
	// Uniform returns random numbers from [0, 1).
	Uniform func() float64

	// tries counts those that have failed, since the time of the first of them.
	tries int
	since time.Time
	// deadline is when a pause is over, or a try that is not worth waiting for any more; zero if nothing waits for time.
	deadline         time.Time
	trying, canceled bool
	over             bool
}

// ClaimEvent is something that happens to a claim: one of the types below.
type ClaimEvent interface{ claimEvent() }

type (
	// ClaimBegins is the first event.
	ClaimBegins struct{}
	// ClaimFailed says what came of TryClaim, if it is not the job's log.
	ClaimFailed struct {
		Reason string
		// Transient says that the same may succeed later.
		Transient bool
	}
	// ClaimCanceled says that the job is no longer wanted.
	ClaimCanceled struct{}
	// ClaimTick says that the time of Deadline has come.
	ClaimTick struct{}
)

func (ClaimBegins) claimEvent()   {}
func (ClaimFailed) claimEvent()   {}
func (ClaimCanceled) claimEvent() {}
func (ClaimTick) claimEvent()     {}

type (
	// TryClaim has the log claimed, beside everything else. ClaimFailed answers, or the job begins.
	TryClaim struct{}
	// ClaimLater says that the claim is tried again after a pause, to be logged.
	ClaimLater struct {
		// Tries is how many have failed.
		Tries  int
		Pause  time.Duration
		Reason string
	}
	// RefuseJob has the job fail. Nothing follows.
	RefuseJob struct{ Reason string }
	// CancelJob has the job be canceled, whatever comes of a try that is under way. Nothing follows.
	CancelJob struct{}
)

func (TryClaim) command()   {}
func (ClaimLater) command() {}
func (RefuseJob) command()  {}
func (CancelJob) command()  {}

// Step takes an event and returns what is to be done.
func (c *Claiming) Step(now time.Time, e ClaimEvent) []Command {
	if c.over {
		return nil
	}
	switch e := e.(type) {
	case ClaimBegins:
		return c.try()
	case ClaimFailed:
		return c.failed(now, e)
	case ClaimCanceled:
		if !c.trying {
			return c.end(CancelJob{})
		}
		if !c.canceled {
			c.canceled, c.deadline = true, now.Add(cancelPatience)
		}
	case ClaimTick:
		if c.deadline.IsZero() || now.Before(c.deadline) {
			return nil
		}
		if c.canceled {
			return c.end(CancelJob{})
		}
		return c.try()
	}
	return nil
}

// Deadline is when ClaimTick is to come; zero if nothing waits for time.
func (c *Claiming) Deadline() time.Time { return c.deadline }

func (c *Claiming) try() []Command {
	c.trying, c.deadline = true, time.Time{}
	return []Command{TryClaim{}}
}

func (c *Claiming) end(last Command) []Command {
	c.over, c.trying, c.deadline = true, false, time.Time{}
	return []Command{last}
}

func (c *Claiming) failed(now time.Time, e ClaimFailed) []Command {
	if !c.trying {
		return nil
	}
	if c.canceled {
		return c.end(CancelJob{})
	}
	if !e.Transient {
		return c.end(RefuseJob{e.Reason})
	}
	if c.tries++; c.tries == 1 {
		c.since = now
	}
	pause := c.pause()
	if now.Add(pause).Sub(c.since) > ClaimPatience {
		return c.end(RefuseJob{fmt.Sprintf("%s, where its checkpoints are, could not be used: %d tries in %v failed, the last one with: %s; "+
			"see to that storage, or correct execution.checkpointing.dir, and start the job again",
			c.Location, c.tries, now.Sub(c.since).Round(time.Second), e.Reason)})
	}
	c.trying, c.deadline = false, now.Add(pause)
	return []Command{ClaimLater{c.tries, pause, e.Reason}}
}

// pause is that after the try that has failed last.
func (c *Claiming) pause() time.Duration {
	whole := min(firstClaimPause<<min(c.tries-1, 10), longestClaimPause)
	return whole - time.Duration(c.Uniform()*float64(whole/2))
}
