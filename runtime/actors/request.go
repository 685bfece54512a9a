package actors

import (
	"context"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/weir-stream/weir/runtime/message"
)

// Ask sends a client's request to an actor until it is answered, first after a short pause and then after longer ones
// up to the interval. The request's ReplyTo is set here. The error is the answer's, or the context's.
func (s *System) Ask(ctx context.Context, to *message.Address, timing message.Timing, request *message.ClientRequest) (*message.ClientResponse, error) {
	replies, err := newReplies(s)
	if err != nil {
		return nil, err
	}
	defer replies.close()
	request.ReplyTo = address(replies.pid)
	for pause := timing.FirstRetry(); ; pause = timing.NextRetry(pause) {
		s.Send(to, request)
		response, err := s.await(ctx, replies, pause)
		switch {
		case err != nil:
			return nil, err
		case response == nil:
			continue
		case response.Error != "":
			return nil, fmt.Errorf("%s", response.Error)
		}
		return response, nil
	}
}

// await returns nil without an error when the pause is over.
func (s *System) await(ctx context.Context, r *replies, pause time.Duration) (*message.ClientResponse, error) {
	timer := s.clock.NewTimer(pause)
	defer timer.Stop()
	select {
	case response := <-r.responses:
		return response, nil
	case <-timer.C():
		return nil, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// replies is a process that takes in the answer to one request. protoactor's futures would do, but in them a late reply
// races with the time-out.
type replies struct {
	system    *System
	pid       *actor.PID
	responses chan *message.ClientResponse
}

func newReplies(s *System) (*replies, error) {
	r := &replies{system: s, responses: make(chan *message.ClientResponse, 1)}
	var free bool
	if r.pid, free = s.actors.ProcessRegistry.Add(r, UniqueName("client")); !free {
		return nil, fmt.Errorf("the actor %s exists", r.pid.Id)
	}
	return r, nil
}

func (r *replies) close() { r.system.actors.ProcessRegistry.Remove(r.pid) }

// SendUserMessage implements actor.Process. It is called by the sender's goroutine.
func (r *replies) SendUserMessage(_ *actor.PID, m any) {
	if envelope, ok := m.(*actor.MessageEnvelope); ok {
		m = envelope.Message
	}
	if response, ok := m.(*message.ClientResponse); ok {
		select {
		case r.responses <- response:
		default: // the answer to a repetition
		}
	}
}

// SendSystemMessage implements actor.Process.
func (r *replies) SendSystemMessage(*actor.PID, any) {}

// Stop implements actor.Process.
func (r *replies) Stop(*actor.PID) {}
