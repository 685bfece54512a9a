package collection

import (
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/connectortest"
	"github.com/weir-stream/weir/runtime/element"
)

func numbers(n int) []int {
	var all []int
	for i := range n {
		all = append(all, i*3)
	}
	return all
}

func TestCollectionsResume(t *testing.T) {
	for name, source := range map[string]Source[int]{
		"slice":       From(numbers(5000)),
		"sequence":    FromSeq(iter.Seq[int](func(yield func(int) bool) { sequence(numbers(5000), yield) })),
		"event times": From(numbers(5000)).Timestamps(func(v int) int64 { return int64(v) }),
	} {
		t.Run(name, func(t *testing.T) { connectortest.CheckSource(t, source, numbers(5000)) })
	}
	t.Run("empty", func(t *testing.T) { connectortest.CheckSource(t, Of[string](), nil) })
	t.Run("long skip", func(t *testing.T) {
		connectortest.CheckSource(t, FromSeq(func(yield func(int) bool) { sequence(numbers(30_000), yield) }), numbers(30_000))
	})
}

func sequence(values []int, yield func(int) bool) {
	for _, v := range values {
		if !yield(v) {
			return
		}
	}
}

func TestShorterCollectionIsRefused(t *testing.T) {
	for name, source := range map[string]Source[int]{"slice": Of(1, 2), "sequence": FromSeq(slices.Values([]int{1, 2}))} {
		r, err := source.NewReader(connector.ReaderContext{RequestSplit: func() {}, Wake: func() {}})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.AddSplits([]connector.Split{{ID: splitID, State: encodeIndex(3)}}); err != nil {
			t.Fatal(err)
		}
		var batch element.Batch[int]
		out := connector.NewOutput(&batch, 10)
		if _, err := r.Poll(&out); err == nil || !strings.Contains(err.Error(), "resumes at value 3, but the collection has 2 values") {
			t.Errorf("%s: %v", name, err)
		}
		r.Close()
	}
}

// take stands for a function of the API that takes any source.
func take[T any](connector.Source[T]) {}

func TestRecordTypeIsInferred(t *testing.T) {
	take(Of(1, 2))
	take(From([]string{"a"}))
}

func FuzzDecodeIndex(f *testing.F) {
	f.Add(encodeIndex(0))
	f.Add([]byte{0xff, 0, 0, 0, 0, 0, 0, 1})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, state []byte) {
		next, err := decodeIndex(state)
		if err == nil && (next < 0 || string(encodeIndex(next)) != string(state)) {
			t.Errorf("%x is read as %d", state, next)
		}
	})
}
