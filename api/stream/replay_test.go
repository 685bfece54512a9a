package stream

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state/keygroup"
)

// scripted is a record of the vectors: what happens with what key, and the how manieth it is.
type scripted struct {
	Key   string
	Cmd   string
	Value int64
	N     int64
}

// row is a record that comes out, as JSON with the names in alphabetical order.
type row string

func rowOf(fields map[string]any) row {
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return row(text)
}

type vector struct {
	Name     string
	Operator map[string]any
	Steps    []vectorStep
	Outputs  [][]vectorOutput
}

type vectorStep struct {
	Element *struct {
		Key, Cmd string
		Value    int64
		TS       *int64
	}
	Input           int
	Watermark       *int64
	Status          string
	ProcessingTime  *int64
	SnapshotRestore bool
	Parallelism     int
	EndOfInput      bool
}

type vectorOutput struct {
	Record    any
	Side      string
	TS        *int64
	Watermark *int64
	Status    string
}

// readVectors calls f with each vector of a file and checks their number.
func readVectors(t *testing.T, name string, want int, f func(t *testing.T, v vector)) {
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	count := 0
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		var v vector
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		count++
		for _, backend := range []string{"hashmap", "pebble"} {
			t.Run(backend+"/"+v.Name, func(t *testing.T) {
				v := v
				v.Operator["backend"] = backend
				f(t, v)
			})
		}
	}
	if count != want {
		t.Errorf("%d vectors, want %d", count, want)
	}
}

// subtask is one parallel instance of the operator under test.
type subtask struct {
	operator operator.Instance
	out      operatorOutput
	callAt   int64
}

// operatorOutput keeps what came out of a subtask in one step: records as the text that is compared, by key, and events.
type operatorOutput struct {
	records map[string][]string
	events  []string
	late    []string // records behind the last watermark of the step
}

func (o *operatorOutput) add(side string, r row, timestamp int64) {
	text := string(r)
	if timestamp != element.NoTimestamp {
		text += fmt.Sprintf(" @%d", timestamp)
	}
	if side != "" {
		text = side + " " + text
	}
	var key struct{ Key string }
	if err := json.Unmarshal([]byte(r), &key); err != nil {
		panic(err)
	}
	o.records[side+"/"+key.Key] = append(o.records[side+"/"+key.Key], text)
	if len(o.events) > 0 {
		o.late = append(o.late, text)
	}
}

type collecting[T any] struct {
	to    *operatorOutput
	side  string
	toRow func(T) row
}

func (c collecting[T]) Process(batch *element.Batch[T]) error {
	for i, v := range batch.Values {
		c.to.add(c.side, c.toRow(v), batch.TimestampAt(i))
	}
	return nil
}

func (c collecting[T]) Watermark(at int64) error {
	if c.side == "" {
		c.to.events = append(c.to.events, fmt.Sprintf("watermark %d", at))
		c.to.late = nil
	}
	return nil
}

func (c collecting[T]) Idle(idle bool) error {
	if c.side == "" {
		c.to.events = append(c.to.events, map[bool]string{true: "status idle", false: "status active"}[idle])
	}
	return nil
}

// replayer drives the operator of a program's last node through the steps of a vector.
type replayer struct {
	t        *testing.T
	v        vector
	node     *graph.StreamNode
	clock    *clock.Manual
	subtasks []*subtask
	n        int64
	// gather has neighbouring records go together, in batches for each subtask; otherwise each is a batch of its own.
	gather   bool
	gathered []*element.Batch[scripted]
	input    int
	// unordered sorts the records that one step emits for one key.
	unordered bool
}

// replay builds a program on one or two streams, all of whose sources are fed by the vector, and compares what its last
// operator emits: first with a batch for each record, then with larger ones.
func replay(t *testing.T, v vector, unordered bool, build func(env *Environment, streams [2]DataStream[scripted]) *graph.StreamNode) {
	for _, gather := range []bool{false, true} {
		env, err := NewEnvironment(v.Name)
		if err != nil {
			t.Fatal(err)
		}
		var streams [2]DataStream[scripted]
		for i := range streams {
			streams[i] = streamOf[scripted](env, env.add(&graph.StreamNode{Name: fmt.Sprint("input ", i+1)}))
		}
		r := &replayer{t: t, v: v, clock: clock.NewManual(time.UnixMilli(0)), unordered: unordered, gather: gather}
		r.node = build(env, streams)
		if len(env.problems) > 0 {
			t.Fatal(env.problems)
		}
		r.run()
	}
}

func (r *replayer) run() {
	r.start(1, nil)
	defer func() { r.stop() }()
	first := 0
	for i, step := range r.v.Steps {
		if step.Element == nil || step.Input != r.v.Steps[first].Input || !r.gather {
			r.deliver()
		}
		if first < i && r.gathered == nil {
			r.compare(first, i)
			first = i
		}
		r.step(step)
		if r.gathered == nil {
			r.compare(first, i+1)
			first = i + 1
		}
	}
	r.deliver()
	r.compare(first, len(r.v.Steps))
}

func (r *replayer) start(parallelism int, restored []*snapshot.Operator) {
	r.subtasks = nil
	for i := range parallelism {
		s := &subtask{callAt: operator.NoCall, out: operatorOutput{records: map[string][]string{}}}
		group := metrics.NewRegistry(r.clock, func(string) {}).Root(metrics.LevelOperator)
		ctx := &operator.Context{
			Go: context.Background(), JobName: r.v.Name, Name: r.node.Name, Subtask: i, Parallelism: parallelism, MaxParallelism: 128,
			KeyGroups: keygroup.RangeOf(128, parallelism, i), Backend: r.v.Operator["backend"].(string), ObjectReuse: false,
			Clock: r.clock, Log: slog.New(slog.DiscardHandler), Metrics: group,
			RecordsIn: group.Counter("numRecordsIn"), RecordsOut: group.Counter("numRecordsOut"),
			Accumulators: new(accumulator.Set), Restored: restored, StateMemory: 1 << 20,
			CallAt: func(at int64) { s.callAt = at },
		}
		same := func(r row) row { return r }
		late := func(in scripted) row { return rowOf(map[string]any{"key": in.Key, "n": in.N, "value": in.Value}) }
		var err error
		s.operator, err = r.node.Factory(ctx, operator.Outputs{
			Main: []any{operator.Input[row](collecting[row]{&s.out, "", same})},
			Side: map[string][]any{
				"side":      {operator.Input[row](collecting[row]{&s.out, "side", same})},
				"late":      {operator.Input[scripted](collecting[scripted]{&s.out, "late", late})},
				"lateLeft":  {operator.Input[scripted](collecting[scripted]{&s.out, "lateLeft", late})},
				"lateRight": {operator.Input[scripted](collecting[scripted]{&s.out, "lateRight", late})},
			},
		})
		r.check(err)
		r.check(s.operator.Operator.Open())
		r.subtasks = append(r.subtasks, s)
	}
	r.callDue()
}

func (r *replayer) stop() {
	for _, s := range r.subtasks {
		r.check(s.operator.Operator.Close())
	}
}

func (r *replayer) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// callDue calls the operators that have asked for it.
func (r *replayer) callDue() {
	now := r.clock.Now().UnixMilli()
	for _, s := range r.subtasks {
		for s.callAt <= now {
			s.callAt = operator.NoCall
			r.check(s.operator.Operator.(operator.Timed).OnProcessingTime(now))
		}
	}
}

func (r *replayer) events(inputs []int, f func(in operator.Input[scripted]) error) {
	for _, s := range r.subtasks {
		for _, i := range inputs {
			r.check(f(s.operator.Inputs[i].(operator.Input[scripted])))
		}
	}
}

func (r *replayer) step(step vectorStep) {
	all := make([]int, len(r.subtasks[0].operator.Inputs))
	for i := range all {
		all[i] = i
	}
	inputs := all
	if step.Input > 0 {
		inputs = []int{step.Input - 1}
	}
	switch {
	case step.Element != nil:
		r.element(step)
	case step.Watermark != nil:
		r.events(inputs, func(in operator.Input[scripted]) error { return in.Watermark(*step.Watermark) })
	case step.Status != "":
		r.events(inputs, func(in operator.Input[scripted]) error { return in.Idle(step.Status == "idle") })
	case step.ProcessingTime != nil:
		r.clock.Advance(time.UnixMilli(*step.ProcessingTime).Sub(r.clock.Now()))
		r.callDue()
	case step.SnapshotRestore:
		var taken []*snapshot.Operator
		for _, s := range r.subtasks {
			one, err := operator.Snapshot(s.operator.Operator.(operator.Stateful))
			r.check(err)
			taken = append(taken, one)
		}
		r.stop()
		r.start(max(step.Parallelism, 1), taken)
	case step.EndOfInput:
		r.events(all, func(in operator.Input[scripted]) error { return in.Watermark(element.MaxWatermark) })
		for _, s := range r.subtasks {
			r.check(s.operator.Operator.Finish())
		}
	default:
		r.t.Fatalf("unknown step %+v", step)
	}
}

func (r *replayer) element(step vectorStep) {
	e := step.Element
	in := scripted{Key: e.Key, Cmd: e.Cmd, Value: e.Value, N: r.n}
	r.n++
	batch := &element.Batch[scripted]{}
	timestamp := element.NoTimestamp
	if e.TS != nil {
		timestamp = *e.TS
	}
	batch.Append(in, timestamp)
	input := max(step.Input, 1) - 1
	if input == 1 && r.v.Operator["kind"] == "keyedBroadcast" {
		r.events([]int{1}, func(to operator.Input[scripted]) error { return to.Process(batch) })
		return
	}
	key := KeyBy(DataStream[scripted]{env: new(Environment)}, func(in scripted) string { return in.Key }).key
	hash := make([]uint64, 1)
	key.Hash([]string{in.Key}, hash)
	to := keygroup.SubtaskOf(keygroup.Group(hash[0], 128), len(r.subtasks), 128)
	if r.gathered == nil {
		r.gathered, r.input = make([]*element.Batch[scripted], len(r.subtasks)), input
	}
	if r.gathered[to] == nil {
		r.gathered[to] = new(element.Batch[scripted])
	}
	r.gathered[to].Append(in, timestamp)
	if !r.gather {
		r.deliver()
	}
}

// deliver hands the subtasks what was gathered for them.
func (r *replayer) deliver() {
	for i, batch := range r.gathered {
		if batch != nil {
			r.check(r.subtasks[i].operator.Inputs[r.input].(operator.Input[scripted]).Process(batch))
		}
	}
	r.gathered = nil
}

// compare takes what came out of some steps.
func (r *replayer) compare(from, to int) {
	r.t.Helper()
	want := operatorOutput{records: map[string][]string{}}
	for _, o := range slices.Concat(r.v.Outputs[from:to]...) {
		switch {
		case o.Watermark != nil:
			want.events = append(want.events, fmt.Sprintf("watermark %d", *o.Watermark))
		case o.Status != "":
			want.events = append(want.events, "status "+o.Status)
		default:
			timestamp := element.NoTimestamp
			if o.TS != nil {
				timestamp = *o.TS
			}
			want.add(o.Side, rowOf(o.Record.(map[string]any)), timestamp)
		}
	}
	got := operatorOutput{records: map[string][]string{}}
	for _, s := range r.subtasks {
		for key, records := range s.out.records {
			got.records[key] = append(got.records[key], records...)
		}
		if len(s.out.late) > 0 {
			r.t.Errorf("step %d: %v came behind the watermark", from, s.out.late)
		}
		if got.events == nil {
			got.events = s.out.events
		} else if !slices.Equal(got.events, s.out.events) {
			r.t.Errorf("step %d: subtasks emitted %v and %v", from, got.events, s.out.events)
		}
		s.out = operatorOutput{records: map[string][]string{}}
	}
	if r.unordered {
		for _, records := range []map[string][]string{got.records, want.records} {
			for _, list := range records {
				slices.Sort(list)
			}
		}
	}
	if !reflect.DeepEqual(got.records, want.records) || !slices.Equal(got.events, want.events) {
		steps, _ := json.Marshal(r.v.Steps[from:to])
		r.t.Fatalf("steps from %d %s: emitted\n%s\nwant\n%s", from, steps, got.text(), want.text())
	}
}

func (o operatorOutput) text() string {
	var b strings.Builder
	for key, records := range o.records {
		fmt.Fprintf(&b, "  %s: %s\n", key, strings.Join(records, "\n    "))
	}
	fmt.Fprintf(&b, "  %v", o.events)
	return b.String()
}
