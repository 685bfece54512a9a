package sliced_test

import (
	"fmt"
	"math"
	"math/rand"
	"slices"
	"testing"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/runtime/operator/window/internal/vectors"
	"github.com/weir-stream/weir/runtime/operator/window/sliced"
)

// gate passes on what several subtasks emit; its watermark is the least of those that are not idle.
type gate[T any] struct {
	next  operator.Input[T]
	marks []int64
	idle  []bool
	out   int64
}

type gateInput[T any] struct {
	*gate[T]
	i int
}

func newGate[T any](next operator.Input[T], inputs int) *gate[T] {
	return &gate[T]{next, slices.Repeat([]int64{math.MinInt64}, inputs), make([]bool, inputs), math.MinInt64}
}

func (g gateInput[T]) Process(b *element.Batch[T]) error { return g.next.Process(b) }
func (g gateInput[T]) Watermark(at int64) error {
	g.marks[g.i] = max(g.marks[g.i], at)
	return g.advance()
}
func (g gateInput[T]) Idle(idle bool) error {
	g.idle[g.i] = idle
	return g.advance()
}

func (g *gate[T]) advance() error {
	least, active := int64(math.MaxInt64), false
	for i, mark := range g.marks {
		if !g.idle[i] {
			least, active = min(least, mark), true
		}
	}
	if !active || least <= g.out {
		return nil
	}
	g.out = least
	return g.next.Watermark(least)
}

// TestPartialsGiveTheSameResults compares windows behind several subtasks that aggregate first with windows behind the
// same subtasks that do not, step by step: late records, idle subtasks and snapshots included.
func TestPartialsGiveTheSameResults(t *testing.T) {
	for seed := range int64(80) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewSource(seed))
			c := flat(t)
			c.Slide = 1 + random.Int63n(15)
			c.Size = 1 + random.Int63n(40)
			c.Offset = random.Int63n(10)
			inputs := 1 + random.Intn(4)
			plain, plainOut := operatortest.Open[vectors.Result](t, operatortest.Context(t, "plain"), c.Factory())
			global, globalOut := operatortest.Open[vectors.Result](t, operatortest.Context(t, "global"), c.Global().Factory())
			plainGate := newGate(plain.Inputs[0].(operator.Input[vectors.Record]), inputs)
			globalGate := newGate(global.Inputs[0].(operator.Input[sliced.Partial[string, vectors.Flat]]), inputs)
			var direct, locals []operator.Input[vectors.Record]
			var preparing []operator.BarrierPreparer
			for i := range inputs {
				direct = append(direct, gateInput[vectors.Record]{plainGate, i})
				next := operator.Input[sliced.Partial[string, vectors.Flat]](gateInput[sliced.Partial[string, vectors.Flat]]{globalGate, i})
				l, err := c.Local()(operatortest.Context(t, "local"), operator.Outputs{Main: []any{next}})
				if err != nil {
					t.Fatal(err)
				}
				locals = append(locals, l.Inputs[0].(operator.Input[vectors.Record]))
				preparing = append(preparing, l.Operator.(operator.BarrierPreparer))
			}
			both := func(i int, f func(operator.Input[vectors.Record]) error) {
				for _, in := range []operator.Input[vectors.Record]{direct[i], locals[i]} {
					if err := f(in); err != nil {
						t.Fatal(err)
					}
				}
			}
			now, n := make([]int64, inputs), int64(0)
			for step := range 200 {
				i := random.Intn(inputs)
				switch random.Intn(12) {
				case 0, 1, 2, 3:
					now[i] += random.Int63n(12)
					both(i, func(in operator.Input[vectors.Record]) error { return in.Watermark(now[i]) })
				case 4:
					idle := random.Intn(2) == 0
					both(i, func(in operator.Input[vectors.Record]) error { return in.Idle(idle) })
				case 5:
					if err := preparing[i].PrepareBarrier(1); err != nil {
						t.Fatal(err)
					}
				default:
					var batch element.Batch[vectors.Record]
					for range 1 + random.Intn(5) {
						r := vectors.Record{Key: string(rune('a' + random.Intn(4))), Value: random.Int63n(100), N: n % 192}
						batch.Append(r, now[i]+random.Int63n(60)-20)
						n++
					}
					both(i, func(in operator.Input[vectors.Record]) error { return in.Process(&batch) })
				}
				if got, want := byKey(globalOut), byKey(plainOut); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("size %d slide %d offset %d, step %d: emitted\n%v\nwant\n%v", c.Size, c.Slide, c.Offset, step, got, want)
				}
			}
		})
	}
}

func byKey(out *operatortest.Recorder[vectors.Result]) map[string][]string {
	all := map[string][]string{}
	for _, r := range out.All {
		if r.Event == "" {
			key, text := describe(r.Value)
			all[key] = append(all[key], text)
		}
	}
	out.All = nil
	return all
}

// TestPartialsAreBounded looks at how many partials there are, few if keys repeat, and at how many records are held.
func TestPartialsAreBounded(t *testing.T) {
	for _, test := range []struct{ keys, most int64 }{{1000, 15_000}, {math.MaxInt64, 600_000}} {
		c := counting(t, 1000, 1000)
		local, out := operatortest.Open[sliced.Partial[int64, int64]](t, operatortest.Context(t, "local"), c.Local())
		in := local.Inputs[0].(operator.Input[int64])
		var came, left, partials int64
		take := func() {
			for _, p := range out.Values() {
				left += p.Acc
				partials++
			}
			out.All = nil
		}
		random := rand.New(rand.NewSource(1))
		for came < 600_000 {
			var batch element.Batch[int64]
			for range 1000 {
				batch.Append(random.Int63n(test.keys), came/50)
			}
			came += 1000
			if err := in.Process(&batch); err != nil {
				t.Fatal(err)
			}
			if take(); came-left > 200_000 {
				t.Fatalf("%d keys: %d records are held back", test.keys, came-left)
			}
			if err := in.Watermark(came/50 - 1); err != nil {
				t.Fatal(err)
			}
		}
		if err := local.Operator.Finish(); err != nil {
			t.Fatal(err)
		}
		if take(); left != came {
			t.Errorf("%d keys: the partials count %d records, want %d", test.keys, left, came)
		}
		if partials > test.most {
			t.Errorf("%d keys: %d partials, want at most %d", test.keys, partials, test.most)
		}
	}
}
