package collect

import (
	"slices"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/sink/sinktest"
)

// takeAll takes what is there.
func (q *queue[T]) takeAll() (all []T) {
	for len(q.chunks) > 0 {
		if _, err := q.take(); err != nil {
			return nil
		}
		all = append(all, q.rest...)
		q.rest = nil
	}
	return all
}

func TestEachRecordComesOnceThroughCrashes(t *testing.T) {
	sinktest.Check(t, 1, 200, func(int) sinktest.Case {
		s := New[int](5)
		var all []int
		return sinktest.Case{
			Sink: func() connector.Sink[int] { return s },
			Visible: func() []int {
				all = append(all, s.queue.takeAll()...)
				return all
			},
			Ended: func() error {
				if n := len(s.queue.held); n > 0 {
					t.Errorf("%d chunks are held at the end", n)
				}
				return nil
			},
		}
	})
}

func TestRecordsWaitForTheirCheckpoint(t *testing.T) {
	s := New[int](2)
	ctx := connector.WriterContext{RuntimeContext: (&operator.Context{Parallelism: 1}).Runtime(), Wake: noWake, Checkpointing: true}
	made, err := s.NewWriter(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w := made.(*writer[int])
	w.Open()
	put(t, w, 1, 2, 3)
	prepared, _ := w.PrepareCommit()
	if got := s.queue.takeAll(); len(got) > 0 || !w.Ready() {
		t.Fatalf("%v came, ready is %v, before the checkpoint", got, w.Ready())
	}
	if !s.queue.release(prepared[0].ID) || s.queue.release(prepared[0].ID) || w.Ready() {
		t.Fatal("what was held is not there once, or does not count")
	}
	if got := take(t, s, 3); !slices.Equal(got, []int{1, 2, 3}) {
		t.Error(got)
	}
	put(t, w, 4)
	s.Discard()
	if prepared, _ := w.PrepareCommit(); len(prepared) != 1 || s.queue.release(prepared[0].ID) {
		t.Error("what is discarded is held")
	}
}
