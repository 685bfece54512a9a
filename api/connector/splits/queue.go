package splits

import "github.com/weir-stream/weir/api/connector"

// Queue is a reader's side: the splits that it was assigned and has not begun. The reader's goroutine uses it.
//
// A reader calls Request in Open, forwards AddSplits and NoMoreSplits, takes splits by Next while Poll has work to do,
// and answers a Poll that has none with Status.
type Queue struct {
	request, wake func()
	waiting       []connector.Split
	// asked says that a request is on its way, last that no split will come.
	asked, last bool
}

// NewQueue makes an empty queue.
func NewQueue(ctx connector.ReaderContext) Queue {
	return Queue{request: ctx.RequestSplit, wake: ctx.Wake}
}

// Request asks for a split unless one is there, or on its way, or none will come. A reader may call it before it has
// finished a split, so that the next one is there in time.
func (q *Queue) Request() {
	if len(q.waiting) == 0 && !q.asked && !q.last {
		q.asked = true
		q.request()
	}
}

// Add is for AddSplits.
func (q *Queue) Add(splits []connector.Split) {
	q.waiting = append(q.waiting, splits...)
	q.asked = false
	q.wake()
}

// NoMore is for NoMoreSplits.
func (q *Queue) NoMore() {
	q.last, q.asked = true, false
	q.wake()
}

// Next takes the next split. Without one it asks for one and returns false.
func (q *Queue) Next() (connector.Split, bool) {
	if len(q.waiting) == 0 {
		q.Request()
		return connector.Split{}, false
	}
	next := q.waiting[0]
	q.waiting[0] = connector.Split{}
	q.waiting = q.waiting[1:]
	return next, true
}

// Waiting returns the splits not begun, for a snapshot. The caller may not change the slice.
func (q *Queue) Waiting() []connector.Split { return q.waiting }

// Status is what Poll reports when nothing is begun and Next found nothing.
func (q *Queue) Status() connector.Status {
	switch {
	case len(q.waiting) > 0:
		return connector.More
	case q.last:
		return connector.Ended
	}
	return connector.Waiting
}
