package transport

import (
	"errors"
	"fmt"
	"io"
)

// read is the goroutine that takes frames in. Frames are read straight into the buffers that go to the channels: a large one is handed
// over with its buffer, and what was read behind it moves to the next; small ones are copied out.
func (c *connection) read() {
	err := c.readFrames()
	if offends(err) {
		c.fail(err)
		_, _ = io.Copy(io.Discard, c.net) // until the peer closes, or fail does
		<-c.written
	} else {
		c.fail(err)
	}
	c.net.Close()
}

func (c *connection) readFrames() error {
	buffer := NewBuffer()
	defer func() { buffer.recycle() }()
	// What was read and not yet handled is [start, have).
	start, have := 0, 0
	for {
		n, err := c.net.Read(buffer.memory[have:])
		if n > 0 {
			c.heard.Add(1)
			c.transport.counts.bytesIn.Add(int64(n))
		}
		have += n
		large := true
		for large {
			var offence error
			if start, large, offence = c.take(buffer, start, have); offence != nil {
				return offence
			}
			if large {
				full := buffer
				buffer = NewBuffer()
				start, have = 0, copy(buffer.memory, full.memory[start:have])
				if err := c.deliver(full); err != nil {
					return err
				}
			}
		}
		if err != nil {
			return ended(err, have-start)
		}
		switch {
		case start == have:
			start, have = 0, 0
		case start > slack: // the frame that has begun may not fit behind it
			start, have = 0, copy(buffer.memory, buffer.memory[start:have])
		}
	}
}

// largeFrame is the size from which a frame is handed over with the buffer that it was read into.
const largeFrame = (FrameSize + slack) / 2

// take handles the whole frames in [at, have) of the buffer and returns where they end. It stops behind a large one, which is then the
// buffer's.
func (c *connection) take(buffer *Buffer, at, have int) (end int, large bool, err error) {
	for have-at >= headerSize {
		h, err := parseHeader(buffer.memory[at:])
		if err != nil {
			return at, false, err
		}
		size := headerSize + h.length
		if have-at < size {
			break
		}
		frame := buffer.memory[at : at+size]
		at += size
		switch {
		case h.kind != dataFrame && h.kind != eventFrame:
			if err := c.handle(h, frame[headerSize:]); err != nil {
				return at, false, err
			}
		case size >= largeFrame:
			buffer.data = frame
			return at, true, nil
		default:
			if err := c.deliver(copyOf(frame)); err != nil {
				return at, false, err
			}
		}
	}
	return at, false, nil
}

// deliver puts a frame of data or events into its channel.
func (c *connection) deliver(b *Buffer) error {
	c.transport.counts.framesIn.Inc()
	h, err := parseHeader(b.data)
	if err != nil {
		return err
	}
	b.event, b.compressed, b.number = h.kind == eventFrame, h.compressed, h.number
	r, err := c.receiver(h.channel)
	if err != nil {
		return err
	}
	if r == nil {
		b.recycle()
		return nil
	}
	return r.push(b)
}

// ended makes the end of a connection an error that says whether a frame was cut.
func ended(err error, have int) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if have > 0 {
		return &protocolError{truncated, fmt.Sprintf("it ended %d bytes into a frame", have)}
	}
	return errors.New("the peer's process has ended, or has closed it without a word")
}
