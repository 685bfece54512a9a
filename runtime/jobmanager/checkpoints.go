package jobmanager

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/checkpoint/journal"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/jobmanager/master"
	"github.com/weir-stream/weir/runtime/message"
)

// checkpoints carries out for a JobMaster what its checkpoint coordinator decides. Each command runs in a goroutine of its own, and its
// outcome comes back to the actor as an event.
type checkpoints struct {
	journal *journal.Journal
	start   journal.Start
	config  coordinator.Config
	// targets are the operators that may go on from a snapshot.
	targets []snapshot.Target
	// allowNonRestored lets state behind that no operator takes.
	allowNonRestored bool
	// savepoints is where savepoints are made whose place nobody names.
	savepoints string
	settings   *message.CheckpointSettings

	ctx  context.Context
	stop context.CancelFunc
	// began is when the claim began, zero if nobody has said it.
	began time.Time
	// post hands an event to the actor.
	post func(any)
}

// newCheckpoints returns nil for a job that neither takes checkpoints nor starts from one.
func newCheckpoints(c config.Configuration, open journal.Open, job *graph.JobGraph) (*checkpoints, error) {
	interval, from := config.Get(c, config.CheckpointInterval), config.Get(c, config.RecoveryPath)
	directory := config.Get(c, config.CheckpointsDirectory)
	if interval == 0 && from == "" && directory == "" {
		return nil, nil
	}
	if directory == "" {
		directory = snapshot.InMemory
	}
	j, err := journal.New(open, directory, job.ID)
	if err != nil {
		return nil, err
	}
	mode, err := snapshot.ParseClaimMode(string(config.Get(c, config.RecoveryClaimMode)))
	if err != nil {
		return nil, fmt.Errorf("execution.state-recovery.claim-mode: %w", err)
	}
	retention, err := coordinator.ParseRetention(string(config.Get(c, config.CheckpointsRetention)))
	if err != nil {
		return nil, err
	}
	writer := snapshot.Writer{Leader: ident.NewID()}
	k := &checkpoints{
		journal: j, start: journal.Start{Writer: writer, NewID: ident.NewID, From: strings.TrimRight(from, "/"), Mode: mode},
		targets: targetsOf(job), allowNonRestored: config.Get(c, config.RecoveryIgnoreUnclaimed), savepoints: config.Get(c, config.SavepointsDirectory),
	}
	k.start.Fit = func(m *snapshot.Metadata) error { _, err := k.fit(m); return err }
	k.config = coordinator.Defaults(job, writer, ident.NewID)
	k.config.Build = job.Build
	k.config.Interval, k.config.MinPause = interval, config.Get(c, config.CheckpointMinPause)
	k.config.Timeout, k.config.MaxConcurrent = config.Get(c, config.CheckpointTimeout), config.Get(c, config.CheckpointMaxConcurrent)
	k.config.TolerableFailed, k.config.Retained = config.Get(c, config.CheckpointTolerableFailed), config.Get(c, config.CheckpointsRetained)
	k.config.Retention, k.config.ExactlyOnce = retention, config.Get(c, config.CheckpointMode) == config.ExactlyOnce
	k.config.AfterTasksFinish, k.config.History = config.Get(c, config.CheckpointsAfterTasksFinish), config.Get(c, config.CheckpointHistory)
	k.settings = settingsOf(c, k.config, directory)
	return k, k.config.Validate()
}

func targetsOf(job *graph.JobGraph) []snapshot.Target {
	var targets []snapshot.Target
	for _, v := range job.Vertices {
		for _, op := range v.Operators {
			targets = append(targets, snapshot.Target{
				ID: op.ID, UID: op.UID, Name: op.Name, Parallelism: v.Parallelism, MaxParallelism: v.MaxParallelism, MaxParallelismSet: v.MaxParallelismSet,
				States: op.State, Lists: op.Lists,
			})
		}
	}
	return targets
}

// claimed is the event that the job's log has been claimed, or not. There is neither an error nor anything else if the job has finished
// in an earlier run.
type claimed struct {
	checkpoints *master.Checkpoints
	// notes are warnings for the log.
	notes []note
	err   error
}

// abandonedAfter is how long nobody has written to a piece of a file that is taken for one of a writer that was killed.
const abandonedAfter = 24 * time.Hour

// note is a message and its attributes.
type note struct {
	message    string
	attributes []any
}

// failure is what the error means for whether the claim is tried again.
func (c claimed) failure() master.ClaimFailed {
	return master.ClaimFailed{Reason: c.err.Error(), Transient: storage.MayPass(c.err)}
}

// begin is called once, before anything else. Post hands events to the actor.
func (k *checkpoints) begin(now time.Time, post func(any)) {
	k.began, k.post = now, post
	k.ctx, k.stop = context.WithCancel(context.Background())
}

// try claims the job's log. The event claimed follows; only then it may be called again.
func (k *checkpoints) try() {
	go func() { k.post(k.claim(k.ctx)) }()
}

func (k *checkpoints) claim(ctx context.Context) claimed {
	c, err := k.journal.Claim(ctx, k.start)
	if err != nil {
		return claimed{err: err}
	}
	if c.Finished {
		return claimed{err: k.journal.Sweep(ctx, c.History)}
	}
	var notes []note
	for _, p := range c.PassedOver {
		notes = append(notes, note{"a checkpoint is damaged: the job goes on from the one before, which is as good, since no task was told of this one",
			[]any{"checkpoint", p.Checkpoint, "location", p.Location, "damage", p.Reason}})
	}
	if c.Ignored {
		notes = append(notes, note{"the job goes on from its own last checkpoint and not from execution.state-recovery.path, which is for its first start: to go back, cancel it first",
			[]any{"checkpoint", c.From.GetCheckpoint(), "ignored", k.start.From}})
	}
	made, err := k.lead(c)
	if err == nil {
		_, kept := k.journal.Collect(ctx, c)
		if !k.began.IsZero() {
			kept = errors.Join(kept, k.journal.CollectPieces(ctx, k.began.Add(-abandonedAfter)))
		}
		if kept != nil {
			notes = append(notes, note{"what earlier runs have left stays, as it cannot be removed", []any{"location", k.journal.Location(), "cause", kept}})
		}
	}
	return claimed{made, notes, err}
}

// lead makes what leads the job from the log that was claimed.
func (k *checkpoints) lead(c *journal.Claimed) (*master.Checkpoints, error) {
	k.config.Writer = c.Writer
	keyGroups, err := k.fit(c.Metadata)
	if err != nil {
		return nil, err
	}
	k.config.Job = k.config.Job.WithMaxParallelism(keyGroups)
	decides, err := coordinator.New(k.config, c.History, c.Held)
	if err != nil {
		return nil, err
	}
	return &master.Checkpoints{Coordinator: decides, From: c.From, Term: c.Writer.Epoch, Job: k.config.Job, KeyGroups: keyGroups, Location: k.journal.Path}, nil
}

// carried is the event that a command has been carried out. Event is what came of it, nil if nobody waits for that.
type carried struct {
	command coordinator.Command
	event   coordinator.Event
}

// carry carries out a command.
func (k *checkpoints) carry(command coordinator.Command) {
	go func() {
		// What is not answered by then, the coordinator tries again or gives up.
		ctx, cancel := context.WithTimeout(k.ctx, k.config.Timeout)
		defer cancel()
		k.post(carried{command, k.do(ctx, command)})
	}()
}

// failure is what has failed in the store, "" if nothing has.
func (c carried) failure() (what, why string) {
	switch e := c.event.(type) {
	case coordinator.Stored:
		return "the metadata of a checkpoint could not be written", e.Failure
	case coordinator.LogAnswered:
		return "a slot of the job's log could not be written, or it is not known: checkpoints and restarts wait for it", e.Failure
	case coordinator.Deleted:
		return "files of a former checkpoint could not be deleted", e.Failure
	}
	return "", ""
}

// do returns what came of a command, nil if nobody waits for that.
func (k *checkpoints) do(ctx context.Context, command coordinator.Command) coordinator.Event {
	switch c := command.(type) {
	case coordinator.Store:
		return k.journal.Store(ctx, c)
	case coordinator.Append:
		return k.journal.Append(ctx, c.Entry)
	case coordinator.Delete:
		deleted := coordinator.Deleted{Slot: c.Slot}
		if err := k.journal.Delete(ctx, c.Files); err != nil {
			deleted.Failure = err.Error()
		}
		return deleted
	case coordinator.Discard:
		_ = k.journal.Discard(ctx, c.Folder) // what stays is no savepoint: its metadata is not there, or nobody was told of it
	case coordinator.Clean:
		_, _ = k.journal.Clean(ctx, c) // what stays, a later run finds
	case coordinator.Trim:
		_ = k.journal.Trim(ctx, c.Below) // what stays is trimmed the next time
	}
	return nil
}

func (k *checkpoints) close() {
	if k.stop != nil {
		k.stop()
	}
}
