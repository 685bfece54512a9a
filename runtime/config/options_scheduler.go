package config

import (
	"strings"
	"time"
)

// Scheduler decides with how many slots a job runs.
type Scheduler string

// The schedulers.
const (
	// SchedulerDefault runs a job with the parallelism that its program has, or not at all.
	SchedulerDefault Scheduler = "Default"
	// SchedulerAdaptive runs it with what there is, and changes its parallelism when that does.
	SchedulerAdaptive Scheduler = "Adaptive"
)

// SchedulerMode is how the adaptive scheduler bounds the parallelism of jobs.
type SchedulerMode string

// The modes of the scheduler. ModeUnset is the value of [SchedulerExecutionMode] where none is set; it cannot be set.
const (
	ModeUnset SchedulerMode = ""
	// ModeReactive has a job use all the slots that there are.
	ModeReactive SchedulerMode = "REACTIVE"
)

// Forever is a time-out that never comes.
const Forever time.Duration = -time.Millisecond

// Options of the scheduler.
var (
	JobScheduler = declare(Scheduling, "jobmanager.scheduler", SchedulerDefault,
		enum([]Scheduler{SchedulerDefault, SchedulerAdaptive}, nil),
		"How jobs get slots. `Default`: a job runs with the parallelism that its program has, and waits `slot.request.timeout` for the slots which that needs. "+
			"`Adaptive`: it starts with what there is, and its parallelism changes when TaskManagers come and go or `weir rescale` asks for it; "+
			"to change it, the job restarts from its last checkpoint. (Flink's AdaptiveBatch is for batch jobs, which Weir has none of.)")

	SchedulerExecutionMode = declare(Scheduling, "scheduler-mode", ModeUnset,
		enum([]SchedulerMode{ModeReactive}, nil),
		"`REACTIVE`: each job uses all the slots there are, up to its max parallelism and whatever its program says, as they come and go. It implies the adaptive scheduler. Meant for a cluster with one job: "+
			"of several, the first takes all.").
		computed(func() SchedulerMode { return ModeUnset }, "not set")

	SubmissionWait = declare(Scheduling, "jobmanager.adaptive-scheduler.submission.resource-wait-timeout", 5*time.Minute, patience(),
		"How long the adaptive scheduler waits for the slots that a job cannot run without, at its start and after a failure, before the job fails. A negative time is for ever, which is the default in reactive mode.").
		replaces("jobmanager.adaptive-scheduler.resource-wait-timeout")

	SubmissionStabilization = declare(Scheduling, "jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout", 10*time.Second, duration(),
		"How long it waits for more slots once there are enough for a lower parallelism than wished. 0 in reactive mode unless set.").
		replaces("jobmanager.adaptive-scheduler.resource-stabilization-timeout")

	RescaleCooldown = declare(Scheduling, "jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling", 30*time.Second, duration(),
		"How long a job runs at least between two changes of its parallelism.").that(atLeast(time.Duration(0))).
		replaces("jobmanager.adaptive-scheduler.scaling-interval.min")

	RescaleStabilization = declare(Scheduling, "jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout", time.Minute, duration(),
		"How long a running job waits for all the slots it wishes before it takes those that there are, where these allow another parallelism. 0 in reactive mode unless set.").
		that(atLeast(time.Duration(0))).
		replaces("jobmanager.adaptive-scheduler.scaling-interval.max")

	RescaleMaxDelay = declare(Scheduling, "jobmanager.adaptive-scheduler.rescale-trigger.max-delay", Forever, patience(),
		"How long a change of parallelism waits for the next checkpoint, which saves doing work again. Not set, it waits for as long as the checkpoints take that `rescale-trigger.max-checkpoint-failures` allows, or not at all where there are no checkpoints.").
		computed(func() time.Duration { return Forever }, "interval of checkpoints times the failures allowed")

	RescaleCheckpointFailures = declare(Scheduling, "jobmanager.adaptive-scheduler.rescale-trigger.max-checkpoint-failures", 2, integer(),
		"After how many failed checkpoints a change of parallelism no longer waits for one.").that(atLeast(1)).
		replaces("jobmanager.adaptive-scheduler.scale-on-failed-checkpoints-count")

	RescaleHistory = declare(Scheduling, "web.adaptive-scheduler.rescale-history.size", 0, integer(),
		"How many changes of a job's parallelism the REST API shows. 0 shows none, and not their figures either.").that(between(0, 10_000))
)

// IsAdaptive reports whether jobs have the adaptive scheduler.
func IsAdaptive(c Configuration) bool {
	return Get(c, JobScheduler) == SchedulerAdaptive || Get(c, SchedulerExecutionMode) == ModeReactive
}

// patience is a duration that may be without end.
func patience() kind[time.Duration] {
	k := duration()
	k.form += ", or a negative one for ever"
	k.parse = func(text string) (time.Duration, error) {
		if rest, negative := strings.CutPrefix(text, "-"); negative {
			if _, err := ParseDuration(rest); err != nil {
				return 0, err
			}
			return Forever, nil
		}
		return ParseDuration(text)
	}
	k.format = func(d time.Duration) string {
		if d < 0 {
			return "-1 ms"
		}
		return FormatDuration(d)
	}
	k.valid = nil
	return k
}
