package transform

import (
	"errors"
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
)

type recorded = operatortest.Record[int]

// randomBatches makes batches with event times, without them, and mixed ones.
func randomBatches(n int) (batches []*element.Batch[int]) {
	random := rand.New(rand.NewSource(1))
	for range n {
		b := &element.Batch[int]{}
		timed := random.Intn(3)
		for range random.Intn(10) {
			at := element.NoTimestamp
			if timed == 2 || timed == 1 && random.Intn(2) == 0 {
				at = random.Int63n(1000) - 500
			}
			b.Append(random.Intn(100), at)
		}
		batches = append(batches, b)
	}
	return batches
}

// TestRecordsKeepTheirEventTimes runs each operator over batches with event times and without, in any order, and compares
// with what it should do to single records.
func TestRecordsKeepTheirEventTimes(t *testing.T) {
	doubled := func(v int) []int { return []int{2 * v} }
	for name, c := range map[string]struct {
		factory operator.Factory
		each    func(int) []int
	}{
		"map":    {Map(func() func(int) int { return func(v int) int { return 2 * v } }), doubled},
		"mapErr": {MapErr(func() func(int) (int, error) { return func(v int) (int, error) { return 2 * v, nil } }), doubled},
		"filter": {
			Filter(func() func(int) bool { return func(v int) bool { return v%3 != 0 } }),
			func(v int) []int {
				if v%3 == 0 {
					return nil
				}
				return []int{v}
			},
		},
		"flatMap": {
			FlatMap(func() func(int, operator.Collector[int]) error {
				return func(v int, out operator.Collector[int]) error {
					for i := range v % 4 {
						out.Collect(v + i)
					}
					return nil
				}
			}),
			func(v int) (all []int) {
				for i := range v % 4 {
					all = append(all, v+i)
				}
				return all
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := operatortest.Context(t, name)
			instance, out := operatortest.Open[int](t, ctx, c.factory)
			in := instance.Inputs[0].(operator.Input[int])
			var want []recorded
			received := 0
			for _, b := range randomBatches(300) {
				before := append([]int(nil), b.Values...)
				if err := in.Process(b); err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(append([]int(nil), b.Values...), before) {
					t.Fatal("the batch of the input was changed")
				}
				received += b.Len()
				for i, v := range b.Values {
					for _, result := range c.each(v) {
						want = append(want, recorded{Value: result, Timestamp: b.TimestampAt(i)})
					}
				}
			}
			if !reflect.DeepEqual(out.All, want) {
				t.Errorf("emitted %v\nwant %v", out.All, want)
			}
			if ctx.RecordsIn.Count() != int64(received) || ctx.RecordsOut.Count() != int64(len(want)) {
				t.Errorf("counted %d records in, %d out; want %d, %d", ctx.RecordsIn.Count(), ctx.RecordsOut.Count(), received, len(want))
			}
		})
	}
}

func TestEventsPassThrough(t *testing.T) {
	instance, out := operatortest.Open[int](t, operatortest.Context(t, "filter"), Filter(func() func(int) bool { return func(int) bool { return false } }))
	in := instance.Inputs[0].(operator.Input[int])
	_ = in.Process(operatortest.Batch(1))
	_ = in.Watermark(7)
	_ = in.Idle(true)
	_ = in.Idle(false)
	want := []recorded{{Timestamp: 7, Event: "watermark"}, {Event: "idle"}, {Event: "active"}}
	if !reflect.DeepEqual(out.All, want) {
		t.Errorf("got %v, want %v", out.All, want)
	}
}

func TestFlatMapExpandsToAMillionInBatches(t *testing.T) {
	instance, out := operatortest.Open[int](t, operatortest.Context(t, "expand"), FlatMap(func() func(int, operator.Collector[int]) error {
		return func(v int, out operator.Collector[int]) error {
			for i := range v {
				out.CollectAt(i, int64(i))
			}
			return nil
		}
	}))
	if err := instance.Inputs[0].(operator.Input[int]).Process(operatortest.BatchAt([]int{1_000_000}, []int64{5})); err != nil {
		t.Fatal(err)
	}
	if len(out.All) != 1_000_000 || out.Batches < 900 {
		t.Fatalf("%d records in %d batches", len(out.All), out.Batches)
	}
	for i, r := range out.All {
		if r.Value != i || r.Timestamp != int64(i) {
			t.Fatalf("record %d is %+v", i, r)
		}
	}
}

var errBroken = errors.New("broken")

// TestErrorsOfOthersAreNotTheirs: what fails further down ends the function's work, under the other operator's name.
func TestErrorsOfOthersAreNotTheirs(t *testing.T) {
	ctx := operatortest.Context(t, "flat map")
	calls := 0
	instance, out := operatortest.Open[int](t, ctx, FlatMap(func() func(int, operator.Collector[int]) error {
		return func(v int, out operator.Collector[int]) error {
			calls++
			for i := range 5000 {
				out.Collect(i)
			}
			return nil
		}
	}))
	out.Fail = &operator.Failure{Operator: "sink", Cause: errBroken}
	err := instance.Inputs[0].(operator.Input[int]).Process(operatortest.Batch(1, 2, 3))
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), `"sink"`) || calls != 1 || out.Batches != 1 {
		t.Errorf("%v after %d calls, %d batches; want the sink's failure after one", err, calls, out.Batches)
	}
}

func TestMapErrNamesTheOperator(t *testing.T) {
	instance, out := operatortest.Open[int](t, operatortest.Context(t, "parse"), MapErr(func() func(int) (int, error) {
		return func(v int) (int, error) { return v, errBroken }
	}))
	err := instance.Inputs[0].(operator.Input[int]).Process(operatortest.Batch(1))
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), `operator "parse" (subtask 0)`) || len(out.All) != 0 {
		t.Errorf("%v, %d records", err, len(out.All))
	}
}

func TestCoFlatMap(t *testing.T) {
	instance, out := operatortest.Open[string](t, operatortest.Context(t, "co"), CoFlatMap(func() (func(int, operator.Collector[string]) error, func(string, operator.Collector[string]) error) {
		last := "none"
		return func(n int, out operator.Collector[string]) error {
				for range n {
					out.Collect(last)
				}
				return nil
			}, func(s string, _ operator.Collector[string]) error {
				last = s
				return nil
			}
	}))
	first, second := instance.Inputs[0].(operator.Input[int]), instance.Inputs[1].(operator.Input[string])
	_ = first.Process(operatortest.BatchAt([]int{1}, []int64{3}))
	_ = second.Process(operatortest.Batch("a", "b"))
	_ = first.Process(operatortest.Batch(0, 2))
	_ = first.Watermark(9)
	_ = second.Watermark(4)
	none := element.NoTimestamp
	want := []operatortest.Record[string]{
		{Value: "none", Timestamp: 3}, {Value: "b", Timestamp: none}, {Value: "b", Timestamp: none}, {Timestamp: 4, Event: "watermark"},
	}
	if !reflect.DeepEqual(out.All, want) {
		t.Errorf("got %v, want %v", out.All, want)
	}
}

// TestFanOutCopies: of several readers each but the last gets copies, made before anyone could change the record.
func TestFanOutCopies(t *testing.T) {
	var a, b operatortest.Recorder[*int]
	ctx := operatortest.Context(t, "map")
	instance, err := Map(func() func(*int) *int { return func(v *int) *int { return v } })(ctx, operator.Outputs{
		Main:    []any{operator.Input[*int](&a), operator.Input[*int](&b)},
		NewCopy: func() func(*int) *int { return func(v *int) *int { c := *v; return &c } },
	})
	if err != nil {
		t.Fatal(err)
	}
	value := 7
	in := instance.Inputs[0].(operator.Input[*int])
	_ = in.Process(operatortest.BatchAt([]*int{&value}, []int64{4}))
	_ = in.Watermark(5)
	if a.All[0].Value == &value || *a.All[0].Value != 7 || a.All[0].Timestamp != 4 || len(a.All) != 2 || b.All[0].Value != &value {
		t.Errorf("first %v, second %v", a.All, b.All)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	batch := &element.Batch[int]{}
	for i := range 1000 {
		batch.Append(i, int64(i))
	}
	for name, factory := range map[string]operator.Factory{
		"map":    Map(func() func(int) int { return func(v int) int { return v } }),
		"filter": Filter(func() func(int) bool { return func(v int) bool { return v%2 == 0 } }),
		"flatMap": FlatMap(func() func(int, operator.Collector[int]) error {
			return func(v int, out operator.Collector[int]) error { out.Collect(v); out.Collect(v); return nil }
		}),
	} {
		instance, out := operatortest.Open[int](t, operatortest.Context(t, name), factory)
		in := instance.Inputs[0].(operator.Input[int])
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
