package process

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/state"
)

// ruling keeps rules, and looks them up for words.
type ruling struct {
	Rules  state.Broadcast[string, int64] `state:"rules"`
	Missed state.OperatorList[string]     `state:"missed"`

	breakTheRules bool
}

func (f *ruling) Process(ctx *operator.ProcessContext, in word, out operator.Collector[string]) error {
	if f.breakTheRules {
		f.Rules.Put(in.Text, 0)
	}
	n, ok := f.Rules.Get(in.Text)
	if !ok {
		f.Missed.Add(in.Text)
		return nil
	}
	out.Collect(fmt.Sprint(in.Text, n, ctx.CurrentWatermark() == element.NoWatermark))
	return nil
}

func (f *ruling) ProcessBroadcast(ctx *operator.BroadcastContext, in word, out operator.Collector[string]) error {
	f.Rules.Put(in.Text, in.N)
	at, _ := ctx.Timestamp()
	out.Collect(fmt.Sprint("rules ", f.Rules.Len(), " at ", at))
	return nil
}

func openRuling(t *testing.T, f *ruling, restored ...*snapshot.Operator) (operator.Instance, *operatortest.Recorder[string]) {
	ctx := operatortest.Context(t, "ruling")
	ctx.Restored = restored
	return operatortest.Open[string](t, ctx, Broadcast(func() operator.BroadcastProcessFunction[word, word, string] { return f }))
}

func TestBroadcastStateIsChangedOnItsSideOnly(t *testing.T) {
	f := &ruling{}
	instance, out := openRuling(t, f)
	words, rules := instance.Inputs[0].(operator.Input[word]), instance.Inputs[1].(operator.Input[word])
	err := errors.Join(
		words.Process(operatortest.Batch(word{"a", 0})),
		rules.Process(operatortest.BatchAt([]word{{"a", 7}, {"b", 8}}, []int64{5, 6})),
		words.Watermark(10), rules.Watermark(11),
		words.Process(operatortest.Batch(word{"a", 0}, word{"c", 0})),
	)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"rules 1 at 5", "rules 2 at 6", "a7 false"}; !reflect.DeepEqual(out.Values(), want) {
		t.Errorf("emitted %q, want %q", out.Values(), want)
	}

	taken, err := operator.Snapshot(instance.Operator.(operator.Stateful))
	if err != nil {
		t.Fatal(err)
	}
	later := &ruling{}
	instance, out = openRuling(t, later, taken, taken)
	_ = instance.Inputs[0].(operator.Input[word]).Process(operatortest.Batch(word{"b", 0}))
	if want := []string{"b8 true"}; !reflect.DeepEqual(out.Values(), want) {
		t.Errorf("emitted %q after a restore, want %q", out.Values(), want)
	}
	if got, want := later.Missed.Slice(), []string{"a", "c", "a", "c"}; !reflect.DeepEqual(got, want) {
		t.Errorf("the only subtask has the elements %q of two, want %q", got, want)
	}

	later.breakTheRules = true
	err = instance.Inputs[0].(operator.Input[word]).Process(operatortest.Batch(word{"b", 0}))
	if err == nil || !strings.Contains(err.Error(), "broadcast state is changed") || !strings.Contains(err.Error(), "ruling") {
		t.Errorf("%v; want an error that says what was wrong", err)
	}
}

// lastKey has a value for each key and, for a broadcast record, reads it without saying which.
type lastKey struct {
	N state.Value[int64] `state:"n"`
}

func (f *lastKey) Process(_ *operator.KeyedContext[string], in word, _ operator.Collector[word]) error {
	f.N.Set(in.N)
	return nil
}

func (f *lastKey) ProcessBroadcast(_ *operator.KeyedBroadcastContext[string], _ word, _ operator.Collector[word]) error {
	f.N.Set(1)
	return nil
}

func TestBroadcastRecordsHaveNoKey(t *testing.T) {
	instance, _ := operatortest.Open[word](t, operatortest.Context(t, "last"),
		KeyedBroadcast(byText(t), func() operator.KeyedBroadcastProcessFunction[string, word, word, word] { return &lastKey{} }))
	if err := instance.Inputs[0].(operator.Input[word]).Process(operatortest.Batch(word{"a", 3})); err != nil {
		t.Fatal(err)
	}
	err := instance.Inputs[1].(operator.Input[word]).Process(operatortest.Batch(word{"a", 3}))
	if err == nil || !strings.Contains(err.Error(), "no key is current") {
		t.Errorf("%v; want an error, not the state of the last key", err)
	}
}

// forgetting keeps what it is given for a second of processing time.
type forgetting struct {
	N state.Value[int64] `state:"n,ttl=1s"`
}

func (f *forgetting) Process(_ *operator.KeyedContext[string], in word, _ operator.Collector[word]) error {
	f.N.Set(in.N)
	return nil
}

func TestStateThatNobodyReadsExpires(t *testing.T) {
	ctx := operatortest.Context(t, "forgetting")
	manual := ctx.Clock.(*clock.Manual)
	callAt := operator.NoCall
	ctx.CallAt = func(at int64) { callAt = at }
	instance, _ := operatortest.Open[word](t, ctx, Keyed(byText(t), func() operator.KeyedProcessFunction[string, word, word] { return &forgetting{} }))
	var in []word
	for i := range int64(500) {
		in = append(in, word{fmt.Sprint("key ", i), i})
	}
	if err := instance.Inputs[0].(operator.Input[word]).Process(operatortest.Batch(in...)); err != nil {
		t.Fatal(err)
	}
	p := instance.Operator.(*keyedProcessing[string, word, word])
	calls := 0
	for p.backend.Len() > 0 && calls < 1000 {
		if callAt == operator.NoCall {
			t.Fatal("no call is asked for while there is state that will expire")
		}
		manual.Advance(time.UnixMilli(callAt).Sub(manual.Now()))
		callAt = operator.NoCall
		if err := p.OnProcessingTime(manual.Now().UnixMilli()); err != nil {
			t.Fatal(err)
		}
		calls++
	}
	if p.backend.Len() > 0 {
		t.Errorf("%d keys are left after %d calls", p.backend.Len(), calls)
	}
	if passed := manual.Now().Sub(time.Unix(1000, 0)); passed > 3*time.Second {
		t.Errorf("a second's state lived for %v", passed)
	}
}

// registering has no OnTimer.
type registering struct{}

func (registering) Process(ctx *operator.KeyedContext[string], _ word, _ operator.Collector[word]) error {
	ctx.RegisterEventTimeTimer(1)
	return nil
}

func TestTimerThatNothingWaitsForIsRefused(t *testing.T) {
	instance, _ := operatortest.Open[word](t, operatortest.Context(t, "op"), Keyed(byText(t), func() operator.KeyedProcessFunction[string, word, word] { return registering{} }))
	err := instance.Inputs[0].(operator.Input[word]).Process(operatortest.Batch(word{"a", 3}))
	if err == nil || !strings.Contains(err.Error(), "OnTimer") || !strings.Contains(err.Error(), "registering") {
		t.Errorf("%v; want an error that names the missing method", err)
	}
}
