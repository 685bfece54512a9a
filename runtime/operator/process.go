package operator

import "github.com/weir-stream/weir/runtime/element"

// ProcessFunction works on each record of a stream without keys.
type ProcessFunction[In, Out any] interface {
	Process(ctx *ProcessContext, in In, out Collector[Out]) error
}

// KeyedProcessFunction works on each record of a keyed stream, with state of the record's key. State is declared as
// exported fields of the function's struct (state.Value and so on).
type KeyedProcessFunction[K, In, Out any] interface {
	Process(ctx *KeyedContext[K], in In, out Collector[Out]) error
}

// CoProcessFunction works on the records of two streams.
type CoProcessFunction[In1, In2, Out any] interface {
	Process1(ctx *ProcessContext, in In1, out Collector[Out]) error
	Process2(ctx *ProcessContext, in In2, out Collector[Out]) error
}

// KeyedCoProcessFunction works on the records of two streams that are keyed alike and share the state of a key.
type KeyedCoProcessFunction[K, In1, In2, Out any] interface {
	Process1(ctx *KeyedContext[K], in In1, out Collector[Out]) error
	Process2(ctx *KeyedContext[K], in In2, out Collector[Out]) error
}

// Opener is a function that prepares itself before the first record.
type Opener interface {
	Open(ctx RuntimeContext) error
}

// Closer is a function that gives back what it took. Close is called once, also after a failure.
type Closer interface {
	Close() error
}

// Finisher is a function without keys that has something to do or to emit when its input has ended.
type Finisher[Out any] interface {
	Finish(ctx *ProcessContext, out Collector[Out]) error
}

// KeyedFinisher is a function on a keyed stream that has something to emit when its input has ended; it reaches the
// state of each key through KeyedContext.ForEachKey.
type KeyedFinisher[K, Out any] interface {
	Finish(ctx *KeyedContext[K], out Collector[Out]) error
}

// ProcessContext is what a process function knows of the record at hand. It is valid during the call.
type ProcessContext struct {
	RuntimeContext
	timestamp int64
}

// NewProcessContext is for operators.
func NewProcessContext(ctx *Context) *ProcessContext {
	return &ProcessContext{RuntimeContext: ctx.Runtime(), timestamp: element.NoTimestamp}
}

// At points the context at a record.
func (c *ProcessContext) At(timestamp int64) { c.timestamp = timestamp }

// Timestamp is the record's event time in milliseconds since the epoch, and false if it has none.
func (c *ProcessContext) Timestamp() (int64, bool) {
	return c.timestamp, c.timestamp != element.NoTimestamp
}

// KeyedContext is what a function on a keyed stream knows of the record at hand. It is valid during the call.
type KeyedContext[K any] struct {
	ProcessContext
	key    K
	hasKey bool
	each   func(func(K) bool)
}

// NewKeyedContext is for operators; each visits all keys that have state, with that key current.
func NewKeyedContext[K any](ctx *Context, each func(func(K) bool)) *KeyedContext[K] {
	return &KeyedContext[K]{ProcessContext: *NewProcessContext(ctx), each: each}
}

// AtKey points the context at a record with a key.
func (c *KeyedContext[K]) AtKey(key K, timestamp int64) {
	c.key, c.hasKey, c.timestamp = key, true, timestamp
}

// LeaveKey says that no key is current.
func (c *KeyedContext[K]) LeaveKey() { c.hasKey, c.timestamp = false, element.NoTimestamp }

// Key is the key of the record at hand. It panics in Open, Close and outside of ForEachKey in Finish, where there is none.
func (c *KeyedContext[K]) Key() K {
	if !c.hasKey {
		panic("no key is current here: use Key in Process, or inside of ForEachKey")
	}
	return c.key
}

// ForEachKey calls f for each key that has any state, with the state of that key current, until f returns false. The
// order is unspecified. f may read, set and clear that state. It is meant for Finish: it visits every key of the subtask.
func (c *KeyedContext[K]) ForEachKey(f func(key K) bool) {
	before, had, at := c.key, c.hasKey, c.timestamp
	if had {
		panic("ForEachKey cannot be used while a record is being processed: use it in Finish")
	}
	c.each(func(key K) bool {
		c.AtKey(key, element.NoTimestamp)
		return f(key)
	})
	c.key, c.hasKey, c.timestamp = before, had, at
}
