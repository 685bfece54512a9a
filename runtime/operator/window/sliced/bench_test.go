package sliced_test

import (
	"math/rand"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/runtime/operator/window/sliced"
	"github.com/weir-stream/weir/state/keygroup"
)

type counted struct {
	Key   int64
	End   int64
	Count int64
}

func counting(b testing.TB, size, slide int64) sliced.Config[int64, int64, int64, counted] {
	key, err := codec.ForKey[int64]()
	if err != nil {
		b.Fatal(err)
	}
	counts, err := codec.For[int64]()
	if err != nil {
		b.Fatal(err)
	}
	return sliced.Config[int64, int64, int64, counted]{
		Stream: keyed.Stream[int64, int64]{Selector: func(v int64) int64 { return v }, Key: key},
		Size:   size, Slide: slide, Accumulators: counts,
		Add:   func(acc *int64, _ bool, _ int64) { *acc++ },
		Merge: func(acc, later *int64) { *acc += *later },
		New: sliced.Result[int64, int64, counted](func(key int64, w operator.Window, acc *int64) counted {
			return counted{key, w.End, *acc}
		}).New,
	}
}

// discard is an input that counts.
type discard[T any] struct{ n int }

func (d *discard[T]) Process(b *element.Batch[T]) error { d.n += b.Len(); return nil }
func (d *discard[T]) Watermark(int64) error             { return nil }
func (d *discard[T]) Idle(bool) error                   { return nil }

func benchmark(b *testing.B, size, slide, keys int64, late int64) {
	c := counting(b, size, slide)
	if late > 0 {
		c.Lateness = late
	}
	ctx := operatortest.Context(b, "bench")
	out := &discard[counted]{}
	instance, err := c.Factory()(ctx, operator.Outputs{Main: []any{operator.Input[counted](out)}})
	if err != nil {
		b.Fatal(err)
	}
	if err := instance.Operator.Open(); err != nil {
		b.Fatal(err)
	}
	in := instance.Inputs[0].(operator.Input[int64])
	random := rand.New(rand.NewSource(1))
	const batches = 64
	var all [batches]element.Batch[int64]
	for i := range all {
		for range 1000 {
			v := random.Int63n(keys)
			all[i].Values = append(all[i].Values, v)
			all[i].Hashes = append(all[i].Hashes, keygroup.HashWord(uint64(v)))
		}
		all[i].Timestamps = make([]int64, 1000)
	}
	now := int64(0)
	b.ResetTimer()
	for n := 0; n < b.N; n += 1000 {
		batch := &all[n/1000%batches]
		for i := range batch.Timestamps {
			batch.Timestamps[i] = now
		}
		if late > 0 && now > late {
			batch.Timestamps[0] = now - late
		}
		if err := in.Process(batch); err != nil {
			b.Fatal(err)
		}
		now++
		if now%100 == 0 {
			if err := in.Watermark(now - 1); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
	b.ReportMetric(float64(out.n)/float64(b.N), "out/rec")
}

func BenchmarkTumbling(b *testing.B)         { benchmark(b, 60_000, 60_000, 10_000, 0) }
func BenchmarkSliding(b *testing.B)          { benchmark(b, 60_000, 500, 10_000, 0) }
func BenchmarkSlidingLate(b *testing.B)      { benchmark(b, 60_000, 500, 10_000, 700) }
func BenchmarkTumbling100kKeys(b *testing.B) { benchmark(b, 10_000, 10_000, 100_000, 0) }
