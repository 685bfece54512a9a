package sink

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
)

type writer struct {
	ctx   connector.WriterContext
	got   []int64
	calls []string
	fail  error
}

func (w *writer) Open() error { w.calls = append(w.calls, "open"); return nil }
func (w *writer) Write(b *element.Batch[int64]) error {
	w.got = append(w.got, b.Values...)
	return w.fail
}
func (w *writer) Flush(end bool) error {
	w.calls = append(w.calls, map[bool]string{true: "flush at end", false: "flush"}[end])
	return nil
}
func (w *writer) Close() error { w.calls = append(w.calls, "close"); return nil }
func (w *writer) Name() string { return "writer" }
func (w *writer) NewWriter(ctx connector.WriterContext) (connector.Writer[int64], error) {
	w.ctx = ctx
	return w, nil
}

// doubtful is a writer that wants nothing until it does, and panics when asked once too often.
type doubtful struct {
	*writer
	answers []bool
}

func (d *doubtful) NewWriter(ctx connector.WriterContext) (connector.Writer[int64], error) {
	d.ctx = ctx
	return d, nil
}

func (d *doubtful) Ready() bool {
	answer := d.answers[0]
	d.answers = d.answers[1:]
	return answer
}

type ready interface{ Ready() (bool, error) }

func TestSink(t *testing.T) {
	w := &writer{}
	ctx := operatortest.Context(t, "writer")
	instance, err := Operator[int64](w)(ctx, operator.Outputs{})
	if err != nil {
		t.Fatal(err)
	}
	in := instance.Inputs[0].(operator.Input[int64])
	err = errors.Join(instance.Operator.Open(), in.Process(operatortest.Batch[int64](1, 2)), in.Watermark(5), in.Idle(true),
		instance.Operator.(interface{ Drain() error }).Drain(), instance.Operator.Finish(), instance.Operator.Close())
	if err != nil || !slices.Equal(w.got, []int64{1, 2}) || !slices.Equal(w.calls, []string{"open", "flush at end", "flush at end", "close"}) {
		t.Errorf("%v, got %v, calls %v", err, w.got, w.calls)
	}
	if ok, err := instance.Operator.(ready).Ready(); !ok || err != nil {
		t.Errorf("a writer that says nothing wants records: %v, %v", ok, err)
	}
	if w.ctx.Wake(); ctx.Task.(*operatortest.Task).Wakes != 1 || ctx.RecordsIn.Count() != 2 {
		t.Errorf("%d wakes, %d records counted", ctx.Task.(*operatortest.Task).Wakes, ctx.RecordsIn.Count())
	}
	w.fail = errors.New("no space")
	if err := in.Process(operatortest.Batch[int64](3)); !errors.Is(err, w.fail) || !strings.Contains(err.Error(), `operator "writer"`) {
		t.Errorf("a failed write: %v", err)
	}
}

func TestThrottledSink(t *testing.T) {
	d := &doubtful{&writer{}, []bool{false, true}}
	instance, err := Operator[int64](d)(operatortest.Context(t, "writer"), operator.Outputs{})
	if err != nil {
		t.Fatal(err)
	}
	r := instance.Operator.(ready)
	for _, want := range []bool{false, true} {
		if ok, err := r.Ready(); ok != want || err != nil {
			t.Errorf("Ready is %v, %v; want %v", ok, err, want)
		}
	}
	if ok, err := r.Ready(); ok || err == nil || !strings.Contains(err.Error(), `operator "writer" (subtask 0) panicked`) {
		t.Errorf("a panic in Ready: %v, %v", ok, err)
	}
}
