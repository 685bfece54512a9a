package schedule

import (
	"fmt"
	"math"
	"time"

	"github.com/weir-stream/weir/runtime/config"
)

// RestartStrategy decides after each failure of a job whether it starts again. It remembers what it was told, so each
// job has its own, and one goroutine calls it.
type RestartStrategy interface {
	// Failed says that something of the job failed at a time, in milliseconds since the epoch. uniform is a random
	// number from [0, 1), of which the exponential strategy makes its jitter; the others ignore it.
	Failed(at int64, uniform float64) Decision
	// String describes the strategy in one line, for logs and REST.
	String() string
}

// Decision is what follows from a failure.
type Decision struct {
	// Restart is false where the job fails for good, for the given Reason.
	Restart bool
	Reason  string
	// Delay is how long to wait, from the failure, before the restart.
	Delay time.Duration
	// SameAttempt says that the failure belongs to the restart that an earlier one began, so that it does not count
	// as a restart and is no root cause.
	SameAttempt bool
}

// RestartConfig has the settings of all restart strategies and the name of the one in use. Its fields are those of
// the options of package config; fields of other strategies are ignored.
type RestartConfig struct {
	Strategy config.RestartStrategy

	FixedDelay struct {
		Attempts int
		Delay    time.Duration
	}
	ExponentialDelay struct {
		InitialBackoff, MaxBackoff time.Duration
		Multiplier, Jitter         float64
		// ResetThreshold is how long the job must run without a failure for the backoff to start anew.
		ResetThreshold time.Duration
		// Attempts is how many restarts there may be before a reset.
		Attempts int
	}
	FailureRate struct {
		MaxFailures int
		Interval    time.Duration
		Delay       time.Duration
	}
}

// RestartConfigOf reads the settings from a configuration. Where it does not choose a strategy, that is
// exponential-delay for a job with checkpoints and none for one without, as in Flink.
func RestartConfigOf(c config.Configuration, checkpoints bool) RestartConfig {
	var r RestartConfig
	r.Strategy = config.Get(c, config.RestartStrategyType)
	if r.Strategy == config.RestartUnset {
		r.Strategy = config.RestartNone
		if checkpoints {
			r.Strategy = config.RestartExponentialDelay
		}
	}
	r.FixedDelay.Attempts = config.Get(c, config.FixedDelayAttempts)
	r.FixedDelay.Delay = config.Get(c, config.FixedDelayDelay)
	r.ExponentialDelay.InitialBackoff = config.Get(c, config.ExponentialDelayInitialBackoff)
	r.ExponentialDelay.MaxBackoff = config.Get(c, config.ExponentialDelayMaxBackoff)
	r.ExponentialDelay.Multiplier = config.Get(c, config.ExponentialDelayMultiplier)
	r.ExponentialDelay.Jitter = config.Get(c, config.ExponentialDelayJitter)
	r.ExponentialDelay.ResetThreshold = config.Get(c, config.ExponentialDelayReset)
	r.ExponentialDelay.Attempts = config.Get(c, config.ExponentialDelayAttempts)
	r.FailureRate.MaxFailures = config.Get(c, config.FailureRateMaxFailures)
	r.FailureRate.Interval = config.Get(c, config.FailureRateInterval)
	r.FailureRate.Delay = config.Get(c, config.FailureRateDelay)
	return r
}

// NewRestartStrategy returns the strategy that the settings name. Its error names a setting that is out of bounds.
func NewRestartStrategy(c RestartConfig) (RestartStrategy, error) {
	switch c.Strategy {
	case config.RestartNone, config.RestartUnset:
		return noRestart{}, nil
	case config.RestartFixedDelay:
		f := c.FixedDelay
		if f.Attempts < 0 || f.Delay < 0 {
			return nil, fmt.Errorf("restart strategy fixed-delay: %d attempts, delay %v: neither may be negative", f.Attempts, f.Delay)
		}
		return &fixedDelay{attempts: f.Attempts, delay: f.Delay}, nil
	case config.RestartExponentialDelay:
		return newExponentialDelay(c)
	case config.RestartFailureRate:
		r := c.FailureRate
		if r.MaxFailures < 1 || r.Interval <= 0 || r.Delay < 0 {
			return nil, fmt.Errorf("restart strategy failure-rate: %d failures in %v, delay %v: the first two must be positive and the delay not negative",
				r.MaxFailures, r.Interval, r.Delay)
		}
		return &failureRate{maxFailures: r.MaxFailures, interval: r.Interval, delay: r.Delay}, nil
	}
	return nil, fmt.Errorf("restart strategy %q is not known: use none, fixed-delay, exponential-delay or failure-rate", c.Strategy)
}

// noRestart fails the job at once.
type noRestart struct{}

func (noRestart) Failed(int64, float64) Decision {
	return Decision{Reason: "restarts are off (restart-strategy.type: none)"}
}

func (noRestart) String() string { return "none" }

// fixedDelay restarts a number of times, with equal pauses.
type fixedDelay struct {
	attempts int
	delay    time.Duration
	failures int
}

func (s *fixedDelay) Failed(int64, float64) Decision {
	s.failures++
	if s.failures > s.attempts {
		return Decision{Reason: fmt.Sprintf("all %d restarts are used up (restart-strategy.fixed-delay.attempts)", s.attempts)}
	}
	return Decision{Restart: true, Delay: s.delay}
}

func (s *fixedDelay) String() string {
	return fmt.Sprintf("fixed-delay (%d attempts, delay %v)", s.attempts, s.delay)
}

// failureRate restarts unless more than maxFailures failures come within an interval.
type failureRate struct {
	maxFailures     int
	interval, delay time.Duration
	// recent are the times of the last failures, at most one more than maxFailures.
	recent []int64
}

func (s *failureRate) Failed(at int64, _ float64) Decision {
	if len(s.recent) > s.maxFailures {
		s.recent = append(s.recent[:0], s.recent[1:]...)
	}
	s.recent = append(s.recent, at)
	if len(s.recent) > s.maxFailures && at-s.recent[0] <= s.interval.Milliseconds() {
		return Decision{Reason: fmt.Sprintf("%d failures within %v, and %d are allowed (restart-strategy.failure-rate.max-failures-per-interval)",
			len(s.recent), s.interval, s.maxFailures)}
	}
	return Decision{Restart: true, Delay: s.delay}
}

func (s *failureRate) String() string {
	return fmt.Sprintf("failure-rate (%d failures in %v, delay %v)", s.maxFailures, s.interval, s.delay)
}

// exponentialDelay restarts with pauses that grow. Failures that come before a restart that is due are part of it.
// The rules are those of Flink's ExponentialDelayRestartBackoffTimeStrategy since 1.19.
type exponentialDelay struct {
	initial, longest, reset float64 // milliseconds
	multiplier, jitter      float64
	attempts                int

	// restarts counts those since the last reset. next is when the restart that was decided last is due.
	restarts int
	next     int64
	failed   bool
}

func newExponentialDelay(c RestartConfig) (RestartStrategy, error) {
	e := c.ExponentialDelay
	milli := time.Millisecond
	if e.InitialBackoff < milli || e.MaxBackoff < e.InitialBackoff || e.ResetThreshold < milli {
		return nil, fmt.Errorf("restart strategy exponential-delay: initial backoff %v, max backoff %v, reset threshold %v:"+
			" each must be at least 1 ms, and the initial backoff not longer than the max backoff", e.InitialBackoff, e.MaxBackoff, e.ResetThreshold)
	}
	if !(e.Multiplier >= 1) || !(e.Jitter >= 0 && e.Jitter <= 1) || e.Attempts < 0 {
		return nil, fmt.Errorf("restart strategy exponential-delay: multiplier %v, jitter %v, %d attempts:"+
			" the multiplier must be at least 1, the jitter from 0 to 1 and the attempts not negative", e.Multiplier, e.Jitter, e.Attempts)
	}
	return &exponentialDelay{
		initial: float64(e.InitialBackoff.Milliseconds()), longest: float64(e.MaxBackoff.Milliseconds()),
		reset: float64(e.ResetThreshold.Milliseconds()), multiplier: e.Multiplier, jitter: e.Jitter, attempts: e.Attempts,
	}, nil
}

func (s *exponentialDelay) Failed(at int64, uniform float64) Decision {
	sameAttempt := s.failed && at <= s.next
	if !sameAttempt {
		if s.failed && float64(at-s.next) >= s.reset {
			s.restarts = 0
		}
		s.next = at + s.backoff(uniform)
		s.restarts++
		s.failed = true
	}
	if s.restarts > s.attempts {
		return Decision{
			SameAttempt: sameAttempt,
			Reason:      fmt.Sprintf("all %d restarts are used up (restart-strategy.exponential-delay.attempts-before-reset-backoff)", s.attempts),
		}
	}
	return Decision{Restart: true, Delay: time.Duration(s.next-at) * time.Millisecond, SameAttempt: sameAttempt}
}

// backoff is the pause before the next restart in milliseconds: the initial one times multiplier^restarts, changed by
// up to the jitter's share of it, and kept between the initial and the longest one.
func (s *exponentialDelay) backoff(uniform float64) int64 {
	grown := min(s.initial*math.Pow(s.multiplier, float64(s.restarts)), s.longest)
	jittered := grown + grown*s.jitter*(2*uniform-1)
	return int64(max(s.initial, min(jittered, s.longest)))
}

func (s *exponentialDelay) String() string {
	return fmt.Sprintf("exponential-delay (from %v to %v by %v, jitter %v, reset after %v, %d attempts)",
		millis(s.initial), millis(s.longest), s.multiplier, s.jitter, millis(s.reset), s.attempts)
}

func millis(ms float64) time.Duration { return time.Duration(ms) * time.Millisecond }
