package process

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/table"
)

// counting reads and writes one number for each record, and emits nothing.
type counting struct {
	Count state.Value[int64] `state:"count"`
}

func (f *counting) Process(_ *operator.KeyedContext[int64], _ int64, _ operator.Collector[int64]) error {
	n, _ := f.Count.Get()
	f.Count.Set(n + 1)
	return nil
}

// emitting is counting that emits.
type emitting struct{ counting }

func (f *emitting) Process(_ *operator.KeyedContext[int64], in int64, out operator.Collector[int64]) error {
	n, _ := f.Count.Get()
	f.Count.Set(n + 1)
	out.Collect(n)
	return nil
}

type nowhere struct{}

func (nowhere) Process(*element.Batch[int64]) error { return nil }
func (nowhere) Watermark(int64) error               { return nil }
func (nowhere) Idle(bool) error                     { return nil }

func batches(n int) []*element.Batch[int64] {
	key, _ := codec.ForKey[int64]()
	all := make([]*element.Batch[int64], max(2*n/1024, 64))
	x := uint64(88172645463325252)
	for i := range all {
		b := &element.Batch[int64]{Values: make([]int64, 1024), Hashes: make([]uint64, 1024)}
		for j := range b.Values {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			b.Values[j] = int64(x % uint64(n))
		}
		key.Hash(b.Values, b.Hashes)
		all[i] = b
	}
	return all
}

// BenchmarkValue compares a process function that counts with a loop over the table, in nanoseconds for each record.
func BenchmarkValue(b *testing.B) {
	key, _ := codec.ForKey[int64]()
	stream := keyed.Stream[int64, int64]{Selector: func(v int64) int64 { return v }, Key: key}
	functions := map[string]func() operator.KeyedProcessFunction[int64, int64, int64]{
		"process":         func() operator.KeyedProcessFunction[int64, int64, int64] { return new(counting) },
		"process-emitted": func() operator.KeyedProcessFunction[int64, int64, int64] { return new(emitting) },
	}
	for _, n := range []int{10_000, 1_000_000, 10_000_000} {
		in := batches(n)
		b.Run(fmt.Sprint("table/", n), func(b *testing.B) {
			t := table.New(state.Keys[int64]{Codec: key}, operatortest.Context(b, "").KeyGroups, 128)
			values, _ := codec.For[int64]()
			if err := t.Open([]state.Descriptor{state.Describe("count", state.KindValue, values)}); err != nil {
				b.Fatal(err)
			}
			cells, fresh := make([]unsafe.Pointer, 1024), make([]bool, 1024)
			run := func(batch *element.Batch[int64]) {
				t.Upsert(0, batch.Values, batch.Hashes, cells, fresh)
				for _, cell := range cells {
					*(*int64)(cell)++
				}
			}
			perRecord(b, in, run)
		})
		for name, function := range functions {
			b.Run(fmt.Sprint(name, "/", n), func(b *testing.B) {
				instance, err := Keyed(stream, function)(operatortest.Context(b, ""), operator.Outputs{Main: []any{operator.Input[int64](nowhere{})}})
				if err != nil {
					b.Fatal(err)
				}
				if err := instance.Operator.Open(); err != nil {
					b.Fatal(err)
				}
				to := instance.Inputs[0].(operator.Input[int64])
				perRecord(b, in, func(batch *element.Batch[int64]) { _ = to.Process(batch) })
			})
		}
	}
}

func perRecord(b *testing.B, in []*element.Batch[int64], run func(*element.Batch[int64])) {
	for _, batch := range in {
		run(batch)
	}
	i := 0
	b.ResetTimer()
	for done := 0; done < b.N; done += 1024 {
		run(in[i])
		if i++; i == len(in) {
			i = 0
		}
	}
}
