package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
)

const (
	// mostRetries is how often a committable is put off before the job fails, as Flink's sink.committer.retries is by default.
	mostRetries = 10
	retryPause  = time.Second
)

// committing is the second phase of a sink in one subtask.
type committing struct {
	ctx       *operator.Context
	committer connector.Committer
	ledger
	// callAt asks for a call of commit.
	callAt func(at int64)
	// again is when what was put off is due, by the clock's Nanos.
	again int64

	total, successful, already, retried, failed *metrics.Counter
}

// newCommitting commits with a committer, which it owns.
func newCommitting(ctx *operator.Context, committer connector.Committer, callAt func(int64)) *committing {
	return &committing{
		ctx: ctx, committer: committer, callAt: callAt,
		total: ctx.Metrics.Counter("totalCommittables"), successful: ctx.Metrics.Counter("successfulCommittables"),
		already: ctx.Metrics.Counter("alreadyCommittedCommittables"), retried: ctx.Metrics.Counter("retriedCommittables"),
		failed: ctx.Metrics.Counter("failedCommittables"),
	}
}

// take adds what a writer has prepared.
func (c *committing) take(prepared []connector.Committable) {
	c.add(prepared)
	c.total.Add(uint64(len(prepared)))
}

// snapshot returns all that is not known to be committed, and what makes it durable.
func (c *committing) snapshot() (snapshot.List, func(context.Context) error) {
	list := snapshot.List{Name: CommittableState, Redistribution: snapshot.Split, Elements: make([][]byte, len(c.entries))}
	entries := append([]*entry(nil), c.entries...)
	for i, e := range entries {
		list.Elements[i] = encodeCommittable(e.request.Committable)
	}
	return list, func(ctx context.Context) error { return persistAll(ctx, entries) }
}

func persistAll(ctx context.Context, entries []*entry) error {
	for _, e := range entries {
		if err := e.persist(ctx); err != nil {
			return fmt.Errorf("make %s durable: %w", e.request.ID, err)
		}
	}
	return nil
}

// restore commits what the snapshot has. Nothing may be written before: a writer takes what is not committed for a leftover.
func (c *committing) restore(encoded [][]byte) error {
	for i, element := range encoded {
		committable, err := DecodeCommittable(element)
		if err != nil {
			return fmt.Errorf("restore what waits to be committed: element %d of %d: %w", i, len(encoded), err)
		}
		c.entries = append(c.entries, &entry{request: connector.NewCommitRequest(committable, true), durable: true})
	}
	c.total.Add(uint64(len(encoded)))
	return c.commitAll()
}

// complete commits what a complete checkpoint has. If nobody will call again, it waits for what is put off.
func (c *committing) complete(checkpoint ident.CheckpointID, last bool) error {
	c.approve(checkpoint)
	if last {
		return c.await()
	}
	return c.commit()
}

// commitAll commits everything there is and waits for what is put off.
func (c *committing) commitAll() error {
	c.approveAll()
	return c.await()
}

// commit tries once to commit what is due, and has itself called again for what is put off.
func (c *committing) commit() error {
	late, err := c.try()
	if err == nil && late {
		c.callAt(c.ctx.Now() + retryPause.Milliseconds())
	}
	return err
}

// await tries until nothing is due.
func (c *committing) await() (err error) {
	late, err := c.try()
	if err != nil || !late {
		return err
	}
	timer := c.wakeForRetry()
	defer func() { timer.Stop() }()
	awaited := c.ctx.Task.Await(func() bool {
		if err != nil || !late {
			return true
		}
		if c.ctx.Clock.Nanos() < c.again {
			return false
		}
		if late, err = c.try(); err == nil && late {
			timer = c.wakeForRetry()
		}
		return err != nil || !late
	})
	if err == nil {
		err = awaited
	}
	return err
}

func (c *committing) wakeForRetry() clock.Timer {
	return c.ctx.Clock.AfterFunc(retryPause, c.ctx.Task.Wake)
}

// try commits what is due, and reports whether some of it was put off.
func (c *committing) try() (late bool, err error) {
	due := c.due()
	if len(due) == 0 {
		return false, nil
	}
	if err := persistAll(c.ctx.Go, due); err != nil {
		return false, err
	}
	requests := make([]*connector.CommitRequest, len(due))
	for i, e := range due {
		requests[i] = e.request
		e.request.Begin()
	}
	if err := c.committer.Commit(c.ctx.Go, requests); err != nil {
		return false, fmt.Errorf("commit: %w", err)
	}
	settled := make(map[*entry]bool, len(due))
	for _, e := range due {
		if settled[e], err = c.settle(e.request); err != nil {
			return false, err
		}
		late = late || !settled[e]
	}
	c.remove(func(e *entry) bool { return settled[e] })
	c.again = c.ctx.Clock.Nanos() + retryPause.Nanoseconds()
	return late, nil
}

// settle does what the committer has said of a request, and reports whether that was its end.
func (c *committing) settle(r *connector.CommitRequest) (settled bool, err error) {
	outcome, cause := r.Outcome()
	switch outcome {
	case connector.CommittedBefore:
		c.already.Add(1)
	case connector.RetryLater:
		c.retried.Add(1)
		if r.Retries() > mostRetries {
			return false, fmt.Errorf("commit of %s: given up after %d retries: %w", r.ID, mostRetries, cause)
		}
		return false, nil
	case connector.Discarded:
		c.failed.Add(1)
		c.ctx.Log.Error("results are lost: the committer has discarded them", "committable", r.ID, "error", cause)
	default:
		c.successful.Add(1)
	}
	return true, nil
}
