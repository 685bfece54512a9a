package golden

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
)

// ledger is a sink that keeps what was committed: lines, by the id of the committable that had them.
type ledger struct {
	mu        sync.Mutex
	Committed map[string][]string
}

func newLedger() *ledger { return &ledger{Committed: map[string][]string{}} }

// lines are all that was committed, sorted.
func (l *ledger) lines() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lines := range l.Committed {
		all = append(all, lines...)
	}
	slices.Sort(all)
	return all
}

func (*ledger) Name() string { return "ledger" }
func (*ledger) Kind() string { return "golden ledger" }

func (*ledger) NewWriter(connector.WriterContext) (connector.Writer[string], error) {
	return new(ledgerWriter), nil
}

func (l *ledger) NewCommitter(connector.CommitterContext) (connector.Committer, error) {
	return ledgerCommitter{l}, nil
}

type ledgerWriter struct{ lines []string }

func (*ledgerWriter) Open() error      { return nil }
func (*ledgerWriter) Flush(bool) error { return nil }
func (*ledgerWriter) Close() error     { return nil }

func (w *ledgerWriter) Write(batch *element.Batch[string]) error {
	w.lines = append(w.lines, batch.Values...)
	return nil
}

func (w *ledgerWriter) PrepareCommit() ([]connector.Committable, error) {
	if len(w.lines) == 0 {
		return nil, nil
	}
	prepared := connector.Committable{ID: ident.NewID().String(), State: []byte(strings.Join(w.lines, "\n"))}
	w.lines = nil
	return []connector.Committable{prepared}, nil
}

type ledgerCommitter struct{ ledger *ledger }

func (c ledgerCommitter) Commit(_ context.Context, requests []*connector.CommitRequest) error {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	for _, r := range requests {
		lines := strings.Split(string(r.State), "\n")
		if before, known := c.ledger.Committed[r.ID]; known && !slices.Equal(before, lines) {
			return fmt.Errorf("%s was committed before, with other lines", r.ID)
		}
		c.ledger.Committed[r.ID] = lines
	}
	return nil
}

func (ledgerCommitter) Close() error { return nil }
