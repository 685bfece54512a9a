package operator

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/weir-stream/weir/runtime/element"
)

// eventLog is an input that notes the events it gets.
type eventLog struct{ all []event }

type event struct {
	Watermark *int64 `json:",omitempty"`
	Status    string `json:",omitempty"`
}

func (l *eventLog) Process(*element.Batch[int]) error { return nil }
func (l *eventLog) Watermark(at int64) error {
	l.all = append(l.all, event{Watermark: &at})
	return nil
}
func (l *eventLog) Idle(idle bool) error {
	status := "active"
	if idle {
		status = "idle"
	}
	l.all = append(l.all, event{Status: status})
	return nil
}

// TestTwoInputsAgainstFlink replays the watermarks and idle marks of Apache Flink 2.3's keyed co-process vectors.
func TestTwoInputsAgainstFlink(t *testing.T) {
	file, err := os.Open("testdata/two.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	vectors := 0
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v struct {
			Name  string
			Steps []struct {
				Watermark                   *int64
				Status                      string
				Input                       int
				SnapshotRestore, EndOfInput bool
			}
			Outputs [][]event
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		vectors++
		t.Run(v.Name, func(t *testing.T) {
			var log eventLog
			begin := func() *Two[int] {
				two := NewTwo[int](&Context{}, Outputs{Main: []any{Input[int](&log)}})
				return &two
			}
			two := begin()
			for i, step := range v.Steps {
				log.all = []event{}
				switch {
				case step.SnapshotRestore:
					two = begin()
				case step.EndOfInput:
					_ = two.mark(0, element.MaxWatermark)
					_ = two.mark(1, element.MaxWatermark)
				case step.Watermark != nil:
					_ = two.mark(step.Input-1, *step.Watermark)
				default:
					_ = two.status(step.Input-1, step.Status == "idle")
				}
				if !reflect.DeepEqual(log.all, v.Outputs[i]) {
					got, _ := json.Marshal(log.all)
					want, _ := json.Marshal(v.Outputs[i])
					t.Fatalf("step %d (%+v): emitted %s, want %s", i, step, got, want)
				}
			}
		})
	}
	if vectors != 14 {
		t.Errorf("%d vectors, want 14", vectors)
	}
}
