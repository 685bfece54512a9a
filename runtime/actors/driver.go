package actors

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/message"
)

// Behavior is what an actor does. Its methods are called one at a time and must not wait for anything.
type Behavior interface {
	// Start is called once, first.
	Start(c *Context)
	// Receive takes in a message of another actor, perhaps of another process.
	Receive(now time.Time, m message.Message)
	// Event takes in what Ref.Post or Context.Post was given.
	Event(now time.Time, event any)
	// Gone says that an actor that is watched, or a child, has ended.
	Gone(now time.Time, who message.AddressKey)
	// ChildPanicked says that a child has panicked and is being stopped; Gone follows.
	ChildPanicked(now time.Time, who message.AddressKey, p *Panic)
	// Tick is called when the time of Deadline has come, or a little before.
	Tick(now time.Time)
	// Deadline is when Tick is to be called next; the zero time stands for never. It is asked after every other call.
	Deadline() time.Time
	// Stop is called once, last, also after a panic: it releases what would outlive the actor.
	Stop()
}

// Context is what a Behavior can do. Only the behavior's own methods may use it, save Post.
type Context struct {
	*System
	self   *message.Address
	actors actor.Context
}

// Self is where the actor is reached.
func (c *Context) Self() *message.Address { return c.self }

// Watch asks for Gone when another actor ends. Of actors in other processes that is a hint and may never come.
func (c *Context) Watch(a *message.Address) { c.actors.Watch(pid(a)) }

// Unwatch takes Watch back.
func (c *Context) Unwatch(a *message.Address) { c.actors.Unwatch(pid(a)) }

// Spawn starts a child. It ends with its parent.
func (c *Context) Spawn(name string, b Behavior) (*Ref, error) {
	return c.spawn(name, b, c.actors)
}

// Post hands an event to the actor itself, from any goroutine.
func (c *Context) Post(event any) { c.root.Send(pid(c.self), local{event}) }

// Ref is an actor of this process.
type Ref struct {
	system  *System
	address *message.Address
	ended   chan struct{}
}

// Address is where the actor is reached.
func (r *Ref) Address() *message.Address { return r.address }

// Post hands an event to the actor, from any goroutine. An actor that has ended drops it.
func (r *Ref) Post(event any) { r.system.root.Send(pid(r.address), local{event}) }

// Stop asks the actor and its children to end, and returns at once.
func (r *Ref) Stop() { r.system.root.Stop(pid(r.address)) }

// Ended is closed when the actor has ended.
func (r *Ref) Ended() <-chan struct{} { return r.ended }

// Spawn starts an actor. The name must be unique.
func (s *System) Spawn(name string, b Behavior) (*Ref, error) { return s.spawn(name, b, s.root) }

type spawner interface {
	SpawnNamed(props *actor.Props, id string) (*actor.PID, error)
}

func (s *System) spawn(name string, b Behavior, parent spawner) (*Ref, error) {
	d := &driver{system: s, behavior: b, ended: make(chan struct{})}
	spawned, err := parent.SpawnNamed(actor.PropsFromProducer(func() actor.Actor { return d }), name)
	if err != nil {
		return nil, fmt.Errorf("start the actor %s: %w", name, err)
	}
	return &Ref{system: s, address: address(spawned), ended: d.ended}, nil
}

// local is an event that never leaves the process.
type local struct{ event any }

// tick wakes an actor when a deadline has come.
type tick struct{}

// driver is the actor around a Behavior.
//
//	started --panic--> broken --Stopped--> ended
//	started --Stopped--> ended
type driver struct {
	system   *System
	behavior Behavior
	context  *Context
	ended    chan struct{}
	broken   bool

	timer clock.Timer
	// armed is when the timer fires; zero if it does not.
	armed time.Time
}

// Receive implements actor.Actor.
func (d *driver) Receive(c actor.Context) {
	m := c.Message()
	if _, stopped := m.(*actor.Stopped); stopped {
		d.end()
		return
	}
	if d.broken {
		return
	}
	defer d.escalate(m)
	now := d.system.clock.Now()
	switch m := m.(type) {
	case *actor.Started:
		d.context = &Context{System: d.system, self: address(c.Self()), actors: c}
		d.behavior.Start(d.context)
	case *actor.Terminated:
		d.behavior.Gone(now, message.AddressKey{Host: m.Who.GetAddress(), ID: m.Who.GetId()})
	case tick:
		d.armed = time.Time{}
		d.behavior.Tick(now)
	case local:
		d.behavior.Event(now, m.event)
	case message.Message:
		if !internal(m) {
			d.behavior.Receive(now, m)
		}
	}
	d.arm()
}

// internal tells protoactor's own messages, some of which are protobuf, from ours.
func internal(m message.Message) bool {
	return m.ProtoReflect().Descriptor().ParentFile().Package() != "weir.message"
}

// arm sets the timer for the next deadline. One that fires too early is left alone: deadlines move away with every
// heartbeat, and setting timers costs more than a vain tick.
func (d *driver) arm() {
	deadline := d.behavior.Deadline()
	if deadline.IsZero() || !d.armed.IsZero() && !deadline.Before(d.armed) {
		return
	}
	d.armed = deadline
	wait := deadline.Sub(d.system.clock.Now())
	if d.timer != nil {
		d.timer.Reset(wait)
		return
	}
	self := pid(d.context.self)
	d.timer = d.system.clock.AfterFunc(wait, func() { d.system.root.Send(self, tick{}) })
}

func (d *driver) end() {
	if d.timer != nil {
		d.timer.Stop()
	}
	defer close(d.ended)
	d.behavior.Stop()
}

// Panic is what ended an actor.
type Panic struct {
	Actor  string
	Reason any
	Stack  string
}

// Error names the actor and the reason.
func (p *Panic) Error() string { return fmt.Sprintf("the actor %s panicked: %v", p.Actor, p.Reason) }

// escalate adds the stack to a panic; the mailbox takes it to the supervisor.
func (d *driver) escalate(m any) {
	if r := recover(); r != nil {
		d.broken = true
		panic(&Panic{Actor: d.name(), Reason: fmt.Sprintf("%v (while it handled %T)", r, m), Stack: string(debug.Stack())})
	}
}

func (d *driver) name() string {
	if d.context == nil {
		return fmt.Sprintf("with %T", d.behavior)
	}
	return d.context.self.GetId()
}

// HandleFailure implements actor.SupervisorStrategy for the children: a child that panicked is stopped, never restarted.
func (d *driver) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any) {
	s.StopChildren(child)
	if !d.broken {
		d.behavior.ChildPanicked(d.system.clock.Now(), message.AddressKey{Host: child.Address, ID: child.Id}, asPanic(child, reason))
		d.arm()
	}
}

// guardian supervises the actors without a parent.
type guardian struct{ panicked func(*Panic) }

// HandleFailure implements actor.SupervisorStrategy.
func (g *guardian) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any) {
	s.StopChildren(child)
	if g.panicked != nil {
		g.panicked(asPanic(child, reason))
	}
}

func asPanic(child *actor.PID, reason any) *Panic {
	if p, ok := reason.(*Panic); ok {
		return p
	}
	return &Panic{Actor: child.Id, Reason: reason}
}
