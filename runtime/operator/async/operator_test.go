package async

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	goruntime "runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
)

// manual is a function whose test completes its invocations.
type manual struct {
	invoked []int
	futures map[int]Future[string]
	// onInvoke, if set, is called too.
	onInvoke func(Future[string])
}

func (m *manual) Invoke(in int, result Future[string]) error {
	m.invoked = append(m.invoked, in)
	m.futures[in] = result
	if m.onInvoke != nil {
		m.onInvoke(result)
	}
	return nil
}

// bench has one operator under test.
type bench struct {
	t        *testing.T
	ctx      *operator.Context
	function *manual
	instance operator.Instance
	in       operator.Input[int]
	out      *operatortest.Recorder[string]
	task     *operatortest.Task
	read     int
}

func open(t *testing.T, options Options[int, string], restored ...*snapshot.Operator) *bench {
	t.Helper()
	b := &bench{t: t, ctx: operatortest.Context(t, "Look Up"), function: &manual{futures: map[int]Future[string]{}}}
	b.ctx.Restored = restored
	factory, err := Operator(func() Function[int, string] { return b.function }, options)
	if err != nil {
		t.Fatal(err)
	}
	b.instance, b.out = operatortest.Open[string](t, b.ctx, factory)
	b.in = b.instance.Inputs[0].(operator.Input[int])
	b.task = b.ctx.Task.(*operatortest.Task)
	return b
}

func (b *bench) process(values ...int) {
	b.t.Helper()
	timestamps := make([]int64, len(values))
	for i, v := range values {
		timestamps[i] = int64(100 + v)
	}
	if err := b.in.Process(operatortest.BatchAt(values, timestamps)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) watermark(at int64) {
	b.t.Helper()
	if err := b.in.Watermark(at); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) complete(n int, results ...string) {
	b.function.futures[n].Complete(results...)
	b.task.RunActions()
}

func (b *bench) advance(d time.Duration) {
	b.ctx.Clock.(*clock.Manual).Advance(d)
	b.task.RunActions()
}

// emitted is what came out since the last call, "a@101 w5".
func (b *bench) emitted() string {
	var all []string
	for _, r := range b.out.All[b.read:] {
		switch r.Event {
		case "":
			all = append(all, fmt.Sprintf("%s@%d", r.Value, r.Timestamp))
		case "watermark":
			all = append(all, fmt.Sprintf("w%d", r.Timestamp))
		default:
			all = append(all, r.Event)
		}
	}
	b.read = len(b.out.All)
	return strings.Join(all, " ")
}

func (b *bench) want(want string) {
	b.t.Helper()
	if got := b.emitted(); got != want {
		b.t.Fatalf("emitted %q, want %q", got, want)
	}
}

func (b *bench) err() error {
	_, err := b.instance.Operator.(interface{ Ready() (bool, error) }).Ready()
	return err
}

func TestOrderedKeepsTheOrderOfTheRecords(t *testing.T) {
	b := open(t, Options[int, string]{})
	b.process(0, 1, 2)
	b.watermark(7)
	b.complete(2, "c")
	b.complete(1, "b", "bb")
	b.want("")
	b.complete(0)
	b.want("b@101 bb@101 c@102 w7")
	b.watermark(8)
	b.want("w8")
}

func TestUnorderedNeverCrossesAWatermark(t *testing.T) {
	b := open(t, Options[int, string]{Order: Unordered})
	b.process(0, 1)
	b.watermark(7)
	b.process(2, 3)
	if err := b.in.Idle(true); err != nil {
		t.Fatal(err)
	}
	b.process(4)
	b.complete(3, "d")
	b.complete(1, "b")
	b.want("b@101")
	b.complete(4, "e")
	b.complete(0, "a")
	b.want("a@100 w7 d@103")
	b.complete(2, "c")
	b.want("c@102 idle e@104")
}

func TestOnlyTheFirstOutcomeCounts(t *testing.T) {
	b := open(t, Options[int, string]{})
	b.process(0)
	future := b.function.futures[0]
	future.Complete("first")
	future.Complete("second")
	future.Fail(errors.New("too late"))
	b.task.RunActions()
	b.want("first@100")
	if b.err() != nil {
		t.Error(b.err())
	}
}

// TestNothingIsEmittedWhileTheJobStops: what is under way is in the savepoint, and would be seen twice.
func TestNothingIsEmittedWhileTheJobStops(t *testing.T) {
	b := open(t, Options[int, string]{Capacity: 2, Timeout: time.Second})
	b.process(0, 1, 2)
	b.watermark(7)
	b.ctx.Stopped = 5
	b.complete(0, "a")
	b.complete(1, "b")
	b.advance(time.Minute)
	b.want("")
	if err := b.err(); err != nil || len(b.function.invoked) != 2 {
		t.Fatalf("%d records are invoked, %v", len(b.function.invoked), err)
	}
	b.ctx.Stopped = 0
	if err := b.instance.Operator.(operator.CheckpointListener).CheckpointAborted(5); err != nil {
		t.Fatal(err)
	}
	b.task.RunActions()
	b.want("a@100 b@101")
	b.complete(2, "c")
	b.want("c@102 w7")
}

func TestNoMoreThanTheCapacityIsUnderWay(t *testing.T) {
	b := open(t, Options[int, string]{Capacity: 2})
	ready := func(want bool) {
		t.Helper()
		if got, _ := b.instance.Operator.(interface{ Ready() (bool, error) }).Ready(); got != want {
			t.Fatalf("ready is %v, want %v", got, want)
		}
	}
	b.process(0, 1)
	ready(true)
	b.process(2)
	b.watermark(5)
	b.process(3)
	ready(false)
	b.complete(1, "b") // is done, but not emitted
	if !slices.Equal(b.function.invoked, []int{0, 1}) {
		t.Fatalf("invoked %v with a capacity of 2", b.function.invoked)
	}
	b.complete(0, "a")
	b.want("a@100 b@101")
	if !slices.Equal(b.function.invoked, []int{0, 1, 2, 3}) {
		t.Fatalf("invoked %v when there was room again", b.function.invoked)
	}
	ready(true)
	b.complete(3, "d")
	b.complete(2, "c")
	b.want("c@102 w5 d@103")
}

func TestTimeout(t *testing.T) {
	options := Options[int, string]{Timeout: 20 * time.Millisecond, OnTimeout: func(n int) ([]string, error) { return []string{fmt.Sprint("late ", n)}, nil }}
	b := open(t, options)
	b.process(0)
	ctx := b.function.futures[0].Context()
	b.advance(15 * time.Millisecond)
	b.process(1)
	b.complete(1, "b")
	b.process(2)
	b.advance(4 * time.Millisecond)
	b.want("")
	b.advance(time.Millisecond)
	b.want("late 0@100 b@101")
	if ctx.Err() == nil {
		t.Error("the context of a record whose time is up is not done")
	}
	b.complete(0, "never")
	b.advance(14 * time.Millisecond)
	b.want("")
	b.advance(time.Millisecond)
	b.want("late 2@102")
}

func TestALateResultAfterATimeoutIsDropped(t *testing.T) {
	b := open(t, Options[int, string]{Order: Unordered, Timeout: time.Millisecond, OnTimeout: func(n int) ([]string, error) { return []string{"late"}, nil }})
	b.process(0)
	b.advance(time.Millisecond)
	b.want("late@100")
	b.complete(0, "too late")
	b.process(1)
	b.watermark(4)
	b.complete(1, "b")
	b.want("b@101 w4")
}

func TestATimeoutWithoutHandlerFails(t *testing.T) {
	b := open(t, Options[int, string]{Timeout: time.Millisecond})
	b.process(0)
	b.advance(time.Millisecond)
	if err := b.err(); !errors.Is(err, ErrTimeout) || !strings.Contains(err.Error(), `operator "Look Up"`) {
		t.Errorf("failed with %v", err)
	}
}

func TestRetries(t *testing.T) {
	flaky, fatal := errors.New("flaky"), errors.New("fatal")
	options := Options[int, string]{Retry: Retry[string]{
		Attempts: 3, Delay: ExponentialBackoff(10*time.Millisecond, 25*time.Millisecond, 2),
		OnError:  func(err error) bool { return errors.Is(err, flaky) },
		OnResult: func(results []string) bool { return len(results) == 0 },
	}}
	b := open(t, options)
	invoked := func(want int) {
		t.Helper()
		if got := len(b.function.invoked); got != want {
			t.Fatalf("invoked %d times, want %d", got, want)
		}
	}
	b.process(0)
	b.function.futures[0].Fail(flaky)
	b.task.RunActions()
	b.advance(9 * time.Millisecond)
	invoked(1)
	b.advance(time.Millisecond)
	invoked(2)
	b.complete(0) // no result is worth another attempt, after 20 ms
	b.advance(19 * time.Millisecond)
	invoked(2)
	b.advance(time.Millisecond)
	invoked(3)
	b.complete(0)
	b.advance(25 * time.Millisecond)
	invoked(4)
	b.complete(0) // the attempts are used up
	invoked(4)
	b.watermark(3)
	b.want("w3")

	b.process(1)
	b.function.futures[1].Fail(fatal)
	b.task.RunActions()
	if err := b.err(); !errors.Is(err, fatal) {
		t.Errorf("failed with %v, want %v", err, fatal)
	}
}

func TestRetriesThatWaitAreMadeAtTheEndOfInput(t *testing.T) {
	b := open(t, Options[int, string]{Retry: Retry[string]{Attempts: 5, Delay: FixedDelay(time.Hour), OnResult: func(r []string) bool { return len(r) == 0 }}})
	b.process(0)
	b.complete(0)
	again := make(chan Future[string], 1)
	b.function.onInvoke = func(result Future[string]) { again <- result }
	go func() { (<-again).Complete() }() // worth another attempt, were there time
	if err := b.instance.Operator.Finish(); err != nil {
		t.Fatal(err)
	}
	if got := len(b.function.invoked); got != 2 {
		t.Errorf("invoked %d times, want 2", got)
	}
	b.want("")
}

func TestSnapshotHasWhatIsUnderWay(t *testing.T) {
	for _, order := range []Order{Ordered, Unordered} {
		options := Options[int, string]{Order: order, Capacity: 2}
		b := open(t, options)
		b.process(0, 1)
		b.watermark(5)
		b.process(2, 3)
		b.complete(1, "b")
		taken, err := operator.Snapshot(b.instance.Operator.(operator.Stateful))
		if err != nil {
			t.Fatal(err)
		}
		b.emitted()

		r := open(t, options, taken)
		if order == Ordered && !slices.Equal(r.function.invoked, []int{0, 1}) {
			t.Fatalf("invoked %v after the restore", r.function.invoked)
		}
		for n := range 4 {
			if _, ok := r.function.futures[n]; ok {
				r.complete(n, fmt.Sprint(n))
			}
		}
		want := "0@100 1@101 w5 2@102 3@103"
		if order == Unordered {
			want = "0@100 w5 2@102 3@103" // 1 was emitted before the snapshot
		}
		r.want(want)
	}
}

func TestRestoreDealsTheQueueOut(t *testing.T) {
	b := open(t, Options[int, string]{})
	b.process(0, 1, 2, 3, 4)
	taken, _ := operator.Snapshot(b.instance.Operator.(operator.Stateful))
	for _, c := range []struct {
		before []*snapshot.Operator
		want   [][]int
	}{
		{[]*snapshot.Operator{taken}, [][]int{{0, 1, 2}, {3, 4}}},
		{[]*snapshot.Operator{{}, taken, {}}, [][]int{{0, 1, 2}, {3, 4}}},
		{[]*snapshot.Operator{{}, taken}, [][]int{nil, {0, 1, 2, 3, 4}}}, // the first had finished, and does nothing any more
	} {
		for subtask, want := range c.want {
			function := &manual{futures: map[int]Future[string]{}}
			factory, _ := Operator(func() Function[int, string] { return function }, Options[int, string]{})
			ctx := operatortest.Context(t, "Look Up")
			ctx.Subtask, ctx.Parallelism, ctx.Restored = subtask, len(c.want), c.before
			operatortest.Open[string](t, ctx, factory)
			if !slices.Equal(function.invoked, want) {
				t.Errorf("%d subtasks of before: subtask %d invokes %v, want %v", len(c.before), subtask, function.invoked, want)
			}
		}
	}
}

type (
	recordBefore struct{ ID int }
	recordToday  struct {
		Name string
		ID   int
	}
	// today keeps the records that it is called for.
	today struct{ invoked []recordToday }
)

func (f *today) Invoke(in recordToday, _ Future[string]) error {
	f.invoked = append(f.invoked, in)
	return nil
}

func TestRecordsWithANewFieldGoOn(t *testing.T) {
	described, err := Lists[recordBefore]()
	if err != nil {
		t.Fatal(err)
	}
	elements, _ := codec.For[queuedElement[recordBefore]]()
	described[0].Elements = [][]byte{elements.Append(nil, &queuedElement[recordBefore]{Value: []recordBefore{{7}}})}
	function := new(today)
	factory, _ := Operator(func() Function[recordToday, string] { return function }, Options[recordToday, string]{})
	ctx := operatortest.Context(t, "Look Up")
	ctx.Restored = []*snapshot.Operator{{Lists: described}}
	operatortest.Open[string](t, ctx, factory)
	if !slices.Equal(function.invoked, []recordToday{{ID: 7}}) {
		t.Errorf("invoked %v", function.invoked)
	}
}

func TestDamagedQueuesAreRefused(t *testing.T) {
	for _, damaged := range [][]byte{{}, {1}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []byte("nonsense, for sure")} {
		ctx := operatortest.Context(t, "Look Up")
		described, _ := Lists[int]()
		described[0].Elements = [][]byte{damaged}
		ctx.Restored = []*snapshot.Operator{{Lists: described}}
		factory, _ := Operator(func() Function[int, string] { return &manual{} }, Options[int, string]{})
		instance, err := factory(ctx, operator.Outputs{})
		if err != nil {
			t.Fatal(err)
		}
		if err := instance.Operator.Open(); err == nil {
			t.Errorf("%x was taken for a queue", damaged)
		}
		_ = instance.Operator.Close()
	}
}

// runBlocking has a function work on 1, 2, 3 and 4.
func runBlocking(t *testing.T, call Call[int, string], options Options[int, string]) ([]string, error) {
	t.Helper()
	ctx := operatortest.Context(t, "Look Up")
	factory, err := Operator(Blocking(call), options)
	if err != nil {
		t.Fatal(err)
	}
	instance, out := operatortest.Open[string](t, ctx, factory)
	err = instance.Inputs[0].(operator.Input[int]).Process(operatortest.Batch(1, 2, 3, 4))
	err = errors.Join(err, instance.Operator.Finish())
	return out.Values(), err
}

func TestBlockingFunctionsRunAtTheSameTime(t *testing.T) {
	meet := make(chan struct{})
	out, err := runBlocking(t, func(_ context.Context, n int) ([]string, error) {
		select {
		case meet <- struct{}{}:
		case <-meet:
		}
		return []string{fmt.Sprint(n)}, nil
	}, Options[int, string]{Capacity: 2})
	if err != nil || !slices.Equal(out, []string{"1", "2", "3", "4"}) {
		t.Errorf("emitted %v, %v", out, err)
	}
}

func TestBlockingFunctionsThatFail(t *testing.T) {
	broken := errors.New("broken")
	calls := map[string]Call[int, string]{
		`operator "Look Up" (subtask 0) failed: broken`:                 func(context.Context, int) ([]string, error) { return nil, broken },
		`operator "Look Up" (subtask 0) panicked: no such luck`:         func(context.Context, int) ([]string, error) { panic("no such luck") },
		`operator "Look Up" (subtask 0) failed: the function ended its`: func(context.Context, int) ([]string, error) { goruntime.Goexit(); return nil, nil },
	}
	for want, call := range calls {
		tries := new(atomic.Int64)
		_, err := runBlocking(t, func(ctx context.Context, n int) ([]string, error) {
			tries.Add(1)
			return call(ctx, n)
		}, Options[int, string]{Capacity: 1, Retry: Retry[string]{Attempts: 2}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("failed with %v, want %s", err, want)
		}
		if panicked := strings.Contains(want, "panicked"); panicked && tries.Load() != 1 {
			t.Errorf("a call that panics was made %d times", tries.Load())
		}
	}
}

func TestCloseWaitsForCallsAndTellsThem(t *testing.T) {
	ctx := operatortest.Context(t, "Look Up")
	begun, returned := make(chan struct{}), new(atomic.Bool)
	factory, _ := Operator(Blocking(func(ctx context.Context, _ int) ([]string, error) {
		close(begun)
		<-ctx.Done()
		returned.Store(true)
		return nil, ctx.Err()
	}), Options[int, string]{})
	instance, err := factory(ctx, operator.Outputs{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(instance.Operator.Open(), instance.Inputs[0].(operator.Input[int]).Process(operatortest.Batch(1))); err != nil {
		t.Fatal(err)
	}
	<-begun
	if err := instance.Operator.Close(); err != nil || !returned.Load() {
		t.Errorf("closed with %v; the call has returned: %v", err, returned.Load())
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	for want, options := range map[string]Options[int, string]{
		"capacity -1": {Capacity: -1}, "timeout -1s": {Timeout: -time.Second}, "order 7": {Order: 7},
		"OnTimeout":   {OnTimeout: func(int) ([]string, error) { return nil, nil }},
		"no Attempts": {Retry: Retry[string]{Delay: FixedDelay(1)}}, "-2 retries": {Retry: Retry[string]{Attempts: -2}},
	} {
		if _, err := Operator(func() Function[int, string] { return nil }, options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: refused with %v", want, err)
		}
	}
	if _, err := Operator(func() Function[chan int, string] { return nil }, Options[chan int, string]{}); err == nil {
		t.Error("records that no snapshot can hold were not refused")
	}
}

// TestRandomRunsAgainstAModel completes records in random order and compares with what the rules say.
func TestRandomRunsAgainstAModel(t *testing.T) {
	for seed := range int64(200) {
		rng := rand.New(rand.NewSource(seed))
		order := Order(seed % 2)
		b := open(t, Options[int, string]{Order: order, Capacity: 1 + rng.Intn(6)})
		var arrived, want []string // records and watermarks
		var doneAt []int           // when each was completed, 0 if not
		index := map[int]int{}
		clock, next := 0, 0
		open := []int{}
		for range 60 {
			switch rng.Intn(4) {
			case 0:
				arrived, doneAt = append(arrived, fmt.Sprintf("w%d", len(arrived))), append(doneAt, -1)
				b.watermark(int64(len(arrived) - 1))
			case 1:
				for range 1 + rng.Intn(3) {
					index[next] = len(arrived)
					arrived, doneAt = append(arrived, fmt.Sprintf("%d@%d", next, 100+next)), append(doneAt, 0)
					b.process(next)
					next++
				}
			default:
				open = open[:0]
				for n := range b.function.futures {
					if doneAt[index[n]] == 0 {
						open = append(open, n)
					}
				}
				if len(open) > 0 {
					slices.Sort(open)
					n := open[rng.Intn(len(open))]
					clock++
					doneAt[index[n]] = clock
					b.complete(n, fmt.Sprint(n))
				}
			}
			want = model(order, arrived, doneAt)
			if got := strings.Fields(all(b)); !slices.Equal(got, want) {
				t.Fatalf("seed %d: emitted %v, want %v", seed, got, want)
			}
		}
	}
}

func all(b *bench) string {
	b.read = 0
	return b.emitted()
}

// model says what is out, of what arrived and when it was done (0 not yet, -1 for watermarks).
func model(order Order, arrived []string, doneAt []int) (out []string) {
	for from := 0; from < len(arrived); {
		to := from
		for to < len(arrived) && doneAt[to] >= 0 {
			to++
		}
		segment := []int{}
		whole := true
		for i := from; i < to; i++ {
			if doneAt[i] == 0 {
				whole = false
				if order == Ordered {
					break
				}
				continue
			}
			segment = append(segment, i)
		}
		if order == Unordered {
			slices.SortFunc(segment, func(a, b int) int { return doneAt[a] - doneAt[b] })
		}
		for _, i := range segment {
			out = append(out, arrived[i])
		}
		if !whole || to == len(arrived) {
			return out
		}
		out = append(out, arrived[to])
		from = to + 1
	}
	return out
}
