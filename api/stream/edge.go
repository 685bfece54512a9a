package stream

import (
	"fmt"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state/keygroup"
)

// edge joins the two ends of a stream of T: the one place where types are asserted, once for each task.
type edge[T any] struct{}

func (edge[T]) NewChannel(credits int) any { return exchange.NewChannel[T](credits) }

func (edge[T]) NewSendingChannel(to *transport.Sender, name string) (any, error) {
	return exchange.SendingChannelOf[T](to, name)
}

func (edge[T]) NewReceivingChannel(from *transport.Receiver, name string) (any, error) {
	return exchange.ReceivingChannelOf[T](from, name)
}

func (edge[T]) NewReaders(channels []any, head any) []exchange.InputChannel {
	return exchange.NewReaders(typedChannels[T](channels), head.(operator.Input[T]))
}

func (edge[T]) CheckRemote() error {
	_, err := codec.For[T]()
	return err
}

func (e edge[T]) NewWriter(w graph.WriterConfig, channels []any) (exchange.Output, any, error) {
	var p exchange.Partitioner[T]
	switch w.Partitioning {
	case graph.Forward, graph.Global:
		p = exchange.Forward[T]{}
	case graph.Rebalance, graph.Rescale:
		p = &exchange.Rebalance[T]{Next: w.Producer}
	case graph.Shuffle:
		p = &exchange.Shuffle[T]{Seed: uint64(w.Producer)*0x9e3779b97f4a7c15 + 1}
	case graph.Broadcast:
		b := &exchange.Broadcast[T]{}
		if w.CopyAtFanOut {
			b.Copy = copier[T]()
		}
		p = b
	default:
		return nil, nil, fmt.Errorf("a stream of %s has no partitioning %v", typeName[T](), w.Partitioning)
	}
	return e.writer(w, channels, p)
}

func (edge[T]) writer(w graph.WriterConfig, channels []any, p exchange.Partitioner[T]) (exchange.Output, any, error) {
	writer := exchange.NewWriter(typedChannels[T](channels), p, w.Limits)
	return writer, operator.Input[T](writer), nil
}

func typedChannels[T any](channels []any) []*exchange.Channel[T] {
	typed := make([]*exchange.Channel[T], len(channels))
	for i, c := range channels {
		typed[i] = c.(*exchange.Channel[T])
	}
	return typed
}

// keyEdge partitions by key.
type keyEdge[K comparable, T any] struct {
	edge[T]
	selector func(T) K
	key      codec.Key[K]
}

func (e keyEdge[K, T]) NewWriter(w graph.WriterConfig, channels []any) (exchange.Output, any, error) {
	router, err := keygroup.NewRouter(w.ConsumerMaxParallelism, w.ConsumerParallelism)
	if err != nil {
		return nil, nil, err
	}
	return e.writer(w, channels, &exchange.Hash[K, T]{Selector: e.selector, Key: e.key, Router: router, Operator: w.Edge})
}

// customEdge partitions as the user says.
type customEdge[K, T any] struct {
	edge[T]
	selector func(T) K
	choose   func(key K, subtasks int) int
}

func (e customEdge[K, T]) NewWriter(w graph.WriterConfig, channels []any) (exchange.Output, any, error) {
	return e.writer(w, channels, &exchange.Custom[K, T]{Selector: e.selector, Choose: e.choose, Operator: w.Edge})
}

// copier copies records through their codec, for pipeline.object-reuse=false.
func copier[T any]() func(T) T { return operator.Copier[T]() }
