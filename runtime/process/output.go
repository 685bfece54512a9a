package process

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
)

// Tail is a writer that keeps the end of what is written to it, and hands it on.
type Tail struct {
	to   io.Writer
	kept []byte
}

// mostTail is how many bytes Tail keeps.
const mostTail = 2 << 10

// NewTail returns a Tail that hands on to a writer.
func NewTail(to io.Writer) *Tail { return &Tail{to: to} }

// Write implements io.Writer.
func (t *Tail) Write(p []byte) (int, error) {
	if len(p) >= mostTail {
		t.kept = append(t.kept[:0], p[len(p)-mostTail:]...)
	} else {
		if over := len(t.kept) + len(p) - mostTail; over > 0 {
			t.kept = t.kept[:copy(t.kept, t.kept[over:])]
		}
		t.kept = append(t.kept, p...)
	}
	return t.to.Write(p)
}

// String is the end of what was written. It is called when nothing is written any more.
func (t *Tail) String() string { return strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "")) }

// lenient is a writer that never fails: a process whose output nobody takes would be ended by the system at its next word.
type lenient struct {
	to     io.Writer
	failed func(error)
}

// Lenient returns a writer that drops what cannot be written, as on a full disk. Failed is told of each.
func Lenient(to io.Writer, failed func(error)) io.Writer { return &lenient{to, failed} }

func (l *lenient) Write(p []byte) (int, error) {
	if _, err := l.to.Write(p); err != nil {
		l.failed(err)
	}
	return len(p), nil
}

// paced is a writer that lets so many bytes pass in a second, after as many that need not wait. Whoever writes more waits: that is the token
// bucket, of which level is what it owes.
type paced struct {
	to    io.Writer
	clock clock.Clock
	rate  int64 // bytes a second
	// paid is when what was written so far would have been at the rate, by the clock's Nanos.
	paid int64
}

// Paced returns a writer that lets rate bytes pass in a second; 0 is no bound. One goroutine writes to it.
func Paced(to io.Writer, c clock.Clock, rate int64) io.Writer {
	if rate <= 0 {
		return to
	}
	return &paced{to: to, clock: c, rate: rate, paid: c.Nanos() - int64(time.Second)}
}

func (p *paced) Write(data []byte) (n int, err error) {
	n, err = p.to.Write(data)
	now := p.clock.Nanos()
	p.paid = max(p.paid, now-int64(time.Second)) + int64(float64(n)/float64(p.rate)*1e9)
	if p.paid > now {
		_ = p.clock.Sleep(context.Background(), time.Duration(p.paid-now))
	}
	return n, err
}
