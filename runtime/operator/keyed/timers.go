package keyed

import (
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

// timerBatch is how many timers are taken from their set at once.
const timerBatch = 256

// What follows the name of a TimerService in those of its timers.
const (
	inEventTime      = "/event"
	inProcessingTime = "/processing"
)

// TimerService has the event-time and processing-time timers of an operator, and the time of either domain.
type TimerService[K any] struct {
	Event, Processing state.Timers[K]
	ctx               *operator.Context
	watermark         int64
	// called is the processing time at which a call is pending.
	called int64
	due    []state.Timer[K]
}

// NewTimerService opens the timers of an operator under that name, which is unique among those of its store. The operator
// is Timed and passes its OnProcessingTime on to AdvanceProcessingTime, and it calls Restored once its store is restored.
func NewTimerService[K any](s *Store, name string, keys state.Keys[K]) *TimerService[K] {
	return &TimerService[K]{
		Event: Timers(s, name+inEventTime, keys), Processing: Timers(s, name+inProcessingTime, keys),
		ctx: s.ctx, watermark: element.NoWatermark, called: operator.NoCall, due: make([]state.Timer[K], 0, timerBatch),
	}
}

// Restored asks for the calls that restored timers need.
func (s *TimerService[K]) Restored() { s.call() }

// Watermark is the current event time, element.NoWatermark before the first.
func (s *TimerService[K]) Watermark() int64 { return s.watermark }

// Now is the processing time in milliseconds.
func (s *TimerService[K]) Now() int64 { return s.ctx.Now() }

// RegisterEvent has the key's timer fire when the watermark reaches at, however often it is registered.
func (s *TimerService[K]) RegisterEvent(key K, hash uint64, at int64) {
	s.Event.Register(key, hash, at)
}

// DeleteEvent takes back an event-time timer, if there is one.
func (s *TimerService[K]) DeleteEvent(key K, hash uint64, at int64) { s.Event.Delete(key, hash, at) }

// RegisterProcessing has the key's timer fire when the clock reaches at, however often it is registered.
func (s *TimerService[K]) RegisterProcessing(key K, hash uint64, at int64) {
	if s.Processing.Register(key, hash, at) && at < s.called {
		s.call()
	}
}

// DeleteProcessing takes back a processing-time timer, if there is one.
func (s *TimerService[K]) DeleteProcessing(key K, hash uint64, at int64) {
	s.Processing.Delete(key, hash, at)
}

// AdvanceWatermark raises event time and calls fire for each timer that is due, in order of time, also for those that fire
// itself registers.
func (s *TimerService[K]) AdvanceWatermark(to int64, fire func(key K, hash uint64, at int64) error) error {
	s.watermark = max(s.watermark, to)
	return s.fire(s.Event, s.watermark, fire)
}

// AdvanceProcessingTime calls fire for each timer that is due at now, in order of time, and asks for the next call.
func (s *TimerService[K]) AdvanceProcessingTime(now int64, fire func(key K, hash uint64, at int64) error) error {
	s.called = now // so that fire's own registrations ask for nothing
	err := s.fire(s.Processing, now, fire)
	s.called = operator.NoCall
	s.call()
	return err
}

func (s *TimerService[K]) fire(timers state.Timers[K], until int64, fire func(key K, hash uint64, at int64) error) error {
	for {
		due := timers.Take(until, s.due[:0])
		if len(due) == 0 {
			return nil
		}
		s.ctx.FiredTimers(len(due))
		for _, t := range due {
			if err := fire(t.Key, t.Hash, t.At); err != nil {
				return err
			}
			if err := s.ctx.Go.Err(); err != nil {
				return err
			}
		}
	}
}

// call asks for a call at the time of the first processing-time timer.
func (s *TimerService[K]) call() {
	next, ok := s.Processing.Next()
	if !ok {
		next = operator.NoCall
	}
	if next != s.called {
		s.called = next
		s.ctx.CallAt(next)
	}
}
