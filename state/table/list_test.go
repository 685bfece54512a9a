package table

import (
	"bytes"
	"testing"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// TestListReplacedWhileRead has another value take the place of the chunk at which a reader stands, and a new list that of the
// list's first chunk.
func TestListReplacedWhileRead(t *testing.T) {
	table := New(state.Keys[int64]{Codec: wordKeys{}}, keygroup.Range{First: 0, Last: 0}, 1)
	err := table.Open([]state.Descriptor{
		state.Describe("list", state.KindList, textKeys{}),
		state.Describe("a", state.KindValue, textKeys{}),
		state.Describe("b", state.KindValue, textKeys{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	list := table.List(0)
	fill := func(content byte, chunks int) {
		for range chunks * largestChunk / 1000 {
			list.Append(bytes.Repeat([]byte{content}, 1000))
		}
	}
	table.Seek(1, keygroup.HashWord(1))
	fill('o', 3)
	if _, ok := list.Chunk(2); !ok {
		t.Fatal("the list has no third chunk")
	}
	list.Clear()
	for column := range state.Column(2) {
		table.Value(column + 1).StoreBytes(bytes.Repeat([]byte{0xff}, largestChunk-lengthBytes))
	}
	fill('n', 5)
	for n := 3; ; n++ {
		chunk, ok := list.Chunk(n)
		if !ok {
			break
		}
		if len(bytes.Trim(chunk, "n")) != 0 {
			t.Fatalf("chunk %d is not of the new list", n)
		}
	}
}
