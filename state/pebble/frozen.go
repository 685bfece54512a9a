package pebble

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	changes "github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// frozen is what Pebble had of some states in some key groups at one moment. Any goroutine may read it, one at a time, while the
// database goes on.
type frozen struct {
	mu       sync.Mutex
	snapshot *pebble.Snapshot
	// prefixes are those of the rows, in their order.
	prefixes [][]byte
	cursors  []*frozenCursor
	released func(*frozen)
}

var errReleased = errors.New("the state is closed")

// freeze returns what there is now.
func (d *Database) freeze(groups keygroup.Range, numbers []uint16) *frozen {
	s := &frozen{snapshot: d.store().db.NewSnapshot(), released: d.reading.remove}
	numbers = slices.Clone(numbers)
	slices.Sort(numbers)
	for group := int(groups.First); group <= int(groups.Last); group++ {
		for _, number := range slices.Compact(numbers) {
			from, _ := state.Prefix(uint16(group), number)
			s.prefixes = append(s.prefixes, from)
		}
	}
	d.reading.add(s)
	return s
}

// Release gives up Pebble's snapshot, and all cursors.
func (s *frozen) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snapshot == nil {
		return
	}
	for _, c := range s.cursors {
		_ = c.end()
	}
	_ = s.snapshot.Close()
	s.snapshot = nil
	s.released(s)
}

// Open returns a cursor.
func (s *frozen) Open() (changes.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &frozenCursor{of: s, prefixes: s.prefixes}
	s.cursors = append(s.cursors, c)
	return c, nil
}

// reading is what is being read.
type reading struct {
	mu  sync.Mutex
	all map[*frozen]bool
}

func (r *reading) add(s *frozen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[*frozen]bool{}
	}
	r.all[s] = true
}

func (r *reading) remove(s *frozen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, s)
}

// end releases all of it.
func (r *reading) end() {
	r.mu.Lock()
	all := slices.Collect(maps.Keys(r.all))
	r.mu.Unlock()
	for _, s := range all {
		s.Release()
	}
}

// frozenCursor holds the lock of its snapshot during Next only, so that the snapshot can be released in between.
type frozenCursor struct {
	of       *frozen
	it       *pebble.Iterator
	prefixes [][]byte
	inside   bool
	pairs    []byte
	ends     []int
	at       int
}

// some is how many entries are read at once.
const some = 64

// Next returns copies, of which some are made at a time.
func (c *frozenCursor) Next() (key, value []byte, ok bool, err error) {
	if c.at == len(c.ends) {
		if err := c.fill(); err != nil {
			return nil, nil, false, err
		}
		if len(c.ends) == 0 {
			return nil, nil, false, nil
		}
	}
	from := 0
	if c.at > 0 {
		from = c.ends[c.at-1]
	}
	middle, to := c.ends[c.at], c.ends[c.at+1]
	c.at += 2
	return c.pairs[from:middle:middle], c.pairs[middle:to:to], true, nil
}

func (c *frozenCursor) fill() error {
	c.pairs, c.ends, c.at = c.pairs[:0], c.ends[:0], 0
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.of.snapshot == nil {
		return errReleased
	}
	if err := c.read(); err != nil {
		return &state.Failure{Action: "read", Cause: err}
	}
	return nil
}

func (c *frozenCursor) read() (err error) {
	if c.it == nil {
		if c.it, err = c.of.snapshot.NewIter(nil); err != nil {
			return err
		}
	}
	for len(c.prefixes) > 0 && len(c.ends) < 2*some {
		prefix := c.prefixes[0]
		if c.inside {
			c.it.Next()
		} else {
			c.it.SeekGE(prefix)
		}
		if c.inside = c.it.Valid() && bytes.HasPrefix(c.it.Key(), prefix); !c.inside {
			if err := c.it.Error(); err != nil {
				return err
			}
			c.prefixes = c.prefixes[1:]
			continue
		}
		value, err := c.it.ValueAndErr()
		if err != nil {
			return err
		}
		c.pairs = append(c.pairs, c.it.Key()...)
		c.ends = append(c.ends, len(c.pairs))
		c.pairs = append(c.pairs, value...)
		c.ends = append(c.ends, len(c.pairs))
	}
	return nil
}

// Close closes the iterator.
func (c *frozenCursor) Close() error {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	return c.end()
}

func (c *frozenCursor) end() error {
	if c.it == nil {
		return nil
	}
	it := c.it
	c.it = nil
	return it.Close()
}
