package connector

import (
	"context"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/operator"
)

// CommittingSink is a Sink whose results become visible with the checkpoint that they belong to, each exactly once (two-phase commit;
// Flink's SupportsCommitter). Its writers are CommittingWriters:
//
//	written --Flush, PrepareCommit--> prepared --in a complete checkpoint--> Commit
//
// What is prepared is a part of checkpoints until it is committed. After a restore, what the checkpoint has is committed first, perhaps for
// the second time. At the end of the input the last results are committed with the last checkpoint, and in a job that takes no checkpoints at
// once.
type CommittingSink interface {
	// NewCommitter makes the committer of one subtask.
	NewCommitter(ctx CommitterContext) (Committer, error)
}

// CommittingWriter is the Writer of a CommittingSink.
type CommittingWriter interface {
	// PrepareCommit returns what was written since the last call, as something that a Commit makes visible and that survives a failure of the
	// process. It is called after each Flush.
	PrepareCommit() ([]Committable, error)
}

// Committable is results that wait to be committed: the name of a file, the number of a transaction. It travels into snapshots, and to
// other subtasks when a job is rescaled.
type Committable struct {
	// ID names it in messages, and is unique among those of a sink.
	ID string
	// State is the sink's own encoding, with a version in it. It is input from outside: decoders check it.
	State []byte
	// Persist, if not nil, makes durable what the committable stands for, which PrepareCommit then has not done: that may take its time.
	// Another goroutine calls it, before the first checkpoint that has the committable can be complete, and again if it fails and the
	// job goes on. It is nil after a restore.
	Persist func(ctx context.Context) error
}

// CommitterContext is what a committer knows.
type CommitterContext struct {
	operator.RuntimeContext
	Clock clock.Clock
}

// Committer commits what the writers of a sink have prepared. The subtask's goroutine calls it, so it must not take long.
type Committer interface {
	// Commit commits all requests, the oldest first. A request counts as committed unless it is told otherwise by its methods. Commit must be
	// idempotent: a failure may come before anybody knows that it succeeded. An error fails the subtask; all of the requests, the committed
	// ones among them, come again after the restart.
	Commit(ctx context.Context, requests []*CommitRequest) error
	Close() error
}

// GlobalCommittingSink is a Sink whose results become visible all at once, as a table format makes one snapshot of many files: one
// committer for the job commits what the writers of all subtasks have prepared, in one call for each checkpoint (Flink's
// SupportsPostCommitTopology with a global committer). Its writers are CommittingWriters, and it is no CommittingSink.
//
// The committer is an operator of its own, of one subtask, behind the writers. After a restore a writer may be opened before the committer has
// committed what the checkpoint has: it must leave alone what is prepared.
type GlobalCommittingSink interface {
	// NewGlobalCommitter makes the committer of the job.
	NewGlobalCommitter(ctx CommitterContext) (Committer, error)
}

// CommitRequest is a Committable to be committed.
type CommitRequest struct {
	Committable
	outcome  CommitOutcome
	cause    error
	attempts int
	restored bool
}

// CommitOutcome is what has become of a CommitRequest.
type CommitOutcome uint8

// The outcomes of a CommitRequest.
const (
	Committed CommitOutcome = iota
	CommittedBefore
	RetryLater
	Discarded
)

// NewCommitRequest is for the runtime and for tests of committers. Restored says that the committable comes from a snapshot.
func NewCommitRequest(c Committable, restored bool) *CommitRequest {
	return &CommitRequest{Committable: c, restored: restored}
}

// Begin makes the request ready for another Commit. It is for the runtime.
func (r *CommitRequest) Begin() { r.outcome, r.cause = Committed, nil }

// Outcome is what Commit has said of the request, and why. It is for the runtime and for tests of committers.
func (r *CommitRequest) Outcome() (CommitOutcome, error) { return r.outcome, r.cause }

// Restored says that the request comes from the snapshot that the job goes on from, so that it may have been committed before.
func (r *CommitRequest) Restored() bool { return r.restored }

// Retries is how often the request was put off by Retry.
func (r *CommitRequest) Retries() int { return r.attempts }

// AlreadyCommitted says that an earlier Commit had done it.
func (r *CommitRequest) AlreadyCommitted() { r.outcome = CommittedBefore }

// Retry says that this may succeed later, because of a failure that passes. The request comes again in a second or so, ten times at
// most; then the job fails with the cause.
func (r *CommitRequest) Retry(cause error) {
	r.outcome, r.cause = RetryLater, cause
	r.attempts++
}

// Discard gives the results up for a known reason, such as a transaction that was taken back outside. They are lost: it is logged as an error and
// counted, and the job goes on.
func (r *CommitRequest) Discard(cause error) { r.outcome, r.cause = Discarded, cause }
