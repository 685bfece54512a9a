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
	// The draws are below(13) and below(26), written out: most of all draws are here.
	state := uint64(*r)
	for i := 0; i < len(text); {
		state += gamma
		u := mix32(state) >> 1
		rest := u % 13
		if u-rest+12 >= 1<<31 {
			continue
		}
		text[i] = special
		for rest != 0 {
			state += gamma
			u = mix32(state) >> 1
			rest = u % 26
			if u-rest+25 < 1<<31 {
				text[i] = 'a' + byte(rest)
				break
			}
			rest = 1 // rejected: draw again
		}
		i++
	}
	*r = random(state)
	if special == ' ' {
		return strings.Trim(asString(text), " ")
	}
	return asString(text)
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
