package task

import (
	"reflect"
	"sync"
	"testing"
)

func TestMailboxRunsActionsInOrderAndUrgentOnesEarly(t *testing.T) {
	wakes := 0
	m := mailbox{wake: func() { wakes++ }}
	var ran []string
	note := func(name string) func() { return func() { ran = append(ran, name) } }
	m.put(false, note("a"))
	if !m.calm() || m.empty() {
		t.Error("an action that is not urgent can wait, but is there")
	}
	m.put(true, note("b"))
	m.put(false, func() { note("c")(); m.put(false, note("d")) })
	m.put(true, note("e"))
	if m.calm() {
		t.Error("there are urgent actions")
	}
	m.serve(true)
	if want := []string{"b", "e"}; !reflect.DeepEqual(ran, want) || !m.calm() || m.empty() {
		t.Errorf("ran %v, calm %v, empty %v; want %v, true, false", ran, m.calm(), m.empty(), want)
	}
	m.serve(false)
	if want := []string{"b", "e", "a", "c", "d"}; !reflect.DeepEqual(ran, want) || !m.empty() || wakes != 5 {
		t.Errorf("ran %v, empty %v, %d wakes; want %v, true, 5", ran, m.empty(), wakes, want)
	}
}

func TestMailboxOfManySenders(t *testing.T) {
	w := newWaker()
	m := mailbox{wake: w.wake}
	const senders, each = 4, 2_000
	var all sync.WaitGroup
	total := 0
	for s := range senders {
		all.Go(func() {
			for i := range each {
				m.put((s+i)%3 == 0, func() { total++ })
			}
		})
	}
	for turn := 0; total < senders*each; turn++ {
		m.serve(turn%2 == 0)
		w.prepare()
		if !m.empty() || total == senders*each {
			w.abandon()
			continue
		}
		<-w.signal
	}
	all.Wait()
	if !m.empty() || !m.calm() {
		t.Error("the counts do not come back to zero")
	}
}
