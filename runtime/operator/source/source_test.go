package source

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
)

// polled is the part of a source operator that its task calls.
type polled interface {
	Poll(limit int) (records int, status connector.Status, err error)
	Woken() bool
	AddSplits([]connector.Split) error
	NoMoreSplits() error
}

type reader struct {
	ctx   connector.ReaderContext
	emit  []int64
	end   bool
	fail  error
	calls []string
}

func (r *reader) Open() error  { r.calls = append(r.calls, "open"); r.ctx.RequestSplit(); return nil }
func (r *reader) Close() error { r.calls = append(r.calls, "close"); return nil }
func (r *reader) AddSplits(s []connector.Split) error {
	r.calls = append(r.calls, "add "+s[0].ID)
	return r.fail
}
func (r *reader) NoMoreSplits()                        { r.calls = append(r.calls, "no more") }
func (r *reader) Snapshot() ([]connector.Split, error) { return nil, nil }
func (r *reader) Poll(out *connector.Output[int64]) (connector.Status, error) {
	for len(r.emit) > 0 && out.Room() > 0 {
		out.EmitAt(r.emit[0], -r.emit[0])
		r.emit = r.emit[1:]
	}
	switch {
	case len(r.emit) > 0:
		return connector.More, r.fail
	case r.end:
		return connector.Ended, r.fail
	}
	return connector.Waiting, r.fail
}

func (r *reader) Name() string  { return "numbers" }
func (r *reader) Bounded() bool { return true }
func (r *reader) NewEnumerator(connector.EnumeratorContext) (connector.Enumerator, error) {
	return nil, nil
}
func (r *reader) NewReader(ctx connector.ReaderContext) (connector.Reader[int64], error) {
	r.ctx = ctx
	return r, nil
}

func TestPollEmitsASliceAtATime(t *testing.T) {
	r := &reader{emit: []int64{1, 2, 3, 4, 5}}
	ctx := operatortest.Context(t, "numbers")
	instance, out := operatortest.Open[int64](t, ctx, Operator[int64](r))
	s := instance.Operator.(polled)
	for _, want := range []struct {
		records int
		status  connector.Status
	}{{2, connector.More}, {2, connector.More}, {1, connector.Waiting}, {0, connector.Waiting}} {
		if n, status, err := s.Poll(2); n != want.records || status != want.status || err != nil {
			t.Errorf("Poll returned %d, %v, %v; want %+v", n, status, err, want)
		}
	}
	r.emit, r.end = []int64{6}, true
	if n, status, _ := s.Poll(2); n != 1 || status != connector.Ended {
		t.Errorf("last Poll returned %d, %v", n, status)
	}
	if !slices.Equal(out.Values(), []int64{1, 2, 3, 4, 5, 6}) || out.All[3].Timestamp != -4 || out.Batches != 4 {
		t.Errorf("emitted %v in %d batches", out.All, out.Batches)
	}
	if n := len(ctx.Task.(*operatortest.Task).Events); n != 1 || ctx.RecordsOut.Count() != 6 {
		t.Errorf("%d requests to the enumerator, %d records counted", n, ctx.RecordsOut.Count())
	}
}

// TestAWakeIsThereBeforeTheTaskIsTold: a task that wakes up must find a reason.
func TestAWakeIsThereBeforeTheTaskIsTold(t *testing.T) {
	r := &reader{}
	ctx := operatortest.Context(t, "numbers")
	instance, _ := operatortest.Open[int64](t, ctx, Operator[int64](r))
	s := instance.Operator.(polled)
	_, _, _ = s.Poll(1)
	if s.Woken() {
		t.Error("woken by nobody")
	}
	found := false
	ctx.Task.(*operatortest.Task).OnWake = func() { found = s.Woken() }
	r.ctx.Wake()
	if !found {
		t.Error("the task was woken before there was a reason")
	}
	_, _, _ = s.Poll(1)
	if s.Woken() {
		t.Error("still woken after Poll")
	}
}

func TestFailuresNameTheSource(t *testing.T) {
	r := &reader{fail: errors.New("disk gone"), emit: []int64{1}}
	instance, out := operatortest.Open[int64](t, operatortest.Context(t, "numbers"), Operator[int64](r))
	s := instance.Operator.(polled)
	_, _, poll := s.Poll(1)
	for _, err := range []error{poll, s.AddSplits([]connector.Split{{ID: "a"}})} {
		var failure *operator.Failure
		if !errors.As(err, &failure) || failure.Operator != "numbers" || !errors.Is(err, r.fail) {
			t.Errorf("%v", err)
		}
	}
	if len(out.All) != 0 {
		t.Errorf("%v was emitted by a Poll that failed", out.All)
	}
	if err := s.NoMoreSplits(); err != nil || !slices.Equal(r.calls, []string{"open", "add a", "no more"}) {
		t.Errorf("%v, calls %v", err, r.calls)
	}
}

func TestEventsOfSplits(t *testing.T) {
	for _, splits := range [][]connector.Split{nil, {{ID: "a", State: []byte{1, 2}}}, {{ID: ""}, {ID: strings.Repeat("x", 300), State: make([]byte, 1000)}}} {
		got, more, err := DecodeAssign(EncodeAssign(splits))
		if err != nil || !more || len(got) != len(splits) {
			t.Fatalf("%v, %v, %v", got, more, err)
		}
		for i := range splits {
			if got[i].ID != splits[i].ID || string(got[i].State) != string(splits[i].State) {
				t.Errorf("split %d is %v, want %v", i, got[i], splits[i])
			}
		}
	}
	if _, more, err := DecodeAssign(EncodeNoMoreSplits()); more || err != nil {
		t.Errorf("no more splits: %v, %v", more, err)
	}
	if err := DecodeRequest(EncodeRequest()); err != nil {
		t.Error(err)
	}
	for _, bad := range [][]byte{nil, {9}, {kindRequest, 0}, EncodeNoMoreSplits()} {
		if DecodeRequest(bad) == nil {
			t.Errorf("%v passes for a request", bad)
		}
	}
}

func FuzzDecodeAssign(f *testing.F) {
	f.Add(EncodeAssign([]connector.Split{{ID: "a", State: []byte("state")}, {ID: "b"}}))
	f.Add(EncodeNoMoreSplits())
	f.Add([]byte{kindAssign, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Add([]byte{kindAssign, 1, 200, 1})
	f.Add([]byte{kindAssign, 1, 2, 97}[:4:4])
	f.Fuzz(func(t *testing.T, event []byte) {
		splits, more, err := DecodeAssign(event)
		if err != nil || !more {
			return
		}
		again, _, err := DecodeAssign(EncodeAssign(splits))
		if err != nil || !reflect.DeepEqual(again, splits) {
			t.Errorf("%v became %v, %v", splits, again, err)
		}
	})
}
