package operator

import (
	"fmt"
	"math"
	"reflect"
)

// Window is a span of time in milliseconds, from Start to before End, which records of one key are gathered in.
type Window struct{ Start, End int64 }

// GlobalWindow holds all records. It never ends.
var GlobalWindow = Window{math.MinInt64, math.MaxInt64}

// MaxTimestamp is the last millisecond of the window: event time has passed its end once the watermark is there. That of
// the global window is the greatest int64.
func (w Window) MaxTimestamp() int64 {
	if w == GlobalWindow {
		return math.MaxInt64
	}
	return w.End - 1
}

// Touches reports whether the windows overlap or one begins where the other ends.
func (w Window) Touches(other Window) bool { return w.Start <= other.End && other.Start <= w.End }

// Cover is the least window that has both within.
func (w Window) Cover(other Window) Window {
	return Window{min(w.Start, other.Start), max(w.End, other.End)}
}

// Contains reports whether all of other is within the window.
func (w Window) Contains(other Window) bool { return w.Start <= other.Start && other.End <= w.End }

// String returns "[start, end)".
func (w Window) String() string {
	if w == GlobalWindow {
		return "[global window]"
	}
	return fmt.Sprintf("[%d, %d)", w.Start, w.End)
}

// WindowStart is the start of the window that timestamp is in, where windows follow each other at this distance and one of
// them starts at offset.
func WindowStart(timestamp, offset, distance int64) int64 {
	remainder := (timestamp - offset) % distance
	if remainder < 0 {
		remainder += distance
	}
	return timestamp - remainder
}

// LastWindowStart is WindowStart of the last window of that size which timestamp may be in, where one starts at every distance. It is
// false for a time so close to either end of time (about the size and two distances) that its windows could reach beyond it:
// such a time is in no window.
func LastWindowStart(timestamp, offset, distance, size int64) (start int64, ok bool) {
	if timestamp > math.MinInt64/2 && timestamp < math.MaxInt64/2 {
		return WindowStart(timestamp, offset, distance), true
	}
	remainder := (timestamp%distance - offset) % distance // in this order it cannot overflow
	if remainder < 0 {
		remainder += distance
	}
	if timestamp < math.MinInt64+remainder {
		return 0, false
	}
	start = timestamp - remainder
	return start, start >= math.MinInt64+size+2*distance && start <= math.MaxInt64-size-distance
}

// WindowAssigner says which windows a record belongs to. All subtasks of a process share it. A MergingAssigner, an
// AlignedAssigner and one that Reads values say so by further methods.
type WindowAssigner interface {
	// Assign appends the windows of the record at hand. Those of one record are handled in the order given.
	Assign(ctx *AssignerContext, windows []Window) []Window
	// TimeDomain says which time the windows are spans of. In event time, records that come after a window's end plus
	// the allowed lateness are late.
	TimeDomain() TimeDomain
	// NewDefaultTrigger makes the trigger of windows that were given no other.
	NewDefaultTrigger() Trigger
	// Check reports a setting that makes no sense. It is called when the graph is built.
	Check() error
}

// MergingAssigner is a WindowAssigner whose windows of one key merge when they touch: sessions.
type MergingAssigner interface {
	WindowAssigner
	MergesWindows()
}

// AlignedAssigner is a WindowAssigner whose windows are the same for all keys and records: each is size long, and they start
// slide apart, one of them at offset, all in milliseconds. Its windows may be kept in slices of time.
type AlignedAssigner interface {
	WindowAssigner
	Aligned() (size, slide, offset int64)
}

// AssignerContext is what an assigner knows of the record at hand. It is valid during the call.
type AssignerContext struct {
	recordAtHand
	// Timestamp is the record's event time for an assigner in event time, and processing time otherwise, in milliseconds.
	Timestamp int64
}

// NewAssignerContext is for operators; record is a pointer to where they put the value of each record before Assign.
func NewAssignerContext(record any) *AssignerContext {
	return &AssignerContext{recordAtHand: recordAtHand{record}}
}

// recordAtHand lets those that look at values, through Reads, have the record.
type recordAtHand struct{ pointer any }

func (r *recordAtHand) record() any { return r.pointer }

// AtRecord is the context of an assigner or trigger that is called for a record.
type AtRecord interface{ record() any }

// Reads is embedded by assigners, triggers and evictors that look at the values of records. It tells the runtime their type,
// which is checked when the graph is built.
type Reads[T any] struct{}

// Value is the record at hand. It may be used where the method is called for a record.
func (Reads[T]) Value(ctx AtRecord) T { return *ctx.record().(*T) }

// ElementAt is the value of element i of a window.
func (Reads[T]) ElementAt(elements *WindowElements, i int) T { return (*elements.values.(*[]T))[i] }

func (Reads[T]) reads() reflect.Type { return reflect.TypeFor[T]() }

// ReadsOnly reports an error if something reads values of another type than T.
func ReadsOnly[T any](what any) error {
	reader, ok := what.(interface{ reads() reflect.Type })
	if !ok || reader.reads() == reflect.TypeFor[T]() {
		return nil
	}
	return fmt.Errorf("it looks at records of type %v, but the stream's are of type %v", reader.reads(), reflect.TypeFor[T]())
}
