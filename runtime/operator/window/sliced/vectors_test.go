package sliced_test

import (
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/window/internal/vectors"
	"github.com/weir-stream/weir/runtime/operator/window/sliced"
)

type stringConfig[Acc any] = sliced.Config[string, vectors.Record, Acc, vectors.Result]

// results is a function that shows all that a firing is told.
type results[Acc any] func(key string, window operator.Window, watermark int64, acc *Acc) vectors.Result

func (r results[Acc]) Fire(f *sliced.Firing[string], acc *Acc, out operator.Collector[vectors.Result]) error {
	out.Collect(r(f.Key, f.Window, f.Watermark, acc))
	return nil
}

func newConfig[Acc any](t testing.TB, add func(*Acc, bool, vectors.Record), merge func(_, _ *Acc), show results[Acc]) stringConfig[Acc] {
	key, err := codec.ForKey[string]()
	if err != nil {
		t.Fatal(err)
	}
	accs, err := codec.For[Acc]()
	if err != nil {
		t.Fatal(err)
	}
	return stringConfig[Acc]{
		Stream:       keyed.Stream[string, vectors.Record]{Selector: func(r vectors.Record) string { return r.Key }, Key: key},
		Accumulators: accs, Add: add, Merge: merge,
		New: func(*operator.Context, *operator.SideOutputs) (sliced.Function[string, Acc, vectors.Result], error) {
			return show, nil
		},
	}
}

func flat(t testing.TB) stringConfig[vectors.Flat] {
	return newConfig(t, vectors.AddFlat, vectors.MergeFlat, vectors.ResultOfFlat)
}

func listed(t testing.TB, sorted bool) stringConfig[vectors.Listed] {
	return newConfig(t, vectors.AddListed, vectors.MergeListed,
		func(key string, window operator.Window, watermark int64, acc *vectors.Listed) vectors.Result {
			return vectors.ResultOfListed(key, window, watermark, acc, sorted)
		})
}

// TestAgainstFlink replays the vectors of tumbling and sliding windows, with accumulators of either kind.
func TestAgainstFlink(t *testing.T) {
	replayed := 0
	for _, file := range []string{"testdata/windows-event-time.jsonl", "testdata/windows-processing-time.jsonl"} {
		for _, v := range vectors.Read(t, file) {
			if v.Operator.Kind != "window" || !strings.HasPrefix(v.Operator.Assigner, "tumbling") && !strings.HasPrefix(v.Operator.Assigner, "sliding") {
				continue
			}
			replayed++
			name := strings.TrimSuffix(strings.TrimPrefix(file, "testdata/windows-"), ".jsonl") + "/" + v.Name
			t.Run(name, func(t *testing.T) {
				sorted := strings.HasPrefix(v.Operator.Assigner, "sliding")
				f := flat(t)
				configure(&f, v)
				t.Run("flat", func(t *testing.T) { replay(t, v, "hashmap", f.Factory(), true) })
				t.Run("flat on Pebble", func(t *testing.T) { replay(t, v, "pebble", f.Factory(), true) })
				l := listed(t, sorted)
				configure(&l, v)
				t.Run("listed", func(t *testing.T) { replay(t, v, "hashmap", l.Factory(), sorted) })
				t.Run("listed on Pebble", func(t *testing.T) { replay(t, v, "pebble", l.Factory(), sorted) })
			})
		}
	}
	if replayed != 79 {
		t.Errorf("%d vectors, want 79", replayed)
	}
}

func configure[Acc any](c *stringConfig[Acc], v vectors.Vector) {
	c.Size, c.Slide, c.Offset = v.Operator.Size, v.Operator.Slide, v.Operator.Offset
	if c.Slide == 0 {
		c.Slide = c.Size
	}
	c.Lateness = v.Operator.AllowedLateness
	c.ProcessingTime = strings.HasSuffix(v.Operator.Assigner, "processing")
	if v.Operator.LateOutput {
		c.Late = vectors.LateTag
	}
}

func replay(t *testing.T, v vectors.Vector, backend string, factory operator.Factory, sorted bool) {
	vectors.Replay(t, v, backend, factory,
		func(r vectors.Result) (string, string) { return r.Key, r.Text(v.Operator.Function) },
		func(record map[string]any) (string, string) {
			return vectors.Want(v.Operator.Function, record, sorted)
		})
}
