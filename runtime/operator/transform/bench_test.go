package transform

import (
	"testing"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
)

// BenchmarkLoops measures what an operator costs for each record, with functions that do next to nothing.
func BenchmarkLoops(b *testing.B) {
	batch := &element.Batch[int]{}
	for i := range 1000 {
		batch.Append(i, element.NoTimestamp)
	}
	for _, c := range []struct {
		name    string
		factory operator.Factory
	}{
		{"map", Map(func() func(int) int { return func(v int) int { return v + 1 } })},
		{"mapErr", MapErr(func() func(int) (int, error) { return func(v int) (int, error) { return v + 1, nil } })},
		{"filter", Filter(func() func(int) bool { return func(v int) bool { return v%8 != 0 } })},
		{"flatMap", FlatMap(func() func(int, operator.Collector[int]) error {
			return func(v int, out operator.Collector[int]) error { out.Collect(v); return nil }
		})},
	} {
		b.Run(c.name, func(b *testing.B) {
			ctx := operatortest.Context(b, c.name)
			instance, err := c.factory(ctx, operator.Outputs{})
			if err != nil {
				b.Fatal(err)
			}
			in := instance.Inputs[0].(operator.Input[int])
			b.ReportAllocs()
			for b.Loop() {
				if err := in.Process(batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
		})
	}
}
