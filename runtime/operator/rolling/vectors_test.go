package rolling_test

import (
	"bufio"
	"context"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"testing"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/stream"
)

// record is a record of the vectors, and an output of theirs with its event time.
type record struct {
	Key   string
	Value int64
	N     int
}

type timed struct {
	Record record
	TS     *int64
}

// vector is a script for a rolling aggregate with what Apache Flink 2.3's own emits.
type vector struct {
	Name     string
	Operator struct{ Function string }
	Steps    []struct {
		Element *struct {
			Key   string
			Value int64
			TS    *int64
		}
	}
	Outputs [][]struct {
		Record *record
		TS     *int64
	}
}

type timestamps struct{}

func (timestamps) Process(ctx *stream.ProcessContext, in record, out stream.Collector[timed]) error {
	result := timed{Record: in}
	if at, ok := ctx.Timestamp(); ok {
		result.TS = &at
	}
	out.Collect(result)
	return nil
}

func apply(t *testing.T, function string, s stream.KeyedStream[string, record]) stream.DataStream[record] {
	field := func(r *record) *int64 { return &r.Value }
	value := func(r record) int64 { return r.Value }
	switch function {
	case "reduce-sum":
		return stream.Reduce(s, func(a, b record) record { return record{a.Key, a.Value + b.Value, a.N} })
	case "sum":
		return stream.Sum(s, field)
	case "min":
		return stream.Min(s, field)
	case "max":
		return stream.Max(s, field)
	case "minBy":
		return stream.MinBy(s, value, stream.First)
	case "minBy-last":
		return stream.MinBy(s, value, stream.Last)
	case "maxBy":
		return stream.MaxBy(s, value, stream.First)
	case "maxBy-last":
		return stream.MaxBy(s, value, stream.Last)
	}
	t.Fatalf("unknown function %q", function)
	return stream.DataStream[record]{}
}

// TestRollingAggregatesAgainstFlink leaves out what the vectors say of watermarks, and treats a restore as nothing:
// the results must not show it.
func TestRollingAggregatesAgainstFlink(t *testing.T) {
	file, err := os.Open("testdata/rolling.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	vectors := 0
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		vectors++
		t.Run(v.Name, func(t *testing.T) { replay(t, v) })
	}
	if vectors != 40 {
		t.Errorf("%d vectors, want 40", vectors)
	}
}

func replay(t *testing.T, v vector) {
	var in []record
	var at []int64
	var want []timed
	for i, step := range v.Steps {
		if e := step.Element; e != nil {
			in = append(in, record{e.Key, e.Value, len(in)})
			if e.TS != nil {
				at = append(at, *e.TS)
			} else {
				at = append(at, math.MinInt64)
			}
		}
		for _, out := range v.Outputs[i] {
			if out.Record != nil {
				want = append(want, timed{*out.Record, out.TS})
			}
		}
	}
	env, err := stream.NewEnvironment(v.Name)
	if err != nil {
		t.Fatal(err)
	}
	env.SetParallelism(1)
	src := stream.From(env, collection.From(in).Timestamps(func(r record) int64 { return at[r.N] }))
	rolled := apply(t, v.Operator.Function, stream.KeyBy(src, func(r record) string { return r.Key }))
	got, err := stream.ExecuteAndCollect(context.Background(), stream.ProcessEach[record, timed](rolled, func() timestamps { return timestamps{} }))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		t.Errorf("emitted\n%s\nwant\n%s", g, w)
	}
}
