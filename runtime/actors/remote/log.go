package remote

import (
	"log/slog"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
)

// tell logs to whom there are connections. protoactor's own words, which call each of its failed tries an error, are for debugging.
func tell(system *actor.ActorSystem, log *slog.Logger) {
	peers := &peers{connected: map[string]bool{}, log: log}
	system.EventStream.Subscribe(func(event any) {
		switch e := event.(type) {
		case *remote.EndpointConnectedEvent:
			peers.set(e.Address, true)
		case *remote.EndpointTerminatedEvent:
			peers.set(e.Address, false)
		}
	})
}

// peers are the processes that there are connections to.
type peers struct {
	log       *slog.Logger
	mu        sync.Mutex
	connected map[string]bool
}

func (p *peers) set(address string, connected bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connected[address] == connected {
		return
	}
	if connected {
		p.connected[address] = true
		p.log.Info("connected to a process of the cluster", "address", address)
		return
	}
	delete(p.connected, address)
	p.log.Info("the connection to a process of the cluster has ended", "address", address)
}
