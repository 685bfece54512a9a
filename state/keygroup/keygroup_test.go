package keygroup

import (
	"fmt"
	"math/bits"
	"math/rand"
	"strings"
	"testing"
)

// The golden values must never change: they decide where the state of every existing snapshot lies.
func TestHashesAreStable(t *testing.T) {
	words := map[uint64]uint64{
		0:                  goldenWord0,
		1:                  goldenWord1,
		0xffffffffffffffff: goldenWordMax,
	}
	for word, want := range words {
		if got := HashWord(word); got != want {
			t.Errorf("HashWord(%#x) = %#x, want %#x", word, got, want)
		}
		if got := HashWords([]uint64{word}); got != want {
			t.Errorf("HashWords of the one word %#x = %#x, want %#x", word, got, want)
		}
	}
	if got := HashWords([]uint64{1, 2}); got != goldenWords12 {
		t.Errorf("HashWords(1, 2) = %#x, want %#x", got, uint64(goldenWords12))
	}
	if got := HashBytes(nil); got != 0xef46db3751d8e999 { // XXH64's published value for no input
		t.Errorf("HashBytes(nil) = %#x", got)
	}
	if got := HashString("abc"); got != 0x44bc2cf5ad770999 { // XXH64's published value for "abc"
		t.Errorf("HashString(abc) = %#x", got)
	}
	if HashBytes([]byte("hello")) != HashString("hello") {
		t.Error("bytes and string hash differently")
	}
}

const (
	goldenWord0   = 0x9ca066f1a4ab2eea
	goldenWord1   = 0xe5fdc025e13eeed5
	goldenWordMax = 0x25b775faeca8f520
	goldenWords12 = 0x0c99816ecf3c7fff
)

// Each input bit must flip about half of the output bits, in the upper half (group) and the lower half (slot).
func TestHashWordMixesEveryBit(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for bit := range 64 {
		high, low := 0, 0
		const rounds = 400
		for range rounds {
			word := random.Uint64()
			difference := HashWord(word) ^ HashWord(word^1<<bit)
			high += bits.OnesCount32(uint32(difference >> 32))
			low += bits.OnesCount32(uint32(difference))
		}
		for half, flips := range map[string]int{"high": high, "low": low} {
			if mean := float64(flips) / rounds; mean < 14.5 || mean > 17.5 {
				t.Errorf("input bit %d flips %.1f of the %s 32 bits", bit, mean, half)
			}
		}
	}
}

func TestWordOrderMatters(t *testing.T) {
	if HashWords([]uint64{1, 2}) == HashWords([]uint64{2, 1}) || HashWords([]uint64{7, 7}) == HashWords([]uint64{9, 9}) {
		t.Error("words are combined symmetrically")
	}
}

func TestGroupSpreadsEvenlyAndLeavesLowBitsFree(t *testing.T) {
	for _, maxParallelism := range []int{1, 10, 128, 32768} {
		counts := make([]int, maxParallelism)
		const keys = 1 << 18
		for word := range uint64(keys) {
			hash := HashWord(word)
			group := Group(hash, maxParallelism)
			if other := Group(hash^0xffffffff, maxParallelism); other != group {
				t.Fatalf("the low 32 bits of %#x decide its group", hash)
			}
			counts[group]++
		}
		if maxParallelism > 128 {
			continue
		}
		mean := keys / maxParallelism
		for group, count := range counts {
			if count < mean*8/10 || count > mean*12/10 {
				t.Errorf("max parallelism %d: group %d has %d of %d keys", maxParallelism, group, count, keys)
			}
		}
	}
	if got := Group(1<<64-1, 32768); got != 32767 {
		t.Errorf("highest hash is in group %d", got)
	}
}

func TestRangesPartitionTheGroups(t *testing.T) {
	for _, maxParallelism := range []int{1, 2, 7, 10, 128, 1000, 32768} {
		for parallelism := 1; parallelism <= maxParallelism; parallelism += 1 + parallelism/3 {
			next := 0
			for subtask := range parallelism {
				r := RangeOf(maxParallelism, parallelism, subtask)
				if int(r.First) != next || r.Size() < 1 {
					t.Fatalf("%d/%d: subtask %d has %v, want first %d", maxParallelism, parallelism, subtask, r, next)
				}
				for _, group := range []uint16{r.First, r.Last} {
					if got := SubtaskOf(group, parallelism, maxParallelism); got != subtask {
						t.Fatalf("%d/%d: group %d is in %v of %d but owned by %d", maxParallelism, parallelism, group, r, subtask, got)
					}
				}
				next = int(r.Last) + 1
			}
			if next != maxParallelism {
				t.Fatalf("%d/%d: ranges end at %d", maxParallelism, parallelism, next)
			}
		}
	}
}

func TestRange(t *testing.T) {
	r := Range{10, 20}
	for group, want := range map[uint16]bool{9: false, 10: true, 20: true, 21: false} {
		if r.Contains(group) != want {
			t.Errorf("%v contains %d: %v", r, group, !want)
		}
	}
	for other, want := range map[Range]string{{0, 9}: "none", {0, 10}: "10-10", {15, 30}: "15-20", {21, 30}: "none", {12, 13}: "12-13"} {
		got := "none"
		if common, ok := r.Intersect(other); ok {
			got = common.String()
		}
		if got != want {
			t.Errorf("%v and %v have %s in common, want %s", r, other, got, want)
		}
	}
}

func TestRouterAgreesWithGroupAndSubtask(t *testing.T) {
	random := rand.New(rand.NewSource(2))
	for _, sizes := range [][2]int{{128, 3}, {10, 7}, {32768, 32768}, {1, 1}} {
		router, err := NewRouter(sizes[0], sizes[1])
		if err != nil {
			t.Fatal(err)
		}
		hashes, channels := make([]uint64, 1000), make([]uint16, 1000)
		for i := range hashes {
			hashes[i] = random.Uint64()
		}
		router.Channels(hashes, channels)
		for i, hash := range hashes {
			want := SubtaskOf(Group(hash, sizes[0]), sizes[1], sizes[0])
			if got := router.Channel(hash); got != want || int(channels[i]) != want {
				t.Fatalf("%v: hash %#x goes to %d and %d, want %d", sizes, hash, got, channels[i], want)
			}
		}
	}
}

func TestCheckMaxParallelism(t *testing.T) {
	for _, c := range []struct {
		maxParallelism, parallelism int
		message                     string
	}{
		{128, 1, ""}, {32768, 32768, ""}, {1, 1, ""},
		{0, 1, "max parallelism 0: it must be between 1 and 32768"},
		{32769, 1, "max parallelism 32769"},
		{128, 0, "parallelism 0: it must be at least 1"},
		{4, 5, "parallelism 5 is higher than max parallelism 4"},
	} {
		err := CheckMaxParallelism(c.maxParallelism, c.parallelism)
		if got := fmt.Sprint(err); (err == nil) != (c.message == "") || err != nil && !strings.Contains(got, c.message) {
			t.Errorf("%d/%d: %v", c.maxParallelism, c.parallelism, err)
		}
		if _, err := NewRouter(c.maxParallelism, c.parallelism); (err == nil) != (c.message == "") {
			t.Errorf("router %d/%d: %v", c.maxParallelism, c.parallelism, err)
		}
	}
}

func BenchmarkHashWord(b *testing.B) {
	words := make([]uint64, 1024)
	for range b.N {
		for i := range words {
			words[i] = HashWord(words[i])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/key")
}
