// Package workload has the keys that the measurements of state work on.
package workload

import "math"

// Workload is how many keys there are and how often each comes.
type Workload struct {
	Name string
	Keys int64
	// Zipf draws key number k with a probability of about 1/(k+1); otherwise all come alike.
	Zipf bool
}

// All lists the workloads.
func All() []Workload {
	return []Workload{
		{"10k", 10_000, false},
		{"1M", 1_000_000, false},
		{"10M", 10_000_000, false},
		{"zipf", 10_000_000, true},
	}
}

// Find returns the workload of a name.
func Find(name string) (Workload, bool) {
	for _, w := range All() {
		if w.Name == name {
			return w, true
		}
	}
	return Workload{}, false
}

// Stream makes the keys of one run: each key once, in a scattered order, and from then on as the workload draws them. The same
// stream always gives the same keys.
type Stream struct {
	Workload
	made   int64
	random uint64
	// stride is coprime to Keys: its multiples modulo Keys visit all.
	stride    uint64
	logarithm float64
}

// New starts a stream.
func New(w Workload) *Stream {
	s := &Stream{Workload: w, random: 88172645463325252, logarithm: math.Log(float64(w.Keys))}
	for s.stride = uint64(float64(w.Keys)*0.6180339887) | 1; common(s.stride, uint64(w.Keys)) != 1; s.stride += 2 {
	}
	return s
}

func common(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Fill overwrites keys with the next ones.
func (s *Stream) Fill(keys []int64) {
	for i := range keys {
		switch {
		case s.made < s.Keys:
			keys[i] = int64(uint64(s.made) * s.stride % uint64(s.Keys))
			s.made++
		case s.Zipf:
			// The continuous form of Zipf's law with exponent 1: the logarithm of the rank is uniform.
			rank := uint64(math.Exp(float64(s.next()>>11) * 0x1p-53 * s.logarithm))
			keys[i] = int64(rank * s.stride % uint64(s.Keys)) // so that frequent keys are not neighbours
		default:
			keys[i] = int64(s.next() % uint64(s.Keys))
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
