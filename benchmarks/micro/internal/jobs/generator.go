package jobs

import "unsafe"

// The random numbers of limit, so that both sides work on the same keys.
type xorshift uint64

// seed is that of limit's source of the subtask.
func seed(subtask int) xorshift { return xorshift(subtask + 88172645463325252) }

func (r *xorshift) next() uint64 {
	x := uint64(*r)
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	*r = xorshift(x)
	return x * 2685821657736338717
}

func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

const wordLength = 10

// fillWords makes words of letters out of numbers below distinct, with one allocation for all of out.
func fillWords(r *xorshift, distinct uint64, out []string) {
	arena := make([]byte, len(out)*wordLength)
	for i := range out {
		x := r.next() % distinct
		letters := arena[i*wordLength : (i+1)*wordLength]
		for q, y := 0, mix(x); q < wordLength-1; q, y = q+1, y>>4 {
			letters[q] = 'a' + byte(y&15)
		}
		letters[wordLength-1] = 'a' + byte(x%26)
		out[i] = unsafe.String(&letters[0], wordLength)
	}
}
