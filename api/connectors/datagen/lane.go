package datagen

import (
	"encoding/binary"
	"fmt"
)

// lane is the state of a split: of the indices below end, those in every stride-th block of block indices, from next on.
// With a stride of 1 that is the range from next to end.
type lane struct {
	next, end     int64
	block, stride int64
}

// laneSize is the length of an encoded lane: its four numbers, 8 bytes each, the high one first.
const laneSize = 4 * 8

func (l lane) done() bool { return l.next >= l.end }

// run is how many neighbouring indices stand next.
func (l lane) run() int64 {
	if l.stride == 1 {
		return l.end - l.next
	}
	return min(l.block-l.next%l.block, l.end-l.next)
}

// advance passes n indices of the run. An index past the largest number there is means the end.
func (l *lane) advance(n int64) {
	l.next += n
	if l.stride == 1 || l.next%l.block != 0 {
		return
	}
	if skip := (l.stride - 1) * l.block; skip < l.end-l.next {
		l.next += skip
	} else {
		l.next = l.end
	}
}

func (l lane) encode() []byte {
	to := make([]byte, 0, laneSize)
	for _, n := range []int64{l.next, l.end, l.block, l.stride} {
		to = binary.BigEndian.AppendUint64(to, uint64(n))
	}
	return to
}

// most bounds block and stride, so that their product cannot overflow.
const most = 1 << 31

func decodeLane(state []byte) (lane, error) {
	if len(state) == laneSize {
		number := func(i int) int64 { return int64(binary.BigEndian.Uint64(state[8*i:])) }
		l := lane{number(0), number(1), number(2), number(3)}
		if 0 <= l.next && l.next < l.end && 1 <= l.block && l.block < most && 1 <= l.stride && l.stride < most {
			return l, nil
		}
	}
	return lane{}, fmt.Errorf("%x is not the position of a generator source: it was damaged or written by something else", state)
}
