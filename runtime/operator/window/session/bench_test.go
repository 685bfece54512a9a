package session_test

import (
	"math/rand"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/runtime/operator/window/session"
	"github.com/weir-stream/weir/runtime/operator/window/sliced"
	"github.com/weir-stream/weir/state/keygroup"
)

type counted struct{ Key, Start, End, Count int64 }

// BenchmarkSessions counts records of keys that come and go: most of a thousand keys that are current, some of earlier ones.
func BenchmarkSessions(b *testing.B) {
	key, err := codec.ForKey[int64]()
	if err != nil {
		b.Fatal(err)
	}
	c := session.Config[int64, int64, int64, counted]{
		Stream: keyed.Stream[int64, int64]{Selector: func(v int64) int64 { return v }, Key: key}, Gap: 10_000,
		Add:   func(acc *int64, _ bool, _ int64) { *acc++ },
		Merge: func(acc, other *int64) { *acc += *other },
		New: sliced.Result[int64, int64, counted](func(key int64, w operator.Window, acc *int64) counted {
			return counted{key, w.Start, w.End, *acc}
		}).New,
	}
	instance, out := operatortest.Open[counted](b, operatortest.Context(b, "bench"), c.Factory())
	in := instance.Inputs[0].(operator.Input[int64])
	random := rand.New(rand.NewSource(1))
	var batch element.Batch[int64]
	b.ResetTimer()
	for n := 0; n < b.N; n += 1000 {
		batch.Reset()
		at := int64(n / 1000)
		for range 1000 {
			v := at*20 - random.Int63n(1000)
			if random.Intn(10) == 0 {
				v = random.Int63n(at*20 + 1)
			}
			batch.Append(v, at)
			batch.Hashes = append(batch.Hashes, keygroup.HashWord(uint64(v)))
		}
		if err := in.Process(&batch); err != nil {
			b.Fatal(err)
		}
		if at%100 == 0 {
			if err := in.Watermark(at - 1); err != nil {
				b.Fatal(err)
			}
		}
		out.All = out.All[:0]
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
}
