package task

import (
	"slices"
	"sync"
	"sync/atomic"
)

// mailbox carries actions to the goroutine that drives the task, which runs them between two slices of work. Urgent
// ones also run between two records of a batch, and while a user's function waits for credit in the middle of one, so
// they must leave operators alone.
type mailbox struct {
	wake func()
	// waiting and urgent count actions, to be looked at without the lock; urgent ones are in both.
	waiting, urgent atomic.Int32
	// served counts those that were taken; it is the task's.
	served int64

	mu      sync.Mutex
	actions []action
}

type action struct {
	urgent bool
	run    func()
}

func (m *mailbox) put(urgent bool, run func()) {
	m.mu.Lock()
	m.actions = append(m.actions, action{urgent, run})
	m.waiting.Add(1)
	if urgent {
		m.urgent.Add(1)
	}
	m.mu.Unlock()
	m.wake()
}

// empty is what the task asks between two slices.
func (m *mailbox) empty() bool { return m.waiting.Load() == 0 }

// calm is what the task asks while a function waits for credit: the other actions stay where they are until it returns.
func (m *mailbox) calm() bool { return m.urgent.Load() == 0 }

// take removes and returns the oldest action, or the oldest urgent one.
func (m *mailbox) take(urgentOnly bool) func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, a := range m.actions {
		if a.urgent || !urgentOnly {
			m.actions = slices.Delete(m.actions, i, i+1)
			m.waiting.Add(-1)
			m.served++
			if a.urgent {
				m.urgent.Add(-1)
			}
			return a.run
		}
	}
	return nil
}

// serve runs actions until there are none.
func (m *mailbox) serve(urgentOnly bool) {
	for run := m.take(urgentOnly); run != nil; run = m.take(urgentOnly) {
		run()
	}
}
