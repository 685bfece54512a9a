package state

import (
	"encoding/binary"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/state/keygroup"
)

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
	// Mark fixes the entries as they are, in a time that does not grow with their number, and returns what copies them to rows: all, or those that
	// have changed since the last mark that was not canonical, with deletions; see snapshot.MarkKind. A mark that was asked for the changes and
	// fixes everything deletes, by ranges, all that may have been there before. It leaves no key current. While an earlier capture
	// is not done, it is brought to its end first. Large state is not copied to the rows, but stands below them as a source: whoever has the rows
	// releases them when they are written, or not wanted any more.
	//
	// Errors of the state's own storage panic with a *Failure, here and in Copy.
	Mark(kind snapshot.MarkKind, to *rows.Rows) Capture
	// Export calls put with each entry of the key groups, in ascending order of the keys. The bytes are valid during the
	// call. It returns the first error of put.
	Export(groups keygroup.Range, put func(key, value []byte) error) error
	// Import adds an entry that Export wrote, of a state with this number. The key group is one of its own. Entries
	// come in ascending order. An error says that the bytes are damaged.
	Import(key, value []byte) error
}

// Capture copies what a mark has fixed, while the state changes. The owner of the state calls it. Copies go to the rows that Mark was
// given, in any order, and some of them from changes of the state, which copy what they change first.
type Capture interface {
	// Copy copies on, for about work bytes, and reports whether all is copied; what was looked at in vain counts as a tenth. It leaves no key
	// current. Once it has reported so the rows are complete, and nothing is added to them any more.
	Copy(work int) (done bool)
	// Drop ends the capture before that. After it, or after Copy is done, it does nothing.
	Drop()
}

// CaptureAll is a capture, done at once, of all entries of the key groups in part, whose states have these numbers.
func CaptureAll(part Durable, groups keygroup.Range, numbers []uint16, kind snapshot.MarkKind, to *rows.Rows) (Capture, error) {
	if kind == snapshot.MarkChanges {
		DeleteAll(groups, numbers, to)
	}
	err := part.Export(groups, func(key, value []byte) error {
		to.Set(key, value)
		return nil
	})
	return captured{}, err
}

// DeleteAll adds to rows that the entries of states are deleted, in some key groups.
func DeleteAll(groups keygroup.Range, numbers []uint16, to *rows.Rows) {
	for group := int(groups.First); group <= int(groups.Last); group++ {
		for _, number := range numbers {
			to.DeleteRange(Prefix(uint16(group), number))
		}
	}
}

// Prefix returns the bounds of the keys that a state's entries have in a key group.
func Prefix(group, number uint16) (from, to []byte) {
	prefix := uint32(group)<<16 | uint32(number)
	from = binary.BigEndian.AppendUint32(nil, prefix)
	return from, binary.BigEndian.AppendUint32(nil, prefix+1)
}

// captured is a capture that is done.
type captured struct{}

func (captured) Copy(int) bool { return true }
func (captured) Drop()         {}

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
