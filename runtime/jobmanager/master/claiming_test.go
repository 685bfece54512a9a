package master

import (
	"strings"
	"testing"
	"time"
)

// claimant drives a Claiming by its deadlines.
type claimant struct {
	t *testing.T
	*Claiming
	now time.Time
}

func newClaimant(t *testing.T, uniform float64) *claimant {
	c := &claimant{t, &Claiming{Location: "s3://bucket/job", Uniform: func() float64 { return uniform }}, time.Unix(1000, 0)}
	c.wants(TryClaim{}, c.step(ClaimBegins{}))
	return c
}

func (c *claimant) step(e ClaimEvent) Command {
	c.t.Helper()
	commands := c.Step(c.now, e)
	switch len(commands) {
	case 0:
		return nil
	case 1:
		return commands[0]
	}
	c.t.Fatalf("%T leads to %v", e, commands)
	return nil
}

func (c *claimant) wants(want, got Command) {
	c.t.Helper()
	if got != want {
		c.t.Fatalf("%#v instead of %#v", got, want)
	}
}

// pausing has the claim fail in a way that may pass, and returns how long it waits.
func (c *claimant) pausing() time.Duration {
	c.t.Helper()
	later, ok := c.step(ClaimFailed{"503", true}).(ClaimLater)
	if !ok || later.Reason != "503" || c.Deadline() != c.now.Add(later.Pause) {
		c.t.Fatalf("%#v, deadline %v", later, c.Deadline())
	}
	return later.Pause
}

func (c *claimant) over() {
	c.t.Helper()
	for _, e := range []ClaimEvent{ClaimFailed{"late", true}, ClaimTick{}, ClaimCanceled{}} {
		c.wants(nil, c.step(e))
	}
	if !c.Deadline().IsZero() {
		c.t.Error("it waits for time")
	}
}

func TestClaimIsTriedAgainWithLongerPauses(t *testing.T) {
	c := newClaimant(t, 0)
	before := time.Duration(0)
	for n := range 8 {
		pause := c.pausing()
		if want := min(2*before, longestClaimPause); n > 0 && pause != want {
			t.Errorf("pause %d is %v after %v", n, pause, before)
		}
		before = pause
		c.now = c.now.Add(pause - 1)
		c.wants(nil, c.step(ClaimTick{}))
		c.now = c.now.Add(1)
		c.wants(TryClaim{}, c.step(ClaimTick{}))
		c.wants(nil, c.step(ClaimTick{})) // one at a time
	}
	if before != longestClaimPause {
		t.Errorf("the last pause is %v", before)
	}
	if pause := newClaimant(t, 0.999).pausing(); pause > firstClaimPause*6/10 || pause < firstClaimPause/2 {
		t.Errorf("the shortest first pause is %v", pause)
	}
}

func TestClaimIsGivenUpInTheEnd(t *testing.T) {
	c := newClaimant(t, 0)
	begin := c.now
	for {
		c.now = c.now.Add(time.Second) // that a try takes
		command := c.step(ClaimFailed{"503 SlowDown", true})
		if later, ok := command.(ClaimLater); ok {
			c.now = c.now.Add(later.Pause)
			c.wants(TryClaim{}, c.step(ClaimTick{}))
			continue
		}
		refused, _ := command.(RefuseJob)
		for _, want := range []string{"s3://bucket/job", "503 SlowDown", "start the job again", "tries in"} {
			if !strings.Contains(refused.Reason, want) {
				t.Errorf("%q does not say %q", refused.Reason, want)
			}
		}
		break
	}
	if took := c.now.Sub(begin); took > ClaimPatience+2*time.Second || took < ClaimPatience-longestClaimPause {
		t.Errorf("given up after %v", took)
	}
	c.over()
}

func TestClaimThatCannotSucceedIsRefusedAtOnce(t *testing.T) {
	c := newClaimant(t, 0)
	c.wants(RefuseJob{"403 AccessDenied"}, c.step(ClaimFailed{"403 AccessDenied", false}))
	c.over()

	c = newClaimant(t, 0)
	c.now = c.now.Add(c.pausing())
	c.wants(TryClaim{}, c.step(ClaimTick{}))
	c.wants(RefuseJob{"it is damaged"}, c.step(ClaimFailed{"it is damaged", false}))
	c.over()
}

func TestClaimIsCanceled(t *testing.T) {
	t.Run("in a pause", func(t *testing.T) {
		c := newClaimant(t, 0)
		c.pausing()
		c.wants(CancelJob{}, c.step(ClaimCanceled{}))
		c.over()
	})
	t.Run("in a try that fails", func(t *testing.T) {
		c := newClaimant(t, 0)
		c.wants(nil, c.step(ClaimCanceled{}))
		c.wants(CancelJob{}, c.step(ClaimFailed{"503", true}))
		c.over()
	})
	t.Run("in a try that fails for good", func(t *testing.T) {
		c := newClaimant(t, 0)
		c.wants(nil, c.step(ClaimCanceled{}))
		c.wants(CancelJob{}, c.step(ClaimFailed{"403", false}))
	})
	t.Run("in a try that hangs", func(t *testing.T) {
		c := newClaimant(t, 0)
		c.wants(nil, c.step(ClaimCanceled{}))
		deadline := c.Deadline()
		c.now = c.now.Add(time.Second)
		c.wants(nil, c.step(ClaimCanceled{})) // asked for again, it waits no longer
		if c.Deadline() != deadline {
			t.Error("the second request has moved the deadline")
		}
		c.now = deadline
		c.wants(CancelJob{}, c.step(ClaimTick{}))
		c.over()
	})
}
