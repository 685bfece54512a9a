package source

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/runtime/operator/watermark"
)

// keeper is a reader that keeps the splits it was given.
type keeper struct {
	reader
	has  []connector.Split
	fail error
}

func (k *keeper) AddSplits(added []connector.Split) error {
	for _, s := range added {
		k.calls = append(k.calls, "add "+s.ID)
	}
	k.has = append(k.has, added...)
	return nil
}
func (k *keeper) Snapshot() ([]connector.Split, error) { return k.has, k.fail }
func (k *keeper) NewReader(ctx connector.ReaderContext) (connector.Reader[int64], error) {
	k.ctx = ctx
	return k, nil
}

func split(id string) connector.Split { return connector.Split{ID: id, State: []byte("at " + id)} }

// open opens the operator of a source in one of several subtasks.
func open(t *testing.T, source connector.Source[int64], subtask, parallelism int, restored ...*snapshot.Operator) (*reading[int64], error) {
	t.Helper()
	ctx := operatortest.Context(t, "numbers")
	ctx.Subtask, ctx.Parallelism, ctx.Restored = subtask, parallelism, restored
	instance, err := Operator(source)(ctx, operator.Outputs{})
	if err != nil {
		t.Fatal(err)
	}
	return instance.Operator.(*reading[int64]), instance.Operator.Open()
}

func TestSplitsGoOnInAnySubtask(t *testing.T) {
	var taken []*snapshot.Operator
	for i, has := range [][]connector.Split{{split("a"), split("b"), split("c")}, nil, {split("d")}} {
		k := &keeper{}
		s, err := open(t, k, i, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(has) > 0 {
			if err := s.AddSplits(has); err != nil {
				t.Fatal(err)
			}
		}
		state, err := operator.Snapshot(s)
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, state)
	}
	for parallelism, want := range map[int][]string{1: {"abcd"}, 2: {"ab", "cd"}, 3: {"abc", "", "d"}, 5: {"a", "b", "c", "d", ""}} {
		for subtask, want := range want {
			k := &keeper{}
			if _, err := open(t, k, subtask, parallelism, taken...); err != nil {
				t.Fatal(err)
			}
			got, calls := "", []string{"open"}
			for _, s := range k.has {
				got += s.ID
				calls = append(calls, "add "+s.ID)
				if string(s.State) != "at "+s.ID {
					t.Errorf("split %s is %q", s.ID, s.State)
				}
			}
			if got != want || !slices.Equal(k.calls, calls) {
				t.Errorf("subtask %d of %d has %q after %v, want %q", subtask, parallelism, got, k.calls, want)
			}
		}
	}
}

func TestStatesThatAreNotASources(t *testing.T) {
	for _, list := range []snapshot.List{
		{Name: StateName, Elements: [][]byte{{9}}},
		{Name: StateName, Elements: [][]byte{splits.Encode(nil)}},
		{Name: StateName, Redistribution: snapshot.Union},
	} {
		if _, err := open(t, &keeper{}, 0, 1, &snapshot.Operator{Lists: []snapshot.List{list}}); err == nil || !strings.Contains(err.Error(), "restore") {
			t.Errorf("%+v: %v", list, err)
		}
	}
	s, err := open(t, &keeper{fail: errors.New("no position")}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	var failure *operator.Failure
	if _, err := s.Mark(snapshot.MarkFull); !errors.As(err, &failure) || failure.Operator != "numbers" {
		t.Errorf("%v", err)
	}
}

// committing is a reader that does something outside.
type committing struct{ keeper }

func (c *committing) NewReader(ctx connector.ReaderContext) (connector.Reader[int64], error) {
	c.ctx = ctx
	return c, nil
}
func (c *committing) SnapshotFor(id ident.CheckpointID) ([]connector.Split, error) {
	c.calls = append(c.calls, fmt.Sprint("snapshot ", id))
	return c.has, nil
}
func (c *committing) CheckpointComplete(id ident.CheckpointID) error {
	c.calls = append(c.calls, fmt.Sprint("complete ", id))
	return nil
}
func (c *committing) CheckpointAborted(id ident.CheckpointID) error {
	c.calls = append(c.calls, fmt.Sprint("aborted ", id))
	return nil
}

func TestReadersThatActOnCheckpoints(t *testing.T) {
	c := &committing{}
	s, err := open(t, c, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	c.calls = nil
	if err := s.PrepareBarrier(8); err != nil {
		t.Fatal(err)
	}
	_, err = s.Mark(snapshot.MarkChanges)
	if err := errors.Join(err, s.CheckpointAborted(7), s.CheckpointComplete(8)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"snapshot 8", "aborted 7", "complete 8"}; !slices.Equal(c.calls, want) {
		t.Errorf("%q, want %q", c.calls, want)
	}
	plain, err := open(t, &keeper{}, 0, 1)
	if err := errors.Join(err, plain.CheckpointAborted(7), plain.CheckpointComplete(8)); err != nil {
		t.Error(err)
	}
}

// TestRestoredSplitsHoldEventTimeBack: their watermarks start anew, and one that has not begun counts.
func TestRestoredSplitsHoldEventTimeBack(t *testing.T) {
	src := &scripted{}
	ctx := operatortest.Context(t, "numbers")
	ctx.CallAt = func(int64) {}
	ctx.Restored = []*snapshot.Operator{{Lists: []snapshot.List{{
		Name: StateName, Elements: [][]byte{splits.Encode([]connector.Split{split("a")}), splits.Encode([]connector.Split{split("b")})},
	}}}}
	instance, out := operatortest.Open[int64](t, ctx, WithWatermarks[int64](src, watermark.Monotonous(func(v int64) int64 { return v }), 10*time.Millisecond))
	s := instance.Operator.(*reading[int64])
	now := ctx.Now()
	emit := func(id string, values ...int64) {
		t.Helper()
		src.todo = func(out *connector.Output[int64]) {
			out.Split(id)
			for _, v := range values {
				out.Emit(v)
			}
		}
		if _, _, err := s.Poll(10); err != nil {
			t.Fatal(err)
		}
		now += 1000
		if err := s.OnProcessingTime(now); err != nil {
			t.Fatal(err)
		}
	}
	watermarks := func() (all []int64) {
		for _, r := range out.All {
			if r.Event != "" {
				all = append(all, r.Timestamp)
			}
		}
		return all
	}
	emit("a", 100)
	if got := watermarks(); len(got) > 0 {
		t.Errorf("watermarks %v while a restored split has not begun", got)
	}
	emit("b", 50)
	if got := watermarks(); len(got) != 1 || got[0] > 50 {
		t.Errorf("watermarks %v, want one below 50", got)
	}
}
