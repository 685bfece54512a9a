package rolling

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
)

type sale struct {
	Shop int64
	Sum  int64
}

// history is an accumulator that is kept encoded.
type history struct {
	Sum   int64
	Notes string
}

func shops(t testing.TB) keyed.Stream[int64, sale] {
	key, err := codec.ForKey[int64]()
	if err != nil {
		t.Fatal(err)
	}
	return keyed.Stream[int64, sale]{Selector: func(s sale) int64 { return s.Shop }, Key: key}
}

func codecOf[T any](t testing.TB) codec.Codec[T] {
	c, err := codec.For[T]()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func inline(t testing.TB, emit Emission) operator.Factory {
	return Fold[int64, sale, sale, string]{
		Stream: shops(t), Accumulators: codecOf[sale](t), Emit: emit,
		Add: func(acc *sale, fresh bool, in *sale) {
			if fresh {
				*acc = *in
				return
			}
			acc.Sum += in.Sum
		},
		Result: func(key int64, acc *sale) string { return fmt.Sprint(key, acc.Sum, key == acc.Shop) },
	}.Factory()
}

func encoded(t testing.TB, emit Emission) operator.Factory {
	return Fold[int64, sale, history, string]{
		Stream: shops(t), Accumulators: codecOf[history](t), Emit: emit,
		Add: func(acc *history, fresh bool, in *sale) {
			if fresh != (acc.Notes == "") {
				panic("fresh is wrong")
			}
			acc.Sum += in.Sum
			acc.Notes = strings.Repeat("x", int(acc.Sum%50)+1)
		},
		Result: func(key int64, acc *history) string {
			return fmt.Sprint(key, acc.Sum, len(acc.Notes) == int(acc.Sum%50)+1)
		},
	}.Factory()
}

func counted(t testing.TB, emit Emission) operator.Factory {
	stream := shops(t)
	return Count(stream, codecOf[int64](t), func(key, n int64) string { return fmt.Sprint(key, n, true) }, emit)
}

// TestFoldsAgainstAMap feeds random records in batches of random length, with hashes and without, to each form of a fold
// and holds the results against those of a Go map.
func TestFoldsAgainstAMap(t *testing.T) {
	for name, form := range map[string]func(testing.TB, Emission) operator.Factory{"inline": inline, "encoded": encoded, "count": counted} {
		for _, emit := range []Emission{EachRecord, AtEnd} {
			t.Run(fmt.Sprint(name, emit), func(t *testing.T) {
				random := rand.New(rand.NewSource(1))
				ctx := operatortest.Context(t, name)
				instance, out := operatortest.Open[string](t, ctx, form(t, emit))
				in := instance.Inputs[0].(operator.Input[sale])
				model := map[int64]int64{}
				var want []operatortest.Record[string]
				for range 300 {
					b := &element.Batch[sale]{}
					timed, hashed := random.Intn(2) == 0, random.Intn(2) == 0
					for range random.Intn(200) {
						s := sale{random.Int63n(5000), 1 + random.Int63n(9)}
						at := element.NoTimestamp
						if timed {
							at = random.Int63n(1000)
						}
						b.Append(s, at)
						if hashed {
							b.Hashes = append(b.Hashes, 0)
						}
						if name == "count" {
							s.Sum = 1
						}
						model[s.Shop] += s.Sum
						if emit == EachRecord {
							want = append(want, operatortest.Record[string]{Value: fmt.Sprint(s.Shop, model[s.Shop], true), Timestamp: at})
						}
					}
					if hashed && b.Len() > 0 { // the hashes that a keyed edge would send
						shops(t).Key.Hash(keysOf(b.Values), b.Hashes)
					}
					if err := in.Process(b); err != nil {
						t.Fatal(err)
					}
				}
				if !reflect.DeepEqual(out.All, want) {
					t.Fatalf("%d results differ from the %d wanted", len(out.All), len(want))
				}
				if err := instance.Operator.Finish(); err != nil {
					t.Fatal(err)
				}
				if emit == EachRecord {
					if len(out.All) != len(want) {
						t.Error("more results at the end")
					}
					return
				}
				got, wanted := map[string]int{}, map[string]int{}
				for _, v := range out.Values() {
					got[v]++
				}
				for shop, sum := range model {
					wanted[fmt.Sprint(shop, sum, true)]++
				}
				if !maps.Equal(got, wanted) {
					t.Errorf("%d finals, want %d", len(got), len(wanted))
				}
			})
		}
	}
}

func keysOf(sales []sale) (keys []int64) {
	for _, s := range sales {
		keys = append(keys, s.Shop)
	}
	return keys
}

func TestNaNIsNoKey(t *testing.T) {
	key, err := codec.ForKey[float64]()
	if err != nil {
		t.Fatal(err)
	}
	stream := keyed.Stream[float64, float64]{Selector: math.Log, Key: key}
	instance, _ := operatortest.Open[string](t, operatortest.Context(t, "count"),
		Count(stream, codecOf[int64](t), func(float64, int64) string { return "" }, EachRecord))
	err = instance.Inputs[0].(operator.Input[float64]).Process(operatortest.Batch(1.0, -1.0))
	if err == nil || !strings.Contains(err.Error(), `operator "count"`) || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("%v; want an error that names operator and cause", err)
	}
}

func TestFinalsStopWhenTheTaskIsCanceled(t *testing.T) {
	for name, form := range map[string]func(testing.TB, Emission) operator.Factory{"inline": inline, "encoded": encoded} {
		ctx := operatortest.Context(t, name)
		going, cancel := context.WithCancel(ctx.Go)
		ctx.Go = going
		instance, out := operatortest.Open[string](t, ctx, form(t, AtEnd))
		_ = instance.Inputs[0].(operator.Input[sale]).Process(operatortest.Batch(sale{1, 1}, sale{2, 2}))
		cancel()
		if err := instance.Operator.Finish(); !errors.Is(err, context.Canceled) || len(out.All) != 0 {
			t.Errorf("%s: %v, %d finals", name, err, len(out.All))
		}
	}
}

func TestFoldsAllocateNothing(t *testing.T) {
	batch := &element.Batch[sale]{}
	for i := range int64(1000) {
		batch.Append(sale{i % 100, 1}, i)
	}
	key := shops(t)
	sums := Fold[int64, sale, sale, int64]{
		Stream: key, Accumulators: codecOf[sale](t),
		Add:    func(acc *sale, _ bool, in *sale) { acc.Sum += in.Sum },
		Result: func(_ int64, acc *sale) int64 { return acc.Sum },
	}.Factory()
	counts := Count(key, codecOf[int64](t), func(_, n int64) int64 { return n }, EachRecord)
	for name, factory := range map[string]operator.Factory{"sum": sums, "count": counts} {
		instance, out := operatortest.Open[int64](t, operatortest.Context(t, name), factory)
		in := instance.Inputs[0].(operator.Input[sale])
		run := func() {
			out.All = out.All[:0]
			_ = in.Process(batch)
		}
		run()
		if allocs := testing.AllocsPerRun(100, run); allocs > 0 {
			t.Errorf("%s: %v allocations for a batch of 1000", name, allocs)
		}
	}
}
