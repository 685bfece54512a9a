package executor

import (
	"slices"
	"testing"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// held are the numbers of slots that the job's worker was told to have, since the last call.
func held(b *bench) (slots []int) {
	b.take()
	for _, c := range b.done {
		switch c := c.(type) {
		case Launch:
			slots = append(slots, c.Slots)
		case Hold:
			slots = append(slots, c.Slots)
		}
	}
	b.done = nil
	return slots
}

// TestAWorkerIsToldOfItsSlots: its share of memory is that of the slots that its job holds, whenever these are given and given back.
func TestAWorkerIsToldOfItsSlots(t *testing.T) {
	b := newBench(t, 4, true)
	b.connect()
	b.request("second")
	if got := held(b); got != nil {
		t.Errorf("told %v before there is a worker", got)
	}
	b.toWorker(deploy(0))
	if got := held(b); !slices.Equal(got, []int{2}) {
		t.Errorf("launched with %v slots", got)
	}
	b.request("third")
	b.request("third")
	if got := held(b); !slices.Equal(got, []int{3}) {
		t.Errorf("one more slot: told %v", got)
	}
	other := ident.Derive("another job")
	b.x.slots.allocate(ident.Derive("foreign"), other)
	b.toWorker(deploy(1))
	if got := held(b); got != nil {
		t.Errorf("another job's slot: told %v", got)
	}
	b.tell(&message.Frame_Free{Free: &message.FreeSlots{Allocations: [][]byte{idOf("second"), idOf("third")}}})
	if got := held(b); !slices.Equal(got, []int{1}) {
		t.Errorf("slots given back: told %v", got)
	}
}
