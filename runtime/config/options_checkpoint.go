package config

import "time"

// CheckpointingMode says what a record counts for after a restart.
type CheckpointingMode string

// The modes of checkpointing.
const (
	ExactlyOnce CheckpointingMode = "EXACTLY_ONCE"
	AtLeastOnce CheckpointingMode = "AT_LEAST_ONCE"
)

// CheckpointRetention says what becomes of the retained checkpoints when the job is over.
type CheckpointRetention string

// The retentions.
const (
	DeleteOnCancellation CheckpointRetention = "DELETE_ON_CANCELLATION"
	RetainOnCancellation CheckpointRetention = "RETAIN_ON_CANCELLATION"
	NoExternalized       CheckpointRetention = "NO_EXTERNALIZED_CHECKPOINTS"
)

// ClaimMode says who owns the snapshot that a job starts from.
type ClaimMode string

// The claim modes.
const (
	NoClaim ClaimMode = "NO_CLAIM"
	Claim   ClaimMode = "CLAIM"
)

// Options of checkpoints and savepoints.
var (
	CheckpointInterval = declare(StateData, "execution.checkpointing.interval", time.Duration(0), duration(),
		"Time between the starts of checkpoints. 0 takes none but those that are asked for.").
		computed(func() time.Duration { return 0 }, "0: no checkpoints").
		replaces("state.checkpoints.interval")

	CheckpointMode = declare(StateData, "execution.checkpointing.mode", ExactlyOnce,
		enum([]CheckpointingMode{ExactlyOnce, AtLeastOnce}, nil),
		"`EXACTLY_ONCE` has inputs wait for each other at a checkpoint's barriers, `AT_LEAST_ONCE` does not.")

	CheckpointTimeout = declare(StateData, "execution.checkpointing.timeout", 10*time.Minute, duration(),
		"How long a checkpoint may take before it is given up.").that(atLeast(10 * time.Millisecond))

	CheckpointMinPause = declare(StateData, "execution.checkpointing.min-pause", time.Duration(0), duration(),
		"Least time from the end of a checkpoint to the start of the next one.")

	CheckpointMaxConcurrent = declare(StateData, "execution.checkpointing.max-concurrent-checkpoints", 1, integer(),
		"How many checkpoints may be under way at once.").that(atLeast(1))

	CheckpointTolerableFailed = declare(StateData, "execution.checkpointing.tolerable-failed-checkpoints", 0, integer(),
		"How many checkpoints in a row may fail before that fails the job.").that(atLeast(0))

	CheckpointsDirectory = declare(StateData, "execution.checkpointing.dir", "", location(),
		"Where checkpoints are kept, below a folder for each job: a path, `file:///path`, or `s3://bucket/path`. A relative path, which Flink refuses, is made absolute by the working directory of the process that reads the option. Unset, they are kept in the process's memory and end with it.").
		computed(func() string { return "" }, "memory").
		replaces("state.checkpoints.dir")

	SavepointsDirectory = declare(StateData, "execution.checkpointing.savepoint-dir", "", location(),
		"Where savepoints are made whose place nobody names. A relative path is made absolute as that of execution.checkpointing.dir is.").
		computed(func() string { return "" }, "none").
		replaces("state.savepoints.dir")

	CheckpointsRetained = declare(StateData, "execution.checkpointing.num-retained", 1, integer(),
		"How many completed checkpoints are kept.").that(atLeast(1)).
		replaces("state.checkpoints.num-retained")

	CheckpointsRetention = declare(StateData, "execution.checkpointing.externalized-checkpoint-retention", NoExternalized,
		enum([]CheckpointRetention{DeleteOnCancellation, RetainOnCancellation, NoExternalized}, nil),
		"What becomes of the retained checkpoints when the job is over: `RETAIN_ON_CANCELLATION` keeps them unless it has finished, `DELETE_ON_CANCELLATION` also deletes them "+
			"if it was canceled, `NO_EXTERNALIZED_CHECKPOINTS` always.")

	CheckpointsAfterTasksFinish = declare(StateData, "execution.checkpointing.checkpoints-after-tasks-finish", true, boolean(),
		"Whether checkpoints go on when subtasks have finished, and bounded jobs end with a last one.").
		replaces("execution.checkpointing.checkpoints-after-tasks-finish.enabled")

	CheckpointInline = declare(StateData, "execution.checkpointing.data-inline-threshold", 20*Kibibyte, memorySize(),
		"State of up to this size is a part of the checkpoint's metadata instead of a file.").
		that(between(0, Mebibyte))

	CheckpointHistory = declare(StateData, "web.checkpoints.history", 10, integer(),
		"How many checkpoints are remembered for statistics.").that(atLeast(0))

	RecoveryPath = declare(StateData, "execution.state-recovery.path", "", location(),
		"The checkpoint or savepoint that the job starts from: its folder, or the `_metadata` in it. A relative path is made absolute as that of execution.checkpointing.dir is.").
		computed(func() string { return "" }, "none").
		replaces("execution.savepoint.path")

	RecoveryClaimMode = declare(StateData, "execution.state-recovery.claim-mode", NoClaim,
		enum([]ClaimMode{NoClaim, Claim}, nil),
		"Who owns the snapshot that the job starts from: with `NO_CLAIM` it stays yours, and may be deleted once the first checkpoint is complete; with `CLAIM` the job deletes it when it needs it no more.").
		replaces("execution.savepoint-restore-mode")

	RecoveryIgnoreUnclaimed = declare(StateData, "execution.state-recovery.ignore-unclaimed-state", false, boolean(),
		"Whether state is left behind whose operator the program does not have.").
		replaces("execution.savepoint.ignore-unclaimed-state")
)
