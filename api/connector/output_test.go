package connector

import (
	"slices"
	"testing"

	"github.com/weir-stream/weir/runtime/element"
)

func TestExtendKeepsEventTimesBesideRecords(t *testing.T) {
	const none = element.NoTimestamp
	var batch element.Batch[int]
	out := NewOutput(&batch, 8)
	copy(out.Extend(2), []int{1, 2})
	if len(batch.Timestamps) != 0 {
		t.Errorf("records without event time have %v", batch.Timestamps)
	}
	out.EmitAt(3, 30)
	copy(out.Extend(1), []int{4})
	values, timestamps := out.ExtendAt(2)
	copy(values, []int{5, 6})
	copy(timestamps, []int64{50, 60})
	copy(out.Extend(9), []int{7, 8, 9})
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8}; !slices.Equal(batch.Values, want) {
		t.Errorf("records %v, want %v", batch.Values, want)
	}
	if want := []int64{none, none, 30, none, 50, 60, none, none}; !slices.Equal(batch.Timestamps, want) {
		t.Errorf("event times %v, want %v", batch.Timestamps, want)
	}
	if out.Room() != 0 || len(out.Extend(1)) != 0 {
		t.Error("a full output has room")
	}
}

func TestExtendForgetsEventTimesOfAnEarlierUse(t *testing.T) {
	batch := element.Batch[int]{Values: make([]int, 0, 4), Timestamps: []int64{7, 7, 7, 7}[:1]}
	batch.Values = append(batch.Values, 1)
	out := NewOutput(&batch, 4)
	out.Extend(3)
	if want := []int64{7, element.NoTimestamp, element.NoTimestamp, element.NoTimestamp}; !slices.Equal(batch.Timestamps, want) {
		t.Errorf("event times %v", batch.Timestamps)
	}
}
