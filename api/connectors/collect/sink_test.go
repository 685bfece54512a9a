package collect

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

func open(t *testing.T, s Sink[int], subtask, attempt int, wake func()) connector.Writer[int] {
	t.Helper()
	w, err := s.NewWriter(connector.WriterContext{
		RuntimeContext: (&operator.Context{Subtask: subtask, Attempt: attempt}).Runtime(), Wake: wake,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Open(); err != nil {
		t.Fatal(err)
	}
	return w
}

func put(t *testing.T, w connector.Writer[int], values ...int) {
	t.Helper()
	if err := w.Write(&element.Batch[int]{Values: values}); err != nil {
		t.Fatal(err)
	}
}

func take(t *testing.T, s Sink[int], n int) (got []int) {
	t.Helper()
	for range n {
		value, ok, err := s.Next(t.Context())
		if !ok || err != nil {
			t.Fatalf("after %v: %v, %v", got, ok, err)
		}
		got = append(got, value)
	}
	return got
}

func noWake() {}

func TestRecordsComeInOrderAndAreKept(t *testing.T) {
	s := New[int](100)
	w := open(t, s, 0, 0, noWake)
	values := []int{1, 2, 3}
	put(t, w, values...)
	values[1] = 77 // the batch is its owner's again
	put(t, w, 4)
	s.End(nil)
	var got []int
	for value, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, value)
	}
	if !slices.Equal(got, []int{1, 2, 3, 4}) {
		t.Error(got)
	}
}

func TestFailureComesAfterTheRecords(t *testing.T) {
	s := New[int](100)
	put(t, open(t, s, 0, 0, noWake), 1)
	failed := errors.New("failed")
	s.End(failed)
	s.End(nil)
	take(t, s, 1)
	for range 2 {
		if _, ok, err := s.Next(t.Context()); ok || err != failed {
			t.Errorf("%v, %v", ok, err)
		}
	}
}

func TestFullQueueHoldsWritersUp(t *testing.T) {
	s := New[int](4)
	var wakes [2]atomic.Int32
	var writers []connector.Writer[int]
	for i := range 2 {
		writers = append(writers, open(t, s, i, 0, func() { wakes[i].Add(1) }))
	}
	ready := func(i int) bool { return writers[i].(connector.Throttled).Ready() }
	if !ready(0) {
		t.Fatal("an empty queue is not ready")
	}
	put(t, writers[0], 1, 2)
	put(t, writers[0], 3, 4, 5)
	if ready(0) || ready(1) {
		t.Fatal("a full queue is ready")
	}
	take(t, s, 2)
	if wakes[0].Load() != 1 || wakes[1].Load() != 1 || !ready(0) || !ready(1) {
		t.Errorf("after room was made: wakes %v %v", wakes[0].Load(), wakes[1].Load())
	}
	put(t, writers[1], 6, 7)
	if ready(1) {
		t.Fatal("a full queue is ready")
	}
	s.Discard()
	if wakes[1].Load() != 2 || !ready(1) {
		t.Error("what is discarded holds a writer up")
	}
}

func TestRestarts(t *testing.T) {
	s := New[int](100)
	zero, one := open(t, s, 0, 0, noWake), open(t, s, 1, 0, noWake)
	put(t, one, 10)
	put(t, zero, 1, 2)
	if got := take(t, s, 1); got[0] != 10 {
		t.Fatal(got)
	}
	again := open(t, s, 0, 1, noWake) // nothing of subtask 0 was taken
	put(t, zero, 3)                   // a late write of the failed attempt
	put(t, again, 1)
	if got := take(t, s, 1); got[0] != 1 {
		t.Fatal(got)
	}
	put(t, again, 2)
	put(t, open(t, s, 1, 1, noWake), 10)
	_, ok, err := s.Next(t.Context())
	var restarted *RestartedError
	if ok || !errors.As(err, &restarted) || restarted.Subtask != 1 || !strings.Contains(err.Error(), "come twice") {
		t.Errorf("%v, %v", ok, err)
	}
	s.End(nil)
	if _, _, again := s.Next(t.Context()); again != err {
		t.Errorf("the error is forgotten: %v", again)
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok, err := New[int](1).Next(ctx); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", ok, err)
	}
}

// TestManyWriters has each writer wait as a subtask does.
func TestManyWriters(t *testing.T) {
	s := New[int](64)
	const writers, batches = 4, 500
	var all sync.WaitGroup
	for i := range writers {
		woken := make(chan struct{}, 1)
		w := open(t, s, i, 0, func() {
			select {
			case woken <- struct{}{}:
			default:
			}
		})
		all.Go(func() {
			for b := range batches {
				for !w.(connector.Throttled).Ready() {
					<-woken
				}
				put(t, w, b*writers+i, -1)
			}
		})
	}
	go func() {
		all.Wait()
		s.End(nil)
	}()
	next := map[int]int{}
	for value, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if value >= 0 {
			if w := value % writers; value/writers != next[w] {
				t.Fatalf("writer %d: %d instead of %d", w, value/writers, next[w])
			}
			next[value%writers]++
		}
	}
	for w := range writers {
		if next[w] != batches {
			t.Errorf("writer %d: %d batches", w, next[w])
		}
	}
}
