package transport

import "sync"

// Buffer is the memory of one frame, from a pool. It has one owner at a time: whoever fills it, the connection once it is
// sent, the channel that it was received for.
type Buffer struct {
	memory []byte
	// data is the frame: header and payload.
	data       []byte
	class      int
	event      bool
	compressed bool
	number     uint32
}

// slack is room in a buffer that is read into, for the small frames before a large one, which then need not be moved.
const slack = 4 << 10

// bufferSizes are the classes: a received frame that is much smaller than its buffer is copied into one that fits, so that
// what waits in channels takes no more than twice its size.
var bufferSizes = [...]int{512, 2 << 10, 8 << 10, 16 << 10, FrameSize + slack}

const fullBuffer = len(bufferSizes) - 1

var pools [len(bufferSizes)]sync.Pool

func newBuffer(class int) *Buffer {
	b, ok := pools[class].Get().(*Buffer)
	if !ok {
		b = &Buffer{memory: make([]byte, bufferSizes[class]), class: class}
	}
	b.data, b.event, b.compressed = b.memory[:headerSize], false, false
	return b
}

// NewBuffer returns an empty buffer for one frame.
func NewBuffer() *Buffer { return newBuffer(fullBuffer) }

// copyOf returns the frame in a buffer of its size.
func copyOf(frame []byte) *Buffer {
	class := 0
	for len(frame) > bufferSizes[class] {
		class++
	}
	b := newBuffer(class)
	b.data = b.memory[:copy(b.memory, frame)]
	return b
}

func (b *Buffer) recycle() { pools[b.class].Put(b) }

// Discard gives a buffer back that will not be sent.
func (b *Buffer) Discard() { b.recycle() }

// Payload is what the buffer carries.
func (b *Buffer) Payload() []byte { return b.data[headerSize:] }

// Room is memory of PayloadSize bytes to append the payload to, without a bound: what outgrows it is for the caller to notice.
func (b *Buffer) Room() []byte { return b.memory[headerSize:headerSize] }

// SetLength makes the first n bytes of Room's memory the payload.
func (b *Buffer) SetLength(n int) { b.data = b.memory[:headerSize+n] }
