package window_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"math/rand"
	"reflect"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/codec"
	api "github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/runtime/operator/window"
	"github.com/weir-stream/weir/state/keygroup"
)

// event is a record of the tests: the how manieth of which key, with the gap that it wants after it.
type event struct {
	Key string
	N   int64
	Gap int64
}

// firing is what a window had in it when it fired.
type firing struct {
	Key        string
	Start, End int64
	N          []int64
}

func (f firing) String() string { return fmt.Sprint(f.Key, f.Start, "-", f.End, f.N) }

// gather emits what is in a window, in order of the records' numbers.
type gather struct{}

func (gather) Process(ctx *operator.WindowContext[string], elements iter.Seq[event], out operator.Collector[firing]) error {
	f := firing{Key: ctx.Key(), Start: ctx.Window().Start, End: ctx.Window().End}
	for e := range elements {
		f.N = append(f.N, e.N)
	}
	slices.Sort(f.N)
	out.Collect(f)
	return nil
}

// modelWindow is a window of the model.
type modelWindow struct {
	operator.Window
	n []int64
	// armed says that it fires when its end has come.
	armed bool
}

// model is windows done in the plainest way.
type model struct {
	assigner  operator.WindowAssigner
	lateness  int64
	watermark int64
	windows   map[string][]*modelWindow
	fired     map[string][]string
	late      []int64
}

func (m *model) cleanup(w operator.Window) int64 { return w.MaxTimestamp() + m.lateness }

func (m *model) fire(key string, w *modelWindow) {
	n := slices.Clone(w.n)
	slices.Sort(n)
	m.fired[key] = append(m.fired[key], firing{key, w.Start, w.End, n}.String())
}

func (m *model) add(e event, at int64) {
	record := e
	ctx := operator.NewAssignerContext(&record)
	ctx.Timestamp = at
	skipped := true
	for _, w := range m.assigner.Assign(ctx, nil) {
		into := &modelWindow{Window: w}
		var others []*modelWindow
		_, merges := m.assigner.(operator.MergingAssigner)
		for _, other := range m.windows[e.Key] {
			switch {
			case merges && other.Touches(w):
				into.Window = into.Cover(other.Window)
				into.n = append(into.n, other.n...)
				into.armed = into.armed || other.armed
			case !merges && other.Window == w:
				into = other
			default:
				others = append(others, other)
			}
		}
		if m.cleanup(into.Window) <= m.watermark {
			continue
		}
		skipped = false
		into.n = append(into.n, e.N)
		m.windows[e.Key] = append(others, into)
		if into.MaxTimestamp() <= m.watermark {
			m.fire(e.Key, into)
		} else {
			into.armed = true
		}
	}
	if skipped && at+m.lateness <= m.watermark {
		m.late = append(m.late, e.N)
	}
}

func (m *model) advance(to int64) {
	m.watermark = to
	for key, windows := range m.windows {
		sort.Slice(windows, func(i, j int) bool { return windows[i].End < windows[j].End })
		var left []*modelWindow
		for _, w := range windows {
			if w.armed && w.MaxTimestamp() <= to {
				w.armed = false
				m.fire(key, w)
			}
			if m.cleanup(w.Window) > to {
				left = append(left, w)
			}
		}
		m.windows[key] = left
	}
}

// run is an operator with what came out of it.
type run struct {
	t       *testing.T
	config  window.Config[string, event, firing]
	backend string
	clock   *clock.Manual
	in      operator.Instance
	out     *operatortest.Recorder[firing]
	late    *operatortest.Recorder[event]
}

func (r *run) start(restored []*snapshot.Operator) {
	group := metrics.NewRegistry(r.clock, func(string) {}).Root(metrics.LevelOperator)
	ctx := &operator.Context{
		Go: context.Background(), JobName: "test", Name: "window", Parallelism: 1, MaxParallelism: 128,
		KeyGroups: keygroup.RangeOf(128, 1, 0), Backend: r.backend, ObjectReuse: true, Clock: r.clock, Log: slog.New(slog.DiscardHandler),
		Metrics: group, RecordsIn: group.Counter("numRecordsIn"), RecordsOut: group.Counter("numRecordsOut"),
		Accumulators: new(accumulator.Set), Task: new(operatortest.Task), Restored: restored, StateMemory: 1 << 20, CallAt: func(int64) {},
	}
	r.out, r.late = &operatortest.Recorder[firing]{}, &operatortest.Recorder[event]{}
	var err error
	r.in, err = r.config.Factory()(ctx, operator.Outputs{
		Main: []any{operator.Input[firing](r.out)}, Side: map[string][]any{"late": {operator.Input[event](r.late)}},
	})
	r.check(err)
	r.check(r.in.Operator.Open())
}

func (r *run) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *run) restart() {
	taken, err := operator.Snapshot(r.in.Operator.(operator.Stateful))
	r.check(err)
	r.check(r.in.Operator.Close())
	r.start([]*snapshot.Operator{taken})
}

// take returns what came out since the last call.
func (r *run) take() (fired map[string][]string, late []int64) {
	fired = map[string][]string{}
	for _, f := range r.out.All {
		if f.Event == "" {
			fired[f.Value.Key] = append(fired[f.Value.Key], f.Value.String())
			want := operator.Window{Start: f.Value.Start, End: f.Value.End}.MaxTimestamp()
			if f.Timestamp != want {
				r.t.Errorf("%v has the timestamp %d, want %d", f.Value, f.Timestamp, want)
			}
		}
	}
	for _, l := range r.late.Values() {
		late = append(late, l.N)
	}
	r.out.All, r.late.All = nil, nil
	return fired, late
}

// otherwise is the default trigger by another name, for which the operator does nothing special.
type otherwise struct{ operator.EventTimeTrigger }

func TestWindowsEqualTheModel(t *testing.T) {
	const ms = time.Millisecond
	gap := func(e event) time.Duration { return time.Duration(e.Gap) * ms }
	assigners := map[string]api.Assigner{
		"tumbling": api.Tumbling(10*ms, 3*ms), "sliding": api.Sliding(10*ms, 4*ms), "gaps": api.Sliding(3*ms, 7*ms),
		"sessions": api.Session(4 * ms), "dynamic sessions": api.DynamicSession(gap),
	}
	triggers := map[string]func() operator.Trigger{"default": nil, "custom": func() operator.Trigger { return &otherwise{} }}
	for name, assigner := range assigners {
		for trigger, newTrigger := range triggers {
			for _, backend := range []string{"hashmap", "pebble"} {
				t.Run(name+"/"+trigger+"/"+backend, func(t *testing.T) {
					seeds := 60
					if backend == "pebble" {
						seeds = 6
					}
					for seed := range seeds {
						againstModel(t, int64(seed), assigner, newTrigger, backend)
						if t.Failed() {
							t.Fatalf("seed %d", seed)
						}
					}
				})
			}
		}
	}
}

func againstModel(t *testing.T, seed int64, assigner api.Assigner, newTrigger func() operator.Trigger, backend string) {
	random := rand.New(rand.NewSource(seed))
	lateness := int64(random.Intn(3) * 4)
	key, err := codec.ForKey[string]()
	if err != nil {
		t.Fatal(err)
	}
	r := &run{t: t, backend: backend, clock: clock.NewManual(time.UnixMilli(0)), config: window.Config[string, event, firing]{
		Stream: keyed.Stream[string, event]{Selector: func(e event) string { return e.Key }, Key: key}, Assigner: assigner,
		NewTrigger: newTrigger, Lateness: lateness, Late: operator.NewOutputTag[event]("late"),
		Contents: window.Elements(func() operator.ProcessWindowFunction[string, event, firing] { return gather{} }),
	}}
	if _, err := r.config.Describe(); err != nil {
		t.Fatal(err)
	}
	r.start(nil)
	defer func() { r.check(r.in.Operator.Close()) }()
	m := &model{assigner: assigner, lateness: lateness, watermark: math.MinInt64, windows: map[string][]*modelWindow{}, fired: map[string][]string{}}
	now, n := int64(random.Intn(40)-20), int64(0)
	var script []string
	for range 60 {
		in := r.in.Inputs[0].(operator.Input[event])
		switch random.Intn(12) {
		case 0:
			script = append(script, "restore")
			r.restart()
			m.watermark = math.MinInt64
		case 1, 2, 3:
			at := max(now-int64(random.Intn(8)), m.watermark)
			if at == math.MinInt64 {
				continue
			}
			script = append(script, fmt.Sprint("watermark ", at))
			r.check(in.Watermark(at))
			m.advance(at)
		default:
			batch := &element.Batch[event]{}
			for range 1 + random.Intn(4) {
				now += int64(random.Intn(4))
				e := event{string(rune('a' + random.Intn(2))), n, 1 + int64(random.Intn(9))}
				at := now - int64(random.Intn(18))
				n++
				batch.Append(e, at)
				m.add(e, at)
				script = append(script, fmt.Sprintf("%v@%d", e, at))
			}
			r.check(in.Process(batch))
		}
		fired, late := r.take()
		if !reflect.DeepEqual(fired, m.fired) || !slices.Equal(late, m.late) {
			t.Errorf("lateness %d, after %v:\nfired %v, late %v\nwant  %v, late %v", lateness, script, fired, late, m.fired, m.late)
			return
		}
		m.fired, m.late = map[string][]string{}, nil
	}
}
