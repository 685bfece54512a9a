package join

import (
	"fmt"
	"math"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/sstable"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/state/keygroup"
)

type record struct {
	Key int64
	N   int64
}

type pairing struct{}

func (pairing) Process(ctx *operator.JoinContext, left, right record, out operator.Collector[string]) error {
	at, _ := ctx.Timestamp()
	out.Collect(fmt.Sprint(left.Key, left.N, right.Key, right.N, ctx.LeftTimestamp(), ctx.RightTimestamp(), at))
	return nil
}

func byKey(t testing.TB) keyed.Stream[int64, record] {
	key, err := codec.ForKey[int64]()
	if err != nil {
		t.Fatal(err)
	}
	return keyed.Stream[int64, record]{Selector: func(r record) int64 { return r.Key }, Key: key}
}

// naive is the join as Flink describes it: each record has a timer of its own that drops it.
type naive struct {
	bounds    Bounds
	watermark int64
	left      []naiveRecord
	right     []naiveRecord
}

type naiveRecord struct {
	record
	at, cleanup int64
}

func (j *naive) add(side int, r record, at int64) (pairs []string, late bool) {
	if at < j.watermark {
		return nil, true
	}
	pair := func(left, right naiveRecord) {
		if distance := right.at - left.at; left.Key == right.Key && distance >= j.bounds.Lower && distance <= j.bounds.Upper {
			pairs = append(pairs, fmt.Sprint(left.Key, left.N, right.Key, right.N, left.at, right.at, max(left.at, right.at)))
		}
	}
	if side == 0 {
		in := naiveRecord{r, at, at + max(j.bounds.Upper, 0)}
		j.left = append(j.left, in)
		for _, other := range j.right {
			pair(in, other)
		}
		return pairs, false
	}
	in := naiveRecord{r, at, at - min(j.bounds.Lower, 0)}
	j.right = append(j.right, in)
	for _, other := range j.left {
		pair(other, in)
	}
	return pairs, false
}

func (j *naive) advance(to int64) {
	j.watermark = to
	over := func(r naiveRecord) bool { return r.cleanup <= to }
	j.left, j.right = slices.DeleteFunc(j.left, over), slices.DeleteFunc(j.right, over)
}

// joining is the operator with the two subtasks that it may have.
type joining struct {
	t        *testing.T
	factory  operator.Factory
	subtasks []operator.Instance
	outs     []*operatortest.Recorder[string]
	lates    []*operatortest.Recorder[record]
}

func (j *joining) open(parallelism int, restored []*snapshot.Operator) {
	j.subtasks, j.outs, j.lates = nil, nil, nil
	for i := range parallelism {
		ctx := operatortest.Context(j.t, "join")
		ctx.Subtask, ctx.Parallelism, ctx.KeyGroups, ctx.Restored = i, parallelism, keygroup.RangeOf(128, parallelism, i), restored
		ctx.CallAt = func(int64) {}
		out, late := &operatortest.Recorder[string]{}, &operatortest.Recorder[record]{}
		instance, err := j.factory(ctx, operator.Outputs{
			Main: []any{operator.Input[string](out)}, Side: map[string][]any{"late": {operator.Input[record](late)}},
		})
		if err != nil {
			j.t.Fatal(err)
		}
		if err := instance.Operator.Open(); err != nil {
			j.t.Fatal(err)
		}
		j.subtasks, j.outs, j.lates = append(j.subtasks, instance), append(j.outs, out), append(j.lates, late)
	}
}

func (j *joining) restart(parallelism int) {
	var taken []*snapshot.Operator
	for _, s := range j.subtasks {
		one, err := operator.Snapshot(s.Operator.(operator.Stateful))
		if err != nil {
			j.t.Fatal(err)
		}
		taken = append(taken, one)
		if err := s.Operator.Close(); err != nil {
			j.t.Fatal(err)
		}
	}
	j.open(parallelism, taken)
}

func (j *joining) watermark(at int64) {
	for _, s := range j.subtasks {
		for _, in := range s.Inputs {
			if err := in.(operator.Input[record]).Watermark(at); err != nil {
				j.t.Fatal(err)
			}
		}
	}
}

// add returns the pairs of a record, and whether it was late.
func (j *joining) add(keys keyed.Keys[int64, record], side int, r record, at int64) ([]string, bool) {
	batch := operatortest.BatchAt([]record{r}, []int64{at})
	_, hashes, err := keys.Of(batch)
	if err != nil {
		j.t.Fatal(err)
	}
	i := keygroup.SubtaskOf(keygroup.Group(hashes[0], 128), len(j.subtasks), 128)
	before, lates := len(j.outs[i].Values()), len(j.lates[i].Values())
	if err := j.subtasks[i].Inputs[side].(operator.Input[record]).Process(batch); err != nil {
		j.t.Fatal(err)
	}
	return j.outs[i].Values()[before:], len(j.lates[i].Values()) > lates
}

func TestIntervalJoinIsTheNaiveOne(t *testing.T) {
	tag := operator.NewOutputTag[record]("late")
	for seed := range int64(60) {
		random := rand.New(rand.NewSource(seed))
		bounds := Bounds{Lower: random.Int63n(12) - 6}
		bounds.Upper = bounds.Lower + random.Int63n(8)
		model := &naive{bounds: bounds, watermark: element.NoWatermark}
		stream := byKey(t)
		j := &joining{t: t, factory: Interval[int64, record, record, string]{
			Left: stream, Right: stream, Bounds: bounds, LateLeft: &tag, LateRight: &tag,
			NewFunction: func() operator.ProcessJoinFunction[record, record, string] { return pairing{} },
		}.Factory()}
		j.open(1, nil)
		keys := keyed.Keys[int64, record]{Stream: stream}
		now, script := int64(-20), []string{}
		for n := range int64(300) {
			switch p := random.Intn(100); {
			case p < 80:
				side, r, at := random.Intn(2), record{random.Int63n(3), n}, now+random.Int63n(14)-4
				script = append(script, fmt.Sprintf("side %d key %d n %d at %d", side, r.Key, n, at))
				want, wantLate := model.add(side, r, at)
				got, late := j.add(keys, side, r, at)
				slices.Sort(want)
				slices.Sort(got)
				if !slices.Equal(got, want) || late != wantLate {
					t.Fatalf("seed %d, bounds %+v: got %q late %v, want %q late %v, after\n%s", seed, bounds, got, late, want, wantLate, strings.Join(script, "\n"))
				}
			case p < 96:
				now += random.Int63n(4)
				if now > model.watermark {
					script = append(script, fmt.Sprint("watermark ", now))
					model.advance(now)
					j.watermark(now)
				}
			default:
				script = append(script, "restart")
				model.watermark = element.NoWatermark
				now -= random.Int63n(6)
				j.restart(1 + random.Intn(2))
			}
		}
		j.watermark(element.MaxWatermark)
		for i := range j.subtasks {
			taken, err := operator.Snapshot(j.subtasks[i].Operator.(operator.Stateful))
			if err != nil {
				t.Fatal(err)
			}
			for _, chain := range taken.Chains {
				if n := entriesOf(t, chain); n > 0 {
					t.Errorf("seed %d: %d entries of state are left at the end of time", seed, n)
				}
			}
			_ = j.subtasks[i].Operator.Close()
		}
	}
}

func TestIntervalJoinRefusesRecordsWithoutTime(t *testing.T) {
	stream := byKey(t)
	ctx := operatortest.Context(t, "join")
	ctx.CallAt = func(int64) {}
	instance, _ := operatortest.Open[string](t, ctx, Interval[int64, record, record, string]{
		Left: stream, Right: stream, Bounds: Bounds{0, 1},
		NewFunction: func() operator.ProcessJoinFunction[record, record, string] { return pairing{} },
	}.Factory())
	err := instance.Inputs[0].(operator.Input[record]).Process(operatortest.Batch(record{1, 1}))
	if err == nil || !strings.Contains(err.Error(), "no timestamp") {
		t.Errorf("%v; want an error that says what is missing", err)
	}
}

func TestTimesStopAtTheEnds(t *testing.T) {
	for _, test := range []struct{ got, want int64 }{
		{plus(math.MaxInt64, 1), math.MaxInt64}, {plus(math.MinInt64, -1), math.MinInt64}, {plus(1, 2), 3},
		{minus(math.MinInt64, 1), math.MinInt64}, {minus(math.MaxInt64, -1), math.MaxInt64}, {minus(1, 2), -1},
		{bucketOf(-1, 10), -10}, {bucketOf(-10, 10), -10}, {bucketOf(9, 10), 0}, {bucketOf(10, 10), 10},
		{bucketOf(math.MinInt64+1, 10), math.MinInt64}, {Bounds{-2, 3}.width(), 6},
		{Bounds{math.MinInt64, math.MaxInt64}.width(), math.MaxInt64},
	} {
		if test.got != test.want {
			t.Errorf("got %d, want %d", test.got, test.want)
		}
	}
}

func entriesOf(t *testing.T, chain snapshot.Chain) (n int) {
	err := sstable.ReadChain(chain, chain.Groups, func(_, _ []byte) error {
		n++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
