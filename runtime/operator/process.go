package operator

// ProcessFunction works on each record of a stream without keys.
type ProcessFunction[In, Out any] interface {
	Process(ctx *ProcessContext, in In, out Collector[Out]) error
}

// KeyedProcessFunction works on each record of a keyed stream, with state of the record's key. State is declared as
// exported fields of the function's struct (state.Value and so on). A function that has timers is a TimerFunction too.
type KeyedProcessFunction[K, In, Out any] interface {
	Process(ctx *KeyedContext[K], in In, out Collector[Out]) error
}

// CoProcessFunction works on the records of two streams.
type CoProcessFunction[In1, In2, Out any] interface {
	Process1(ctx *ProcessContext, in In1, out Collector[Out]) error
	Process2(ctx *ProcessContext, in In2, out Collector[Out]) error
}

// KeyedCoProcessFunction works on the records of two streams that are keyed alike and share the state and timers of a key.
// A function that has timers is a TimerFunction too.
type KeyedCoProcessFunction[K, In1, In2, Out any] interface {
	Process1(ctx *KeyedContext[K], in In1, out Collector[Out]) error
	Process2(ctx *KeyedContext[K], in In2, out Collector[Out]) error
}

// BroadcastProcessFunction works on the records of a stream, beside a second one each record of which goes to every subtask:
// rules, for instance. What it keeps of the second is in fields of type state.Broadcast, which Process only reads.
type BroadcastProcessFunction[In, B, Out any] interface {
	Process(ctx *ProcessContext, in In, out Collector[Out]) error
	// ProcessBroadcast must do the same in every subtask, since the broadcast state of all of them has to be equal.
	ProcessBroadcast(ctx *BroadcastContext, in B, out Collector[Out]) error
}

// KeyedBroadcastProcessFunction is a BroadcastProcessFunction whose first stream is keyed: Process has state of the
// record's key. A function that has timers is a TimerFunction too.
type KeyedBroadcastProcessFunction[K, In, B, Out any] interface {
	Process(ctx *KeyedContext[K], in In, out Collector[Out]) error
	// ProcessBroadcast must leave equal broadcast state in every subtask. It has no key, but reaches the state of all
	// keys of its subtask through KeyedBroadcastContext.ApplyToKeyedState.
	ProcessBroadcast(ctx *KeyedBroadcastContext[K], in B, out Collector[Out]) error
}

// ProcessJoinFunction works on each pair of records that an interval join has found.
type ProcessJoinFunction[L, R, Out any] interface {
	Process(ctx *JoinContext, left L, right R, out Collector[Out]) error
}

// CoGroupFunction works on the records that two streams have in a window of a key, each time it fires; either side may be
// empty. The slices are valid during the call.
type CoGroupFunction[K, L, R, Out any] interface {
	CoGroup(ctx *WindowContext[K], left []L, right []R, out Collector[Out]) error
}

// TimerFunction is a function on a keyed stream that registers timers, see KeyedContext.
type TimerFunction[K, Out any] interface {
	// OnTimer is called for each timer of a key once its time has come, with the state of that key. What it emits has
	// the time of an event-time timer, and none for a timer of processing time.
	OnTimer(ctx *OnTimerContext[K], out Collector[Out]) error
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
