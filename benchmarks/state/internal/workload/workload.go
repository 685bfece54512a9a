// Package workload has the keys that the measurements of state work on.
package workload

import (
	"math"
	"math/bits"
)

// Workload is how many keys there are and in which ways they are drawn, one after the other.
type Workload struct {
	Keys  int64
	Draws []Draw
}

// Draw is a named distribution of keys.
type Draw struct {
	Name string
	// Zipf draws key number k with a probability of about 1/(k+1); otherwise all come alike.
	Zipf bool
}

// All lists the workloads. The Zipf keys are drawn from the ten million that the uniform ones have left there.
func All() []Workload {
	return []Workload{
		{10_000, []Draw{{"10k", false}}},
		{1_000_000, []Draw{{"1M", false}}},
		{10_000_000, []Draw{{"10M", false}, {"zipf", true}}},
	}
}

// Plan is what one run does: each key comes once, in a scattered order, and then the phases follow.
type Plan struct {
	Keys   int64
	Phases []Phase
}

// Phase is a number of records that are drawn alike: some to get warm, then those that are timed.
type Phase struct {
	Zipf            bool
	WarmUp, Records int64
	// Checked is how many results, from the phase's first, go into the checksum.
	Checked int64
}

func (p Phase) total() int64 { return p.WarmUp + p.Records }

// Total is the number of records of a run.
func (p Plan) Total() int64 { return p.Keys + p.Drawn() }

// Drawn is the number of records that follow the first one of each key.
func (p Plan) Drawn() (n int64) {
	for _, phase := range p.Phases {
		n += phase.total()
	}
	return n
}

// Stream makes the keys of one run. The same plan always gives the same keys.
type Stream struct {
	plan Plan
	made int64
	// phase is the current one, which ends before the record of number phaseEnd.
	phase    int
	phaseEnd int64
	random   uint64
	// stride is coprime to Keys: its multiples modulo Keys visit all.
	stride    uint64
	logarithm float64
}

// New starts a stream.
func New(p Plan) *Stream {
	s := &Stream{plan: p, phase: -1, phaseEnd: p.Keys, random: 88172645463325252, logarithm: math.Log(float64(p.Keys))}
	for s.stride = uint64(float64(p.Keys)*0.6180339887) | 1; common(s.stride, uint64(p.Keys)) != 1; s.stride += 2 {
	}
	return s
}

func common(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// SkipLoading leaves out the first record of each key, which the caller has loaded in its own way.
func (s *Stream) SkipLoading() { s.made = s.plan.Keys }

// Fill overwrites keys with the next ones.
func (s *Stream) Fill(keys []int64) {
	for len(keys) > 0 {
		for s.made >= s.phaseEnd && s.phase+1 < len(s.plan.Phases) {
			s.phase++
			s.phaseEnd += s.plan.Phases[s.phase].total()
		}
		n := min(int64(len(keys)), max(s.phaseEnd-s.made, 1))
		s.fill(keys[:n])
		s.made += n
		keys = keys[n:]
	}
}

// fill makes keys of one phase.
func (s *Stream) fill(keys []int64) {
	switch n := uint64(s.plan.Keys); {
	case s.phase < 0:
		at := uint64(s.made) * s.stride % n
		for i := range keys {
			keys[i] = int64(at)
			if at += s.stride % n; at >= n {
				at -= n
			}
		}
	case s.plan.Phases[s.phase].Zipf:
		// The continuous form of Zipf's law with exponent 1: the logarithm of the rank is uniform.
		for i := range keys {
			rank := uint64(math.Exp(float64(s.next()>>11) * 0x1p-53 * s.logarithm))
			keys[i] = int64(rank * s.stride % n) // so that frequent keys are not neighbours
		}
	default:
		for i := range keys {
			at, _ := bits.Mul64(s.next(), n)
			keys[i] = int64(at)
		}
	}
}

// next is xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016).
func (s *Stream) next() uint64 {
	x := s.random
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	s.random = x
	return x * 2685821657736338717
}
