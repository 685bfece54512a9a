package message

import (
	"time"

	"google.golang.org/protobuf/proto"
)

// Link carries frames between a JobMaster and a TaskExecutor in order and once, over actors that may lose, double and
// reorder them (go-back-N: a frame is repeated until acknowledged, and one that comes too early is dropped). Both ends
// hold a Link of the same job, epoch, TaskExecutor and session. It is pure: time comes in, frames go out.
//
//	open --(Silent)--> the owner drops it, and with it what it had not delivered
//
// A Link belongs to one goroutine. Frames are never changed once they were returned.
type Link struct {
	head   Header
	timing Timing

	sent     uint64   // number of the last frame with a body
	unacked  []*Frame // in order of their numbers
	received uint64

	ackDue    bool
	heard     time.Time // when the last frame came, of whatever kind
	spoke     time.Time // when the last frame went
	repeatAt  time.Time // meaningful while unacked is not empty
	repeatGap time.Duration
}

// Header is what the frames of a link have in common.
type Header struct {
	LeaderEpoch  uint64
	Job          []byte
	TaskExecutor string
	Session      uint64
	From         *Address
}

// Timing has the intervals of links and heartbeats.
type Timing struct {
	// Interval is how often either end speaks when it has nothing to say, Timeout the silence after which the other end
	// counts as lost.
	Interval, Timeout time.Duration
}

// firstRepeat is how long a frame waits for its acknowledgement at first. Each repetition doubles the pause, up to the
// heartbeat interval.
const firstRepeat = 200 * time.Millisecond

// repeatWindow and repeatBytes bound how many frames are repeated at once, and how large all but the first of them are together.
const (
	repeatWindow = 64
	repeatBytes  = 1 << 20
)

// FirstRetry is the pause before a request is repeated for the first time.
func (t Timing) FirstRetry() time.Duration { return min(firstRepeat, t.Interval) }

// NextRetry is the pause that follows a pause.
func (t Timing) NextRetry(pause time.Duration) time.Duration { return min(2*pause, t.Interval) }

// NewLink returns an open link. The other end counts as heard now.
func NewLink(head Header, timing Timing, now time.Time) *Link {
	return &Link{head: head, timing: timing, heard: now, spoke: now, repeatGap: timing.FirstRetry()}
}

// Session returns the session number of the link.
func (l *Link) Session() uint64 { return l.head.Session }

// Body is what a frame carries: a pointer to one of the oneof's wrappers.
type Body = isFrame_Body

// Send numbers a body and returns its frame. It is repeated by Due until acknowledged.
func (l *Link) Send(now time.Time, body Body) *Frame {
	l.sent++
	f := l.frame(now)
	f.Seq, f.Body = l.sent, body
	if len(l.unacked) == 0 {
		l.repeatGap = l.timing.FirstRetry()
		l.repeatAt = now.Add(l.repeatGap)
	}
	l.unacked = append(l.unacked, f)
	return f
}

// Sent is the number of the last body sent.
func (l *Link) Sent() uint64 { return l.sent }

// Receive takes in a frame of the other end and reports whether its body is the next one, to be acted on now. Others
// are repetitions, came too early, or have none.
func (l *Link) Receive(now time.Time, f *Frame) bool {
	l.heard = now
	l.acknowledge(now, f.Ack)
	if f.Seq == 0 {
		return false
	}
	l.ackDue = true
	if f.Seq != l.received+1 {
		return false
	}
	l.received++
	return true
}

func (l *Link) acknowledge(now time.Time, ack uint64) {
	n := 0
	for n < len(l.unacked) && l.unacked[n].Seq <= ack {
		n++
	}
	if n == 0 {
		return
	}
	clear(l.unacked[:n])
	l.unacked = l.unacked[n:]
	l.repeatGap = l.timing.FirstRetry()
	l.repeatAt = now.Add(l.repeatGap)
}

// Due returns what is to be sent now besides new bodies: repetitions, an acknowledgement, a heartbeat. Call it when a
// step ends and when Deadline has come.
func (l *Link) Due(now time.Time) []*Frame {
	var due []*Frame
	if len(l.unacked) > 0 && !now.Before(l.repeatAt) {
		// They go as they were: their acknowledgements tell what the sender knew when it decided to send them.
		due = append(due, l.window()...)
		l.repeatGap = l.timing.NextRetry(l.repeatGap)
		l.repeatAt = now.Add(l.repeatGap)
	}
	if l.ackDue || now.Sub(l.spoke) >= l.timing.Interval {
		due = append(due, l.frame(now))
	}
	return due
}

// window are the oldest frames that were not acknowledged, as many as are repeated at once.
func (l *Link) window() []*Frame {
	n, size := 0, 0
	for n < min(len(l.unacked), repeatWindow) {
		if size += proto.Size(l.unacked[n]); n > 0 && size > repeatBytes {
			break
		}
		n++
	}
	return l.unacked[:n]
}

func (l *Link) frame(now time.Time) *Frame {
	l.ackDue = false
	l.spoke = now
	return &Frame{
		LeaderEpoch: l.head.LeaderEpoch, Job: l.head.Job, TaskExecutor: l.head.TaskExecutor,
		Session: l.head.Session, From: l.head.From, Ack: l.received,
	}
}

// Deadline is when Due or Silent is worth asking next.
func (l *Link) Deadline() time.Time {
	deadline := Earliest(l.spoke.Add(l.timing.Interval), l.heard.Add(l.timing.Timeout))
	if len(l.unacked) > 0 {
		deadline = Earliest(deadline, l.repeatAt)
	}
	return deadline
}

// Silent reports whether the other end has not been heard for the timeout.
func (l *Link) Silent(now time.Time) bool { return now.Sub(l.heard) >= l.timing.Timeout }

// Settled reports whether all that was sent was acknowledged.
func (l *Link) Settled() bool { return len(l.unacked) == 0 }

// Earliest returns the first of the times that are set; the zero time stands for none.
func Earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// Message is any of the package's messages.
type Message = proto.Message

// Envelope is a message with where it is to go: what the pure parts of the control plane ask their shells to send.
type Envelope struct {
	To   *Address
	Body Message
}
