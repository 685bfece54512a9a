package operator

import (
	"fmt"

	"github.com/weir-stream/weir/runtime/element"
)

// ProcessContext is what a process function knows of the record at hand. It is valid during the call. Side outputs are
// emitted to through it, see OutputTag.
type ProcessContext struct {
	RuntimeContext
	// timestamps are those of the batch at hand, nil if its records have none; at is the place of the record in it.
	timestamps []int64
	at         int
	watermark  int64
	sides      *SideOutputs
	// one is timestamps where a single record or timer is at hand.
	one [1]int64
}

// NewProcessContext is for operators; sides may be nil.
func NewProcessContext(ctx *Context, sides *SideOutputs) *ProcessContext {
	return &ProcessContext{RuntimeContext: ctx.Runtime(), watermark: element.NoWatermark, sides: sides}
}

// AtBatch points the context at the first record of a batch with these timestamps. It is for operators.
func (c *ProcessContext) AtBatch(timestamps []int64) { c.timestamps, c.at = timestamps, 0 }

// AtRecord points the context at record i of the batch.
func (c *ProcessContext) AtRecord(i int) { c.at = i }

// At points the context at something with one event time, or with element.NoTimestamp.
func (c *ProcessContext) At(timestamp int64) {
	c.one[0] = timestamp
	c.timestamps, c.at = c.one[:], 0
}

// SetWatermark raises event time.
func (c *ProcessContext) SetWatermark(at int64) { c.watermark = at }

func (c *ProcessContext) timestamp() int64 {
	if len(c.timestamps) == 0 {
		return element.NoTimestamp
	}
	return c.timestamps[c.at]
}

func (c *ProcessContext) sideOutputs() *SideOutputs {
	if c.sides != nil {
		c.sides.timestamp = c.timestamp()
	}
	return c.sides
}

// Timestamp is the record's event time in milliseconds since the epoch, and false if it has none.
func (c *ProcessContext) Timestamp() (int64, bool) {
	timestamp := c.timestamp()
	return timestamp, timestamp != element.NoTimestamp
}

// CurrentWatermark is event time as far as the operator's input has come, in milliseconds; the least int64 before the first
// watermark.
func (c *ProcessContext) CurrentWatermark() int64 { return c.watermark }

// CurrentProcessingTime is the time of the clock in milliseconds since the epoch. It reads the clock: once per record is fine.
func (c *ProcessContext) CurrentProcessingTime() int64 { return c.c.Now() }

// KeyedTimers are what a KeyedContext registers timers with; times are in milliseconds.
type KeyedTimers[K any] interface {
	RegisterEvent(key K, hash uint64, at int64)
	DeleteEvent(key K, hash uint64, at int64)
	RegisterProcessing(key K, hash uint64, at int64)
	DeleteProcessing(key K, hash uint64, at int64)
}

// KeyedContext is what a function on a keyed stream knows of the record at hand. It is valid during the call.
//
// A timer is a key and a time: registering it twice has it fire once, and taking back one that is not there does nothing. It
// fires when the watermark, or the clock, has reached its time; one that is registered for a time that is past fires with
// the next watermark, or the next look at the clock. Timers are state: they outlive the run.
type KeyedContext[K any] struct {
	ProcessContext
	// keys and hashes are those of the batch at hand, nil if there is none.
	keys   []K
	hashes []uint64
	timers KeyedTimers[K]
	// each visits all keys that have state, with that key current.
	each func(func(K) bool)
	// function is shown in messages.
	function any

	oneKey  [1]K
	oneHash [1]uint64
}

// NewKeyedContext is for operators; each visits all keys that have state, with that key current. Timers is nil for a function
// that has none.
func NewKeyedContext[K any](ctx *Context, function any, sides *SideOutputs, timers KeyedTimers[K], each func(func(K) bool)) *KeyedContext[K] {
	return &KeyedContext[K]{ProcessContext: *NewProcessContext(ctx, sides), timers: timers, each: each, function: function}
}

// AtKeys points the context at the first record of a batch with these keys; AtRecord goes on. It is for operators.
func (c *KeyedContext[K]) AtKeys(keys []K, hashes []uint64, timestamps []int64) {
	c.keys, c.hashes = keys, hashes
	c.AtBatch(timestamps)
}

// atKey points the context at a single key.
func (c *KeyedContext[K]) atKey(key K, hash uint64, timestamp int64) {
	c.oneKey[0], c.oneHash[0] = key, hash
	c.keys, c.hashes = c.oneKey[:], c.oneHash[:]
	c.At(timestamp)
}

// LeaveKey says that no key is current.
func (c *KeyedContext[K]) LeaveKey() {
	c.keys, c.hashes = nil, nil
	c.AtBatch(nil)
}

// Key is the key of the record or timer at hand. It panics in Open, Close and outside of ForEachKey in Finish, where there
// is none.
func (c *KeyedContext[K]) Key() K {
	if c.keys == nil {
		panic("no key is current here: use Key in Process and OnTimer, or inside of ForEachKey")
	}
	return c.keys[c.at]
}

// RegisterEventTimeTimer has OnTimer called for the current key when the watermark has reached at, in milliseconds.
func (c *KeyedContext[K]) RegisterEventTimeTimer(at int64) {
	timers, key, hash := c.timer()
	timers.RegisterEvent(key, hash, at)
}

// RegisterProcessingTimeTimer has OnTimer called for the current key when the clock has reached at, in milliseconds since
// the epoch.
func (c *KeyedContext[K]) RegisterProcessingTimeTimer(at int64) {
	timers, key, hash := c.timer()
	timers.RegisterProcessing(key, hash, at)
}

// DeleteEventTimeTimer takes back a timer of the current key.
func (c *KeyedContext[K]) DeleteEventTimeTimer(at int64) {
	timers, key, hash := c.timer()
	timers.DeleteEvent(key, hash, at)
}

// DeleteProcessingTimeTimer takes back a timer of the current key.
func (c *KeyedContext[K]) DeleteProcessingTimeTimer(at int64) {
	timers, key, hash := c.timer()
	timers.DeleteProcessing(key, hash, at)
}

func (c *KeyedContext[K]) timer() (timers KeyedTimers[K], key K, hash uint64) {
	switch {
	case c.timers == nil:
		panic(fmt.Sprintf("%T uses a timer but nothing is called when it fires: give it the method OnTimer(ctx *OnTimerContext[%T], out Collector[...]) error", c.function, *new(K)))
	case c.hashes == nil:
		panic("timers belong to a key and none is current here: use them in Process and OnTimer")
	}
	return c.timers, c.keys[c.at], c.hashes[c.at]
}

// ForEachKey calls f for each key that has any state, with the state of that key current, until f returns false. The
// order is unspecified. f may read, set and clear that state. It is meant for Finish: it visits every key of the subtask.
func (c *KeyedContext[K]) ForEachKey(f func(key K) bool) {
	if c.keys != nil {
		panic("ForEachKey cannot be used while a record is being processed: use it in Finish")
	}
	defer c.LeaveKey()
	c.keys = c.oneKey[:]
	c.each(func(key K) bool {
		c.oneKey[0] = key
		return f(key)
	})
}

// TimeDomain tells the two kinds of timers apart.
type TimeDomain uint8

// The time domains.
const (
	EventTime TimeDomain = iota
	ProcessingTime
)

// String returns "event" or "processing".
func (d TimeDomain) String() string {
	if d == ProcessingTime {
		return "processing"
	}
	return "event"
}

// OnTimerContext is what a function knows of the timer that has fired. It is valid during the call.
type OnTimerContext[K any] struct {
	*KeyedContext[K]
	at     int64
	domain TimeDomain
}

// NewOnTimerContext is for operators: it is ctx in calls for timers of that domain.
func NewOnTimerContext[K any](ctx *KeyedContext[K], domain TimeDomain) *OnTimerContext[K] {
	return &OnTimerContext[K]{KeyedContext: ctx, domain: domain}
}

// AtTimer points the context at a timer; timestamp is the event time of what is emitted. It is for operators.
func (c *OnTimerContext[K]) AtTimer(key K, hash uint64, at, timestamp int64) {
	c.at = at
	c.atKey(key, hash, timestamp)
}

// Timestamp is the time that the timer was registered for, in milliseconds; CurrentWatermark or the clock may be past it.
func (c *OnTimerContext[K]) Timestamp() int64 { return c.at }

// TimeDomain says whether event time or the clock has reached it.
func (c *OnTimerContext[K]) TimeDomain() TimeDomain { return c.domain }

// BroadcastContext is what a function knows of a broadcast record. It is valid during the call, in which fields of type
// state.Broadcast may be changed.
type BroadcastContext struct{ *ProcessContext }

// NewBroadcastContext is for operators.
func NewBroadcastContext(ctx *ProcessContext) *BroadcastContext { return &BroadcastContext{ctx} }

// KeyedBroadcastContext is a BroadcastContext beside a keyed stream.
type KeyedBroadcastContext[K any] struct {
	*ProcessContext
	keyed *KeyedContext[K]
}

// NewKeyedBroadcastContext is for operators.
func NewKeyedBroadcastContext[K any](keyed *KeyedContext[K]) *KeyedBroadcastContext[K] {
	return &KeyedBroadcastContext[K]{&keyed.ProcessContext, keyed}
}

// ApplyToKeyedState calls f for each key of this subtask that has any state, with the state of that key current; f may read,
// set and clear it. The order is unspecified, but the same for the same history of the subtask. It stops at the first
// error of f and returns it.
func (c *KeyedBroadcastContext[K]) ApplyToKeyedState(f func(key K) error) (err error) {
	timestamps, at := c.timestamps, c.at
	defer func() { c.timestamps, c.at = timestamps, at }()
	c.keyed.each(func(key K) bool {
		err = f(key)
		return err == nil
	})
	return err
}

// JoinContext is what a ProcessJoinFunction knows of the pair at hand. It is valid during the call. Timestamp, and the event time
// of what is emitted, is the greater of the two records'.
type JoinContext struct {
	ProcessContext
	left, right int64
}

// NewJoinContext is for operators.
func NewJoinContext(ctx *Context, sides *SideOutputs) *JoinContext {
	return &JoinContext{ProcessContext: *NewProcessContext(ctx, sides)}
}

// AtPair points the context at two records.
func (c *JoinContext) AtPair(left, right int64) {
	c.left, c.right = left, right
	c.At(max(left, right))
}

// LeftTimestamp is the event time of the left record in milliseconds.
func (c *JoinContext) LeftTimestamp() int64 { return c.left }

// RightTimestamp is the event time of the right record in milliseconds.
func (c *JoinContext) RightTimestamp() int64 { return c.right }
