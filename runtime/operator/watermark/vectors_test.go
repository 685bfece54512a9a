package watermark

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
)

// vector is a script with what Apache Flink 2.3 emits at each step.
type vector struct {
	Name     string
	Operator struct {
		Generator, Timestamp string
		Interval, Bound      int64
		Idleness             int64
	}
	Steps []struct {
		Element *struct {
			Value int64
			TS    *int64
		}
		Watermark              *int64
		ProcessingTime         *int64
		Status                 string
		EndOfInput             bool
		Split                  string
		Register, Unregister   bool
		Deferred, PeriodicEmit bool
	}
	Outputs [][]output
}

type output struct {
	Record    *struct{ Value int64 } `json:",omitempty"`
	TS        *int64                 `json:",omitempty"`
	Watermark *int64                 `json:",omitempty"`
	Status    string                 `json:",omitempty"`
}

func vectors(t *testing.T, path string, want int, run func(*testing.T, vector)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	n := 0
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		n++
		t.Run(v.Name, func(t *testing.T) { run(t, v) })
	}
	if n != want {
		t.Errorf("%d vectors, want %d", n, want)
	}
}

func outputs(records []operatortest.Record[int64]) []output {
	all := []output{}
	for _, r := range records {
		switch r.Event {
		case "":
			all = append(all, output{Record: &struct{ Value int64 }{r.Value}, TS: &r.Timestamp})
		case element.Watermark.String():
			all = append(all, output{Watermark: &r.Timestamp})
		default:
			all = append(all, output{Status: r.Event})
		}
	}
	return all
}

func check(t *testing.T, i int, step any, got, want []output) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		s, _ := json.Marshal(step)
		t.Fatalf("step %d (%s): emitted %s, want %s", i, s, g, w)
	}
}

func (v vector) strategy(t *testing.T) Strategy[int64] {
	strategy := build(t, v, RecordTimestamp[int64])
	if v.Operator.Timestamp == "element value" {
		strategy = build(t, v, func(v int64) int64 { return v })
	}
	if v.Operator.Idleness > 0 {
		strategy = strategy.WithIdleness(time.Duration(v.Operator.Idleness) * time.Millisecond)
	}
	return strategy
}

func build[M Moment](t *testing.T, v vector, at func(int64) M) Strategy[int64] {
	switch v.Operator.Generator {
	case "monotonousTimestamps":
		return Monotonous(at)
	case "boundedOutOfOrderness":
		return BoundedOutOfOrderness(time.Duration(v.Operator.Bound)*time.Millisecond, at)
	case "noWatermarks":
		return None(at)
	case "punctuated: watermark = timestamp after each element with an odd value":
		return Punctuated(at, func(v, timestamp int64) (int64, bool) { return timestamp, v%2 != 0 })
	}
	t.Fatalf("unknown generator %q", v.Operator.Generator)
	return Strategy[int64]{}
}

func TestAssignAgainstFlink(t *testing.T) {
	vectors(t, "testdata/assign.jsonl", 56, func(t *testing.T, v vector) {
		ctx := operatortest.Context(t, "assign")
		now := clock.NewManual(time.UnixMilli(0))
		ctx.Clock = now
		call := operator.NoCall
		ctx.CallAt = func(at int64) { call = at }
		instance, out := operatortest.Open[int64](t, ctx, Assign(v.strategy(t), time.Duration(v.Operator.Interval)*time.Millisecond))
		in := instance.Inputs[0].(operator.Input[int64])
		for i, step := range v.Steps {
			out.All = nil
			var err error
			switch {
			case step.Element != nil:
				b := &element.Batch[int64]{}
				at := element.NoTimestamp
				if step.Element.TS != nil {
					at = *step.Element.TS
				}
				b.Append(step.Element.Value, at)
				err = in.Process(b)
			case step.ProcessingTime != nil:
				now.Advance(time.UnixMilli(*step.ProcessingTime).Sub(now.Now()))
				if call <= ctx.Now() {
					call = operator.NoCall
					err = instance.Operator.(operator.Timed).OnProcessingTime(ctx.Now())
				}
			case step.Status != "":
				err = in.Idle(step.Status == "idle")
			case step.Watermark != nil:
				err = in.Watermark(*step.Watermark)
			case step.EndOfInput:
				if err = in.Watermark(element.MaxWatermark); err == nil {
					err = instance.Operator.Finish()
				}
			default:
				t.Fatalf("step %d is unknown", i)
			}
			if err != nil {
				t.Fatal(err)
			}
			check(t, i, step, outputs(out.All), v.Outputs[i])
		}
	})
}

func TestSplitsAgainstFlink(t *testing.T) {
	vectors(t, "testdata/splits.jsonl", 16, func(t *testing.T, v vector) {
		splits := NewSplits()
		parts := map[string]*Part{}
		for i, step := range v.Steps {
			var combined []element.Event
			part, event := parts[step.Split], element.Event{Kind: element.Active}
			switch {
			case step.Watermark != nil:
				event = element.Event{Kind: element.Watermark, Time: *step.Watermark}
			case step.Status == "idle":
				event.Kind = element.Idle
			}
			switch {
			case step.Register:
				parts[step.Split] = splits.Register()
			case step.Unregister:
				splits.Unregister(part)
			case step.PeriodicEmit:
				combined = splits.Combine()
			case step.Deferred:
				splits.Defer(part, event)
			default:
				combined = splits.Now(part, event)
			}
			got := []output{}
			for _, event := range combined {
				if event.Kind == element.Watermark {
					got = append(got, output{Watermark: &event.Time})
				} else {
					got = append(got, output{Status: event.Kind.String()})
				}
			}
			check(t, i, step, got, v.Outputs[i])
		}
	})
}
