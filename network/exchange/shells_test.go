package exchange

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/element"
)

// TestTheShellReleasedLastComesFirst sends one batch at a time through a channel of many places: one shell's memory serves all, which is in the cache.
func TestTheShellReleasedLastComesFirst(t *testing.T) {
	c := NewChannel[int64](8)
	w := NewWriter([]*Channel[int64]{c}, Forward[int64]{}, Limits{MinRecords: 4, MaxRecords: 4, Bytes: 1, Credits: 8})
	memory := map[*int64]int{}
	for range 50 {
		_ = w.Process(sequence(0, 4))
		memory[unsafe.SliceData(c.front().batch.Values)]++
		c.release()
	}
	if len(memory) != 1 {
		t.Errorf("%d shells were in use for one batch at a time", len(memory))
	}
	for range 8 {
		_ = w.Process(sequence(0, 4))
	}
	for i := range 8 {
		if got := c.front().batch.Values; len(got) != 4 || got[0] != 0 || got[3] != 3 {
			t.Errorf("batch %d of a full channel is %v", i, got)
		}
		c.release()
	}
}

// TestANewShellHasRoomForWhatBatchesWere: to grow by and by would take up to twice the memory, and leave as much for the collector.
func TestANewShellHasRoomForWhatBatchesWere(t *testing.T) {
	c := NewChannel[int64](3)
	w := NewWriter([]*Channel[int64]{c}, &Hash[int64, int64]{Selector: identity, Key: mustKey[int64](t), Router: mustRouter(t, 1)},
		Limits{MinRecords: 300, MaxRecords: 300, Bytes: 1, Credits: 3})
	for range 3 {
		_ = w.Process(sequence(0, 300))
	}
	for i := range c.slots {
		if b := &c.slots[i].batch; i > 0 && (cap(b.Values) != 300 || cap(b.Hashes) != 300) {
			t.Errorf("shell %d has room for %d values and %d hashes; batches are of 300", i, cap(b.Values), cap(b.Hashes))
		}
	}
}

// TestChannelsOfOneTaskShareWhatTheyDecodeInto takes frames of many channels in turn.
func TestChannelsOfOneTaskShareWhatTheyDecodeInto(t *testing.T) {
	l := newLink(t, transport.NoCompression)
	const channels = 10
	got := &gathered[int64]{}
	var writers []*Writer[int64]
	var receiving []*Channel[int64]
	for n := range channels {
		s, r := ends[int64](t, l, n, 0, 2, Remote[int64]{})
		writers = append(writers, NewWriter([]*Channel[int64]{s}, Forward[int64]{}, Limits{MinRecords: 3, MaxRecords: 3, Bytes: 1, Credits: 2}))
		receiving = append(receiving, r)
	}
	readers := NewReaders(receiving, got)
	memory := map[*slot[int64]]bool{}
	for round := range int64(5) {
		for n, w := range writers {
			await(t, "credit", func() bool { return w.Drain() && w.lanes[0].channel.sending.to.Ready() })
			_ = w.Process(sequence(round, round+3))
			await(t, "a frame", func() bool { return readers[n].Front() == Records })
			memory[receiving[n].receiving.shell] = true
			// Half of it waits, as for a checkpoint, while the next channel's is worked on.
			if _, more, err := readers[n].Deliver(2); err != nil || !more {
				t.Fatalf("more %v, %v", more, err)
			}
			if n > 0 {
				if _, more, err := readers[n-1].Deliver(2); err != nil || more {
					t.Fatalf("more %v, %v", more, err)
				}
			}
		}
		if _, _, err := readers[channels-1].Deliver(2); err != nil {
			t.Fatal(err)
		}
	}
	if len(memory) > 2 {
		t.Errorf("%d shells were in use for two frames at a time", len(memory))
	}
	sum := int64(0)
	for _, v := range got.values {
		sum += v
	}
	if want := int64(channels * (3*(0+1+2+3+4) + 5*(0+1+2))); len(got.values) != channels*5*3 || sum != want {
		t.Errorf("%d records with the sum %d came, want %d with %d", len(got.values), sum, channels*5*3, want)
	}
}

// TestARecordThatOutgrowsItsBufferIsSentWhole begins frames in buffers for records that are far smaller than what comes.
func TestARecordThatOutgrowsItsBufferIsSentWhole(t *testing.T) {
	l := newLink(t, transport.NoCompression)
	sending, receiving := ends[string](t, l, 1, 0, 4, Remote[string]{})
	w := NewWriter([]*Channel[string]{sending}, Forward[string]{}, Limits{MinRecords: 1, MaxRecords: 1, Bytes: 1, Credits: 4})
	got := &gathered[string]{}
	r := NewReader(receiving, got)
	var want []string
	for i, size := range []int{5, 5, 20_000, 5, 30_000, 100} {
		await(t, "credit", sending.sending.to.Ready)
		want = append(want, strings.Repeat(string(rune('a'+i)), size))
		_ = w.Process(&element.Batch[string]{Values: want[i:]})
		await(t, "the record", func() bool { _, _ = got.take(r, 1); return len(got.values) == i+1 })
	}
	for i, v := range got.values {
		if v != want[i] {
			t.Errorf("record %d came as %d bytes of %d", i, len(v), len(want[i]))
		}
	}
	if frames := sending.sending.frames; frames != uint64(len(want)) {
		t.Errorf("%d records were sent in %d frames", len(want), frames)
	}
}
