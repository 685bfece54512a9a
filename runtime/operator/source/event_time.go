package source

import (
	"slices"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator/watermark"
)

// eventTime makes the watermarks of one reader, as Flink's source operator does. What the reader has said to be of a split goes to
// the tracker of that split, and the splits are combined; the rest goes to a tracker of the reader as a whole. Either side's
// watermarks are emitted, and the reader is idle when both sides are; a side that has said nothing counts as idle.
//
// Splits hold event time back from their assignment on, not only once they are begun. But a reader that never tells its splits
// has none: they are registered when it first tells one.
type eventTime[T any] struct {
	strategy watermark.Strategy[T]
	// on is false where nothing is to be tracked.
	on      bool
	emitter watermark.Emitter

	main *stream[T]
	// streams are those of the splits, in the order of their assignment.
	streams  []*stream[T]
	byID     map[string]*stream[T]
	combined watermark.Splits
	// assigned are the splits not registered, since the reader has told none so far.
	assigned []string
	tells    bool
	// paused says that some split is too far ahead of the alignment group.
	paused bool

	mainIdle, splitsIdle bool
}

// stream is a split, or the reader as a whole, whose part is nil.
type stream[T any] struct {
	id      string
	tracker *watermark.Tracker[T]
	part    *watermark.Part
	// gate stands still while the split is paused.
	gate gate
	// figures are those of a split, once it was there for long enough to be noted.
	figures *splitFigures
}

func newEventTime[T any](strategy watermark.Strategy[T], emitter watermark.Emitter, ownWatermarks bool) eventTime[T] {
	return eventTime[T]{
		strategy: strategy, on: strategy.Ticks() || ownWatermarks, emitter: emitter,
		main: &stream[T]{tracker: strategy.NewTracker()}, byID: map[string]*stream[T]{}, combined: watermark.NewSplits(), mainIdle: true, splitsIdle: true,
	}
}

// assign notes splits that the reader is about to be given.
func (e *eventTime[T]) assign(splits []connector.Split) {
	if !e.on {
		return
	}
	for _, split := range splits {
		if e.tells {
			e.register(split.ID)
		} else {
			e.assigned = append(e.assigned, split.ID)
		}
	}
}

// split returns the stream of a split that the reader tells, which need not have been assigned.
func (e *eventTime[T]) split(id string) *stream[T] {
	if !e.tells {
		e.tells = true
		for _, id := range e.assigned {
			e.register(id)
		}
		e.assigned = nil
	}
	return e.register(id)
}

// register adds a split unless it is there.
func (e *eventTime[T]) register(id string) *stream[T] {
	if s := e.byID[id]; s != nil {
		return s
	}
	s := &stream[T]{id: id, tracker: e.strategy.NewTracker(), part: e.combined.Register(), gate: newGate()}
	e.streams = append(e.streams, s)
	e.byID[id] = s
	return s
}

// finish forgets a split.
func (e *eventTime[T]) finish(id string) {
	s := e.split(id) // which registers it, if the reader has told none so far
	e.combined.Unregister(s.part)
	delete(e.byID, id)
	s.figures.close()
	e.streams = slices.DeleteFunc(e.streams, func(other *stream[T]) bool { return other == s })
}

// now emits what follows at once from an event of a stream.
func (e *eventTime[T]) now(s *stream[T], event element.Event) error {
	if s.part == nil {
		return e.emit(&e.mainIdle, event)
	}
	return e.emitCombined(e.combined.Now(s.part, event))
}

// tick emits what follows from the periodic call of all generators, at a reading of the clock of the reader, which stands still
// while it may not read.
func (e *eventTime[T]) tick(nanos int64) error {
	for _, s := range e.streams {
		for _, event := range s.tracker.Tick(s.gate.elapsed(nanos)) {
			e.combined.Defer(s.part, event)
		}
	}
	if err := e.emitCombined(e.combined.Combine()); err != nil {
		return err
	}
	for _, event := range e.main.tracker.Tick(nanos) {
		if err := e.emit(&e.mainIdle, event); err != nil {
			return err
		}
	}
	return nil
}

func (e *eventTime[T]) emitCombined(events []element.Event) error {
	for _, event := range events {
		if err := e.emit(&e.splitsIdle, event); err != nil {
			return err
		}
	}
	return nil
}

// emit emits an event of one side, whose idleness is noted.
func (e *eventTime[T]) emit(side *bool, event element.Event) error {
	*side = event.Kind == element.Idle
	if *side && !(e.mainIdle && e.splitsIdle) {
		return nil
	}
	return e.emitter.Emit(event)
}
