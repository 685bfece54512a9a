package connector

// Throttled is a Writer that cannot always take more, such as one with a bounded queue that somebody else empties.
// No method of a Writer may block, so it says so beforehand: before each batch of its input the subtask asks Ready, and while
// that is false it takes no input and counts the time as back pressure. Barriers, timers and cancellation go on meanwhile.
//
// A batch may come all the same: what the operators before the sink make of input already taken, and what they emit at
// the end of input. Write takes it, so that a queue may hold more than its capacity by what one batch becomes.
type Throttled interface {
	// Ready says that the writer wants records. Once it has said no, the writer calls WriterContext.Wake when it would
	// say yes. The subtask's goroutine calls it, often: it must be cheap.
	Ready() bool
}
