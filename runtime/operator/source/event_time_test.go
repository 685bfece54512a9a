package source

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/runtime/operator/watermark"
)

// scripted is a source and its only reader, which does in each Poll what the test has put down for it.
type scripted struct {
	ctx            connector.ReaderContext
	todo           func(out *connector.Output[int64])
	polls          int
	own            bool
	paused, resume []string
}

func (r *scripted) Name() string                         { return "scripted" }
func (r *scripted) Bounded() bool                        { return true }
func (r *scripted) EmitsWatermarks() bool                { return r.own }
func (r *scripted) Open() error                          { return nil }
func (r *scripted) Close() error                         { return nil }
func (r *scripted) NoMoreSplits()                        {}
func (r *scripted) PauseSplits(p, q []string)            { r.paused, r.resume = p, q }
func (r *scripted) AddSplits([]connector.Split) error    { return nil }
func (r *scripted) Snapshot() ([]connector.Split, error) { return nil, nil }
func (r *scripted) NewEnumerator(connector.EnumeratorContext) (connector.Enumerator, error) {
	return nil, nil
}
func (r *scripted) NewReader(ctx connector.ReaderContext) (connector.Reader[int64], error) {
	r.ctx = ctx
	return r, nil
}
func (r *scripted) Poll(out *connector.Output[int64]) (connector.Status, error) {
	r.polls++
	if r.todo != nil {
		r.todo(out)
		r.todo = nil
	}
	return connector.Waiting, nil
}

// bench is a source operator with a clock and a subtask that calls it when it wants to be called.
type bench struct {
	t      *testing.T
	source *scripted
	op     *reading[int64]
	out    *operatortest.Recorder[int64]
	ctx    *operator.Context
	clock  *clock.Manual
	call   int64
}

const tick = 10 * time.Millisecond

// newBench begins at processing time 0, with a tick every 10 ms.
func newBench(t *testing.T, source *scripted, strategy watermark.Strategy[int64]) *bench {
	t.Helper()
	b := &bench{t: t, source: source, clock: clock.NewManual(time.UnixMilli(0)), call: operator.NoCall}
	b.ctx = operatortest.Context(t, "scripted")
	b.ctx.Clock = b.clock
	b.ctx.CallAt = func(at int64) { b.call = at }
	var instance operator.Instance
	instance, b.out = operatortest.Open[int64](t, b.ctx, WithWatermarks(source, strategy, tick))
	b.op = instance.Operator.(*reading[int64])
	return b
}

func (b *bench) assign(ids ...string) {
	b.t.Helper()
	var splits []connector.Split
	for _, id := range ids {
		splits = append(splits, connector.Split{ID: id})
	}
	if err := b.op.AddSplits(splits); err != nil {
		b.t.Fatal(err)
	}
}

// poll has the reader do something in a Poll.
func (b *bench) poll(todo func(out *connector.Output[int64])) {
	b.t.Helper()
	b.source.todo = todo
	if _, _, err := b.op.Poll(100); err != nil {
		b.t.Fatal(err)
	}
}

// emit has the reader emit records of a split, whose event times are their values.
func (b *bench) emit(split string, values ...int64) {
	b.t.Helper()
	b.poll(func(out *connector.Output[int64]) {
		if split != "" {
			out.Split(split)
		}
		for _, v := range values {
			out.EmitAt(v, v)
		}
	})
}

// pass lets time go by, tick by tick.
func (b *bench) pass(d time.Duration) {
	b.t.Helper()
	for end := b.ctx.Now() + d.Milliseconds(); ; {
		next := min(b.call, end)
		b.clock.Advance(time.UnixMilli(next).Sub(b.clock.Now()))
		if b.call > end {
			return
		}
		b.call = operator.NoCall
		if err := b.op.OnProcessingTime(b.ctx.Now()); err != nil {
			b.t.Fatal(err)
		}
	}
}

// expect compares what came out since the last call: values of records, w and a number for a watermark, idle, active.
func (b *bench) expect(want string) {
	b.t.Helper()
	var got []string
	for _, r := range b.out.All {
		switch r.Event {
		case "":
			got = append(got, fmt.Sprint(r.Value))
		case element.Watermark.String():
			if r.Timestamp == element.MaxWatermark {
				got = append(got, "end")
			} else {
				got = append(got, fmt.Sprintf("w%d", r.Timestamp))
			}
		default:
			got = append(got, r.Event)
		}
	}
	b.out.All = nil
	if strings.Join(got, " ") != want {
		b.t.Fatalf("emitted %q, want %q", strings.Join(got, " "), want)
	}
}

func byRecord() watermark.Strategy[int64] {
	return watermark.Monotonous(watermark.RecordTimestamp[int64])
}

func TestTheSlowestSplitHoldsEventTime(t *testing.T) {
	b := newBench(t, &scripted{}, byRecord())
	b.assign("a", "b")
	b.emit("a", 10)
	b.pass(tick)
	b.expect("10") // b was assigned, and has not begun
	b.poll(func(out *connector.Output[int64]) {
		out.Split("b")
		out.EmitAt(5, 5)
		out.Split("a")
		out.EmitAt(20, 20)
		out.Split("b")
		out.EmitAt(7, 7)
	})
	b.expect("5 20 7")
	b.pass(tick)
	b.expect("w6")
	b.assign("c")
	b.poll(func(out *connector.Output[int64]) { out.FinishSplit("b") })
	b.pass(tick)
	b.expect("") // c holds it
	b.emit("c", 12)
	b.pass(tick)
	b.expect("12 w11")
	b.poll(func(out *connector.Output[int64]) { out.FinishSplit("c"); out.FinishSplit("a") })
	b.pass(5 * tick)
	b.expect("")
	b.assign("d")
	b.emit("d", 3, 40)
	b.pass(tick)
	b.expect("3 40 w39")
	if err := b.op.Finish(); err != nil {
		t.Fatal(err)
	}
	b.expect("end")
}

func TestAReaderThatTellsNoSplitsHasOneStream(t *testing.T) {
	b := newBench(t, &scripted{}, byRecord())
	b.assign("a", "b")
	b.emit("", 10, 8)
	b.expect("10 8")
	b.pass(tick)
	b.expect("w9")
}

func TestIdleSplits(t *testing.T) {
	b := newBench(t, &scripted{}, byRecord().WithIdleness(25*time.Millisecond))
	b.assign("a", "b")
	b.emit("a", 10)
	for v := int64(11); v < 15; v++ { // at the fourth tick b is idle for 30 ms since the first
		b.expect(fmt.Sprint(v - 1))
		b.pass(tick)
		b.emit("a", v)
	}
	b.expect("w12 14") // what a had said at that tick
	b.pass(tick)
	b.expect("w13")
	b.pass(10 * tick)
	b.expect("idle")
	b.emit("b", 9)
	b.pass(tick)
	b.expect("9") // too low to make the reader active
	b.emit("b", 20)
	b.pass(tick)
	b.expect("20 active w19")
	b.pass(10 * tick)
	b.expect("idle")
	if err := b.op.Finish(); err != nil {
		t.Fatal(err)
	}
	b.expect("active end")
}

// A reader without splits is not idle of its own, as in Flink: it takes an idleness timeout.
func TestAReaderWithoutSplits(t *testing.T) {
	b := newBench(t, &scripted{}, byRecord())
	b.pass(time.Second)
	b.expect("")
	b = newBench(t, &scripted{}, byRecord().WithIdleness(25*time.Millisecond))
	b.pass(time.Second)
	b.expect("idle")
}

// Idle splits do not make the reader idle while records come that are of no split.
func TestBothSidesOfAReader(t *testing.T) {
	b := newBench(t, &scripted{}, byRecord().WithIdleness(25*time.Millisecond))
	b.assign("a")
	b.emit("a", 5)
	b.emit("", 30)
	b.pass(tick)
	b.expect("5 30 w4 w29")
	for v := int64(31); v < 40; v++ {
		b.emit("", v)
		b.pass(tick)
	}
	for _, r := range b.out.All {
		if r.Event == "idle" {
			t.Error("idle, though records came")
		}
	}
}

func TestWatermarksBetweenTheRecordsOfABatch(t *testing.T) {
	odd := func(v, timestamp int64) (int64, bool) { return timestamp, v%2 != 0 }
	b := newBench(t, &scripted{}, watermark.Punctuated(func(v int64) time.Time { return time.UnixMilli(10 * v) }, odd))
	b.poll(func(out *connector.Output[int64]) { copy(out.Extend(7), []int64{2, 3, 4, 1, 6, 9, 8}) })
	if r := b.out.All[0]; r.Timestamp != 20 || b.out.Batches != 4 {
		t.Errorf("first record %+v, %d batches", r, b.out.Batches)
	}
	b.expect("2 3 w30 4 1 6 9 w90 8")

	b = newBench(t, &scripted{}, watermark.Punctuated(watermark.RecordTimestamp[int64], odd))
	b.assign("a", "b")
	b.poll(func(out *connector.Output[int64]) {
		for i, split := range []string{"a", "b", "a", "b"} {
			out.Split(split)
			out.EmitAt(int64(2*i+1), int64(2*i+1))
		}
	})
	b.expect("1 3 w1 5 w3 7 w5")
}

func TestABatchStaysWhole(t *testing.T) {
	b := newBench(t, &scripted{}, watermark.BoundedOutOfOrderness(3*time.Millisecond, func(v int64) int64 { return 2 * v }))
	b.assign("a")
	b.emit("a", 1, 2, 9, 4)
	if b.out.Batches != 1 || b.out.All[2].Timestamp != 18 {
		t.Errorf("%d batches, %v", b.out.Batches, b.out.All)
	}
	b.pass(tick)
	b.expect("1 2 9 4 w14")
}

func TestSourcesWithWatermarksOfTheirOwn(t *testing.T) {
	b := newBench(t, &scripted{own: true}, watermark.Strategy[int64]{})
	b.assign("a", "b")
	b.poll(func(out *connector.Output[int64]) {
		out.Split("a")
		out.EmitAt(1, 1)
		out.Watermark(1)
		out.EmitAt(4, 4)
		out.Split("b")
		out.EmitAt(2, 2)
		out.Watermark(2)
		out.EmitAt(3, 3)
	})
	b.expect("1 4 2 w1 3")
	b.poll(func(out *connector.Output[int64]) {
		out.Split("a")
		out.Idle()
	})
	b.expect("w2")
	b.poll(func(out *connector.Output[int64]) {
		out.Split("b")
		out.Idle()
	})
	b.expect("idle")
}

func TestEventTimeEndsWithBoundedInput(t *testing.T) {
	b := newBench(t, &scripted{}, watermark.Strategy[int64]{})
	b.emit("", 1)
	if err := b.op.Finish(); err != nil {
		t.Fatal(err)
	}
	b.expect("1 end")
	if b.call != operator.NoCall {
		t.Error("a source without a strategy wants to be called")
	}
}

func TestAReaderAheadOfItsGroupWaits(t *testing.T) {
	b := newBench(t, &scripted{}, byRecord().WithIdleness(25*time.Millisecond).WithAlignment("g", 5*time.Millisecond, 50*time.Millisecond))
	b.emit("", 100)
	b.pass(tick)
	b.expect("100 w99")
	b.op.Align(98)
	polls := b.source.polls
	b.source.ctx.Wake()
	b.emit("", 101)
	if b.source.polls != polls || b.op.Woken() {
		t.Error("the reader was called, or its task would be, though it is ahead")
	}
	b.pass(time.Second)
	b.expect("") // not idle either: it may not read
	b.op.Align(99)
	if !b.op.Woken() {
		t.Error("the reader's wish to be called is forgotten")
	}
	b.emit("", 101)
	b.pass(tick)
	b.expect("101 w100")
	b.pass(10 * tick)
	if b.op.gate.closed != true {
		t.Error("watermark 100 is past the limit of 99")
	}
	b.op.Align(watermark.NoLimit)
	b.pass(10 * tick)
	b.expect("idle")
}

func TestReports(t *testing.T) {
	b := newBench(t, &scripted{}, byRecord().WithIdleness(500*time.Millisecond).WithAlignment("g", 5*time.Millisecond, 50*time.Millisecond))
	var got []int64
	reports := func(want ...int64) {
		t.Helper()
		task := b.ctx.Task.(*operatortest.Task)
		got = nil
		for _, event := range task.Events {
			r, ok, err := DecodeReport(event)
			if err != nil || !ok || r.Group != "g" || r.MaxDrift != 5 {
				t.Fatalf("%+v, %v, %v", r, ok, err)
			}
			got = append(got, r.Watermark)
		}
		task.Events = nil
		if !slices.Equal(got, want) {
			t.Fatalf("reported %v, want %v", got, want)
		}
	}
	b.pass(200 * time.Millisecond)
	reports() // there is no watermark yet
	b.emit("", 100)
	b.pass(100 * time.Millisecond)
	reports(99, 99)
	b.pass(time.Second)
	if reportsOf := b.ctx.Task.(*operatortest.Task).Events; len(reportsOf) < 19 {
		t.Fatalf("%d reports in a second", len(reportsOf))
	}
	last, _, _ := DecodeReport(b.ctx.Task.(*operatortest.Task).Events[19])
	if last.Watermark != element.MaxWatermark {
		t.Errorf("an idle reader reports %d", last.Watermark)
	}
	b.ctx.Task.(*operatortest.Task).Events = nil
	if err := b.op.Finish(); err != nil {
		t.Fatal(err)
	}
	reports(element.MaxWatermark)
}

func TestSplitsAheadOfTheGroupArePaused(t *testing.T) {
	source := &scripted{}
	b := newBench(t, source, byRecord().WithAlignment("g", 5*time.Millisecond, 50*time.Millisecond))
	b.assign("a", "b")
	b.emit("a", 50)
	b.emit("b", 20)
	b.pass(tick)
	b.op.Align(30)
	if !slices.Equal(source.paused, []string{"a"}) || len(source.resume) != 0 {
		t.Fatalf("paused %v, resumed %v", source.paused, source.resume)
	}
	polls := source.polls
	b.emit("b", 60)
	if source.polls != polls+1 {
		t.Error("the reader as a whole is not ahead, and was not called")
	}
	source.paused = nil
	b.pass(tick)
	if !slices.Equal(source.paused, []string{"b"}) || !b.op.gate.closed {
		t.Errorf("paused %v, gate closed %v", source.paused, b.op.gate.closed)
	}
	b.op.Align(55)
	if !slices.Equal(source.resume, []string{"a"}) || b.op.gate.closed {
		t.Errorf("resumed %v", source.resume)
	}
	b.op.Align(watermark.NoLimit)
	if !slices.Equal(source.resume, []string{"b"}) || b.op.time.paused {
		t.Errorf("resumed %v", source.resume)
	}
}

func TestNothingIsAllocatedForABatch(t *testing.T) {
	b := newBench(t, &scripted{}, watermark.BoundedOutOfOrderness(time.Second, func(v int64) int64 { return v }))
	b.assign("a", "b")
	todo := func(out *connector.Output[int64]) {
		out.Split("a")
		for i := range out.Extend(50) {
			_ = i
		}
		out.Split("b")
		out.Extend(50)
	}
	run := func() { b.poll(todo); b.out.All = b.out.All[:0] }
	run()
	if allocs := testing.AllocsPerRun(100, run); allocs > 0 {
		t.Errorf("%v allocations for a batch of 100", allocs)
	}
}

func FuzzDecodeAlignment(f *testing.F) {
	f.Add(EncodeReport(watermark.Report{Group: "g", MaxDrift: 5, Watermark: -7}))
	f.Add(EncodeLimit(5))
	f.Add([]byte{kindReport, 1, 2})
	f.Add([]byte{kindLimit})
	f.Fuzz(func(t *testing.T, event []byte) {
		if r, ok, err := DecodeReport(event); ok && err == nil && string(EncodeReport(r)) != string(event) {
			t.Errorf("%x is read as %+v", event, r)
		}
		if at, ok, err := DecodeLimit(event); ok && err == nil && string(EncodeLimit(at)) != string(event) {
			t.Errorf("%x is read as %d", event, at)
		}
	})
}
