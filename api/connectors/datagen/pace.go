package datagen

import "math"

// Below exactly nanoseconds from one record of a subtask to the next, records come in bursts of burst nanoseconds instead
// of one by one: waking costs more than it would improve.
const (
	exactly = 50_000
	burst   = 1_000_000
)

// pace is the schedule of a rated source: record i is due i/perSecond seconds after record 0.
type pace struct {
	perSecond float64
	// origin is when record 0 was due, by the clock's Nanos; of a source that resumes, when it would have been.
	origin int64
	begun  bool
}

// begin sets the schedule so that record first is due now.
func (p *pace) begin(now, first int64) {
	if !p.begun {
		p.origin, p.begun = now-p.due(first), true
	}
}

// due is when record i is due, in nanoseconds after record 0. It never decreases with i.
func (p *pace) due(i int64) int64 {
	at := math.Round(float64(i) * 1e9 / p.perSecond)
	if at >= math.MaxInt64/2 {
		return math.MaxInt64 / 2
	}
	return int64(at)
}

// ready is how many of the records next, next+stride and so on, at most limit, are due at now.
func (p *pace) ready(now, next, stride int64, limit int) int {
	elapsed := now - p.origin
	if p.due(next) > elapsed {
		return 0
	}
	// The estimate is corrected by what due itself says, so that a wake-up at the time of due finds a record.
	guess := (float64(elapsed)*p.perSecond/1e9 - float64(next)) / float64(stride)
	n := int64(max(0, min(guess, float64(limit-1))))
	for n > 0 && p.due(next+n*stride) > elapsed {
		n--
	}
	for n+1 < int64(limit) && p.due(next+(n+1)*stride) <= elapsed {
		n++
	}
	return int(n + 1)
}

// wakeAt is when a subtask should look again whose next record is next and which has looked at now.
func (p *pace) wakeAt(now, next, stride int64) int64 {
	at := p.origin + p.due(next)
	if float64(stride)/p.perSecond*1e9 < exactly {
		at = max(at, now+burst)
	}
	return at
}
