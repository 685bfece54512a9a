package stream

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/operator"
)

// line is a split of a feed: records whose values are their event times, as the test puts them.
type line struct {
	mu     sync.Mutex
	values []int64
	ended  bool
	wake   func()
}

func (l *line) put(values ...int64) { l.change(func() { l.values = append(l.values, values...) }) }
func (l *line) end()                { l.change(func() { l.ended = true }) }

func (l *line) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	if l.wake != nil {
		l.wake()
	}
}

// feed is a source of lines, which are its splits.
type feed struct {
	lines   []*line
	readers int // at most, 0 for any number
}

func newFeed(lines int) *feed {
	f := &feed{}
	for range lines {
		f.lines = append(f.lines, &line{})
	}
	return f
}

func (f *feed) Name() string    { return "feed" }
func (f *feed) Bounded() bool   { return true }
func (f *feed) MaxReaders() int { return f.readers }
func (f *feed) NewEnumerator(ctx connector.EnumeratorContext) (connector.Enumerator, error) {
	return splits.NewEnumerator(ctx, splits.Plan{Fixed: true, List: func() (all []connector.Split, err error) {
		for i := range f.lines {
			all = append(all, connector.Split{ID: fmt.Sprint(i)})
		}
		return all, nil
	}}), nil
}
func (f *feed) NewReader(ctx connector.ReaderContext) (connector.Reader[int64], error) {
	return &feedReader{feed: f, ctx: ctx, queue: splits.NewQueue(ctx)}, nil
}

type feedReader struct {
	feed  *feed
	ctx   connector.ReaderContext
	queue splits.Queue
	open  []string
}

func (r *feedReader) Open() error                          { r.queue.Request(); return nil }
func (r *feedReader) NoMoreSplits()                        { r.queue.NoMore() }
func (r *feedReader) Snapshot() ([]connector.Split, error) { return nil, nil }
func (r *feedReader) Close() error                         { return nil }
func (r *feedReader) AddSplits(added []connector.Split) error {
	for _, s := range added {
		r.open = append(r.open, s.ID)
		r.line(s.ID).change(func() { r.line(s.ID).wake = r.ctx.Wake })
	}
	r.queue.Add(nil)
	return nil
}

func (r *feedReader) line(id string) *line {
	var i int
	fmt.Sscan(id, &i)
	return r.feed.lines[i]
}

func (r *feedReader) Poll(out *connector.Output[int64]) (connector.Status, error) {
	for _, id := range slices.Clone(r.open) {
		l := r.line(id)
		l.mu.Lock()
		n := min(len(l.values), out.Room())
		if n > 0 {
			out.Split(id)
		}
		for _, v := range l.values[:n] {
			out.EmitAt(v, v)
		}
		l.values = l.values[n:]
		if len(l.values) == 0 && l.ended {
			out.FinishSplit(id)
			r.open = slices.DeleteFunc(r.open, func(other string) bool { return other == id })
		}
		l.mu.Unlock()
	}
	switch {
	case out.Room() == 0:
		return connector.More, nil
	case len(r.open) == 0:
		return r.queue.Status(), nil
	}
	return connector.Waiting, nil
}

// spy keeps what arrives at the subtasks of an operator.
type spy struct {
	mu      sync.Mutex
	changed chan struct{}
	seen    map[int][]arrival
}

// arrival is a record or, with an event, a watermark or a change of status.
type arrival struct {
	value, at int64
	event     element.Kind
}

func spyOn(s DataStream[int64]) (*spy, DataStream[int64]) {
	all := &spy{changed: make(chan struct{}, 1), seen: map[int][]arrival{}}
	return all, transformed[int64, int64](s, "spy", "Spy", func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		o := &spying{Base: operator.NewBase[int64](ctx, out), spy: all}
		return operator.Instance{Operator: o, Inputs: []any{operator.Input[int64](o)}}, nil
	})
}

type spying struct {
	operator.Base[int64]
	spy *spy
}

func (o *spying) note(a arrival) {
	o.spy.mu.Lock()
	o.spy.seen[o.Ctx.Subtask] = append(o.spy.seen[o.Ctx.Subtask], a)
	o.spy.mu.Unlock()
	select {
	case o.spy.changed <- struct{}{}:
	default:
	}
}

func (o *spying) Process(batch *element.Batch[int64]) error {
	for i, v := range batch.Values {
		o.note(arrival{value: v, at: batch.TimestampAt(i)})
	}
	return o.Emit(batch)
}

func (o *spying) Watermark(at int64) error {
	o.note(arrival{at: at, event: element.Watermark})
	return o.Next.Watermark(at)
}

func (o *spying) Idle(idle bool) error {
	if idle {
		o.note(arrival{event: element.Idle})
	} else {
		o.note(arrival{event: element.Active})
	}
	return o.Next.Idle(idle)
}

// await waits until every one of so many subtasks has got a watermark of at least at.
func (s *spy) await(t *testing.T, subtasks int, at int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		reached := 0
		for subtask := range subtasks {
			if s.watermark(subtask) >= at {
				reached++
			}
		}
		if reached == subtasks {
			return
		}
		select {
		case <-s.changed:
		case <-ctx.Done():
			t.Fatalf("watermark %d has reached %d of %d subtasks: %v", at, reached, subtasks, s.seen)
		}
	}
}

// watermark is the last one of a subtask.
func (s *spy) watermark(subtask int) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := element.NoWatermark
	for _, a := range s.seen[subtask] {
		if a.event == element.Watermark {
			last = a.at
		}
	}
	return last
}

// check checks what event time promises: watermarks ascend, no record is late, and the last watermark is the end of time.
func (s *spy) check(t *testing.T, subtasks int) {
	t.Helper()
	for subtask := range subtasks {
		mark := element.NoWatermark
		for i, a := range s.seen[subtask] {
			switch {
			case a.event == 0 && a.at <= mark:
				t.Fatalf("subtask %d: record of %d after watermark %d", subtask, a.at, mark)
			case a.event == element.Watermark && a.at <= mark:
				t.Fatalf("subtask %d: watermark %d after %d", subtask, a.at, mark)
			case a.event == element.Watermark:
				mark = a.at
			}
			if mark == element.MaxWatermark && i < len(s.seen[subtask])-1 {
				t.Fatalf("subtask %d: something follows the end of event time", subtask)
			}
		}
		if mark != element.MaxWatermark {
			t.Fatalf("subtask %d: the last watermark is %d", subtask, mark)
		}
	}
}

// tickingProgram makes a program with a tick every millisecond.
func tickingProgram(t *testing.T, parallelism int) *Environment {
	t.Helper()
	env, err := NewEnvironment(t.Name(), fmt.Sprintf("parallelism.default=%d", parallelism), "pipeline.auto-watermark-interval=1ms")
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func atEachParallelism(t *testing.T, test func(t *testing.T, parallelism int)) {
	for _, parallelism := range []int{1, 2, 4} {
		t.Run(fmt.Sprint(parallelism), func(t *testing.T) { test(t, parallelism) })
	}
}

// runSpied executes a program that ends in a spy; the result waits for its end.
func runSpied(t *testing.T, s DataStream[int64]) (*spy, func()) {
	t.Helper()
	watch, end := spyOn(s)
	To(end, discard.Sink[int64]())
	job, err := s.env.ExecuteAsync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { job.Close() })
	return watch, func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if _, err := job.Await(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func shuffled(s DataStream[int64]) DataStream[int64] {
	return KeyBy(s, func(v int64) int64 { return v % 64 }).stream
}

var asGiven = MonotonousTimestamps(RecordTimestamp[int64])

func TestWatermarksReachTheEnd(t *testing.T) {
	atEachParallelism(t, func(t *testing.T, p int) {
		const n, disorder = 4000, 16
		src := datagen.Generate(n, func(i int64) int64 { return i ^ (disorder - 1) }).Rate(40_000)
		watch, wait := runSpied(t, shuffled(From(tickingProgram(t, p), src, BoundedOutOfOrderness((disorder-1)*time.Millisecond, func(v int64) int64 { return v }))))
		watch.await(t, p, n/2)
		wait()
		watch.check(t, p)
		records := 0
		for _, seen := range watch.seen {
			for _, a := range seen {
				if a.event == 0 {
					records++
				}
			}
		}
		if records != n {
			t.Errorf("%d records, want %d", records, n)
		}
	})
}

// The slowest split holds event time, wherever it is read; one that has ended does not.
func TestTheSlowestSplitHoldsTheJob(t *testing.T) {
	atEachParallelism(t, func(t *testing.T, p int) {
		f := newFeed(4)
		watch, wait := runSpied(t, shuffled(From(tickingProgram(t, p), f, asGiven)))
		for i, l := range f.lines {
			l.put(100 + int64(i))
		}
		watch.await(t, p, 99)
		for _, l := range f.lines[1:] {
			l.put(200)
		}
		f.lines[0].put(150)
		watch.await(t, p, 149)
		for subtask := range p {
			if at := watch.watermark(subtask); at != 149 {
				t.Errorf("subtask %d is at %d, though a split is at 150", subtask, at)
			}
		}
		f.lines[0].end()
		watch.await(t, p, 199)
		for _, l := range f.lines {
			l.end()
		}
		wait()
		watch.check(t, p)
	})
}

// Idle splits, and readers that have no split, hold nothing back.
func TestIdleSplitsHoldNothing(t *testing.T) {
	atEachParallelism(t, func(t *testing.T, p int) {
		f := newFeed(2)
		watch, wait := runSpied(t, shuffled(From(tickingProgram(t, p), f, asGiven.WithIdleness(5*time.Millisecond))))
		f.lines[1].put(100)
		watch.await(t, p, 99)
		f.lines[0].put(300)
		f.lines[1].put(200)
		watch.await(t, p, 199)
		for _, l := range f.lines {
			l.end()
		}
		wait()
		if at := watch.watermark(0); at != element.MaxWatermark {
			t.Errorf("the last watermark is %d", at)
		}
	})
}

func TestUnionIsAsFarAsItsSlowestPart(t *testing.T) {
	atEachParallelism(t, func(t *testing.T, p int) {
		env, first, second := tickingProgram(t, p), newFeed(p), newFeed(p)
		watch, wait := runSpied(t, shuffled(Union(From(env, first, asGiven), From(env, second, asGiven))))
		for i := range p {
			first.lines[i].put(100)
			second.lines[i].put(50)
		}
		watch.await(t, p, 49)
		for i := range p {
			if at := watch.watermark(i); at != 49 {
				t.Errorf("subtask %d is at %d, want 49", i, at)
			}
			second.lines[i].end()
		}
		watch.await(t, p, 99)
		for i := range p {
			first.lines[i].end()
		}
		wait()
		watch.check(t, p)
	})
}

func TestAssignInTheMiddleOfAStream(t *testing.T) {
	atEachParallelism(t, func(t *testing.T, p int) {
		f := newFeed(p)
		s := Map(From(tickingProgram(t, p), f, asGiven), func(v int64) int64 { return -v })
		s = AssignTimestampsAndWatermarks(s.Rebalance(), BoundedOutOfOrderness(5*time.Millisecond, func(v int64) time.Time { return time.UnixMilli(v) }))
		if node := s.parts[0].node; !node.EmitsWatermarks {
			t.Error("nobody knows that it emits watermarks")
		}
		watch, wait := runSpied(t, shuffled(s))
		for _, l := range f.lines { // enough for each subtask, whose watermark would be that of the source if it passed
			l.put(slices.Repeat([]int64{100}, 8)...)
		}
		watch.await(t, p, -106)
		for i := range p {
			if at := watch.watermark(i); at != -106 {
				t.Errorf("subtask %d is at %d, want -106", i, at)
			}
		}
		for _, l := range f.lines {
			l.end()
		}
		wait()
		watch.check(t, p)
	})
}

// counted is a generator that looks, tick by tick, how far its source has read.
type counted struct{ progress func() }

func (c *counted) OnEvent(v, timestamp int64, out *WatermarkOutput) { out.Emit(timestamp) }
func (c *counted) OnPeriodic(*WatermarkOutput)                      { c.progress() }

// TestAlignedSourcesWait has a fast source and one that stands still: the fast one stops, and goes on when the slow one does.
func TestAlignedSourcesWait(t *testing.T) {
	atEachParallelism(t, func(t *testing.T, p int) {
		const n, drift = 100_000, 1000
		env, slow := tickingProgram(t, p), newFeed(1)
		var mu sync.Mutex
		var once sync.Once
		var made, before, still int64
		stopped := make(chan struct{})
		progress := func() {
			mu.Lock()
			defer mu.Unlock()
			if still++; made != before || made == 0 {
				before, still = made, 0
			}
			if still == int64(200*p) {
				once.Do(func() { close(stopped) })
			}
		}
		fast := datagen.Generate(n, func(i int64) int64 {
			mu.Lock()
			defer mu.Unlock()
			made++
			return i
		}).Rate(100_000)
		ahead := CustomWatermarks(func(v int64) int64 { return v }, func() WatermarkGenerator[int64] { return &counted{progress} })
		together := Union(
			From(env, fast, ahead.WithAlignment("g", drift*time.Millisecond, time.Millisecond)),
			From(env, slow, asGiven.WithAlignment("g", drift*time.Millisecond, time.Millisecond).WithIdleness(time.Hour)).Parallelism(1),
		)
		slow.lines[0].put(1)
		watch, wait := runSpied(t, shuffled(together))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		select {
		case <-stopped:
		case <-ctx.Done():
			t.Fatal("the fast source does not stop")
		}
		mu.Lock()
		if made == n {
			t.Error("the fast source has not waited")
		}
		mu.Unlock()
		slow.lines[0].put(n)
		slow.lines[0].end()
		wait()
		watch.check(t, p)
		if made != n {
			t.Errorf("the fast source has made %d records of %d", made, n)
		}
	})
}

func TestStrategiesAreCheckedWhenTheProgramIsBuilt(t *testing.T) {
	for want, build := range map[string]func(*Environment){
		`source "feed": watermark strategy: a bound of -1s`: func(env *Environment) {
			From(env, newFeed(1), BoundedOutOfOrderness(-time.Second, func(v int64) int64 { return v }))
		},
		`source "feed": 2 watermark strategies`: func(env *Environment) { From(env, newFeed(1), asGiven, asGiven) },
		`only a source can wait`: func(env *Environment) {
			AssignTimestampsAndWatermarks(From(env, newFeed(1)), asGiven.WithAlignment("g", time.Second, 0))
		},
		"idleness timeout of 0s": func(env *Environment) {
			AssignTimestampsAndWatermarks(From(env, newFeed(1)), asGiven.WithIdleness(0))
		},
		"parallelism of 2 at most, but 3 is set": func(env *Environment) {
			To(From[int64](env, &feed{readers: 2}).Parallelism(3), discard.Sink[int64]())
		},
	} {
		env := tickingProgram(t, 4)
		build(env)
		if _, err := env.compile(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// named is a source with a kind of its own.
type named struct {
	*feed
	kind string
	own  bool
}

func (n named) Kind() string          { return n.kind }
func (n named) EmitsWatermarks() bool { return n.own }

func TestSourcesInTheGraph(t *testing.T) {
	kinds := func(streams func(env *Environment) []DataStream[int64]) (all []*graph.StreamNode) {
		for _, s := range streams(tickingProgram(t, 4)) {
			all = append(all, s.parts[0].node)
		}
		return all
	}
	nodes := kinds(func(env *Environment) []DataStream[int64] {
		return []DataStream[int64]{
			From(env, newFeed(1), asGiven),
			From(env, named{newFeed(1), "kafka", false}, NoWatermarks(RecordTimestamp[int64])),
			From(env, named{newFeed(1), "kafka", true}),
			From(env, newFeed(1)),
		}
	})
	for i, want := range []struct {
		kind  string
		emits bool
	}{{"source github.com/weir-stream/weir/api/stream.feed", true}, {"source kafka", false}, {"source kafka", true}, {"source github.com/weir-stream/weir/api/stream.feed", false}} {
		if n := nodes[i]; n.Kind != want.kind || n.EmitsWatermarks != want.emits {
			t.Errorf("source %d is a %q, emits watermarks: %v; want %+v", i, n.Kind, n.EmitsWatermarks, want)
		}
	}
	env := tickingProgram(t, 4)
	To(From[int64](env, &feed{readers: 2}), discard.Sink[int64]())
	job, err := env.compile()
	if err != nil || job.Vertices[0].Parallelism != 2 || job.Vertices[0].Head().Kind == job.Vertices[1].Head().Kind {
		t.Fatalf("%v, %+v", err, job)
	}
	if sink := job.Vertices[1].Head(); sink.Kind != "sink discard" {
		t.Errorf("sink of kind %q", sink.Kind)
	}
}
