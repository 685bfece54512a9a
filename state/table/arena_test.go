package table

import (
	"bytes"
	"math/rand"
	"testing"
)

func TestSizeClasses(t *testing.T) {
	last := int32(0)
	for n := 1; n <= largestBlock; n++ {
		class := classOf(n)
		size := classBytes(class)
		if size < n || class < last || size > n+max(7, n/4) || size%8 != 0 {
			t.Fatalf("%d bytes are in class %d of %d bytes", n, class, size)
		}
		last = class
	}
	if last != sizeClasses-1 || classOf(largestBlock+1) != ownPage {
		t.Errorf("the last class is %d, and then %d", last, classOf(largestBlock+1))
	}
}

// TestArena allocates and frees at random; no block may change but by its owner, and all memory must come back.
func TestArena(t *testing.T) {
	var a arena
	r := rand.New(rand.NewSource(3))
	blocks := map[ref][]byte{}
	fill := func(n int) {
		r0 := a.alloc(n)
		if _, taken := blocks[r0]; taken || r0 == 0 {
			t.Fatalf("block %x is given out twice", r0)
		}
		content := bytes.Repeat([]byte{byte(r.Intn(255) + 1)}, n)
		copy(a.block(r0), content)
		blocks[r0] = content
	}
	check := func(r0 ref) {
		if want := blocks[r0]; !bytes.Equal(a.block(r0)[:len(want)], want) {
			t.Fatalf("block %x has changed", r0)
		}
	}
	for round := range 4 {
		for range 20_000 {
			fill(1 + r.Intn(1<<(1+r.Intn(10))))
			if r.Intn(500) == 0 {
				fill(r.Intn(200_000) + 1)
			}
			for r0 := range blocks {
				if r.Intn(3) > 0 {
					check(r0)
					a.free(r0)
					delete(blocks, r0)
				}
				break
			}
		}
		for r0 := range blocks {
			check(r0)
		}
		for r0 := range blocks {
			a.free(r0)
			delete(blocks, r0)
		}
		kept := 0
		for _, p := range a.pages {
			if p.memory != nil {
				kept++
			}
		}
		if kept > sizeClasses {
			t.Fatalf("round %d: an empty arena keeps %d pages, more than one of each size", round, kept)
		}
	}
}
