package connectortest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/connectortest"
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/runtime/element"
)

// faulty is a good source with one fault.
type faulty struct {
	connector.Source[int64]
	reader     func(connector.Reader[int64]) connector.Reader[int64]
	enumerator func(connector.Enumerator) connector.Enumerator
	wake       bool // readers cannot wake their subtask
}

func (f faulty) NewReader(ctx connector.ReaderContext) (connector.Reader[int64], error) {
	if f.wake {
		ctx.Wake = func() {}
	}
	r, err := f.Source.NewReader(ctx)
	if err == nil && f.reader != nil {
		r = f.reader(r)
	}
	return r, err
}

func (f faulty) NewEnumerator(ctx connector.EnumeratorContext) (connector.Enumerator, error) {
	e, err := f.Source.NewEnumerator(ctx)
	if err == nil && f.enumerator != nil {
		e = f.enumerator(e)
	}
	return e, err
}

type losesPosition struct {
	connector.Reader[int64]
	first []connector.Split
}

func (r *losesPosition) AddSplits(splits []connector.Split) error {
	r.first = append(r.first, splits...)
	return r.Reader.AddSplits(splits)
}

func (r *losesPosition) Snapshot() ([]connector.Split, error) {
	left, err := r.Reader.Snapshot()
	for i := range left {
		for _, split := range r.first {
			if split.ID == left[i].ID {
				left[i] = split
			}
		}
	}
	return left, err
}

type losesSplits struct{ connector.Reader[int64] }

func (losesSplits) Snapshot() ([]connector.Split, error) { return nil, nil }

type repeatsSplits struct{ connector.Reader[int64] }

func (r repeatsSplits) Snapshot() ([]connector.Split, error) {
	left, err := r.Reader.Snapshot()
	return append(left, left...), err
}

type greedy struct{ connector.Reader[int64] }

func (r greedy) Poll(out *connector.Output[int64]) (connector.Status, error) {
	status, err := r.Reader.Poll(out)
	out.Emit(1)
	return status, err
}

// says adds something to what a reader says in its n-th Poll that emits.
type says struct {
	connector.Reader[int64]
	n   int
	say func(out *connector.Output[int64])
}

func (r *says) Poll(out *connector.Output[int64]) (connector.Status, error) {
	room := out.Room()
	status, err := r.Reader.Poll(out)
	if out.Room() < room {
		if r.n--; r.n == 0 {
			r.say(out)
		}
	}
	return status, err
}

func saying(n int, say func(out *connector.Output[int64])) faulty {
	return faulty{reader: func(r connector.Reader[int64]) connector.Reader[int64] { return &says{Reader: r, n: n, say: say} }}
}

// current is the split that the reader told last.
func current(out *connector.Output[int64]) string { return out.Notes()[0].Split }

// silent keeps what a reader says of its splits to itself, from the n-th Poll on.
type silent struct {
	connector.Reader[int64]
	n int
}

func (r *silent) Poll(out *connector.Output[int64]) (connector.Status, error) {
	if r.n--; r.n >= 0 {
		return r.Reader.Poll(out)
	}
	var batch element.Batch[int64]
	inner := connector.NewOutput(&batch, out.Room())
	status, err := r.Reader.Poll(&inner)
	copy(out.Extend(batch.Len()), batch.Values)
	return status, err
}

type endsEarly struct{ connector.Reader[int64] }

func (r endsEarly) Poll(out *connector.Output[int64]) (connector.Status, error) {
	status, err := r.Reader.Poll(out)
	if status == connector.Waiting {
		status = connector.Ended
	}
	return status, err
}

type keepsNothingBack struct{ connector.Enumerator }

func (keepsNothingBack) AddSplitsBack(int, []connector.Split) error { return nil }

type restoresAll struct{ connector.Enumerator }

func (e restoresAll) Restore([]byte) error { return e.Start() }

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

func TestFaultsAreFound(t *testing.T) {
	good := datagen.Generate(2000, func(i int64) int64 { return i })
	want := make([]int64, 2000)
	for i := range want {
		want[i] = int64(i)
	}
	for name, test := range map[string]struct {
		source faulty
		finds  string
	}{
		"none":                    {faulty{}, ""},
		"a lost position":         {faulty{reader: func(r connector.Reader[int64]) connector.Reader[int64] { return &losesPosition{Reader: r} }}, "came 2 times instead of 1"},
		"a lost split":            {faulty{reader: func(r connector.Reader[int64]) connector.Reader[int64] { return losesSplits{r} }}, "is not in the snapshot"},
		"a repeated split":        {faulty{reader: func(r connector.Reader[int64]) connector.Reader[int64] { return repeatsSplits{r} }}, "stands twice"},
		"no regard for room":      {faulty{reader: func(r connector.Reader[int64]) connector.Reader[int64] { return greedy{r} }}, "with room for"},
		"an early end":            {faulty{reader: func(r connector.Reader[int64]) connector.Reader[int64] { return endsEarly{r} }}, "ended before"},
		"returned splits lost":    {faulty{enumerator: func(e connector.Enumerator) connector.Enumerator { return keepsNothingBack{e} }}, "came 0 times instead of 1"},
		"all splits restored":     {faulty{enumerator: func(e connector.Enumerator) connector.Enumerator { return restoresAll{e} }}, "or has said to be finished"},
		"a wait that nobody ends": {faulty{wake: true}, "waits, and neither"},
		"a strange split":         {saying(1, func(out *connector.Output[int64]) { out.Split("strange") }), "was not given"},
		"a split finished twice": {
			saying(1, func(out *connector.Output[int64]) { id := current(out); out.FinishSplit(id); out.FinishSplit(id) }), "or has said to be finished",
		},
		"records after the end of a split": {saying(1, func(out *connector.Output[int64]) { out.FinishSplit(current(out)) }), "finished"},
		"records of no split":              {faulty{reader: func(r connector.Reader[int64]) connector.Reader[int64] { return &silent{r, 2} }}, "records of none"},
		"no word of splits":                {faulty{reader: func(r connector.Reader[int64]) connector.Reader[int64] { return &silent{r, 0} }}, ""},
		"records nobody asked for":         {faulty{Source: datagen.Generate(2001, func(i int64) int64 { return i })}, "should not at all"},
		"too few records":                  {faulty{Source: datagen.Generate(1999, func(i int64) int64 { return i })}, "came 0 times instead of 1"},
	} {
		if test.source.Source == nil {
			test.source.Source = good
		}
		c := &catcher{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			connectortest.CheckSource(c, connector.Source[int64](test.source), want)
		}()
		<-done
		if !strings.Contains(c.failure, test.finds) || (test.finds == "") != (c.failure == "") {
			t.Errorf("%s: the check says %q, want %q", name, c.failure, test.finds)
		}
	}
}
