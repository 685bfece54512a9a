package task

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/weir-stream/weir/runtime/element"
)

// vector is a script for a valve with what Apache Flink 2.3's own lets through at each step.
type vector struct {
	Name     string
	Operator struct{ Channels int }
	Steps    []struct {
		Channel   int
		Watermark *int64
		Status    string
	}
	Outputs [][]output
}

type output struct {
	Watermark *int64 `json:",omitempty"`
	Status    string `json:",omitempty"`
}

func (c change) outputs() []output {
	out := []output{}
	if c.hasWatermark {
		out = append(out, output{Watermark: &c.watermark})
	}
	if c.status != 0 {
		out = append(out, output{Status: c.status.String()})
	}
	return out
}

func TestValveAgainstFlink(t *testing.T) {
	file, err := os.Open("testdata/valve.jsonl")
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
		t.Run(v.Name, func(t *testing.T) {
			valve := newValve(v.Operator.Channels)
			for i, step := range v.Steps {
				var got change
				if step.Watermark != nil {
					got = valve.watermark(step.Channel, *step.Watermark)
				} else {
					got = valve.status(step.Channel, step.Status == "idle")
				}
				if !reflect.DeepEqual(got.outputs(), v.Outputs[i]) {
					t.Fatalf("step %d (%+v) let through %+v, want %s", i, step, got, lines.Text())
				}
			}
		})
	}
	if vectors != 49 {
		t.Errorf("%d vectors, want 49", vectors)
	}
}

func TestValveOfAUnionGrows(t *testing.T) {
	v := newValve(0)
	if first := v.grow(2); first != 0 {
		t.Fatalf("first channel of the first edge is %d", first)
	}
	if first := v.grow(1); first != 2 {
		t.Fatalf("first channel of the second edge is %d", first)
	}
	v.watermark(0, 5)
	v.watermark(1, 7)
	if got := v.watermark(2, 6); got != (change{watermark: 5, hasWatermark: true}) {
		t.Errorf("let through %+v, want 5, the lowest of all edges", got)
	}
	if v.output == element.NoWatermark {
		t.Error("the output did not move")
	}
}
