package sim

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/message"
)

// network carries messages between actors: late, out of order, twice or not at all, as the real one may between processes.
type network struct {
	world *World
	// actors take messages by host and name.
	actors map[message.AddressKey]*actor
	// latest is when the last message from one process to an actor arrives that keeps the order.
	latest map[route]int64
}

// route is from a process to an actor.
type route struct {
	from *process
	to   message.AddressKey
}

// actor is who gets messages of an address, in a process.
type actor struct {
	process *process
	receive func(message.Message)
}

func (n *network) listen(at *message.Address, p *process, receive func(message.Message)) {
	n.actors[at.Key()] = &actor{p, receive}
}

// send brings a message on its way. It is encoded, so that nothing is shared.
func (n *network) send(from *process, to *message.Address, body message.Message) {
	w := n.world
	times := 1
	if !w.calm {
		switch {
		case w.random.chance(w.plan.lost):
			times = 0
		case w.random.chance(w.plan.doubled):
			times = 2
		}
	}
	receiver := n.actors[to.Key()]
	if times == 0 || receiver == nil || receiver.process.dead {
		return
	}
	encoded, err := proto.Marshal(body)
	if err != nil {
		panic("sim: " + err.Error())
	}
	for range times {
		receiver.process.later(n.delay(route{from, to.Key()}), func() {
			m := body.ProtoReflect().New().Interface()
			if err := proto.Unmarshal(encoded, m); err != nil {
				panic("sim: " + err.Error())
			}
			receiver.receive(m)
		})
	}
}

// delay is how long a message is under way.
func (n *network) delay(r route) time.Duration {
	w := n.world
	delay := w.random.between(20*time.Microsecond, w.plan.delay)
	if !w.calm && w.random.chance(w.plan.reordered) {
		return delay
	}
	now := w.clock.Nanos()
	n.latest[r] = max(n.latest[r], now+int64(delay))
	return time.Duration(n.latest[r] - now)
}

// copied returns a message as it comes out at the other end of a pipe.
func copied[M proto.Message](m, into M) M {
	encoded, err := proto.Marshal(m)
	if err == nil {
		err = proto.Unmarshal(encoded, into)
	}
	if err != nil {
		panic("sim: " + err.Error())
	}
	return into
}
