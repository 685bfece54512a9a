package exchange

import (
	"fmt"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/state/keygroup"
)

// Hash sends each record to the subtask that owns its key's group, and the key's hash along with it, so that the
// consumer need not compute it again.
type Hash[K comparable, T any] struct {
	// Selector is the user's key selector.
	Selector func(T) K
	// Key is the codec of the key type.
	Key codec.Key[K]
	// Router maps hashes to channels.
	Router *keygroup.Router
	// Operator names the key's stream in errors.
	Operator string

	keys   []K
	hashes []uint64
}

// Partition implements Partitioner.
func (p *Hash[K, T]) Partition(w *Writer[T], batch *element.Batch[T]) error {
	hashes, err := p.hash(batch.Values)
	if err != nil {
		return err
	}
	timed := len(batch.Timestamps) > 0
	for i, v := range batch.Values {
		l := &w.lanes[p.Router.Channel(hashes[i])]
		s := l.filling
		if s == nil {
			s = w.room(l)
		}
		b := &s.batch
		b.Hashes = append(b.Hashes, hashes[i])
		if timed || len(b.Timestamps) > 0 {
			b.Append(v, batch.TimestampAt(i))
		} else {
			b.Values = append(b.Values, v)
		}
		if len(b.Values) >= l.capacity {
			w.publish(l)
		}
	}
	return nil
}

func (p *Hash[K, T]) hash(values []T) ([]uint64, error) {
	defer nameInPanic("key selector", p.Operator)
	p.keys = p.keys[:0]
	for _, v := range values {
		p.keys = append(p.keys, p.Selector(v))
	}
	if cap(p.hashes) < len(values) {
		p.hashes = make([]uint64, max(len(values), 2*cap(p.hashes)))
	}
	hashes := p.hashes[:len(values)]
	if bad := p.Key.Hash(p.keys, hashes); bad >= 0 {
		return nil, fmt.Errorf("key by %s: %v cannot be a key, since it does not equal itself (NaN); replace it in the key selector", p.Operator, p.keys[bad])
	}
	return hashes, nil
}

// Custom sends each record where the user's partitioner says.
type Custom[K any, T any] struct {
	Selector func(T) K
	// Choose returns a channel in [0, channels).
	Choose   func(key K, channels int) int
	Operator string
}

// Partition implements Partitioner.
func (p *Custom[K, T]) Partition(w *Writer[T], batch *element.Batch[T]) error {
	defer nameInPanic("partitioner", p.Operator)
	for i, v := range batch.Values {
		to := p.Choose(p.Selector(v), len(w.lanes))
		if to < 0 || to >= len(w.lanes) {
			return fmt.Errorf("custom partitioner of %s chose channel %d; want one in [0, %d)", p.Operator, to, len(w.lanes))
		}
		w.Put(to, batch, i)
	}
	return nil
}

// nameInPanic is deferred around a user's function that belongs to an edge: the operator that recovers the panic is only
// the one that happened to emit. The stack stays whole, since the panic goes on from here.
func nameInPanic(function, edge string) {
	switch r := recover().(type) {
	case nil:
	case error:
		panic(fmt.Errorf("%s of %s: %w", function, edge, r))
	default:
		panic(fmt.Errorf("%s of %s: %v", function, edge, r))
	}
}
