package task

import (
	"math/rand"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/transform"
)

// TestClosedLoop lets few records be on their way at a time: the source emits the next one only when the sink, two
// shuffles away, has seen one. A wake-up that is lost anywhere, or a record that stays in a batch that is not full,
// leaves it hanging.
func TestClosedLoop(t *testing.T) {
	const records = 30_000
	for _, window := range []int64{1, 3, 20} {
		var s sketch
		var ctx connector.ReaderContext
		var seen atomic.Int64
		ready := make(chan struct{})
		src := s.source("numbers", func(c connector.ReaderContext) connector.Reader[int64] {
			ctx = c
			emitted := int64(0)
			return &script{poll: func(out *connector.Output[int64]) (connector.Status, error) {
				for out.Room() > 0 && emitted < min(records, seen.Load()+window) {
					out.Emit(emitted)
					emitted++
				}
				if emitted == records {
					return connector.Ended, nil
				}
				return connector.Waiting, nil
			}}
		})
		src.Parallelism = 1
		out := &basin{}
		out.written = func() error {
			<-ready
			seen.Store(int64(len(out.values)))
			ctx.Wake()
			return nil
		}
		s.sink("sink", out.writer, apart(s.op("map", mapping(same), src))).Parallelism = 1
		p := s.build(t, clock.System(), small, 3).open()
		close(ready)
		p.drive()
		slices.Sort(out.values)
		if len(out.values) != records || out.values[records-1] != records-1 {
			t.Fatalf("window %d: %d of %d records", window, len(out.values), records)
		}
	}
}

// TestThrottledSinkBesideAnOutput has a task that feeds a sink of its own and another task. The sink wants the next
// record only when the other task has seen this one, so a task that is held up by its sink must still let go of what
// it has begun for others.
func TestThrottledSinkBesideAnOutput(t *testing.T) {
	const records = 30_000
	var s sketch
	var wake func()
	var there, here atomic.Int64
	src := s.source("numbers", counting(records))
	s.sink("near", func(ctx connector.WriterContext) connector.Writer[int64] {
		wake = ctx.Wake
		return &lockStep{here: &here, there: &there}
	}, src)
	out := &basin{}
	out.written = func() error {
		there.Store(int64(len(out.values)))
		wake()
		return nil
	}
	apart(s.sink("far", out.writer, src))
	s.build(t, clock.System(), small, 1).open().drive()
	if here.Load() != records || len(out.values) != records {
		t.Errorf("%d and %d of %d records", here.Load(), len(out.values), records)
	}
}

type lockStep struct {
	basin
	here, there *atomic.Int64
}

func (l *lockStep) Write(b *element.Batch[int64]) error {
	l.here.Add(int64(b.Len()))
	return nil
}
func (l *lockStep) Ready() bool { return l.here.Load() <= l.there.Load() }

// TestRandomPlants drives graphs with fan-out, union, expansion, few credits and tasks that hesitate at random, each task
// on its goroutine, and counts what arrives.
func TestRandomPlants(t *testing.T) {
	for seed := range int64(40) {
		random := rand.New(rand.NewSource(seed))
		settings := small
		settings.Limits.Credits = 1 + random.Intn(3)
		settings.Limits.MaxRecords = 1 + random.Intn(6)
		settings.Limits.MinRecords = settings.Limits.MaxRecords
		settings.BufferTimeout = int64(random.Intn(2)) * 100 * milli
		parallelism := 1 + random.Intn(3)
		n := int64(random.Intn(1000))
		expansion := int64(1 + random.Intn(4)*random.Intn(200))

		var s sketch
		hesitating := func() operator.Factory {
			pace := uint64(random.Int63()) | 1
			return transform.Map(func() func(int64) int64 {
				x := pace
				return func(v int64) int64 {
					if x = x*6364136223846793005 + 1442695040888963407; x>>60 == 0 {
						runtime.Gosched()
					}
					return v
				}
			})
		}
		left := s.source("left", counting(n))
		right := s.source("right", counting(n/2))
		expand := s.op("expand", transform.FlatMap(func() func(int64, operator.Collector[int64]) error {
			return func(v int64, out operator.Collector[int64]) error {
				if v%100 != 0 {
					out.Collect(v)
					return nil
				}
				for range expansion {
					out.Collect(v)
				}
				return nil
			}
		}), left)
		a := apart(s.op("a", hesitating(), expand, right))
		b := apart(s.op("b", hesitating(), a, expand))
		out := &basin{}
		s.sink("sink", out.writer, b, a).Parallelism = 1
		p := s.build(t, clock.System(), settings, parallelism).open()
		p.drive()
		for _, task := range p.tasks {
			if task.Err() != nil {
				t.Fatalf("seed %d: %v", seed, task.Err())
			}
		}
		expanded := n
		if n > 0 {
			expanded += ((n-1)/100 + 1) * (expansion - 1)
		}
		// To the sink comes what went through a, once by itself and once through b, and what went from expand to b.
		want := int64(parallelism) * (2*(expanded+n/2) + expanded)
		if int64(len(out.values)) != want {
			t.Fatalf("seed %d: %d records, want %d", seed, len(out.values), want)
		}
	}
}
