package exchange

import (
	"sync"
	"testing"
)

func TestInboxKeepsTheOrder(t *testing.T) {
	wakes := 0
	in := NewInbox(func() { wakes++ })
	if _, ok := in.Pop(); ok || !in.Empty() {
		t.Error("a new inbox has something")
	}
	var want, got []int32
	next := int32(0)
	for round := range 50 {
		for range round % 4 {
			in.Push(next)
			want = append(want, next)
			next++
		}
		for range round % 3 {
			if channel, ok := in.Pop(); ok {
				got = append(got, channel)
			}
		}
		if in.Empty() != (len(got) == len(want)) {
			t.Fatalf("Empty is %v with %d of %d taken", in.Empty(), len(got), len(want))
		}
	}
	for channel, ok := in.Pop(); ok; channel, ok = in.Pop() {
		got = append(got, channel)
	}
	if len(got) != len(want) || wakes != len(want) {
		t.Fatalf("%d of %d notifications, %d wakes", len(got), len(want), wakes)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("notification %d is %d, want %d", i, got[i], want[i])
		}
	}
}

func TestInboxOfManyProducers(t *testing.T) {
	const producers, each = 4, 20_000
	signal := make(chan struct{}, 1)
	in := NewInbox(func() {
		select {
		case signal <- struct{}{}:
		default:
		}
	})
	var all sync.WaitGroup
	for p := range int32(producers) {
		all.Go(func() {
			for range each {
				in.Push(p)
			}
		})
	}
	var counts [producers]int
	for total := 0; total < producers*each; {
		channel, ok := in.Pop()
		if !ok {
			if in.Empty() {
				<-signal
			}
			continue
		}
		counts[channel]++
		total++
	}
	all.Wait()
	for p, count := range counts {
		if count != each {
			t.Errorf("%d notifications of producer %d, want %d", count, p, each)
		}
	}
	if !in.Empty() {
		t.Error("something is left")
	}
}

func TestInboxAllocatesNothing(t *testing.T) {
	in := NewInbox(func() {})
	run := func() {
		for i := range int32(100) {
			in.Push(i)
		}
		for _, ok := in.Pop(); ok; _, ok = in.Pop() {
		}
	}
	run()
	run()
	if allocs := testing.AllocsPerRun(100, run); allocs != 0 {
		t.Errorf("%v allocations for 100 notifications", allocs)
	}
}
