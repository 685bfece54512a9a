package exchange

import (
	"github.com/weir-stream/weir/runtime/element"
)

// Forward sends every record to the one channel there is: consumer subtask i belongs to producer subtask i.
type Forward[T any] struct{}

// Partition implements Partitioner.
func (Forward[T]) Partition(w *Writer[T], batch *element.Batch[T]) error {
	w.PutRange(0, batch, 0, len(batch.Values))
	return nil
}

// Broadcast sends every record to every channel.
type Broadcast[T any] struct {
	// Copy, if set, makes the records of each channel but the first.
	Copy func(T) T

	copies element.Batch[T]
}

// Partition implements Partitioner.
func (p *Broadcast[T]) Partition(w *Writer[T], batch *element.Batch[T]) error {
	for to := range w.lanes {
		if to > 0 && p.Copy != nil {
			p.copies.Reset()
			p.copies.AppendRange(batch, 0, len(batch.Values))
			for i, v := range p.copies.Values {
				p.copies.Values[i] = p.Copy(v)
			}
			w.PutRange(to, &p.copies, 0, len(batch.Values))
			continue
		}
		w.PutRange(to, batch, 0, len(batch.Values))
	}
	return nil
}

// Rebalance deals records to channels so that at any time two channels differ by at most one record, as a round robin
// does, but in runs: each channel gets its share of a batch as one copy. Rescale is the same on fewer channels.
type Rebalance[T any] struct {
	// Next is the channel that is dealt to first; producers start at different ones.
	Next int
}

// Partition implements Partitioner.
func (p *Rebalance[T]) Partition(w *Writer[T], batch *element.Batch[T]) error {
	n, channels := len(batch.Values), len(w.lanes)
	share, extra := n/channels, n%channels
	p.Next %= channels
	from := 0
	for i := range channels {
		run := share
		if i < extra {
			run++
		}
		if run == 0 {
			break
		}
		w.PutRange((p.Next+i)%channels, batch, from, from+run)
		from += run
	}
	p.Next += extra
	return nil
}

// Shuffle sends each record to a channel chosen at random, uniformly. The sequence follows from Seed alone.
type Shuffle[T any] struct{ Seed uint64 }

// Partition implements Partitioner. The generator is Marsaglia's xorshift64*.
func (p *Shuffle[T]) Partition(w *Writer[T], batch *element.Batch[T]) error {
	channels := uint64(len(w.lanes))
	x := max(p.Seed, 1) // the generator stands still at zero
	for i := range batch.Values {
		x ^= x >> 12
		x ^= x << 25
		x ^= x >> 27
		w.Put(int((x*2685821657736338717)>>32*channels>>32), batch, i)
	}
	p.Seed = x
	return nil
}
