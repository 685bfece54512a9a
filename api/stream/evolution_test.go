package stream_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/embedded"
	"github.com/weir-stream/weir/state"
)

// The same function in three versions of a program: the second one has a further field in its state, the third one another type.
type (
	totalOne   struct{ Sum int64 }
	totalTwo   struct{ Count, Sum int64 }
	totalThree struct{ Sum string }

	sumOne struct {
		Total state.Value[totalOne] `state:"total"`
	}
	sumTwo struct {
		Total state.Value[totalTwo] `state:"total"`
	}
	sumThree struct {
		Total  state.Value[totalThree] `state:"total"`
		opened *atomic.Bool
	}
	// seen is the state of the operator that the second program adds.
	seen struct {
		Seen state.Map[int64, bool] `state:"seen"`
	}
)

type sums = [3]int64 // key, sum, count

func (f *sumOne) Process(_ *stream.KeyedContext[int64], in int64, out stream.Collector[sums]) error {
	total, _ := f.Total.Get()
	total.Sum += in
	f.Total.Set(total)
	out.Collect(sums{in % 100, total.Sum, 0})
	return nil
}

func (f *sumTwo) Process(_ *stream.KeyedContext[int64], in int64, out stream.Collector[sums]) error {
	total, _ := f.Total.Get()
	total.Sum += in
	total.Count++
	f.Total.Set(total)
	out.Collect(sums{in % 100, total.Sum, total.Count})
	return nil
}

func (f *sumThree) Open(stream.RuntimeContext) error {
	f.opened.Store(true)
	return nil
}

func (f *sumThree) Process(*stream.KeyedContext[int64], int64, stream.Collector[sums]) error {
	return nil
}

func (f *seen) Process(_ *stream.KeyedContext[int64], in sums, out stream.Collector[sums]) error {
	f.Seen.Put(in[1], true)
	out.Collect(in)
	return nil
}

const evolving = 20_000

// evolution begins a program that sums numbers by their last two digits.
func evolution(t *testing.T, perSecond float64, properties ...string) (*stream.Environment, stream.KeyedStream[int64, int64]) {
	t.Helper()
	env, err := stream.NewEnvironment("sums", properties...)
	if err != nil {
		t.Fatal(err)
	}
	source := datagen.Generate(evolving, func(i int64) int64 { return i }).Rate(perSecond)
	return env, stream.KeyBy(stream.From(env, source).UID("numbers"), func(v int64) int64 { return v % 100 })
}

// savepointOfSums runs the first program for a while, and stops it with a savepoint.
func savepointOfSums(t *testing.T, dir string, properties ...string) string {
	t.Helper()
	env, byKey := evolution(t, 10_000, append(properties, "execution.checkpointing.dir="+filepath.Join(dir, "one"))...)
	var count atomic.Int64
	sums := stream.Process[int64, int64, sums](byKey, func() *sumOne { return new(sumOne) }).UID("sum").Name("Sum")
	stream.To(stream.Map(sums, func(s [3]int64) [2]int64 {
		count.Add(1)
		return [2]int64{s[0], s[1]}
	}), &highest{seen: map[int64]int64{}}).UID("highest")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, err := env.ExecuteAsync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for count.Load() < evolving/20 {
		if ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
	}
	location, err := client.Savepoint(ctx, embedded.Savepoint{Directory: dir, Stop: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Await(ctx); err != nil {
		t.Fatal(err)
	}
	return location
}

func from(dir, location string, properties ...string) []string {
	return append(properties, "execution.checkpointing.interval=1s", "execution.checkpointing.dir="+filepath.Join(dir, "later"), "execution.state-recovery.path="+location)
}

func TestAChangedProgramGoesOnFromASavepoint(t *testing.T) {
	backends := []string{"hashmap", "pebble"}
	for i, was := range backends {
		now := backends[1-i]
		t.Run(was+" to "+now, func(t *testing.T) {
			dir := t.TempDir()
			location := savepointOfSums(t, dir, "state.backend.type="+was, "parallelism.default=2")
			env, byKey := evolution(t, 1e6, from(dir, location, "state.backend.type="+now, "parallelism.default=3")...)
			all := stream.Process[int64, int64, sums](byKey, func() *sumTwo { return new(sumTwo) }).UID("sum").Name("Sum")
			more := stream.Process[int64, sums, sums](stream.KeyBy(all, func(s sums) int64 { return s[0] }), func() *seen { return new(seen) }).UID("seen")
			var counted atomic.Int64
			h := &highest{seen: map[int64]int64{}}
			stream.To(stream.Map(more, func(s sums) [2]int64 {
				counted.Add(1)
				if s[2] < 1 {
					t.Errorf("count %d of key %d", s[2], s[0])
				}
				return [2]int64{s[0], s[1]}
			}), h).UID("highest")
			if _, err := env.Execute(t.Context()); err != nil {
				t.Fatal(err)
			}
			for key := range int64(100) {
				const each = evolving / 100
				if want := each*key + 100*each*(each-1)/2; h.seen[key] != want {
					t.Errorf("the sum of key %d is %d, want %d", key, h.seen[key], want)
				}
			}
			if n := counted.Load(); n == 0 || n > evolving-evolving/20 {
				t.Errorf("%d records came after the savepoint", n)
			}
		})
	}
}

func TestAnIncompatibleProgramIsRefusedBeforeItStarts(t *testing.T) {
	dir := t.TempDir()
	location := savepointOfSums(t, dir, "parallelism.default=2")
	var opened atomic.Bool
	env, byKey := evolution(t, 1e6, from(dir, location)...)
	all := stream.Process[int64, int64, sums](byKey, func() *sumThree { return &sumThree{opened: &opened} }).UID("sum").Name("Sum")
	stream.To(stream.Map(all, func(s sums) [2]int64 { return [2]int64{s[0], s[1]} }), &highest{seen: map[int64]int64{}}).UID("highest")
	_, err := env.Execute(t.Context())
	if err == nil {
		t.Fatal("the job has run")
	}
	t.Log(err)
	for _, words := range []string{location, `operator "Sum"`, `state "total"`, "field .Sum", "int64", "string"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("the error does not say %q", words)
		}
	}
	if opened.Load() {
		t.Error("a function was opened")
	}
}

func TestMaxParallelismComesFromTheSnapshotUnlessItIsSet(t *testing.T) {
	dir := t.TempDir()
	location := savepointOfSums(t, dir, "parallelism.default=2", "pipeline.max-parallelism=20")
	run := func(properties ...string) (max int64, err error) {
		env, byKey := evolution(t, 1e6, from(dir, location, properties...)...)
		var seen atomic.Int64
		all := stream.Process[int64, int64, sums](byKey, func() *askingSum { return &askingSum{max: &seen} }).UID("sum").Name("Sum")
		h := &highest{seen: map[int64]int64{}}
		stream.To(stream.Map(all, func(s sums) [2]int64 { return [2]int64{s[0], s[1]} }), h).UID("highest")
		if _, err := env.Execute(t.Context()); err != nil {
			return 0, err
		}
		if len(h.seen) != 100 || h.seen[99] != 99*200+100*200*199/2 {
			t.Errorf("%d sums, of key 99 %d", len(h.seen), h.seen[99])
		}
		return seen.Load(), nil
	}
	if n, err := run("parallelism.default=3"); n != 20 || err != nil {
		t.Errorf("max parallelism %d, %v", n, err)
	}
	if n, err := run("parallelism.default=3", "pipeline.max-parallelism=20"); n != 20 || err != nil {
		t.Errorf("set to what it was: max parallelism %d, %v", n, err)
	}
	for want, properties := range map[string][]string{
		`operator "Sum": its max parallelism was 20 in the snapshot and is set to 128 now`: {"parallelism.default=3", "pipeline.max-parallelism=128"},
		`operator "Sum": the snapshot fixes its max parallelism`:                           {"parallelism.default=21"},
	} {
		if _, err := run(properties...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", properties, err, want)
		} else {
			t.Log(err)
		}
	}
}

// askingSum tells the max parallelism.
type askingSum struct {
	Total state.Value[totalOne] `state:"total"`
	max   *atomic.Int64
}

func (f *askingSum) Open(ctx stream.RuntimeContext) error {
	f.max.Store(int64(ctx.MaxParallelism()))
	return nil
}

func (f *askingSum) Process(ctx *stream.KeyedContext[int64], in int64, out stream.Collector[sums]) error {
	return (&sumOne{Total: f.Total}).Process(ctx, in, out)
}
