package async

import "github.com/weir-stream/weir/runtime/element"

// entry is a record under way, or an event in its place among the records.
type entry[In, Out any] struct {
	// kind is 0 for a record.
	kind      element.Kind
	timestamp int64 // event time of the record or the watermark
	value     In

	attempt  *attempt[Out]
	timedOut bool
	// deadline is when the record's time is up, a reading of the clock's Nanos.
	deadline int64

	done    bool
	results []Out

	segment        *segment[In, Out]
	previous, next *entry[In, Out]
}

// queue holds what came in and has not gone on yet, in the order of arrival, and knows what may go on.
//
// Ordered, it is what stands done at the front. Unordered, entries between two events are a segment: those of the first
// one may go on as they get done, and when all have, the event behind them, and then the next segment is the first one.
type queue[In, Out any] struct {
	order       Order
	first, last *entry[In, Out]
	length      int
	// segments are those of unordered queues, the last of them without an event yet.
	segments []*segment[In, Out]
}

type segment[In, Out any] struct {
	open int
	done []*entry[In, Out]
	// event ends the segment.
	event *entry[In, Out]
}

// push appends an entry. Events are done as soon as they come.
func (q *queue[In, Out]) push(e *entry[In, Out]) {
	if e.previous = q.last; q.last == nil {
		q.first = e
	} else {
		q.last.next = e
	}
	q.last = e
	q.length++
	if q.order == Unordered {
		q.pushSegment(e)
	}
	if e.kind != 0 {
		e.done = true
	}
}

func (q *queue[In, Out]) pushSegment(e *entry[In, Out]) {
	if n := len(q.segments); n == 0 || q.segments[n-1].event != nil {
		q.segments = append(q.segments, new(segment[In, Out]))
	}
	s := q.segments[len(q.segments)-1]
	if e.kind != 0 {
		s.event = e
		return
	}
	s.open++
	e.segment = s
}

// complete says that the results of a record have come.
func (q *queue[In, Out]) complete(e *entry[In, Out], results []Out) {
	e.done, e.results = true, results
	if s := e.segment; s != nil {
		s.open--
		s.done = append(s.done, e)
	}
}

// pop removes and returns what may go on next, nil if nothing may.
func (q *queue[In, Out]) pop() *entry[In, Out] {
	e := q.first
	if q.order == Unordered {
		e = q.popSegment()
	}
	if e == nil || !e.done {
		return nil
	}
	q.unlink(e)
	return e
}

func (q *queue[In, Out]) popSegment() *entry[In, Out] {
	if len(q.segments) == 0 {
		return nil
	}
	s := q.segments[0]
	if len(s.done) > 0 {
		e := s.done[0]
		s.done[0] = nil
		s.done = s.done[1:]
		return e
	}
	if s.open > 0 || s.event == nil {
		return nil
	}
	q.segments = q.segments[1:]
	return s.event
}

func (q *queue[In, Out]) unlink(e *entry[In, Out]) {
	if e.previous == nil {
		q.first = e.next
	} else {
		e.previous.next = e.next
	}
	if e.next == nil {
		q.last = e.previous
	} else {
		e.next.previous = e.previous
	}
	e.previous, e.next = nil, nil
	q.length--
}
