package task

import (
	"slices"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/transform"
)

func manual() *clock.Manual { return clock.NewManual(time.Unix(1000, 0)) }

func mapping(f func(int64) int64) operator.Factory {
	return transform.Map(func() func(int64) int64 { return f })
}

func same(v int64) int64 { return v }

func step(t testing.TB, task *Task, want Reason) (deadline int64) {
	t.Helper()
	reason, deadline := task.RunUntilBlocked()
	if reason != want {
		t.Fatalf("the task stopped for reason %d (%v), want %d", reason, task.Err(), want)
	}
	return deadline
}

// TestPartialBatchesArriveAtTheEnd runs a shuffle with numbers of records that fill no batch.
func TestPartialBatchesArriveAtTheEnd(t *testing.T) {
	for n := int64(0); n < 40; n++ {
		var s sketch
		out := &basin{}
		src := s.source("numbers", counting(n))
		s.sink("sink", out.writer, apart(s.op("map", mapping(func(v int64) int64 { return v * 2 }), src))).Parallelism = 1
		p := s.build(t, manual(), small, 3).open()
		p.run()
		if len(out.values) != int(3*n) {
			t.Fatalf("%d records arrived of 3 times %d", len(out.values), n)
		}
		slices.Sort(out.values)
		for i, v := range out.values {
			if v != int64(i/3)*2 {
				t.Fatalf("record %d is %d", i, v)
			}
		}
		if !slices.Equal(out.flushes, []bool{true}) || out.opens != 1 || out.closes != 1 {
			t.Errorf("sink: flushes %v, %d opens, %d closes", out.flushes, out.opens, out.closes)
		}
	}
}

func TestASourceWaitsAndIsWoken(t *testing.T) {
	var s sketch
	var ctx connector.ReaderContext
	out := &basin{}
	pending, polls := []int64(nil), 0
	src := s.source("numbers", func(c connector.ReaderContext) connector.Reader[int64] {
		ctx = c
		return &script{
			opened: func() error { c.RequestSplit(); return nil },
			poll: func(o *connector.Output[int64]) (connector.Status, error) {
				polls++
				for _, v := range pending {
					o.Emit(v)
				}
				pending = nil
				return connector.Waiting, nil
			},
		}
	})
	s.sink("sink", out.writer, src)
	p := s.build(t, manual(), small, 1).open()
	task := p.task("sink", 0)
	if p.requests.Load() != 1 {
		t.Errorf("%d requests for splits reached the enumerator, want 1", p.requests.Load())
	}
	if deadline := step(t, task, Idle); deadline != never || polls != 1 {
		t.Fatalf("deadline %d after %d polls", deadline, polls)
	}
	if !task.stillBlocked(Idle) {
		t.Error("there is something to do")
	}
	ctx.Wake()
	if task.stillBlocked(Idle) {
		t.Error("the reader has woken its task, and it would sleep on")
	}
	pending = []int64{1, 2}
	step(t, task, Idle)
	if !slices.Equal(out.values, []int64{1, 2}) {
		t.Errorf("sink got %v", out.values)
	}
}

func TestTheEarliestDeadlineCounts(t *testing.T) {
	var s sketch
	c := manual()
	c.Advance(time.Second)
	deadlines := []int64{}
	out := &basin{}
	src := s.source("numbers", func(ctx connector.ReaderContext) connector.Reader[int64] {
		return &script{poll: func(*connector.Output[int64]) (connector.Status, error) {
			for _, at := range deadlines {
				ctx.WakeAt(at)
			}
			return connector.Waiting, nil
		}}
	})
	s.sink("sink", out.writer, src)
	task := s.build(t, c, small, 1).open().task("sink", 0)
	deadlines = []int64{5e9, 3e9, 4e9}
	if deadline := step(t, task, Idle); deadline != 3e9 {
		t.Errorf("deadline %d, want the earliest", deadline)
	}
	deadlines = nil
	if deadline := step(t, task, Idle); deadline != never {
		t.Errorf("deadline %d, though the reader asks for none any more", deadline)
	}
}

// TestDeadlines drives a task whose reader asks for several times, one of them past.
func TestDeadlines(t *testing.T) {
	var s sketch
	c := manual()
	c.Advance(time.Second)
	polled := make(chan int64, 100)
	ask := [][]int64{{0}, {500}, {2e9, 1500e6}, {2e9}, {}}
	out := &basin{}
	src := s.source("numbers", func(ctx connector.ReaderContext) connector.Reader[int64] {
		n := 0
		return &script{poll: func(*connector.Output[int64]) (connector.Status, error) {
			polled <- c.Nanos()
			if n == len(ask) {
				return connector.Ended, nil
			}
			for _, at := range ask[n] {
				ctx.WakeAt(at)
			}
			if len(ask[n]) == 0 {
				ctx.Wake()
			}
			n++
			return connector.Waiting, nil
		}}
	})
	s.sink("sink", out.writer, src)
	p := s.build(t, c, small, 1).open()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.drive()
	}()
	for _, want := range []int64{1e9, 1e9, 1e9, 1500e6, 2e9, 2e9} {
		within(t, func() {
			for got := int64(-1); got < 0; {
				select {
				case got = <-polled:
					if got != want {
						t.Errorf("polled at %d, want %d", got, want)
					}
				default:
					if next, ok := c.Next(); ok {
						c.Advance(next.Sub(c.Now()))
					}
				}
			}
		})
	}
	<-done
}

// TestBackPressure holds a producer against a consumer that does not run.
func TestBackPressure(t *testing.T) {
	var s sketch
	read := 0
	out := &basin{}
	numbers := counting(1 << 40)
	src := s.source("numbers", func(ctx connector.ReaderContext) connector.Reader[int64] {
		inner := numbers(ctx)
		return &script{poll: func(o *connector.Output[int64]) (connector.Status, error) {
			before := o.Room()
			status, err := inner.Poll(o)
			read += before - o.Room()
			return status, err
		}}
	})
	apart(s.sink("sink", out.writer, src))
	p := s.build(t, manual(), small, 1).open()
	producer, consumer := p.task("numbers", 0), p.task("sink", 0)
	step(t, producer, BackPressured)
	// Two batches of four are in the channel; the last slice of at most 64 records may wait besides.
	if read > 2*4+64 {
		t.Errorf("%d records were read for a channel of 8", read)
	}
	before, served := read, false
	producer.Do(func() { served = true })
	step(t, producer, BackPressured)
	if !served || read != before {
		t.Errorf("mailbox served %v, %d records read without room", served, read-before)
	}
	if !producer.stillBlocked(BackPressured) {
		t.Error("the producer has nothing to do")
	}
	total := 0
	for range 100 {
		step(t, consumer, Idle)
		step(t, producer, BackPressured)
		if in := read - len(out.values); in > 2*4+64 {
			t.Fatalf("%d records in flight", in)
		}
		if len(out.values) <= total {
			t.Fatal("nothing arrives")
		}
		total = len(out.values)
	}
	for i, v := range out.values {
		if v != int64(i) {
			t.Fatalf("record %d is %d", i, v)
		}
	}
}

// TestLastRecordsWaitForRoom finishes a producer whose consumer does not run.
func TestLastRecordsWaitForRoom(t *testing.T) {
	var s sketch
	out := &basin{}
	apart(s.sink("sink", out.writer, s.source("numbers", counting(12))))
	p := s.build(t, manual(), small, 1).open()
	producer := p.task("numbers", 0)
	step(t, producer, BackPressured)
	producer.Do(func() {})
	step(t, producer, BackPressured)
	if producer.Err() != nil || producer.phase != finishing {
		t.Fatalf("phase %d", producer.phase)
	}
	p.run()
	if len(out.values) != 12 || producer.Err() != nil {
		t.Errorf("%d records arrived, error %v", len(out.values), producer.Err())
	}
}

// TestControlIsServedBetweenSlowRecords has a map that takes 10 ms a record: what is put into the mailbox during one
// record is served before the next.
func TestControlIsServedBetweenSlowRecords(t *testing.T) {
	for _, chained := range []bool{true, false} {
		var s sketch
		c := manual()
		var task *Task
		late := 0
		worked, asked := 0, 0
		slow := func(v int64) int64 {
			if worked != asked {
				late++
			}
			c.Advance(10 * time.Millisecond)
			worked++
			task.Do(func() { asked++ })
			return v
		}
		out := &basin{}
		m := s.op("map", mapping(slow), s.source("numbers", counting(200)))
		if !chained {
			apart(m)
		}
		s.sink("sink", out.writer, m)
		p := s.build(t, c, small, 1).open()
		task = p.task("map", 0)
		p.run()
		if worked != 200 || late != 0 {
			t.Errorf("chained %v: %d records worked on, %d of them before the mailbox was served", chained, worked, late)
		}
	}
}

// TestUnionsEndInAnyOrder ends and drains the inputs of a union in every order.
func TestUnionsEndInAnyOrder(t *testing.T) {
	const inputs = 3
	for order := range 6 {
		for drains := range 1 << inputs {
			var s sketch
			out := &basin{}
			var ends [inputs]bool
			var ctxs [inputs]connector.ReaderContext
			var from []*graph.StreamNode
			for i := range inputs {
				from = append(from, apart(s.source("source"+string(rune('a'+i)), func(ctx connector.ReaderContext) connector.Reader[int64] {
					ctxs[i] = ctx
					emitted := false
					return &script{poll: func(o *connector.Output[int64]) (connector.Status, error) {
						if !emitted {
							emitted = true
							o.Emit(int64(i))
						}
						if ends[i] {
							return connector.Ended, nil
						}
						return connector.Waiting, nil
					}}
				})))
			}
			s.sink("sink", out.writer, apart(s.op("map", mapping(same), from...)))
			p := s.build(t, manual(), small, 1).open()
			rounds := func() {
				for range 10 {
					for _, task := range p.tasks {
						task.RunUntilBlocked()
					}
				}
			}
			rounds()
			for _, i := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}[order] {
				if len(out.flushes) > 0 {
					t.Fatalf("order %d, drains %b: flushed with an input still open", order, drains)
				}
				if drains>>i&1 == 1 {
					p.task("source"+string(rune('a'+i)), 0).Drain()
				} else {
					ends[i] = true
				}
				rounds()
			}
			wantFinished := drains == 0
			if slices.Sort(out.values); !slices.Equal(out.values, []int64{0, 1, 2}) {
				t.Errorf("sink got %v", out.values)
			}
			if !slices.Equal(out.flushes, []bool{true}) {
				t.Errorf("order %d, drains %b: flushes %v, want one at the end", order, drains, out.flushes)
			}
			mapTask := p.task("map", 0)
			if finished := mapTask.phase == ended; finished != wantFinished {
				t.Errorf("order %d, drains %b: finished %v", order, drains, finished)
			}
			if wantFinished {
				continue
			}
			for _, task := range p.tasks {
				task.Cancel()
				task.RunUntilBlocked()
				if task.phase != ended {
					t.Errorf("a drained task cannot be canceled")
				}
			}
			if out.closes != 1 {
				t.Errorf("the sink was closed %d times", out.closes)
			}
		}
	}
}

// TestDrainReachesTheSinks drains a shuffle that is in full swing: what its sources emitted arrives, and no more.
func TestDrainReachesTheSinks(t *testing.T) {
	var s sketch
	out := &basin{}
	emitted := 0
	src := s.source("numbers", func(connector.ReaderContext) connector.Reader[int64] {
		return &script{poll: func(o *connector.Output[int64]) (connector.Status, error) {
			for o.Room() > 0 {
				o.Emit(1)
				emitted++
			}
			return connector.More, nil
		}}
	})
	s.sink("sink", out.writer, apart(s.op("map", mapping(same), src))).Parallelism = 1
	p := s.build(t, manual(), small, 2).open()
	for turn := range 200 {
		for _, task := range p.tasks {
			task.RunUntilBlocked()
		}
		if turn == 20 {
			for subtask := range 2 {
				p.task("numbers", subtask).Drain()
				p.task("numbers", subtask).Drain()
			}
		}
	}
	if len(out.values) != emitted || emitted == 0 || !slices.Equal(out.flushes, []bool{true}) || int(p.drained.Load()) != len(p.tasks) {
		t.Errorf("%d of %d records arrived, flushes %v, %d of %d tasks drained", len(out.values), emitted, out.flushes, p.drained.Load(), len(p.tasks))
	}
}

// TestThrottledSinkStopsItsTask asks a sink whether it wants records before each batch.
func TestThrottledSinkStopsItsTask(t *testing.T) {
	var s sketch
	out := &gatedBasin{}
	s.sink("sink", func(ctx connector.WriterContext) connector.Writer[int64] { out.ctx = ctx; return out }, s.source("numbers", counting(1000)))
	p := s.build(t, manual(), small, 1).open()
	task := p.task("sink", 0)
	step(t, task, BackPressured)
	if out.len() != 0 {
		t.Fatalf("%d records for a sink that wants none", out.len())
	}
	served := false
	task.Do(func() { served = true })
	step(t, task, BackPressured)
	if !served || !task.stillBlocked(BackPressured) {
		t.Errorf("mailbox served %v", served)
	}
	out.open = 1
	if task.stillBlocked(BackPressured) {
		t.Error("the sink wants records and the task would sleep")
	}
	step(t, task, BackPressured)
	if n := out.len(); n != 1 {
		t.Errorf("the sink got %d records, want the first slice", n)
	}
	out.open = 1 << 30
	p.run()
	if out.len() != 1000 {
		t.Errorf("%d records", out.len())
	}
}

// gatedBasin wants as many records as open says.
type gatedBasin struct {
	basin
	open int
}

func (g *gatedBasin) Ready() bool {
	return g.len() < g.open
}

func TestNothingIsAllocatedPerRecord(t *testing.T) {
	var s sketch
	written := int64(0)
	total := int64(0)
	src := s.source("numbers", func(connector.ReaderContext) connector.Reader[int64] {
		return &script{poll: func(o *connector.Output[int64]) (connector.Status, error) {
			n := min(o.Room(), int(total-written))
			if n == 0 {
				return connector.Waiting, nil
			}
			clear(o.Extend(n))
			written += int64(n)
			return connector.More, nil
		}}
	})
	last := s.sink("sink", func(connector.WriterContext) connector.Writer[int64] { return nothing{} },
		apart(s.op("filter", transform.Filter(func() func(int64) bool { return func(int64) bool { return true } }), s.op("map", mapping(same), src))))
	last.Parallelism = 2
	settings := small
	settings.SliceRecords = 1024
	settings.Limits = exchange.Limits{MinRecords: 32, MaxRecords: 1024, Bytes: 256 << 10, Credits: 4}
	p := s.build(t, manual(), settings, 2).open()
	run := func() {
		total += 100_000
		for range 200 {
			for _, task := range p.tasks {
				task.RunUntilBlocked()
			}
		}
	}
	run()
	run()
	if allocs := testing.AllocsPerRun(10, run); allocs > 10 {
		t.Errorf("%v allocations for 100,000 records", allocs)
	}
}

// TestATaskHeldUpByItsSinkLetsGoOfWhatItBegan has the consumer of its other output move on between the last look and the
// wait, where no wake reaches the task.
func TestATaskHeldUpByItsSinkLetsGoOfWhatItBegan(t *testing.T) {
	var s sketch
	near, far := &gatedBasin{open: 1}, &basin{}
	src := s.source("numbers", counting(1<<40))
	s.sink("near", func(connector.WriterContext) connector.Writer[int64] { return near }, src)
	apart(s.sink("far", far.writer, src))
	p := s.build(t, manual(), small, 1).open()
	producer, consumer := p.task("near", 0), p.task("far", 0)
	step(t, producer, BackPressured) // the first record has been sent
	near.open = 2
	producer.slice.limit = 1
	producer.spec.Settings.BufferTimeout = never
	for producer.outputs[0].Sent() < 2 {
		producer.RunUntilBlocked()
	}
	near.open = 0
	if queued := consumer.inputs[0].Queued(); queued == 0 {
		t.Fatal("nothing was sent")
	}
	step(t, consumer, Idle)
	producer.waker.prepare()
	producer.stillBlocked(BackPressured)
	step(t, consumer, Idle)
	if far.len() != 2 {
		t.Errorf("the other task has %d of 2 records", far.len())
	}
}

// ending is an operator that notes which of its inputs end.
type ending struct {
	operator.Base[int64]
	ended []int
}

func (e *ending) Process(batch *element.Batch[int64]) error { return e.Emit(batch) }
func (e *ending) EndInput(input int) error {
	e.ended = append(e.ended, input)
	return nil
}

// TestAnInputEndsWithItsLastEdge has a union of two on the first input of an operator and one edge on the second.
func TestAnInputEndsWithItsLastEdge(t *testing.T) {
	for _, last := range []int{0, 1, 2} {
		var s sketch
		e := &ending{}
		both := s.add(&graph.StreamNode{
			Name: "both", InTypes: []string{"int64", "int64"},
			Factory: func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
				e.Base = operator.NewBase[int64](ctx, out)
				return operator.Instance{Operator: e, Inputs: []any{operator.Input[int64](e), operator.Input[int64](e)}}, nil
			},
		})
		for i, name := range []string{"a", "b", "c"} {
			s.connect(apart(s.source(name, counting(3))), both, i/2)
		}
		out := &basin{}
		s.sink("sink", out.writer, both)
		p := s.build(t, manual(), small, 1).open()
		for i, name := range []string{"a", "b", "c"} {
			if i != last {
				step(t, p.task(name, 0), Ended)
			}
		}
		step(t, p.task("both", 0), Idle)
		if want := [][]int{{1}, {1}, {0}}[last]; !slices.Equal(e.ended, want) {
			t.Errorf("without edge %d, the inputs %v have ended, want %v", last, e.ended, want)
		}
		p.run()
		if len(e.ended) != 2 || len(out.values) != 9 {
			t.Errorf("inputs %v ended, %d records", e.ended, len(out.values))
		}
	}
}
