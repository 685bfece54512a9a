package trace_test

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/mem"
	"github.com/weir-stream/weir/checkpoint/storage/storagetest"
	"github.com/weir-stream/weir/checkpoint/storage/trace"
	"github.com/weir-stream/weir/runtime/clock"
)

func TestTraced(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		return trace.New(mem.New("test", clock.System()), new(trace.Recorder).Tell)
	}, storagetest.Options{})
}

func TestTellsEveryCall(t *testing.T) {
	ctx := t.Context()
	var told trace.Recorder
	s := trace.New(mem.New("test", clock.System()), told.Tell)
	s.Create(ctx, "log/1", []byte("12345"))
	s.Create(ctx, "log/1", []byte("123456"))
	s.Put(ctx, "shared/a", storage.Bytes([]byte("12")))
	s.Read(ctx, "shared/a")
	object, err := s.Open(ctx, "shared/a")
	if err != nil {
		t.Fatal(err)
	}
	object.ReadAt(make([]byte, 3), 0)
	io.ReadAll(object.Stream(1, 1))
	s.Stat(ctx, "shared/b")
	s.List(ctx, "log/", "")
	s.Delete(ctx, "log/1", "log/2")
	want := `create log/1 (5 bytes)
create log/1 (6 bytes): exists already
put shared/a (2 bytes)
read shared/a (2 bytes)
open shared/a
read at shared/a (2 bytes)
stream shared/a (1 bytes)
stat shared/b: not found
list log/
delete log/1 log/2
`
	if diff := cmp.Diff(want, told.Text()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if again := told.Text(); again != "" {
		t.Errorf("still there: %s", again)
	}
}
