package sim

import (
	"encoding/binary"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
)

// random is where all chance of a run comes from: SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
// OOPSLA 2014).
type random struct{ state uint64 }

func newRandom(seed uint64) *random { return &random{state: seed} }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// fork returns a generator of its own, so that what draws from one does not shift what draws from the other.
func (r *random) fork() *random { return newRandom(r.next()) }

func (r *random) below(n int) int { return int(r.next() % uint64(n)) }

func (r *random) uniform() float64 { return float64(r.next()>>11) / (1 << 53) }

func (r *random) chance(p float64) bool { return p > 0 && r.uniform() < p }

func (r *random) between(from, to time.Duration) time.Duration {
	return from + time.Duration(r.next()%uint64(to-from+1))
}

// of returns one of the values.
func of[T any](r *random, values ...T) T { return values[r.below(len(values))] }

func (r *random) id() (id ident.ID) {
	binary.BigEndian.PutUint64(id[:8], r.next())
	binary.BigEndian.PutUint64(id[8:], r.next())
	return id
}
