package jobmanager

import (
	"time"

	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/message"
)

// RegistrarName is that of the actor which, in every JobManager, tells who leads. All other actors have names of their own, so that what is sent to
// those of a process that has ended never reaches its successor on the same port.
const RegistrarName = "jobmanager"

// registrar answers those who look for the leader.
type registrar struct {
	leader  *message.Leader
	context *actors.Context
}

// Receive implements actors.Behavior.
func (r *registrar) Receive(_ time.Time, m message.Message) {
	if find, ok := m.(*message.FindLeader); ok && find.ReplyTo != nil {
		r.context.Send(find.ReplyTo, r.leader)
	}
}

// Start implements actors.Behavior.
func (r *registrar) Start(c *actors.Context) { r.context = c }

// The others have nothing to do.

func (r *registrar) Event(time.Time, any)                                       {}
func (r *registrar) Gone(time.Time, message.AddressKey)                         {}
func (r *registrar) ChildPanicked(time.Time, message.AddressKey, *actors.Panic) {}
func (r *registrar) Tick(time.Time)                                             {}
func (r *registrar) Deadline() time.Time                                        { return time.Time{} }
func (r *registrar) Stop()                                                      {}
