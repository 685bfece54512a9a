package generator

import (
	"strings"
	"unsafe"
)

// slab hands out memory for the text of persons and auctions. Text that was handed out keeps its chunk alive.
type slab struct{ free []byte }

const slabSize = 64 << 10

func (s *slab) take(n int) []byte {
	if len(s.free) < n {
		s.free = make([]byte, max(slabSize, n))
	}
	taken := s.free[:n:n]
	s.free = s.free[n:]
	return taken
}

// join is the concatenation of parts in memory of the slab.
func (s *slab) join(parts ...string) string {
	length := 0
	for _, part := range parts {
		length += len(part)
	}
	to := s.take(length)[:0]
	for _, part := range parts {
		to = append(to, part...)
	}
	return asString(to)
}

// asString makes a string of memory that nobody writes any more.
func asString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// text is 3 to below limit random letters, with a special character in place of every 13th or so; spaces at its ends are
// stripped.
func (r *random) text(from *slab, limit uint32, special byte) string {
	text := from.take(int(3 + r.below(limit-3)))
	// The draws are below(13) and below(26), written out: most of all draws are here. Where neither can be rejected, both are made at once.
	state := *r
	for i := range text {
		one := state + gamma
		two := one + gamma
		u, v := mix32(uint64(one))>>1, mix32(uint64(two))>>1
		switch {
		case max(u, v) >= surelyTaken:
			state, text[i] = state.letter(special)
		case u%13 == 0:
			state, text[i] = one, special
		default:
			state, text[i] = two, 'a'+byte(v%26)
		}
	}
	*r = state
	if special == ' ' {
		return strings.Trim(asString(text), " ")
	}
	return asString(text)
}

// surelyTaken are all numbers below it: neither below(13) nor below(26) rejects them.
const surelyTaken = 1 << 31 / 26 * 26

// letter draws a letter or a special character.
func (r random) letter(special byte) (random, byte) {
	if r.below(13) == 0 {
		return r, special
	}
	letter := 'a' + byte(r.below(26)) // before r is read
	return r, letter
}

const (
	poolLength = 1 << 20
	poolSeed   = ^random(1) // -2
)

// pool is the text that padding is cut from.
var pool = func() string {
	r := poolSeed
	text := make([]byte, 0, poolLength+6)
	for len(text) < poolLength {
		v := int32(r.u32())
		for range 6 {
			text = append(text, byte('a'+v%26))
			v /= 26
		}
	}
	return string(text[:poolLength])
}()

// padding brings a record of used characters to about want of them.
func (r *random) padding(used, want int) string {
	if used > want {
		return ""
	}
	missing := want - used
	spread := (2*missing + 5) / 10 // a fifth, rounded
	length := missing - spread
	if spread > 0 {
		length += int(r.below(uint32(2 * spread)))
	}
	offset := int(r.below(uint32(poolLength - length)))
	return pool[offset : offset+length]
}
