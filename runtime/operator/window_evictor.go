package operator

// Evictor removes elements from a window around a firing. All subtasks of a process share it, so it remembers nothing. One that
// looks at values embeds Reads.
type Evictor interface {
	// EvictBefore is called before the function: what it removes the function does not see, and it is gone for good.
	EvictBefore(elements *WindowElements)
	// EvictAfter is called after the function.
	EvictAfter(elements *WindowElements)
	// Check reports a setting that makes no sense. It is called when the graph is built.
	Check() error
}

// WindowElements are the elements of a window in their order, for an evictor. It is valid during the call.
type WindowElements struct {
	// values is a *[]T.
	values     any
	timestamps []int64
	evicted    []bool
	window     Window
	count      int
}

// NewWindowElements is for operators; values is a pointer to a slice of the values.
func NewWindowElements(values any, timestamps []int64, window Window) *WindowElements {
	return &WindowElements{
		values: values, timestamps: timestamps, evicted: make([]bool, len(timestamps)), window: window,
	}
}

// Window is the window that fires.
func (e *WindowElements) Window() Window { return e.window }

// Len is the number of elements; i in the other methods counts from 0 to below it.
func (e *WindowElements) Len() int { return len(e.timestamps) }

// TimestampAt is the event time of element i in milliseconds, and false if it has none.
func (e *WindowElements) TimestampAt(i int) (int64, bool) {
	return e.timestamps[i], e.timestamps[i] != noTimestamp
}

// Evict removes element i. The other elements keep their numbers during the call.
func (e *WindowElements) Evict(i int) {
	if !e.evicted[i] {
		e.evicted[i] = true
		e.count++
	}
}

// Evicted reports whether element i was removed, and how many were in all. They are for operators.
func (e *WindowElements) Evicted(i int) bool { return e.evicted[i] }

// EvictedCount is the number of elements removed.
func (e *WindowElements) EvictedCount() int { return e.count }
