package config

import (
	"math"
	"time"
)

// RestartStrategy decides whether and when a failed job starts again.
type RestartStrategy string

// The restart strategies. RestartUnset is the value of [RestartStrategyType] where none is set; it cannot be set.
const (
	RestartUnset            RestartStrategy = ""
	RestartNone             RestartStrategy = "none"
	RestartFixedDelay       RestartStrategy = "fixed-delay"
	RestartExponentialDelay RestartStrategy = "exponential-delay"
	RestartFailureRate      RestartStrategy = "failure-rate"
)

// Options of the restart strategies.
var (
	RestartStrategyType = declare(Restart, "restart-strategy.type", RestartUnset,
		enum([]RestartStrategy{RestartNone, RestartFixedDelay, RestartExponentialDelay, RestartFailureRate}, map[string]RestartStrategy{
			"off": RestartNone, "disable": RestartNone,
			"fixeddelay": RestartFixedDelay, "exponentialdelay": RestartExponentialDelay, "failurerate": RestartFailureRate,
		}),
		"What happens after a failure: `none` (also written `off` or `disable`) fails the job; `fixed-delay` restarts a number of times with equal pauses; "+
			"`exponential-delay` restarts with growing pauses; `failure-rate` restarts unless failures come too thick.").
		computed(func() RestartStrategy { return RestartUnset }, "exponential-delay if checkpointing is on, else none").
		replaces("restart-strategy")

	FixedDelayAttempts = declare(Restart, "restart-strategy.fixed-delay.attempts", 1, integer(),
		"Restarts before the job fails.").that(atLeast(0))

	FixedDelayDelay = declare(Restart, "restart-strategy.fixed-delay.delay", time.Second, duration(),
		"Pause before each restart.")

	ExponentialDelayInitialBackoff = declare(Restart, "restart-strategy.exponential-delay.initial-backoff", 100*time.Millisecond, duration(),
		"First pause. (Flink's default is 1 s.)").that(atLeast(time.Millisecond))

	ExponentialDelayMaxBackoff = declare(Restart, "restart-strategy.exponential-delay.max-backoff", time.Minute, duration(),
		"Longest pause.").that(atLeast(time.Millisecond))

	ExponentialDelayMultiplier = declare(Restart, "restart-strategy.exponential-delay.backoff-multiplier", 1.5, double(),
		"Each further failure multiplies the pause by this.").that(between(1, math.MaxFloat64))

	ExponentialDelayJitter = declare(Restart, "restart-strategy.exponential-delay.jitter-factor", 0.1, double(),
		"The pause is lengthened or shortened at random by up to this share of it, so that jobs that failed together do not restart together.").
		that(between(0, 1.0))

	ExponentialDelayReset = declare(Restart, "restart-strategy.exponential-delay.reset-backoff-threshold", time.Hour, duration(),
		"Time without a failure after which the pause starts small again.").that(atLeast(time.Millisecond))

	ExponentialDelayAttempts = declare(Restart, "restart-strategy.exponential-delay.attempts-before-reset-backoff", math.MaxInt32, integer(),
		"Restarts before the job fails, counted anew after each reset of the pause.").that(atLeast(0))

	FailureRateMaxFailures = declare(Restart, "restart-strategy.failure-rate.max-failures-per-interval", 1, integer(),
		"The job fails when more failures than this come within the interval.").that(atLeast(1))

	FailureRateInterval = declare(Restart, "restart-strategy.failure-rate.failure-rate-interval", time.Minute, duration(),
		"The interval in which failures are counted.").that(atLeast(time.Millisecond))

	FailureRateDelay = declare(Restart, "restart-strategy.failure-rate.delay", time.Second, duration(),
		"Pause before each restart.")
)
