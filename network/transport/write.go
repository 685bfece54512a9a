package transport

import (
	"net"
)

// smallFrame is the size up to which frames are gathered into one write.
const smallFrame = 4 << 10

// writer is the goroutine that sends, with its memory.
type writer struct {
	c       *connection
	frames  []*Buffer
	control []byte
	// gathered are small frames that go out in one write; vector has them and a large frame, over pair.
	gathered []byte
	vector   net.Buffers
	pair     [2][]byte
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
	w.gathered = append(w.gathered[:0], w.control...)
	for i, b := range w.frames {
		if len(b.data) <= smallFrame && len(w.gathered)+len(b.data) <= FrameSize {
			w.gathered = append(w.gathered, b.data...)
		} else if err := w.send(b.data); err != nil {
			return err
		}
		w.c.transport.counts.framesOut.Inc()
		b.recycle()
		w.frames[i] = nil
	}
	return w.send(nil)
}

// send writes what was gathered, then a large frame if there is one.
func (w *writer) send(large []byte) error {
	w.vector = w.pair[:0]
	if len(w.gathered) > 0 {
		w.vector = append(w.vector, w.gathered)
	}
	if len(large) > 0 {
		w.vector = append(w.vector, large)
	}
	if len(w.vector) == 0 {
		return nil
	}
	n, err := w.vector.WriteTo(w.c.net)
	w.gathered = w.gathered[:0]
	w.c.transport.counts.bytesOut.Add(n)
	return err
}

// leave says goodbye and closes this half; the reader goes on until the peer has closed the other one.
func (w *writer) leave(reason string) {
	w.gathered = appendFrame(w.gathered[:0], goodbyeFrame, 0, []byte(reason[:min(len(reason), maxGoodbye)]))
	w.c.transport.config.Clock.AfterFunc(farewell, func() { w.c.net.Close() })
	// A peer that does not take it any more sees the end of the connection.
	if w.send(nil) == nil {
		if half, ok := w.c.net.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}
}
