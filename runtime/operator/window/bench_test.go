package window_test

import (
	"testing"
	"time"

	"github.com/weir-stream/weir/api/codec"
	api "github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/runtime/operator/window"
)

type number struct{ Key, Value int64 }

// BenchmarkRecord has windows of 10k keys and 1,000 records per millisecond of event time.
func BenchmarkRecord(b *testing.B) {
	key, err := codec.ForKey[int64]()
	if err != nil {
		b.Fatal(err)
	}
	sum := window.Folded(window.Fold[number, int64, int64]{
		Add:    func(acc *int64, _ bool, in number) { *acc += in.Value },
		Merge:  func(acc, other *int64) { *acc += *other },
		Result: func(acc *int64) int64 { return *acc },
	}, func() operator.ProcessWindowFunction[int64, int64, int64] { return window.Passing[int64, int64]{} })
	all := window.Elements(func() operator.ProcessWindowFunction[int64, number, number] { return window.Passing[int64, number]{} })
	const s = time.Second
	bench(b, "tumbling/sum", window.Config[int64, number, int64]{Assigner: api.Tumbling(60 * s), Contents: sum}, key)
	bench(b, "tumbling/count trigger", window.Config[int64, number, int64]{Assigner: api.Tumbling(60 * s), NewTrigger: api.EveryCount(100), Contents: sum}, key)
	bench(b, "sliding by 10/sum", window.Config[int64, number, int64]{Assigner: api.Sliding(60*s, 6*s), Contents: sum}, key)
	bench(b, "session/sum", window.Config[int64, number, int64]{Assigner: api.Session(10 * s), Contents: sum}, key)
	bench(b, "tumbling/elements", window.Config[int64, number, number]{Assigner: api.Tumbling(6 * s), Contents: all}, key)
}

func bench[Out any](b *testing.B, name string, c window.Config[int64, number, Out], key codec.Key[int64]) {
	c.Stream = keyed.Stream[int64, number]{Selector: func(n number) int64 { return n.Key }, Key: key}
	b.Run(name, func(b *testing.B) {
		ctx := operatortest.Context(b, "window")
		ctx.CallAt = func(int64) {}
		instance, err := c.Factory()(ctx, operator.Outputs{})
		if err != nil {
			b.Fatal(err)
		}
		if err := instance.Operator.Open(); err != nil {
			b.Fatal(err)
		}
		defer instance.Operator.Close()
		in := instance.Inputs[0].(operator.Input[number])
		batch := &element.Batch[number]{}
		n := 0
		b.ReportAllocs()
		for b.Loop() {
			if n%1024 == 0 {
				if err := in.Process(batch); err != nil {
					b.Fatal(err)
				}
				if err := in.Watermark(int64(n / 1000)); err != nil {
					b.Fatal(err)
				}
				batch.Reset()
			}
			batch.Append(number{int64(uint32(n) * 2654435761 % 10000), 1}, int64(n/1000))
			n++
		}
	})
}
