package sink_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator/sink/sinktest"
)

// bank is a world outside: transactions that are there once prepared, survive a crash once durable, and count once committed.
type bank struct {
	transactions map[string]*transaction
	commits      int
	// fault is what is wrong with the sink.
	fault string
}

type transaction struct {
	records            []int
	durable, committed bool
}

func newBank(fault string) *bank { return &bank{transactions: map[string]*transaction{}, fault: fault} }

func (b *bank) Name() string { return "bank" }
func (b *bank) NewWriter(connector.WriterContext) (connector.Writer[int], error) {
	return &bankWriter{bank: b}, nil
}
func (b *bank) NewCommitter(connector.CommitterContext) (connector.Committer, error) {
	return bankCommitter{b}, nil
}

func (b *bank) visible() (all []int) {
	for _, t := range b.transactions {
		if t.committed {
			all = append(all, t.records...)
		}
	}
	return all
}

// crash loses some of what is not durable.
func (b *bank) crash(below func(n int) int) {
	for i := range len(b.transactions) {
		id := strconv.Itoa(i)
		if t := b.transactions[id]; t != nil && !t.durable && below(2) == 0 {
			t.records = nil
		}
	}
}

// bankWriter has transactions of two records, and keeps in its own state what is too little for one.
type bankWriter struct {
	bank   *bank
	held   []int
	closed bool
}

func (w *bankWriter) Open() error { return nil }
func (w *bankWriter) Write(b *element.Batch[int]) error {
	w.held = append(w.held, b.Values...)
	return nil
}
func (w *bankWriter) Flush(endOfInput bool) error {
	w.closed = endOfInput
	return nil
}
func (w *bankWriter) Close() error { return nil }

func (w *bankWriter) PrepareCommit() (prepared []connector.Committable, err error) {
	for len(w.held) >= 2 || w.closed && len(w.held) > 0 {
		n := min(2, len(w.held))
		id := strconv.Itoa(len(w.bank.transactions))
		t := &transaction{records: w.held[:n:n], committed: w.bank.fault == "visible when prepared"}
		w.bank.transactions[id] = t
		w.held = w.held[n:]
		prepared = append(prepared, connector.Committable{ID: id, State: []byte("v1 " + id), Persist: func(context.Context) error {
			t.durable = w.bank.fault != "not durable"
			return nil
		}})
	}
	return prepared, nil
}

func (w *bankWriter) Snapshot() (states [][]byte, err error) {
	if w.bank.fault == "no writer state" {
		return nil, nil
	}
	for _, record := range w.held {
		states = append(states, []byte(strconv.Itoa(record)))
	}
	return states, nil
}

func (w *bankWriter) Restore(states [][]byte) error {
	for _, state := range states {
		record, err := strconv.Atoi(string(state))
		if err != nil {
			return err
		}
		w.held = append(w.held, record)
	}
	return nil
}

type bankCommitter struct{ bank *bank }

func (c bankCommitter) Close() error { return nil }
func (c bankCommitter) Commit(_ context.Context, requests []*connector.CommitRequest) error {
	for _, r := range requests {
		t := c.bank.transactions[strings.TrimPrefix(string(r.State), "v1 ")]
		c.bank.commits++
		switch {
		case t == nil || len(t.records) == 0:
			return fmt.Errorf("transaction %s is lost", r.ID)
		case c.bank.commits%7 == 0:
			r.Retry(errors.New("busy"))
		case !t.committed:
			t.committed = true
		case c.bank.fault == "committed again":
			t.records = append(t.records, t.records...)
		default:
			if !r.Restored() {
				return fmt.Errorf("transaction %s was committed twice in one run", r.ID)
			}
			r.AlreadyCommitted()
		}
	}
	return nil
}

func newCase(fault string) func(int) sinktest.Case {
	return func(int) sinktest.Case {
		b := newBank(fault)
		return sinktest.Case{Sink: func() connector.Sink[int] { return b }, Visible: b.visible, Crash: b.crash}
	}
}

func TestEachRecordIsVisibleOnceThroughCrashes(t *testing.T) {
	seeds := 600
	if testing.Short() {
		seeds = 60
	}
	sinktest.Check(t, 1, seeds, newCase(""))
}

// catcher is a test whose failure is kept.
type catcher struct {
	testing.TB
	failure string
}

func (c *catcher) Helper() {}
func (c *catcher) Fatalf(format string, arguments ...any) {
	c.failure = fmt.Sprintf(format, arguments...)
	runtime.Goexit()
}

func TestFaultsOfSinksAreFound(t *testing.T) {
	for fault, finds := range map[string]string{
		"visible when prepared": "the last complete checkpoint",
		"not durable":           "is lost",
		"no writer state":       "is not visible at the end",
		"committed again":       "is visible twice",
	} {
		c := &catcher{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			sinktest.Check(c, 1, 60, newCase(fault))
		}()
		<-done
		if !strings.Contains(c.failure, finds) {
			t.Errorf("%s: the check says %q, want %q", fault, c.failure, finds)
		}
	}
}
