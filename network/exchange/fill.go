package exchange

// Fill is how full channels are.
type Fill struct {
	// Batches are those that wait, or frames between processes; Room is how many may.
	Batches, Room int
	// Bytes are what waits in them, as Moved counts it, and RoomBytes what there is room for.
	Bytes, RoomBytes int
}

// Plus adds up two.
func (f Fill) Plus(other Fill) Fill {
	return Fill{f.Batches + other.Batches, f.Room + other.Room, f.Bytes + other.Bytes, f.RoomBytes + other.RoomBytes}
}

// fill looks at the slots between the two ends, which neither of them changes. The caller is one of them.
func (c *Channel[T]) fill(capacity, recordBytes int) Fill {
	switch {
	case c.sending != nil:
		return c.sending.fill()
	case c.receiving != nil:
		return c.receiving.fill()
	}
	f := Fill{Room: len(c.slots), RoomBytes: len(c.slots) * capacity * recordBytes}
	for at, to := c.head.Load(), c.tail.Load(); at < to; at++ {
		f.Batches++
		f.Bytes += len(c.slots[at%uint64(len(c.slots))].batch.Values) * recordBytes
	}
	return f
}

// fill takes what is on its way for as large as the mean of what was sent.
func (s *sending[T]) fill() Fill {
	f := Fill{Batches: s.to.InFlight(), Room: s.to.Room(), RoomBytes: s.to.Room() * mostPayload}
	if s.frames > 0 {
		f.Bytes = f.Batches * int(s.bytes/s.frames)
	}
	return f
}

// Fill implements Output.
func (w *Writer[T]) Fill() (sum Fill) {
	for i := range w.lanes {
		l := &w.lanes[i]
		sum = sum.Plus(l.channel.fill(w.capacity, int(w.recordBytes)))
		sum.Batches += len(l.pending)
		for _, s := range l.pending {
			sum.Bytes += len(s.batch.Values) * int(w.recordBytes)
		}
	}
	return sum
}

// Fill implements InputChannel. Of a channel within a process the bytes that there is room for are the producer's to know.
func (r *Reader[T]) Fill() Fill { return r.channel.fill(0, recordSize[T]()) }

// Remote implements InputChannel.
func (r *Reader[T]) Remote() bool { return r.channel.receiving != nil }
