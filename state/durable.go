package state

import "github.com/weir-stream/weir/state/keygroup"

// Durable is what can be written to a snapshot and read from one: a backend, panes, timers. Entries are pairs of bytes
//
//	key:   [key group, 2 bytes, high first][Descriptor.Number, likewise][key, order-preserving][of a map: its key]
//	value: of KindValue, KindReducing, KindAggregating the encoded value; of KindList the encoded elements one after the
//	       other; of KindMap the encoded value of one of its keys; of timers nothing
//
// Between the number and the key of panes stands the pane (8 bytes, high first, sign flipped), and so does the time in
// entries of timers. What has a time to live begins with its time of last access, 8 bytes of milliseconds, high first: the
// value, each element of a list, each value of a map.
type Durable interface {
	// Export calls put with each entry of the key groups, in ascending order of the keys. The bytes are valid during the
	// call. It returns the first error of put.
	Export(groups keygroup.Range, put func(key, value []byte) error) error
	// Import adds an entry that Export wrote, of a state with this number. The key group is one of its own. Entries
	// come in ascending order. An error says that the bytes are damaged.
	Import(key, value []byte) error
}

// Panes is keyed state in parts by a number: the slices of event time that windows consist of. Each pane is a backend of
// its own with the same columns. One goroutine owns it and its panes. A call of Pane ends the life of addresses that came from
// other panes.
type Panes[K any] interface {
	Durable
	// Pane returns the state of a pane, made if there is none.
	Pane(at int64) Backend[K]
	// Find returns the state of a pane, nil if there is none.
	Find(at int64) Backend[K]
	// Drop removes a pane with all that is in it.
	Drop(at int64)
	// All returns the panes there are in ascending order; the result is valid until the next call.
	All() []int64
	// Bytes is the memory held, in bytes.
	Bytes() int64
	Close()
}

// Timer is a key and the time, in milliseconds, at which it wants to be called.
type Timer[K any] struct {
	Key  K
	Hash uint64
	At   int64
}

// Timers is a set of timers of one domain (event time or processing time). One goroutine owns it.
type Timers[K any] interface {
	Durable
	// Register adds a timer and reports whether it was absent.
	Register(key K, hash uint64, at int64) bool
	// Delete removes a timer and reports whether it was there.
	Delete(key K, hash uint64, at int64) bool
	// Next is the least time of all timers, false if there are none.
	Next() (at int64, ok bool)
	// Take removes timers of the least time, if that is at or before until, and appends them to due: all of them, or
	// as many as due has room for without growing.
	Take(until int64, due []Timer[K]) []Timer[K]
	// Len is the number of timers.
	Len() int64
	// Each calls f with each timer, in no order, until f returns false.
	Each(f func(key K, at int64) bool)
	// Bytes is the memory held, in bytes.
	Bytes() int64
	Close()
}
