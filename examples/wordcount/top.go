package main

import (
	"cmp"
	"slices"

	"github.com/weir-stream/weir/api/stream"
)

// top keeps the n most frequent words and emits them, the most frequent first, when all are counted.
type top struct {
	n    int
	best []WordCount
}

func (t *top) Process(_ *stream.ProcessContext, c WordCount, _ stream.Collector[WordCount]) error {
	t.best = append(t.best, c)
	if len(t.best) >= 2*t.n+1000 { // seldom enough for sorting to cost next to nothing
		t.prune()
	}
	return nil
}

func (t *top) Finish(_ *stream.ProcessContext, out stream.Collector[WordCount]) error {
	t.prune()
	for _, c := range t.best {
		out.Collect(c)
	}
	return nil
}

func (t *top) prune() {
	slices.SortFunc(t.best, func(a, b WordCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Key, b.Key))
	})
	t.best = t.best[:min(t.n, len(t.best))]
}
