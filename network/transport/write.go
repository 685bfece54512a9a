package transport

import (
	"net"
)

const (
	// smallFrame is the size up to which frames are copied together.
	smallFrame = 4 << 10
	// mostWrite is up to where frames go out in one write: a full one, with what the connection itself has to say before it.
	mostWrite = FrameSize + slack
)

// writer is the goroutine that sends, with its memory.
type writer struct {
	c       *connection
	frames  []*Buffer
	control []byte
	// pieces go out in one write: frames, and runs of small ones, copied together into
	// gathered. Copied says that the last piece is such a run, which begins there at run. A run stays valid when gathered moves.
	pieces   [][]byte
	size     int
	gathered []byte
	run      int
	copied   bool
	vector   net.Buffers // pieces, while they are written
}

func (c *connection) write() {
	defer close(c.written)
	w := &writer{c: c}
	for w.next() {
		if err := w.flush(); err != nil {
			c.fail(err)
			return
		}
	}
	c.mu.Lock()
	err, leaving := c.err, c.leaving
	c.mu.Unlock()
	switch offended := offends(err); {
	case err == nil && leaving:
		w.leave("the job has ended there, or its worker is stopped")
	case offended:
		w.leave(err.Error())
	}
}

// next waits for something to send and takes it. It returns false when there is to be nothing more.
func (w *writer) next() bool {
	c := w.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.err == nil && len(c.out) == 0 && len(c.control) == 0 && len(c.announcing) == 0 {
		if c.leaving && !c.lingers() {
			return false
		}
		c.asleep = true
		c.ready.Wait()
	}
	if c.err != nil {
		return false
	}
	w.frames, c.out = c.out, w.frames[:0]
	w.control, c.control = c.control, w.control[:0]
	for _, r := range c.announcing {
		w.control = r.announce(w.control)
	}
	c.announcing = c.announcing[:0]
	return true
}

// flush writes what next has taken, and gives the buffers back.
func (w *writer) flush() error {
	w.add(w.control)
	written := 0
	for i, b := range w.frames {
		if w.size > 0 && w.size+len(b.data) > mostWrite {
			if err := w.send(w.frames[written:i]); err != nil {
				return err
			}
			written = i
		}
		w.add(b.data)
	}
	return w.send(w.frames[written:])
}

// add makes data, which stays as it is until send, part of the next write.
func (w *writer) add(data []byte) {
	w.size += len(data)
	if len(data) > smallFrame {
		w.pieces, w.copied = append(w.pieces, data), false
		return
	}
	if len(data) == 0 {
		return
	}
	if !w.copied {
		w.pieces, w.copied, w.run = append(w.pieces, nil), true, len(w.gathered)
	}
	w.gathered = append(w.gathered, data...)
	w.pieces[len(w.pieces)-1] = w.gathered[w.run:]
}

// send writes the pieces, and gives the buffers back of the frames that are in them.
func (w *writer) send(frames []*Buffer) error {
	if w.size == 0 {
		return nil
	}
	w.vector = w.pieces
	n, err := w.vector.WriteTo(w.c.net)
	w.pieces, w.size, w.gathered, w.copied = w.pieces[:0], 0, w.gathered[:0], false
	w.c.transport.counts.bytesOut.Add(n)
	w.c.transport.counts.framesOut.Add(int64(len(frames)))
	for i, b := range frames {
		b.recycle()
		frames[i] = nil
	}
	return err
}

// leave says goodbye and closes this half; the reader goes on until the peer has closed the other one.
func (w *writer) leave(reason string) {
	w.add(appendFrame(nil, goodbyeFrame, 0, []byte(reason[:min(len(reason), maxGoodbye)])))
	w.c.transport.config.Clock.AfterFunc(farewell, func() { w.c.net.Close() })
	// A peer that does not take it any more sees the end of the connection.
	if w.send(nil) == nil {
		if half, ok := w.c.net.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}
}
