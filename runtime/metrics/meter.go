package metrics

import (
	"sync"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
)

// Counting is what a meter can derive a rate from: a [Counter] or a [SharedCounter].
type Counting interface {
	Count() int64
}

// CountFunc is a Counting that is computed when somebody looks, by any goroutine.
type CountFunc func() int64

// Count implements Counting.
func (f CountFunc) Count() int64 { return f() }

// The rate is that of the last minute, in steps of five seconds, as with Flink's MeterView.
const (
	meterSpan = int64(time.Minute)
	meterStep = int64(5 * time.Second)
)

// MeterView tells how often a counter advances: events per second over the last minute, or since the meter was made if that is shorter. Nothing
// runs in the background: reading notes the count, and the rate is the difference to the note of a minute ago. Between reads further
// apart than a minute it is the mean of the time between them. Any goroutine may use it.
type MeterView struct {
	events Counting
	clock  clock.Clock

	mu    sync.Mutex
	notes []meterNote // oldest first, at least meterStep apart
}

type meterNote struct{ nanos, count int64 }

func newMeterView(c clock.Clock, events Counting) *MeterView {
	return &MeterView{events: events, clock: c, notes: []meterNote{{nanos: c.Nanos(), count: events.Count()}}}
}

// Count returns the number of events so far.
func (m *MeterView) Count() int64 { return m.events.Count() }

// Rate returns the events per second.
func (m *MeterView) Rate() float64 { return m.read().Rate }

// Meter is a MeterView over a count of its own. Any goroutine may use it.
type Meter struct {
	*MeterView
	own *SharedCounter
}

func newMeter(c clock.Clock) *Meter {
	own := new(SharedCounter)
	return &Meter{MeterView: newMeterView(c, own), own: own}
}

// Mark counts n events.
func (m *Meter) Mark(n int64) { m.own.Add(n) }

func (m *MeterView) read() MeterValue {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := meterNote{nanos: m.clock.Nanos(), count: m.events.Count()}
	for len(m.notes) > 1 && now.nanos-m.notes[1].nanos >= meterSpan {
		m.notes = m.notes[1:]
	}
	base := m.notes[0]
	if now.nanos-m.notes[len(m.notes)-1].nanos >= meterStep {
		m.notes = append(m.notes, now)
	}
	value := MeterValue{Count: now.count}
	if passed := now.nanos - base.nanos; passed > 0 {
		value.Rate = float64(now.count-base.count) / time.Duration(passed).Seconds()
	}
	return value
}
