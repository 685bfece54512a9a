package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
)

// outside is the world that a job writes to: transactions, which are prepared by writers and committed by committers.
type outside struct {
	world *World
	// prepared has the results of transactions by their names.
	prepared map[string][]record
	// committed are those that were committed, with how often.
	committed map[string]int
	results   []record
}

const transactionPrefix = "tx-"

// transactionIn returns the name of the transaction in an element of a sink's state: behind a version and the length of the name.
func transactionIn(element []byte) (string, bool) {
	at := bytes.Index(element, []byte(transactionPrefix))
	const digits = 16
	if at < 0 || at > 2 || len(element) < at+len(transactionPrefix)+digits {
		return "", false
	}
	return string(element[at : at+len(transactionPrefix)+digits]), true
}

var errOutside = errors.New("the system outside is busy")

// commit makes a transaction's results visible. It is idempotent.
func (o *outside) commit(by string, id string) error {
	results, ok := o.prepared[id]
	if !ok {
		return fmt.Errorf("transaction %s was never prepared", id)
	}
	o.world.observe(commits{by: by, transaction: id})
	o.world.note("%s commits %s: %d results", by, id, len(results))
	if o.committed[id]++; o.committed[id] == 1 {
		o.results = append(o.results, results...)
		o.world.counts.Commits++
	}
	return nil
}

// transactions is the job's sink.
type transactions struct{ world *World }

// Name implements connector.Sink.
func (s *transactions) Name() string { return "transactions" }

// NewWriter implements connector.Sink.
func (s *transactions) NewWriter(ctx connector.WriterContext) (connector.Writer[record], error) {
	return &transactionWriter{world: s.world, process: s.world.running.process}, nil
}

// NewCommitter implements connector.CommittingSink.
func (s *transactions) NewCommitter(ctx connector.CommitterContext) (connector.Committer, error) {
	return &transactionCommitter{world: s.world, process: s.world.running.process}, nil
}

type transactionWriter struct {
	world   *World
	process *process
	written []record
}

func (w *transactionWriter) Open() error      { return nil }
func (w *transactionWriter) Flush(bool) error { return nil }
func (w *transactionWriter) Close() error     { return nil }

func (w *transactionWriter) Write(batch *element.Batch[record]) error {
	for _, r := range batch.Values {
		if err := w.world.strike("sink"); err != nil {
			return err
		}
		w.written = append(w.written, r)
	}
	return nil
}

// PrepareCommit implements connector.CommittingWriter.
func (w *transactionWriter) PrepareCommit() ([]connector.Committable, error) {
	if len(w.written) == 0 {
		return nil, nil
	}
	id := transactionPrefix + w.world.random.id().String()[:16]
	results := w.written
	w.written = nil
	return []connector.Committable{{ID: id, Persist: func(context.Context) error {
		if !w.world.calm && w.world.random.chance(w.world.plan.refused) {
			return errOutside
		}
		w.world.outside.prepared[id] = results
		return nil
	}}}, nil
}

type transactionCommitter struct {
	world   *World
	process *process
}

func (c *transactionCommitter) Close() error { return nil }

// Commit implements connector.Committer.
func (c *transactionCommitter) Commit(_ context.Context, requests []*connector.CommitRequest) error {
	w := c.world
	for _, r := range requests {
		if !w.calm && w.random.chance(w.plan.busy) {
			r.Retry(errOutside)
			continue
		}
		if err := w.outside.commit(c.process.name, r.ID); err != nil {
			return err
		}
		// What has happened outside stays, whatever the answer is.
		if !w.calm && w.random.chance(w.plan.busy) {
			return errOutside
		}
		if !w.calm && w.random.chance(w.plan.paused) {
			c.process.pause(w.random.between(0, 20*time.Millisecond))
		}
	}
	return nil
}

// tally is the results in the form in which two runs are compared: partial results of one window, of which there are two if a record came
// after the window's first result, are put together.
func tallyOf(results []record) string {
	windows := map[record]int64{}
	lines := make([]string, 0, len(results))
	for _, r := range results {
		if r.Kind == windowResult {
			key := r
			key.N = 0
			windows[key] += r.N
			continue
		}
		lines = append(lines, r.String())
	}
	for key, n := range windows {
		key.N = n
		lines = append(lines, key.String())
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
