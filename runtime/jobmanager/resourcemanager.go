package jobmanager

import (
	"time"

	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/jobmanager/resource"
	"github.com/weir-stream/weir/runtime/message"
)

// resourceManager carries messages to a resource.Manager and its commands out.
type resourceManager struct {
	options Options
	context *actors.Context
	manager *resource.Manager
}

func (r *resourceManager) Start(c *actors.Context) {
	r.context = c
	r.manager = resource.New(resource.Config{
		LeaderEpoch: r.options.LeaderEpoch, Timing: timing(r.options.Configuration), NewAllocation: ident.NewID,
	})
}

func (r *resourceManager) Receive(now time.Time, m message.Message) {
	if request, ok := m.(*message.ClientRequest); ok {
		r.answer(request)
		return
	}
	r.manager.Receive(now, m)
	r.act()
}

func (r *resourceManager) answer(request *message.ClientRequest) {
	if _, ok := request.Body.(*message.ClientRequest_Overview); ok && request.ReplyTo != nil {
		r.context.Send(request.ReplyTo, &message.ClientResponse{Body: &message.ClientResponse_Overview{Overview: r.manager.Overview()}})
	}
}

func (r *resourceManager) Event(time.Time, any) {}

func (r *resourceManager) Gone(now time.Time, who message.AddressKey) {
	r.manager.Gone(now, who)
	r.act()
}

func (r *resourceManager) ChildPanicked(time.Time, message.AddressKey, *actors.Panic) {}

func (r *resourceManager) Tick(now time.Time) {
	r.manager.Tick(now)
	r.act()
}

func (r *resourceManager) Deadline() time.Time { return r.manager.Deadline() }

func (r *resourceManager) Stop() {}

func (r *resourceManager) act() {
	for _, command := range r.manager.Take() {
		switch c := command.(type) {
		case resource.Send:
			r.context.Send(c.To, c.Body)
		case resource.Watch:
			r.context.Watch(c.Address)
		case resource.Joined:
			if !r.options.Registered {
				break // there is but one, in this process
			}
			r.context.Log().Info("a TaskManager has registered", "id", c.ID, "address", c.Address.GetHost(), "slots", c.Slots)
		case resource.Left:
			r.context.Log().Warn("a TaskManager is lost", "id", c.ID, "cause", c.Reason)
		case resource.Reset:
			r.context.Reset(c.Address)
		case resource.Want:
			if r.options.Provider != nil {
				r.options.Provider.Want(c.Slots)
			}
		}
	}
}
