// Package window has what says how a keyed stream is cut into windows: assigners (tumbling, sliding, session, global), triggers,
// which decide when the contents of a window are handed to the function, evictors, which drop some of them before, and
// aggregates.
//
//	perMinute := stream.Window(byItem, window.Tumbling(time.Minute))
//	counts := stream.Aggregate(perMinute.AllowedLateness(10*time.Second), window.Count[Click]())
//
// Windows are in event time unless their name says otherwise. All durations are whole milliseconds. Mistakes, such as a size of
// nothing, are found when the graph is built.
package window

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/weir-stream/weir/runtime/operator"
)

// Contracts, which are those of the runtime.
type (
	// Window is a span of time in milliseconds, from Start to before End.
	Window = operator.Window
	// Assigner says which windows a record belongs to.
	Assigner = operator.WindowAssigner
	// AssignerContext is what an assigner knows of the record at hand.
	AssignerContext = operator.AssignerContext
	// MergingAssigner is an Assigner whose windows of one key merge when they touch.
	MergingAssigner = operator.MergingAssigner
	// AlignedAssigner is an Assigner whose windows are the same for all keys and follow each other at one distance.
	AlignedAssigner = operator.AlignedAssigner
	// Trigger decides when the contents of a window are handed to the function.
	Trigger = operator.Trigger
	// MergingTrigger is a Trigger for windows that merge.
	MergingTrigger = operator.MergingTrigger
	// WrappingTrigger is a Trigger that has others do part of its work.
	WrappingTrigger = operator.WrappingTrigger
	// TriggerContext is what a trigger knows of the window at hand.
	TriggerContext = operator.TriggerContext
	// TriggerResult is what a trigger decides.
	TriggerResult = operator.TriggerResult
	// Evictor removes elements from a window around a firing.
	Evictor = operator.Evictor
	// Elements are those of a window, for an evictor.
	Elements = operator.WindowElements
	// Reads is embedded by assigners, triggers and evictors that look at the values of records.
	Reads[T any] = operator.Reads[T]
	// Context is what a window function knows of the window at hand.
	Context[K any] = operator.WindowContext[K]
	// PerWindow, embedded in a struct within a window function, has the states in it kept for each window.
	PerWindow = operator.PerWindow
	// TimeDomain tells event time from processing time.
	TimeDomain = operator.TimeDomain
)

// The results of a trigger.
const (
	Continue     = operator.Continue
	Fire         = operator.Fire
	Purge        = operator.Purge
	FireAndPurge = operator.FireAndPurge
)

// The time domains.
const (
	InEventTime      = operator.EventTime
	InProcessingTime = operator.ProcessingTime
)

// GlobalWindow is the window of all records.
var GlobalWindow = operator.GlobalWindow

// millis turns a duration into milliseconds and says what is wrong with it.
func millis(name string, d time.Duration) (int64, error) {
	if d%time.Millisecond != 0 {
		return 0, fmt.Errorf("%s %v: it must be whole milliseconds", name, d)
	}
	return d.Milliseconds(), nil
}

// positive is millis of a duration that must be more than nothing.
func positive(name string, d time.Duration) (int64, error) {
	if d <= 0 {
		return 0, fmt.Errorf("%s %v: it must be positive", name, d)
	}
	return millis(name, d)
}

// defaultTrigger is the trigger of windows in that domain.
func defaultTrigger(domain TimeDomain) Trigger {
	if domain == InProcessingTime {
		return operator.ProcessingTimeTrigger{}
	}
	return operator.EventTimeTrigger{}
}

// Regular is an assigner of windows of one size that follow each other at one distance. Make it with Tumbling, Sliding,
// TumblingProcessing or SlidingProcessing.
type Regular struct {
	size, slide, offset int64
	domain              TimeDomain
	problem             error
}

// Tumbling puts each record into one window of event time; windows follow each other without a gap. Window starts are
// multiples of size since 1970, shifted by the offset, if one is given (-8h for days in UTC+8): it must be less than size.
func Tumbling(size time.Duration, offset ...time.Duration) Regular {
	return regular(size, size, offset, InEventTime)
}

// TumblingProcessing is Tumbling in processing time: a record belongs to the window in which it arrives.
func TumblingProcessing(size time.Duration, offset ...time.Duration) Regular {
	return regular(size, size, offset, InProcessingTime)
}

// Sliding puts each record into size/slide windows of event time, one of which starts every slide; with a slide greater than
// size, records between windows are in none. Window starts are multiples of slide since 1970, shifted by the offset, if one
// is given: it must be less than slide.
func Sliding(size, slide time.Duration, offset ...time.Duration) Regular {
	return regular(size, slide, offset, InEventTime)
}

// SlidingProcessing is Sliding in processing time: a record belongs to the windows in which it arrives.
func SlidingProcessing(size, slide time.Duration, offset ...time.Duration) Regular {
	return regular(size, slide, offset, InProcessingTime)
}

func regular(size, slide time.Duration, offsets []time.Duration, domain TimeDomain) Regular {
	r := Regular{domain: domain}
	var offset time.Duration
	for _, o := range offsets {
		offset = o
	}
	var wrong [4]error
	r.size, wrong[0] = positive("size", size)
	r.slide, wrong[1] = positive("slide", slide)
	if size == slide {
		wrong[1] = nil
	}
	r.offset, wrong[2] = millis("offset", offset)
	if slide > 0 && offset.Abs() >= slide {
		wrong[3] = fmt.Errorf("offset %v: it must be less than the distance of windows, %v", offset, slide)
	}
	r.problem = errors.Join(wrong[:]...)
	return r
}

// Assign implements Assigner. Windows come from the latest to the earliest.
func (r Regular) Assign(ctx *AssignerContext, windows []Window) []Window {
	start, ok := operator.LastWindowStart(ctx.Timestamp, r.offset, r.slide, r.size)
	if !ok {
		return windows
	}
	for ; start > ctx.Timestamp-r.size; start -= r.slide {
		windows = append(windows, Window{Start: start, End: start + r.size})
	}
	return windows
}

// TimeDomain implements Assigner.
func (r Regular) TimeDomain() TimeDomain { return r.domain }

// NewDefaultTrigger implements Assigner.
func (r Regular) NewDefaultTrigger() Trigger { return defaultTrigger(r.domain) }

// Check implements Assigner.
func (r Regular) Check() error { return r.problem }

// Aligned implements AlignedAssigner.
func (r Regular) Aligned() (size, slide, offset int64) { return r.size, r.slide, r.offset }

// Sessions is an assigner of windows that grow while records of a key come, and end with a gap in which none do. Make it with
// Session or SessionProcessing.
type Sessions struct {
	gap     int64
	domain  TimeDomain
	problem error
}

// Session gathers the records of a key that are less than gap apart, or exactly gap, in event time. The session ends a gap
// after its last record.
func Session(gap time.Duration) Sessions { return sessions(gap, InEventTime) }

// SessionProcessing is Session by the times at which records arrive.
func SessionProcessing(gap time.Duration) Sessions { return sessions(gap, InProcessingTime) }

func sessions(gap time.Duration, domain TimeDomain) Sessions {
	s := Sessions{domain: domain}
	s.gap, s.problem = positive("gap", gap)
	return s
}

// Assign implements Assigner.
func (s Sessions) Assign(ctx *AssignerContext, windows []Window) []Window {
	return append(windows, Window{Start: ctx.Timestamp, End: sessionEnd(ctx.Timestamp, s.gap)})
}

// sessionEnd is when the session of one record ends, at the end of time at the latest.
func sessionEnd(timestamp, gap int64) int64 {
	if end := timestamp + gap; end > timestamp {
		return end
	}
	return math.MaxInt64
}

// TimeDomain implements Assigner.
func (s Sessions) TimeDomain() TimeDomain { return s.domain }

// NewDefaultTrigger implements Assigner.
func (s Sessions) NewDefaultTrigger() Trigger { return defaultTrigger(s.domain) }

// Check implements Assigner.
func (s Sessions) Check() error { return s.problem }

// MergesWindows implements MergingAssigner.
func (Sessions) MergesWindows() {}

// Gap is the gap in milliseconds, for faster ways to do the same.
func (s Sessions) Gap() int64 { return s.gap }

// DynamicSessions is an assigner of sessions where each record says how long a gap may follow it. Make it with DynamicSession or
// DynamicSessionProcessing.
type DynamicSessions[T any] struct {
	Reads[T]
	gap    func(T) time.Duration
	domain TimeDomain
}

// DynamicSession is Session with a gap of each record's own, in event time. It must be positive. The function is shared by the
// subtasks of a process.
func DynamicSession[T any](gap func(T) time.Duration) DynamicSessions[T] {
	return DynamicSessions[T]{gap: gap, domain: InEventTime}
}

// DynamicSessionProcessing is DynamicSession by the times at which records arrive.
func DynamicSessionProcessing[T any](gap func(T) time.Duration) DynamicSessions[T] {
	return DynamicSessions[T]{gap: gap, domain: InProcessingTime}
}

// Assign implements Assigner. It panics if a gap is not positive.
func (s DynamicSessions[T]) Assign(ctx *AssignerContext, windows []Window) []Window {
	gap := s.gap(s.Value(ctx))
	if gap < time.Millisecond {
		panic(fmt.Errorf("the gap of a dynamic session is %v: it must be at least 1ms", gap))
	}
	return append(windows, Window{Start: ctx.Timestamp, End: sessionEnd(ctx.Timestamp, gap.Milliseconds())})
}

// TimeDomain implements Assigner.
func (s DynamicSessions[T]) TimeDomain() TimeDomain { return s.domain }

// NewDefaultTrigger implements Assigner.
func (s DynamicSessions[T]) NewDefaultTrigger() Trigger { return defaultTrigger(s.domain) }

// Check implements Assigner.
func (s DynamicSessions[T]) Check() error { return nil }

// MergesWindows implements MergingAssigner.
func (DynamicSessions[T]) MergesWindows() {}

// Globals is the assigner of the one window that holds all records of a key. Make it with Global or GlobalToTheEnd.
type Globals struct{ trigger func() Trigger }

// Global puts all records of a key into one window. It never fires, unless it is given a trigger.
func Global() Globals { return Globals{Never()} }

// GlobalToTheEnd is Global with a trigger that fires when event time ends, which is when all bounded sources have ended.
func GlobalToTheEnd() Globals { return Globals{EventTime()} }

// Assign implements Assigner.
func (Globals) Assign(_ *AssignerContext, windows []Window) []Window {
	return append(windows, GlobalWindow)
}

// TimeDomain implements Assigner. No record is ever late for a global window.
func (Globals) TimeDomain() TimeDomain { return InProcessingTime }

// NewDefaultTrigger implements Assigner.
func (g Globals) NewDefaultTrigger() Trigger { return g.trigger() }

// Check implements Assigner.
func (Globals) Check() error { return nil }
