package process

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/state"
)

type word struct {
	Text string
	N    int64
}

func byText(t *testing.T) keyed.Stream[string, word] {
	key, err := codec.ForKey[string]()
	if err != nil {
		t.Fatal(err)
	}
	return keyed.Stream[string, word]{Selector: func(w word) string { return w.Text }, Key: key}
}

// totals adds up in state, emits each new total, and at the end all of them.
type totals struct {
	Sum  state.Value[int64] `state:"sum"`
	Seen state.List[int64]  `state:"seen"`

	calls        []string
	atFinish     map[string]int64
	failAt       int64
	keyIsMissing bool
}

func (f *totals) Open(ctx operator.RuntimeContext) error {
	f.calls = append(f.calls, "open "+ctx.OperatorName())
	return nil
}

func (f *totals) Close() error {
	f.calls = append(f.calls, "close")
	return nil
}

func (f *totals) Process(ctx *operator.KeyedContext[string], in word, out operator.Collector[word]) error {
	if in.N == f.failAt && in.N != 0 {
		return errors.New("bad number")
	}
	if ctx.Key() != in.Text {
		f.keyIsMissing = true
	}
	f.Sum.Update(func(sum *int64) { *sum += in.N })
	f.Seen.Add(in.N)
	sum, _ := f.Sum.Get()
	out.Collect(word{in.Text, sum})
	return nil
}

func (f *totals) Finish(ctx *operator.KeyedContext[string], out operator.Collector[word]) error {
	if _, ok := ctx.Timestamp(); ok {
		return errors.New("there is no record at the end")
	}
	ctx.ForEachKey(func(key string) bool {
		sum, ok := f.Sum.Get()
		if !ok || key != ctx.Key() {
			f.keyIsMissing = true
		}
		f.atFinish[key] = sum
		out.Collect(word{key, -sum})
		return true
	})
	return nil
}

func TestKeyedFunctionHasStateOfTheKeyAtHand(t *testing.T) {
	f := &totals{atFinish: map[string]int64{}}
	ctx := operatortest.Context(t, "totals")
	instance, out := operatortest.Open[word](t, ctx, Keyed(byText(t), func() operator.KeyedProcessFunction[string, word, word] { return f }))
	in := instance.Inputs[0].(operator.Input[word])
	_ = in.Process(operatortest.BatchAt([]word{{"a", 1}, {"b", 10}, {"a", 2}}, []int64{100, 200, 300}))
	_ = in.Process(operatortest.Batch(word{"b", 5}, word{"c", 0}))
	none := element.NoTimestamp
	want := []operatortest.Record[word]{
		{Value: word{"a", 1}, Timestamp: 100}, {Value: word{"b", 10}, Timestamp: 200}, {Value: word{"a", 3}, Timestamp: 300},
		{Value: word{"b", 15}, Timestamp: none}, {Value: word{"c", 0}, Timestamp: none},
	}
	if !reflect.DeepEqual(out.All, want) {
		t.Errorf("emitted %v, want %v", out.All, want)
	}
	out.All = nil
	if err := instance.Operator.Finish(); err != nil {
		t.Fatal(err)
	}
	if want := map[string]int64{"a": 3, "b": 15, "c": 0}; !maps.Equal(f.atFinish, want) || f.keyIsMissing {
		t.Errorf("at the end the state has %v, want %v; keys missing %v", f.atFinish, want, f.keyIsMissing)
	}
	if len(out.All) != 3 || out.All[0].Timestamp != none {
		t.Errorf("emitted %v at the end", out.All)
	}
	if ctx.RecordsIn.Count() != 5 || ctx.RecordsOut.Count() != 8 {
		t.Errorf("%d records in, %d out", ctx.RecordsIn.Count(), ctx.RecordsOut.Count())
	}
}

func TestKeyedFunctionIsOpenedAndClosed(t *testing.T) {
	f := &totals{}
	instance, err := Keyed(byText(t), func() operator.KeyedProcessFunction[string, word, word] { return f })(operatortest.Context(t, "op"), operator.Outputs{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(instance.Operator.Open(), instance.Operator.Close()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.calls, []string{"open op", "close"}) {
		t.Errorf("calls %v", f.calls)
	}
	bad := operatortest.Context(t, "op")
	bad.Backend = "floppy"
	g := &totals{}
	instance, _ = Keyed(byText(t), func() operator.KeyedProcessFunction[string, word, word] { return g })(bad, operator.Outputs{})
	if err := instance.Operator.Open(); err == nil || !strings.Contains(err.Error(), "floppy") {
		t.Errorf("unknown backend: %v", err)
	}
	if err := instance.Operator.Close(); err != nil || len(g.calls) != 0 {
		t.Errorf("after a failed open: %v, function calls %v", err, g.calls)
	}
}

func TestErrorsNameTheOperator(t *testing.T) {
	f := &totals{failAt: 3}
	instance, out := operatortest.Open[word](t, operatortest.Context(t, "totals"), Keyed(byText(t), func() operator.KeyedProcessFunction[string, word, word] { return f }))
	err := instance.Inputs[0].(operator.Input[word]).Process(operatortest.Batch(word{"a", 1}, word{"a", 3}))
	if err == nil || !strings.Contains(err.Error(), `operator "totals"`) || !strings.Contains(err.Error(), "bad number") || len(out.All) != 0 {
		t.Errorf("%v, emitted %v", err, out.All)
	}
}

// misuse calls what is not allowed while a record is being processed.
type misuse struct {
	f func(*operator.KeyedContext[string])
}

func (m misuse) Process(ctx *operator.KeyedContext[string], _ word, _ operator.Collector[word]) error {
	m.f(ctx)
	return nil
}

func (m misuse) Finish(ctx *operator.KeyedContext[string], _ operator.Collector[word]) error {
	_ = ctx.Key()
	return nil
}

func TestMisuseIsExplained(t *testing.T) {
	m := misuse{func(ctx *operator.KeyedContext[string]) { ctx.ForEachKey(func(string) bool { return true }) }}
	instance, _ := operatortest.Open[word](t, operatortest.Context(t, "op"), Keyed(byText(t), func() operator.KeyedProcessFunction[string, word, word] { return m }))
	err := instance.Inputs[0].(operator.Input[word]).Process(operatortest.Batch(word{"a", 1}))
	if err == nil || !strings.Contains(err.Error(), "use it in Finish") {
		t.Errorf("ForEachKey in Process: %v", err)
	}
	defer func() {
		if r, _ := recover().(string); !strings.Contains(r, "no key is current") {
			t.Errorf("Key in Finish: %v", r)
		}
	}()
	_ = instance.Operator.Finish()
}

// joiner keeps the last record of the first input for those of the second.
type joiner struct {
	Last state.Value[int64] `state:"last"`
}

func (j *joiner) Process1(_ *operator.KeyedContext[string], in word, _ operator.Collector[word]) error {
	j.Last.Set(in.N)
	return nil
}

func (j *joiner) Process2(ctx *operator.KeyedContext[string], in string, out operator.Collector[word]) error {
	if last, ok := j.Last.Get(); ok {
		out.Collect(word{ctx.Key(), last})
	}
	return nil
}

func TestKeyedCoProcessSharesState(t *testing.T) {
	second := keyed.Stream[string, string]{Selector: func(s string) string { return s[:1] }, Key: byText(t).Key}
	instance, out := operatortest.Open[word](t, operatortest.Context(t, "join"),
		KeyedCo(byText(t), second, func() operator.KeyedCoProcessFunction[string, word, string, word] { return &joiner{} }))
	words, asks := instance.Inputs[0].(operator.Input[word]), instance.Inputs[1].(operator.Input[string])
	_ = asks.Process(operatortest.Batch("a?"))
	_ = words.Process(operatortest.Batch(word{"a", 1}, word{"b", 2}, word{"a", 3}))
	_ = asks.Process(operatortest.Batch("b?", "a?", "c?"))
	if got, want := out.Values(), []word{{"b", 2}, {"a", 3}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	_ = words.Watermark(5)
	_ = asks.Idle(true)
	if last := out.All[len(out.All)-1]; last.Event != "watermark" || last.Timestamp != 5 {
		t.Errorf("the last event is %+v, want the watermark 5 that the idle input no longer holds back", last)
	}
}

// plain is a process function without keys.
type plain struct {
	sum, finished int64
}

func (p *plain) Process(ctx *operator.ProcessContext, in int64, out operator.Collector[int64]) error {
	if at, ok := ctx.Timestamp(); ok {
		out.CollectAt(in, at+1)
	}
	p.sum += in
	return nil
}

func (p *plain) Finish(_ *operator.ProcessContext, out operator.Collector[int64]) error {
	p.finished++
	out.Collect(p.sum)
	return nil
}

func TestProcessWithoutKeys(t *testing.T) {
	p := &plain{}
	instance, out := operatortest.Open[int64](t, operatortest.Context(t, "plain"), Process(func() operator.ProcessFunction[int64, int64] { return p }))
	in := instance.Inputs[0].(operator.Input[int64])
	_ = in.Process(operatortest.BatchAt([]int64{1, 2}, []int64{10, element.NoTimestamp}))
	_ = in.Process(operatortest.Batch[int64](4))
	if err := instance.Operator.Finish(); err != nil {
		t.Fatal(err)
	}
	want := []operatortest.Record[int64]{{Value: 1, Timestamp: 11}, {Value: 7, Timestamp: element.NoTimestamp}}
	if !reflect.DeepEqual(out.All, want) || p.finished != 1 {
		t.Errorf("emitted %v, want %v", out.All, want)
	}
}

func TestStateWithoutKeysIsRefused(t *testing.T) {
	if err := Check[int64](&plain{}); err != nil {
		t.Error(err)
	}
	if err := Check[int64](&totals{}); err == nil || !strings.Contains(err.Error(), "KeyBy") || !strings.Contains(err.Error(), "sum") {
		t.Errorf("%v; want an error that names the state and what to do", err)
	}
}
