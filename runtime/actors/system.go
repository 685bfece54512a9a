// Package actors is what the actors of the control plane have in common: a quiet protoactor system, an actor that drives
// a pure state machine, and requests from outside. Only here and in the shells is protoactor known.
//
// protoactor delivers messages unreliably and its identifiers have no incarnation. Therefore each actor's name ends with
// a UUID, state machines repeat what was not answered, and a panic stops its actor for good and is told to whoever
// supervises it: an actor that came back with fresh state would hide that its state was lost.
package actors

import (
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// System is the actors of one process. Its methods may be called from any goroutine.
type System struct {
	actors *actor.ActorSystem
	root   *actor.RootContext
	clock  clock.Clock
	log    *slog.Logger
	copies bool
	// reset is nil where no other process is reached.
	reset func(host string)
}

// Options are what a System is made with.
type Options struct {
	Clock clock.Clock
	Log   *slog.Logger
	// CopyMessages marshals and unmarshals every message that is sent, so that nothing is shared between actors by
	// accident. It is always on in tests.
	CopyMessages bool
	// Panicked is called when an actor without a parent has panicked and stopped.
	Panicked func(*Panic)
}

// NewSystem returns a system without actors. It has no goroutines of its own.
func NewSystem(o Options) *System {
	s := &System{clock: o.Clock, log: o.Log, copies: o.CopyMessages || testing.Testing()}
	s.actors = actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(demoted{o.Log.Handler()}) }),
		actor.WithDeadLetterRequestLogging(false),
		// The throttle of the log, which is off, has a goroutine for so long.
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
	)
	s.root = s.actors.Root.Copy().WithGuardian(&guardian{panicked: o.Panicked})
	return s
}

// Extend lets the remote, which most processes do without, attach itself to protoactor's system.
func (s *System) Extend(extend func(*actor.ActorSystem)) { extend(s.actors) }

// ResetBy says how Reset is done. It is called before the first actor is spawned.
func (s *System) ResetBy(reset func(host string)) { s.reset = reset }

// Reset drops the connection to the process of an actor that is silent, so that the next message opens another. Actors of this process have none.
func (s *System) Reset(a *message.Address) {
	if s.reset != nil && a.GetHost() != s.actors.Address() {
		s.reset(a.GetHost())
	}
}

// Clock is the clock of the system's actors.
func (s *System) Clock() clock.Clock { return s.clock }

// Log is where the system's actors write.
func (s *System) Log() *slog.Logger { return s.log }

// Address is where an actor of this process is reached.
func address(pid *actor.PID) *message.Address {
	return &message.Address{Host: pid.Address, Id: pid.Id}
}

func pid(a *message.Address) *actor.PID { return actor.NewPID(a.Host, a.Id) }

// UniqueName returns a name that no other actor has, in this process or another.
func UniqueName(kind string) string { return kind + "-" + ident.NewID().String() }

// Send sends a message, which must not be changed any more, to an actor that may have ended.
func (s *System) Send(to *message.Address, m message.Message) {
	s.root.Send(pid(to), s.Wire(m))
}

// Wire returns the message as its receiver gets it: a copy that went through its encoding, or itself where that is off.
func (s *System) Wire(m message.Message) message.Message {
	if !s.copies {
		return m
	}
	return Copy(m)
}

// Copy marshals and unmarshals a message. It panics if that is impossible, which is a bug (text that is not UTF-8).
func Copy[M message.Message](m M) M {
	encoded, err := proto.Marshal(m)
	if err != nil {
		panic("actors: " + err.Error())
	}
	decoded := m.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(encoded, decoded); err != nil {
		panic("actors: " + err.Error())
	}
	return decoded.(M)
}

// Shutdown ends the system; stop its actors before.
func (s *System) Shutdown() { s.actors.Shutdown() }
