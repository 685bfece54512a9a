package generator

import (
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/connectortest"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// lines is the source with its events as lines, which can be compared.
type lines struct{ Source }

type lineReader struct {
	connector.Reader[Event]
	batch element.Batch[Event]
}

func (l lines) NewReader(ctx connector.ReaderContext) (connector.Reader[string], error) {
	r, err := l.Source.NewReader(ctx)
	return &lineReader{Reader: r}, err
}

func (r *lineReader) Poll(out *connector.Output[string]) (connector.Status, error) {
	r.batch.Reset()
	events := connector.NewOutput(&r.batch, out.Room())
	status, err := r.Reader.Poll(&events)
	for i := range r.batch.Values {
		out.EmitAt(string(r.batch.Values[i].AppendLine(nil)), r.batch.Timestamps[i])
	}
	return status, err
}

func all(t *testing.T, c Config) (want []string) {
	t.Helper()
	for i := range c.Generators {
		g, err := New(c, i)
		if err != nil {
			t.Fatal(err)
		}
		events := make([]Event, g.Left())
		g.Fill(events, make([]int64, len(events)))
		for i := range events {
			want = append(want, string(events[i].AppendLine(nil)))
		}
	}
	return want
}

func TestTheSourceResumes(t *testing.T) {
	for _, c := range []Config{
		{Events: 700, Rate: 1000, Generators: 1},
		{Events: 701, Rate: 10_000, Generators: 3},
		{Events: 2, Rate: 1, Generators: 3},
		{Events: 0, Rate: 1, Generators: 1},
		{Events: 500, Rate: 1e6, Generators: 2, OutOfOrderGroup: 10},
	} {
		connectortest.CheckSource(t, lines{NewSource(c)}, all(t, c))
		connectortest.CheckSource(t, lines{NewSource(c).Together()}, all(t, c))
	}
}

// A generator that resumes at any position goes on as if it had not been interrupted.
func TestAnyPositionResumes(t *testing.T) {
	source := NewSource(Config{Events: 300, Rate: 1000, Generators: 2})
	want := all(t, source.config)[150:]
	g, err := New(source.config, 1)
	if err != nil {
		t.Fatal(err)
	}
	one, times := make([]Event, 1), make([]int64, 1)
	for made := range want {
		again, err := source.resume(connector.Split{State: position{1, g.made, g.random}.append(nil)})
		if err != nil {
			t.Fatal(err)
		}
		rest := make([]Event, again[0].Left())
		again[0].Fill(rest, make([]int64, len(rest)))
		for i := range rest {
			if got := string(rest[i].AppendLine(nil)); got != want[made+i] {
				t.Fatalf("after %d events event %d is %s, want %s", made, made+i, got, want[made+i])
			}
		}
		g.Fill(one, times)
	}
}

func TestGeneratorsOfOneReaderAlternate(t *testing.T) {
	source := NewSource(Config{Events: 21, Rate: 1000, Generators: 2})
	if list, err := source.Together().list(); err != nil || len(list) != 1 || len(list[0].State) != 2*positionSize {
		t.Errorf("splits %v (%v) of generators that are together", list, err)
	}
	r, err := source.NewReader(connector.ReaderContext{
		RuntimeContext: new(operator.Context).Runtime(), RequestSplit: func() {}, Wake: func() {},
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := source.list()
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list)
	if err := r.AddSplits(list); err != nil {
		t.Fatal(err)
	}
	r.NoMoreSplits()
	var batch element.Batch[Event]
	for status := connector.More; status == connector.More; {
		out := connector.NewOutput(&batch, batch.Len()+4)
		if status, err = r.Poll(&out); err != nil {
			t.Fatal(err)
		}
	}
	lines := all(t, source.config)
	for i := range batch.Values {
		want := lines[10*(i%2)+i/2]
		if i == 20 {
			want = lines[20]
		}
		if got := string(batch.Values[i].AppendLine(nil)); got != want {
			t.Errorf("event %d is %s, want %s", i, got, want)
		}
	}
	if !slices.IsSorted(batch.Timestamps) || batch.Len() != 21 {
		t.Errorf("%d times %v", batch.Len(), batch.Timestamps)
	}
}

func FuzzPositionsAreChecked(f *testing.F) {
	source := NewSource(Config{Events: 100, Rate: 1000, Generators: 2})
	f.Add(position{1, 49, 7}.append(nil))
	f.Add(position{0, 3, 7}.append(position{1, 0, 7}.append(nil)))
	f.Add(position{1, 50, 7}.append(nil))
	f.Add(position{2, 0, 7}.append(nil))
	f.Add(position{0, -1, 7}.append(nil))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, state []byte) {
		generators, err := source.resume(connector.Split{ID: "x", State: state})
		if err != nil {
			if !strings.Contains(err.Error(), `"x"`) {
				t.Errorf("%v does not name the split", err)
			}
			return
		}
		if len(generators) != len(state)/positionSize {
			t.Errorf("%d generators of %d bytes", len(generators), len(state))
		}
		for _, g := range generators {
			if g.Left() < 1 || g.Left() > 50 {
				t.Errorf("%d events are left", g.Left())
			}
			events := make([]Event, 100)
			g.Fill(events, make([]int64, 100))
		}
	})
}
