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

// bufferSizes are the classes: a received frame that is much smaller than its buffer is copied into one that fits, and one that is sent begins in one that
// should do, so that what waits in channels takes no more than twice its size.
var bufferSizes = [...]int{512, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 12 << 10, 16 << 10, 24 << 10, FrameSize + slack}

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

// NewBufferFor returns an empty buffer with room for a payload of that size, or for the largest one if that is smaller.
func NewBufferFor(payload int) *Buffer {
	return newBuffer(classOf(min(headerSize+payload, FrameSize)))
}

// classOf is the class of the smallest buffers for so many bytes.
func classOf(bytes int) (class int) {
	for bytes > bufferSizes[class] {
		class++
	}
	return class
}

// copyOf returns the frame in a buffer of its size.
func copyOf(frame []byte) *Buffer {
	b := newBuffer(classOf(len(frame)))
	b.data = b.memory[:copy(b.memory, frame)]
	return b
}

func (b *Buffer) recycle() { pools[b.class].Put(b) }

// Discard gives a buffer back that will not be sent.
func (b *Buffer) Discard() { b.recycle() }

// Payload is what the buffer carries.
func (b *Buffer) Payload() []byte { return b.data[headerSize:] }

// Room is memory to append the payload to, of which at most PayloadSize bytes are for use, without a bound: what outgrows it is for the caller to notice.
func (b *Buffer) Room() []byte { return b.memory[headerSize:headerSize] }

// Capacity is how large a payload the buffer can hold.
func (b *Buffer) Capacity() int { return min(len(b.memory)-headerSize, PayloadSize) }

// SetLength makes the first n bytes of Room's memory the payload.
func (b *Buffer) SetLength(n int) { b.data = b.memory[:headerSize+n] }
