package operator

import (
	"reflect"
	"strings"
	"testing"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
)

// taker keeps what it is given.
type taker[T any] struct {
	values     []T
	timestamps []int64
	marks      []int64
	idle       []bool
}

func (k *taker[T]) Process(batch *element.Batch[T]) error {
	for i, v := range batch.Values {
		k.values, k.timestamps = append(k.values, v), append(k.timestamps, batch.TimestampAt(i))
	}
	return nil
}

func (k *taker[T]) Watermark(at int64) error {
	k.marks = append(k.marks, at)
	return nil
}

func (k *taker[T]) Idle(idle bool) error {
	k.idle = append(k.idle, idle)
	return nil
}

func TestSideOutputsTakeRecordsAndEvents(t *testing.T) {
	main, first, second := &taker[int]{}, &taker[[]string]{}, &taker[[]string]{}
	ctx := &Context{RecordsOut: new(metrics.Counter), ObjectReuse: false}
	out := Outputs{Main: []any{Input[int](main)}, Side: map[string][]any{"late": {Input[[]string](first), Input[[]string](second)}}}
	base, sides := NewBase[int](ctx, out), NewSideOutputs(ctx, out)
	context := NewProcessContext(ctx, sides)
	tag := NewOutputTag[[]string]("late")

	context.AtBatch([]int64{5, element.NoTimestamp})
	tag.Emit(context, []string{"a"})
	context.AtRecord(1)
	tag.Emit(context, []string{"b"})
	tag.EmitAt(context, []string{"c"}, 9)
	NewOutputTag[int]("unread").Emit(context, 1)
	if err := sides.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, side := range []*taker[[]string]{first, second} {
		if want := [][]string{{"a"}, {"b"}, {"c"}}; !reflect.DeepEqual(side.values, want) {
			t.Errorf("got %v, want %v", side.values, want)
		}
		if want := []int64{5, element.NoTimestamp, 9}; !reflect.DeepEqual(side.timestamps, want) {
			t.Errorf("at %v, want %v", side.timestamps, want)
		}
	}
	if &first.values[0][0] == &second.values[0][0] {
		t.Error("two readers share a record without pipeline.object-reuse")
	}
	if ctx.RecordsOut.Count() != 3 {
		t.Errorf("%d records out, want 3", ctx.RecordsOut.Count())
	}

	_, _ = base.Watermark(7), base.Idle(true)
	for _, marks := range [][]int64{main.marks, first.marks, second.marks} {
		if !reflect.DeepEqual(marks, []int64{7}) {
			t.Errorf("watermarks %v, want one", marks)
		}
	}
	if !reflect.DeepEqual(first.idle, []bool{true}) || !reflect.DeepEqual(main.idle, []bool{true}) {
		t.Errorf("idle marks %v and %v", first.idle, main.idle)
	}

	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "late") || !strings.Contains(text, "int") {
			t.Errorf("panic %q; want one that names the tag", text)
		}
	}()
	NewOutputTag[int]("late").Emit(context, 1)
}

func TestSideOutputOfAnotherTypeThanItsReader(t *testing.T) {
	ctx := &Context{RecordsOut: new(metrics.Counter), ObjectReuse: true}
	out := Outputs{Side: map[string][]any{"late": {Input[string](&taker[string]{})}}}
	context := NewProcessContext(ctx, NewSideOutputs(ctx, out))
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, `"late"`) || !strings.Contains(text, "int") {
			t.Errorf("panic %q; want one that names tag and type", text)
		}
	}()
	NewOutputTag[int]("late").Emit(context, 1)
}
