package mem_test

import (
	"testing"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/mem"
	"github.com/weir-stream/weir/checkpoint/storage/storagetest"
	"github.com/weir-stream/weir/runtime/clock"
)

func TestMemory(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storage.Store { return mem.New("test", clock.System()) }, storagetest.Options{Pages: 17})
}

func TestCloneGoesItsOwnWay(t *testing.T) {
	ctx := t.Context()
	first := mem.New("test", clock.System())
	if err := first.Create(ctx, "a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	second := first.Clone()
	if err := second.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if err := second.Create(ctx, "b", nil); err != nil {
		t.Fatal(err)
	}
	if body, err := first.Read(ctx, "a"); err != nil || string(body) != "1" {
		t.Errorf("%q, %v", body, err)
	}
	if _, err := first.Stat(ctx, "b"); storage.KindOf(err) != storage.NotFound {
		t.Errorf("an object of the clone: %v", err)
	}
}
