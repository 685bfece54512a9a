package exchange

import (
	"sync"
	"sync/atomic"
)

// Inbox lists the input channels of one task that have something, in the order in which it was published: a task looks
// at one list instead of polling its channels in turn. Any goroutine pushes; only the task takes.
type Inbox struct {
	wake func()
	// count is the length of ready, to be looked at without the lock.
	count atomic.Int64

	mu    sync.Mutex
	ready []int32

	// taken is what the task has taken and not yet looked at, from next on.
	taken []int32
	next  int
}

// NewInbox makes an inbox that calls wake after each push.
func NewInbox(wake func()) *Inbox { return &Inbox{wake: wake} }

// Push adds one notification for a channel.
func (in *Inbox) Push(channel int32) {
	in.mu.Lock()
	in.ready = append(in.ready, channel)
	in.count.Store(int64(len(in.ready)))
	in.mu.Unlock()
	in.wake()
}

// Pop removes the oldest notification. It is called by the task only.
func (in *Inbox) Pop() (channel int32, ok bool) {
	if in.next == len(in.taken) && !in.take() {
		return 0, false
	}
	channel = in.taken[in.next]
	in.next++
	return channel, true
}

// Empty reports whether Pop would find nothing. It is called by the task only.
func (in *Inbox) Empty() bool { return in.next == len(in.taken) && in.count.Load() == 0 }

// take swaps the two lists, so that producers wait for one another and never for the task's work.
func (in *Inbox) take() bool {
	if in.count.Load() == 0 {
		return false
	}
	in.mu.Lock()
	in.taken, in.ready = in.ready, in.taken[:0]
	in.count.Store(0)
	in.mu.Unlock()
	in.next = 0
	return len(in.taken) > 0
}
