package actors

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/message"
)

// probe is a behavior made of functions; those that are nil do nothing.
type probe struct {
	context  *Context
	start    func(*Context)
	receive  func(message.Message)
	event    func(any)
	gone     func(message.AddressKey)
	panicked func(*Panic)
	tick     func(time.Time)
	deadline time.Time
}

func (p *probe) Start(c *Context) {
	p.context = c
	if p.start != nil {
		p.start(c)
	}
}
func (p *probe) Receive(_ time.Time, m message.Message) {
	if p.receive != nil {
		p.receive(m)
	}
}
func (p *probe) Event(_ time.Time, event any) {
	if p.event != nil {
		p.event(event)
	}
}
func (p *probe) Gone(_ time.Time, who message.AddressKey) {
	if p.gone != nil {
		p.gone(who)
	}
}
func (p *probe) ChildPanicked(_ time.Time, _ message.AddressKey, cause *Panic) {
	if p.panicked != nil {
		p.panicked(cause)
	}
}
func (p *probe) Tick(now time.Time) {
	if p.tick != nil {
		p.tick(now)
	}
}
func (p *probe) Deadline() time.Time { return p.deadline }
func (p *probe) Stop()               {}

func newTestSystem(t *testing.T, c clock.Clock, panicked func(*Panic)) *System {
	t.Helper()
	s := NewSystem(Options{Clock: c, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Panicked: panicked})
	t.Cleanup(s.Shutdown)
	return s
}

func spawn(t *testing.T, s *System, p *probe) *Ref {
	t.Helper()
	ref, err := s.Spawn(UniqueName("probe"), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ref.Stop()
		<-ref.Ended()
	})
	return ref
}

func TestMessagesAreCopiesInTests(t *testing.T) {
	s := newTestSystem(t, clock.System(), nil)
	received := make(chan message.Message, 1)
	ref := spawn(t, s, &probe{receive: func(m message.Message) { received <- m }})
	sent := &message.ListJobs{}
	s.Send(ref.Address(), sent)
	if m := <-received; m == message.Message(sent) {
		t.Error("the receiver has the sender's own message")
	}
}

func TestDeadlinesFollowTheClock(t *testing.T) {
	c := clock.NewManual(time.UnixMilli(0))
	s := newTestSystem(t, c, nil)
	ticks := make(chan time.Time, 10)
	p := &probe{deadline: c.Now().Add(time.Second)}
	p.tick = func(now time.Time) {
		ticks <- now
		p.deadline = p.deadline.Add(time.Second)
	}
	ref := spawn(t, s, p)
	for i := 1; i <= 3; i++ {
		if err := c.WaitTimers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Second)
		if now := <-ticks; now != time.UnixMilli(int64(i)*1000) {
			t.Errorf("tick %d comes at %v", i, now)
		}
	}
	// An earlier deadline replaces a later one.
	if err := c.WaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	moved := make(chan struct{})
	p.event = func(any) { p.deadline = c.Now().Add(time.Millisecond); close(moved) }
	ref.Post(nil)
	<-moved
	settle(t, ref, p)
	c.Advance(time.Millisecond)
	<-ticks
}

// settle returns when all that was posted before has been handled, timers included.
func settle(t *testing.T, r *Ref, p *probe) {
	t.Helper()
	done := make(chan struct{})
	p.event = func(any) { close(done) }
	r.Post(nil)
	<-done
	p.event = nil
}

func TestAPanicStopsTheActorAndIsTold(t *testing.T) {
	told := make(chan *Panic, 1)
	s := newTestSystem(t, clock.System(), func(p *Panic) { told <- p })
	starts := make(chan struct{}, 2)
	ref := spawn(t, s, &probe{
		start:   func(*Context) { starts <- struct{}{} },
		receive: func(message.Message) { panic("broken") },
	})
	s.Send(ref.Address(), &message.ListJobs{})
	p := <-told
	if !strings.Contains(p.Error(), "broken") || !strings.Contains(p.Error(), "message.ListJobs") || !strings.Contains(p.Stack, "actors_test.go") {
		t.Errorf("told %v with the stack\n%s", p, p.Stack)
	}
	<-ref.Ended()
	if len(starts) != 1 {
		t.Error("the actor was started again")
	}
}

func TestAParentIsToldOfItsChildsPanicAndEnd(t *testing.T) {
	s := newTestSystem(t, clock.System(), func(p *Panic) { t.Errorf("a child's panic came to the top: %v", p) })
	told, gone := make(chan *Panic, 1), make(chan message.AddressKey, 1)
	child := make(chan *Ref, 1)
	spawn(t, s, &probe{
		start: func(c *Context) {
			ref, err := c.Spawn(UniqueName("child"), &probe{event: func(any) { panic(errors.New("child")) }})
			if err != nil {
				t.Error(err)
			}
			child <- ref
		},
		panicked: func(p *Panic) { told <- p },
		gone:     func(who message.AddressKey) { gone <- who },
	})
	ref := <-child
	ref.Post(nil)
	if p := <-told; p.Actor != ref.Address().Id {
		t.Errorf("%q has panicked", p.Actor)
	}
	if who := <-gone; who != ref.Address().Key() {
		t.Errorf("%v is gone", who)
	}
	<-ref.Ended()
}

func TestWatchersLearnOfAnEndAlsoAfterwards(t *testing.T) {
	s := newTestSystem(t, clock.System(), nil)
	watched := spawn(t, s, &probe{})
	gone := make(chan message.AddressKey, 2)
	watch := func(c *Context) { c.Watch(watched.Address()) }
	spawn(t, s, &probe{start: watch, gone: func(who message.AddressKey) { gone <- who }})
	watched.Stop()
	<-watched.Ended()
	if who := <-gone; who != watched.Address().Key() {
		t.Errorf("%v is gone", who)
	}
	spawn(t, s, &probe{start: watch, gone: func(who message.AddressKey) { gone <- who }})
	<-gone
}

func TestAskRepeatsUntilItIsAnswered(t *testing.T) {
	s := newTestSystem(t, clock.System(), nil)
	asked := 0
	p := &probe{}
	p.receive = func(m message.Message) {
		if asked++; asked == 3 {
			p.context.Send(m.(*message.ClientRequest).ReplyTo, &message.ClientResponse{Error: "no"})
		}
	}
	ref := spawn(t, s, p)
	timing := message.Timing{Interval: time.Millisecond, Timeout: time.Second}
	if _, err := s.Ask(t.Context(), ref.Address(), timing, &message.ClientRequest{}); err == nil || err.Error() != "no" {
		t.Errorf("the answer is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Ask(ctx, ref.Address(), timing, &message.ClientRequest{}); !errors.Is(err, context.Canceled) {
		t.Errorf("who no longer waits is told %v", err)
	}
}
