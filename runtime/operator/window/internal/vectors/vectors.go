// Package vectors replays recorded scripts of Apache Flink's window operators on single operators, in tests.
package vectors

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/state/keygroup"
)

// Record is an element of the scripts, the N-th of its script.
type Record struct {
	Key   string
	Value int64
	N     int64
}

// Vector is a script with what Flink emits in each step.
type Vector struct {
	Name     string
	Operator struct {
		Kind, Assigner, Function string
		Size, Slide, Offset      int64
		Gap                      json.RawMessage
		AllowedLateness          int64
		LateOutput               bool
	}
	Steps []struct {
		Element *struct {
			Key   string
			Value int64
			TS    *int64
		}
		Watermark       *int64
		ProcessingTime  *int64
		SnapshotRestore bool
		Parallelism     int
		EndOfInput      bool
	}
	Outputs [][]Output
}

// Output is something that an operator emits.
type Output struct {
	Record    map[string]any
	TS        *int64
	Side      string
	Watermark *int64
}

// Read reads the vectors of a file.
func Read(t testing.TB, path string) []Vector {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []Vector
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v Vector
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// LateTag is the side output of late records.
var LateTag = operator.NewOutputTag[Record]("late")

// Job is an operator on a keyed stream in one or more subtasks, which can be snapshotted and restored.
type Job[Out any] struct {
	t        testing.TB
	factory  operator.Factory
	clock    *clock.Manual
	backend  string
	parallel int
	subtasks []*subtask[Out]
}

type subtask[Out any] struct {
	ctx      *operator.Context
	instance operator.Instance
	out      *operatortest.Recorder[Out]
	late     *operatortest.Recorder[Record]
	callAt   int64
}

// MaxParallelism is the number of key groups.
const MaxParallelism = 128

// Start opens the operator in one subtask, at processing time 0.
func Start[Out any](t testing.TB, backend string, factory operator.Factory) *Job[Out] {
	j := &Job[Out]{t: t, factory: factory, clock: clock.NewManual(time.UnixMilli(0)), backend: backend, parallel: 1}
	j.open(nil)
	return j
}

func (j *Job[Out]) open(restored []*snapshot.Operator) {
	j.t.Helper()
	j.subtasks = nil
	for i := range j.parallel {
		s := &subtask[Out]{callAt: operator.NoCall, out: &operatortest.Recorder[Out]{}, late: &operatortest.Recorder[Record]{}}
		group := metrics.NewRegistry(j.clock, func(string) {}).Root(metrics.LevelOperator)
		s.ctx = &operator.Context{
			Go: context.Background(), JobName: "vectors", Name: "window", Subtask: i, Parallelism: j.parallel, MaxParallelism: MaxParallelism,
			KeyGroups: keygroup.RangeOf(MaxParallelism, j.parallel, i), Backend: j.backend, ObjectReuse: true,
			Clock: j.clock, Log: slog.New(slog.DiscardHandler), Metrics: group,
			RecordsIn: group.Counter("numRecordsIn"), RecordsOut: group.Counter("numRecordsOut"),
			Accumulators: new(accumulator.Set), Task: new(operatortest.Task), Restored: restored,
			CallAt: func(at int64) { s.callAt = at },
		}
		var err error
		s.instance, err = j.factory(s.ctx, operator.Outputs{
			Main: []any{operator.Input[Out](s.out)}, Side: map[string][]any{LateTag.Name: {operator.Input[Record](s.late)}},
		})
		if err == nil {
			err = s.instance.Operator.Open()
		}
		if err != nil {
			j.t.Fatal(err)
		}
		j.subtasks = append(j.subtasks, s)
	}
	j.Time(j.clock.Now().UnixMilli())
}

// Close closes the subtasks.
func (j *Job[Out]) Close() {
	for _, s := range j.subtasks {
		if err := s.instance.Operator.Close(); err != nil {
			j.t.Fatal(err)
		}
	}
}

// Add sends records, one batch to each subtask. Times may be empty.
func (j *Job[Out]) Add(records []Record, times []int64) {
	j.t.Helper()
	batches := make([]element.Batch[Record], len(j.subtasks))
	for i, r := range records {
		at := element.NoTimestamp
		if len(times) > 0 {
			at = times[i]
		}
		group := keygroup.Group(keygroup.HashString(r.Key), MaxParallelism)
		batches[keygroup.SubtaskOf(group, j.parallel, MaxParallelism)].Append(r, at)
	}
	for i, s := range j.subtasks {
		if batches[i].Len() > 0 {
			if err := s.instance.Inputs[0].(operator.Input[Record]).Process(&batches[i]); err != nil {
				j.t.Fatal(err)
			}
		}
	}
}

// Watermark sends a watermark to all subtasks.
func (j *Job[Out]) Watermark(at int64) {
	j.t.Helper()
	for _, s := range j.subtasks {
		if err := s.instance.Inputs[0].(operator.Input[Record]).Watermark(at); err != nil {
			j.t.Fatal(err)
		}
	}
}

// Time sets the clock.
func (j *Job[Out]) Time(at int64) {
	j.t.Helper()
	j.clock.Advance(time.UnixMilli(at).Sub(j.clock.Now()))
	for _, s := range j.subtasks {
		if s.callAt <= at {
			s.callAt = operator.NoCall
			if err := s.instance.Operator.(operator.Timed).OnProcessingTime(at); err != nil {
				j.t.Fatal(err)
			}
		}
	}
}

// Restore snapshots the operator and goes on with a restored one; parallelism 0 keeps it.
func (j *Job[Out]) Restore(parallelism int) {
	j.t.Helper()
	var taken []*snapshot.Operator
	for _, s := range j.subtasks {
		one, err := operator.Snapshot(s.instance.Operator.(operator.Stateful))
		if err != nil {
			j.t.Fatal(err)
		}
		taken = append(taken, one)
	}
	j.Close()
	if parallelism > 0 {
		j.parallel = parallelism
	}
	j.open(taken)
}

// Emitted is what came out of a job since the last look at it: records and late records by key in their order, with their
// times, and the watermarks of the first subtask.
type Emitted struct {
	Records, Late map[string][]string
	Watermarks    []int64
}

// Take returns what came out. Text describes a record.
func (j *Job[Out]) Take(text func(Out) (key, text string)) Emitted {
	e := Emitted{map[string][]string{}, map[string][]string{}, nil}
	for i, s := range j.subtasks {
		for _, r := range s.out.All {
			switch {
			case r.Event == "":
				key, described := text(r.Value)
				e.Records[key] = append(e.Records[key], fmt.Sprint(described, " at ", r.Timestamp))
			case i == 0:
				e.Watermarks = append(e.Watermarks, r.Timestamp)
			}
		}
		for _, r := range s.late.All {
			if r.Event != "" {
				continue
			}
			e.Late[r.Value.Key] = append(e.Late[r.Value.Key], fmt.Sprint(r.Value.N, " at ", r.Timestamp))
		}
		s.out.All, s.late.All = nil, nil
	}
	return e
}

// Equal compares what came out.
func (e Emitted) Equal(other Emitted) bool {
	return maps.EqualFunc(e.Records, other.Records, slices.Equal[[]string]) && maps.EqualFunc(e.Late, other.Late, slices.Equal[[]string]) &&
		slices.Equal(e.Watermarks, other.Watermarks)
}

// Replay runs a vector. Text describes a record that came out, want one of the vector.
func Replay[Out any](t *testing.T, v Vector, backend string, factory operator.Factory, text func(Out) (key, text string), want func(map[string]any) (key, text string)) {
	j := Start[Out](t, backend, factory)
	defer func() { j.Close() }()
	n := int64(0)
	for i, step := range v.Steps {
		switch {
		case step.Element != nil:
			var times []int64
			if step.Element.TS != nil {
				times = []int64{*step.Element.TS}
			}
			key := step.Element.Key
			j.Add([]Record{{key, step.Element.Value, n}}, times)
			n++
		case step.Watermark != nil:
			j.Watermark(*step.Watermark)
		case step.ProcessingTime != nil:
			j.Time(*step.ProcessingTime)
		case step.SnapshotRestore:
			j.Restore(step.Parallelism)
		case step.EndOfInput:
			j.Watermark(element.MaxWatermark)
		}
		expected := Emitted{map[string][]string{}, map[string][]string{}, nil}
		for _, o := range v.Outputs[i] {
			at := element.NoTimestamp
			if o.TS != nil {
				at = *o.TS
			}
			switch {
			case o.Watermark != nil:
				expected.Watermarks = append(expected.Watermarks, *o.Watermark)
			case o.Side != "":
				key := o.Record["key"].(string)
				expected.Late[key] = append(expected.Late[key], fmt.Sprint(o.Record["n"], " at ", at))
			default:
				key, described := want(o.Record)
				expected.Records[key] = append(expected.Records[key], fmt.Sprint(described, " at ", at))
			}
		}
		if got := j.Take(text); !got.Equal(expected) {
			stepText, _ := json.Marshal(step)
			t.Fatalf("step %d %s: emitted\n%v\nwant\n%v", i, stepText, got, expected)
		}
	}
}

// Result is what a window has, whatever its function.
type Result struct {
	Key        string
	Window     operator.Window
	Watermark  int64
	Count, Sum int64
	First      int64
	Elements   []int64
}

// Text describes what the function that a vector names shows of a result.
func (r Result) Text(function string) string {
	switch function {
	case "reduce-sum":
		return fmt.Sprint("sum ", r.Sum, " first ", r.First)
	case "reduce-sum-window":
		return fmt.Sprint(r.Window, " sum ", r.Sum)
	case "aggregate-window":
		return fmt.Sprint(r.Window, " count ", r.Count, " sum ", r.Sum)
	}
	return fmt.Sprint(r.Window, " elements ", r.Elements, " watermark ", r.Watermark)
}

// Want is the key and the Text of a record of a vector; sorted puts the elements into order.
func Want(function string, record map[string]any, sorted bool) (key, text string) {
	number := func(from map[string]any, name string) int64 {
		n, _ := from[name].(json.Number)
		i, _ := n.Int64()
		return i
	}
	r := Result{Window: operator.Window{Start: number(record, "start"), End: number(record, "end")}, Watermark: number(record, "wm")}
	switch function {
	case "reduce-sum":
		r.Sum, r.First = number(record, "value"), number(record, "n")
	case "reduce-sum-window":
		r.Sum = number(record, "sum")
	case "aggregate-window":
		result := record["result"].(map[string]any)
		r.Count, r.Sum = number(result, "count"), number(result, "sum")
	default:
		for _, e := range record["elems"].([]any) {
			i, _ := e.(json.Number).Int64()
			r.Elements = append(r.Elements, i)
		}
		if sorted {
			slices.Sort(r.Elements)
		}
	}
	key, _ = record["key"].(string)
	return key, r.Text(function)
}

// Flat is an accumulator without pointers: of up to 192 elements of a script.
type Flat struct {
	Elements          [3]uint64
	Count, Sum, First int64
}

// AddFlat puts a record into a Flat.
func AddFlat(acc *Flat, fresh bool, r Record) {
	if fresh {
		acc.First = r.N
	}
	acc.Elements[r.N/64] |= 1 << (r.N % 64)
	acc.Count++
	acc.Sum += r.Value
}

// MergeFlat puts a later Flat into acc.
func MergeFlat(acc, later *Flat) {
	for i := range acc.Elements {
		acc.Elements[i] |= later.Elements[i]
	}
	acc.Count += later.Count
	acc.Sum += later.Sum
}

// ResultOfFlat makes a Result.
func ResultOfFlat(key string, window operator.Window, watermark int64, acc *Flat) Result {
	r := Result{Key: key, Window: window, Watermark: watermark, Count: acc.Count, Sum: acc.Sum, First: acc.First}
	for i := range int64(len(acc.Elements) * 64) {
		if acc.Elements[i/64]&(1<<(i%64)) != 0 {
			r.Elements = append(r.Elements, i)
		}
	}
	return r
}

// Listed is an accumulator with pointers.
type Listed struct {
	Elements   []int64
	Count, Sum int64
}

// AddListed puts a record into a Listed.
func AddListed(acc *Listed, _ bool, r Record) {
	acc.Elements = append(acc.Elements, r.N)
	acc.Count++
	acc.Sum += r.Value
}

// MergeListed puts a later Listed into acc.
func MergeListed(acc, later *Listed) {
	acc.Elements = append(acc.Elements, later.Elements...)
	acc.Count += later.Count
	acc.Sum += later.Sum
}

// ResultOfListed makes a Result.
func ResultOfListed(key string, window operator.Window, watermark int64, acc *Listed, sorted bool) Result {
	r := Result{Key: key, Window: window, Watermark: watermark, Count: acc.Count, Sum: acc.Sum, First: acc.Elements[0], Elements: slices.Clone(acc.Elements)}
	if sorted {
		slices.Sort(r.Elements)
	}
	return r
}
