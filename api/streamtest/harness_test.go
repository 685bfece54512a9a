package streamtest_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
	"github.com/weir-stream/weir/state"
)

// reading is the record of these tests.
type reading struct {
	Sensor string
	Value  int64
}

func (r reading) sensor() string { return r.Sensor }

// adding keeps the sum and the values of each sensor and emits the sum.
type adding struct {
	Sum  state.Value[int64]         `state:"sum"`
	All  state.List[int64]          `state:"all"`
	Seen state.Map[int64, struct{}] `state:"seen"`
}

func (a *adding) Process(_ *stream.KeyedContext[string], in reading, out stream.Collector[reading]) error {
	a.Sum.Update(func(sum *int64) { *sum += in.Value })
	a.All.Add(in.Value)
	a.Seen.Put(in.Value, struct{}{})
	sum, _ := a.Sum.Get()
	out.Collect(reading{in.Sensor, sum})
	return nil
}

func sums(t *testing.T, opts ...streamtest.Option) (*streamtest.Feed[reading], *streamtest.Recorded[reading], *streamtest.Harness) {
	env := streamtest.NewEnvironment(t)
	in := streamtest.Input[reading](env)
	out := streamtest.Output(stream.Process(stream.KeyBy(in.Stream(), reading.sensor), func() *adding { return new(adding) }).UID("sums"))
	return in, out, streamtest.New(t, env, opts...)
}

func equal[V any](t *testing.T, what string, got, want V) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestRecordsAndEventsComeOutInTheirOrder(t *testing.T) {
	in, out, h := sums(t)
	in.SendAt(reading{"a", 1}, 5)
	in.Send(reading{"a", 2}, reading{"b", 7})
	equal(t, "after records", out.Take(), []streamtest.Item[reading]{
		streamtest.At(reading{"a", 1}, 5),
		streamtest.At(reading{"a", 3}, streamtest.NoTimestamp), streamtest.At(reading{"b", 7}, streamtest.NoTimestamp),
	})
	in.Watermark(9)
	in.Idle()
	in.Active()
	h.EndInput()
	equal(t, "events", out.Take(), []streamtest.Item[reading]{
		{Kind: streamtest.Watermark, Timestamp: 9}, {Kind: streamtest.Idle}, {Kind: streamtest.Active},
		{Kind: streamtest.Watermark, Timestamp: streamtest.MaxWatermark},
	})
}

func TestStateSurvivesRestoreAndRescale(t *testing.T) {
	for _, backend := range []string{"hashmap", "pebble"} {
		t.Run(backend, func(t *testing.T) {
			in, out, h := sums(t, streamtest.StateBackend(backend), streamtest.Parallelism(2))
			var want []reading
			for i := range 40 {
				r := reading{fmt.Sprint("s", i), int64(i)}
				in.Send(r)
				want = append(want, reading{r.Sensor, int64(i + 100)})
			}
			in.Watermark(50)
			taken := h.Snapshot()
			in.Send(reading{"s3", 1000}) // is forgotten by the restore
			out.Take()

			h.Restore(taken, streamtest.Parallelism(3))
			for i := range 40 {
				in.Send(reading{fmt.Sprint("s", i), 100})
			}
			equal(t, "sums", out.TakeValues(), want)
			in.Watermark(40)
			equal(t, "watermark, which is no state", out.Take(), []streamtest.Item[reading]{{Kind: streamtest.Watermark, Timestamp: 40}})

			sum, ok := streamtest.Value[int64](h, "sums", "s3", "sum")
			equal(t, "value", []any{sum, ok}, []any{int64(103), true})
			_, ok = streamtest.Value[int64](h, "sums", "s", "sum") // a prefix of keys that are there
			equal(t, "absent value", ok, false)
			equal(t, "list", streamtest.List[int64](h, "sums", "s3", "all"), []int64{3, 100})
			equal(t, "map", streamtest.Map[int64, struct{}](h, "sums", "s3", "seen"), map[int64]struct{}{3: {}, 100: {}})
			equal(t, "number of keys", len(streamtest.Keys[string](h, "sums", "seen")), 40)
		})
	}
}

func TestWatermarksOfChannelsAreCombined(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	in := streamtest.Input[int](env, 2)
	out := streamtest.Output(stream.Map(in.Stream(), func(n int) int { return n }))
	h := streamtest.New(t, env)
	in.Channel(0).Watermark(10)
	equal(t, "of one channel", out.Take(), nil)
	in.Channel(1).Watermark(7)
	equal(t, "of both", fmt.Sprint(out.Take()), "[watermark 7]")
	in.Channel(1).Idle()
	equal(t, "of the one that is not idle", fmt.Sprint(out.Take()), "[watermark 10]")
	in.Send(1)
	in.Channel(0).Send(2)
	equal(t, "records", out.TakeValues(), []int{1, 2})
	h.EndInput()
}

func TestEdgesRouteAsInAJob(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	in := streamtest.Input[int](env)
	where := func() func(int) string {
		n := 0
		return func(int) string { n++; return fmt.Sprint(n) }
	}
	dealt := streamtest.Output(stream.MapWith(in.Stream().Rebalance(), where))
	everywhere := streamtest.Output(stream.MapWith(in.Stream().Broadcast(), where))
	streamtest.New(t, env, streamtest.Parallelism(3))
	in.Send(1, 2, 3, 4)
	equal(t, "dealt", sorted(dealt.TakeValues()), []string{"1", "1", "1", "2"})
	equal(t, "broadcast", sorted(everywhere.TakeValues()), sorted(strings.Split("1 2 3 4 1 2 3 4 1 2 3 4", " ")))
}

func sorted[V int | string](values []V) []V { slices.Sort(values); return values }

// spoiling changes the records that it is given, which is forbidden.
func spoiling(in []int64) []int64 {
	in[0]++
	return in
}

func TestCheatsAreFoundUnlessObjectsAreReused(t *testing.T) {
	result := func(opts ...streamtest.Option) []int64 {
		env := streamtest.NewEnvironment(t)
		in := streamtest.Input[[]int64](env)
		streamtest.Output(in.Stream())
		streamtest.Output(stream.Map(in.Stream(), spoiling))
		out := streamtest.Output(stream.Map(in.Stream(), func(in []int64) int64 { return in[0] }))
		streamtest.New(t, env, opts...)
		in.Send([]int64{1})
		return out.TakeValues()
	}
	equal(t, "with copies", result(), []int64{1})
	equal(t, "with object reuse", result(streamtest.ObjectReuse()), []int64{2})
}

// failing is a T that keeps what it is told.
type failing struct{ message string }

func (f *failing) Helper()        {}
func (f *failing) Cleanup(func()) {}
func (f *failing) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	panic(f)
}

func failure(test func(t streamtest.T)) (message string) {
	f := new(failing)
	defer func() {
		if r := recover(); r != nil && r != f {
			panic(r)
		}
		message = f.message
	}()
	test(f)
	return ""
}

func TestFailuresFailTheTestAndSayWhere(t *testing.T) {
	for want, test := range map[string]func(streamtest.T){
		`operator "Strict" (subtask 0) failed: 13 is unlucky`: func(t streamtest.T) {
			env := streamtest.NewEnvironment(t)
			in := streamtest.Input[int](env)
			streamtest.Output(stream.MapErr(in.Stream(), func(n int) (int, error) { return 0, fmt.Errorf("%d is unlucky", n) }).Name("Strict"))
			streamtest.New(t, env)
			in.Send(13)
		},
		`has no state "som"; it has: `: func(t streamtest.T) {
			env := streamtest.NewEnvironment(t)
			in := streamtest.Input[reading](env)
			streamtest.Output(stream.Process(stream.KeyBy(in.Stream(), reading.sensor), func() *adding { return new(adding) }))
			streamtest.Value[int64](streamtest.New(t, env), "Keyed Process", "a", "som")
		},
		`the clock shows 5 and does not go back`: func(t streamtest.T) {
			env := streamtest.NewEnvironment(t)
			streamtest.Output(streamtest.Input[int](env).Stream())
			h := streamtest.New(t, env, streamtest.StartAt(5))
			h.SetProcessingTime(4)
		},
		`runs in a harness only`: func(t streamtest.T) {
			streamtest.RunJob(t, func(env *stream.Environment) error {
				streamtest.Output(streamtest.Input[int](env).Stream())
				return nil
			})
		},
	} {
		if got := failure(test); !strings.Contains(got, want) {
			t.Errorf("the test failed with %q, want %q", got, want)
		}
	}
}

func TestAJobRunsToItsEnd(t *testing.T) {
	var out *stream.Collected[int]
	streamtest.RunJob(t, func(env *stream.Environment) error {
		numbers := stream.From(env, collection.Of(1, 2, 3))
		out = stream.Collect(stream.Map(numbers, func(n int) int { return 10 * n }))
		return nil
	}, streamtest.Properties("parallelism.default=2"))
	records, err := out.Records()
	equal(t, "records", sorted(records), []int{10, 20, 30})
	equal(t, "error", err, nil)
}

func TestAsynchronousFunctionsAreWaitedFor(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	in := streamtest.Input[int](env)
	release := make(chan struct{})
	out := streamtest.Output(stream.Async(in.Stream(), func(ctx context.Context, n int) ([]int, error) {
		if n < 0 {
			<-ctx.Done()
			return nil, errors.New("nobody waits")
		}
		<-release
		return []int{n, n}, nil
	}, stream.AsyncOptions[int, int]{
		Timeout: 10 * time.Millisecond, OnTimeout: func(n int) ([]int, error) { return []int{-n}, nil },
	}))
	h := streamtest.New(t, env)
	in.Send(1)
	in.Watermark(3)
	in.Send(-2)
	equal(t, "before the result", out.Take(), nil)
	close(release)
	h.Await("the first result", func() bool { return len(out.All()) == 3 })
	equal(t, "results", fmt.Sprint(out.Take()), "[1 1 watermark 3]")
	h.SetProcessingTime(10)
	equal(t, "timed out", out.TakeValues(), []int{2})
	in.Send(4)
	h.EndInput()
	equal(t, "at the end", out.TakeValues(), []int{4, 4})
}
