package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	changes "github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/checkpoint/snapshot/sstable"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// Panes is [state.Panes] of which each pane is a backend. A pane that has always been in memory leaves no trace in Pebble.
type Panes[K any] struct {
	db          *Database
	descriptors []state.Descriptor
	// plan is the backend after which panes are made; it stays empty.
	plan    *Backend[K]
	panes   map[int64]*Backend[K]
	at      []int64
	marking *marking
}

const paneBytes = 8

// NewPanes returns panes with these columns. Errors are those of [Backend.Open].
func NewPanes[K any](db *Database, keys state.Keys[K], descriptors []state.Descriptor) (state.Panes[K], error) {
	p := &Panes[K]{db: db, descriptors: descriptors, plan: newBackend(db, keys), panes: map[int64]*Backend[K]{}, marking: new(marking)}
	if err := p.plan.Open(descriptors); err != nil {
		return nil, err
	}
	db.budget.leave(&p.plan.member)
	return p, nil
}

// Pane returns the backend of a pane. Other panes may then be written, so addresses that came from them are dead.
func (p *Panes[K]) Pane(at int64) state.Backend[K] { return p.pane(at) }

func (p *Panes[K]) pane(at int64) *Backend[K] {
	b := p.panes[at]
	if b == nil {
		b = newBackend(p.db, p.plan.keys)
		b.hot, b.noted = p.plan.hot.NewPane(), p.plan.noted
		b.pane = binary.BigEndian.AppendUint64(nil, uint64(at)^signFlip)
		b.marking = p.marking
		b.attach(p.descriptors)
		p.panes[at] = b
		i, _ := slices.BinarySearch(p.at, at)
		p.at = slices.Insert(p.at, i, at)
	}
	p.makeRoom(b)
	return b
}

const signFlip = 1 << 63

// makeRoom has panes other than one write their entries, those first that have not been called for longest.
func (p *Panes[K]) makeRoom(but *Backend[K]) {
	budget := &p.db.budget
	for budget.used > budget.limit {
		var idlest *Backend[K]
		for _, b := range p.panes {
			if b != but && b.hot.Entries() > 0 && b.member.visited == 0 && (idlest == nil || b.member.last < idlest.member.last) {
				idlest = b
			}
		}
		if idlest == nil {
			return
		}
		idlest.shed(max(idlest.member.used-(budget.used-budget.enough()), 0))
	}
}

// Find returns the backend of a pane, nil if there is none.
func (p *Panes[K]) Find(at int64) state.Backend[K] {
	if b := p.panes[at]; b != nil {
		return b
	}
	return nil
}

// Drop removes a pane.
func (p *Panes[K]) Drop(at int64) {
	b := p.panes[at]
	if b == nil {
		return
	}
	b.sweep(math.MaxInt)
	if b.cold {
		p.removeRows(b)
	}
	b.Close()
	delete(p.panes, at)
	i, _ := slices.BinarySearch(p.at, at)
	p.at = slices.Delete(p.at, i, i+1)
}

// removeRows removes the rows of a pane: a range in each group and column.
func (p *Panes[K]) removeRows(b *Backend[K]) {
	batch := p.db.store().db.NewBatch()
	var from []byte
	groups := p.db.options.Groups
	for group := int(groups.First); group <= int(groups.Last); group++ {
		for i := range b.columns {
			from = b.appendPrefix(from[:0], uint16(group), &b.columns[i])
			if err := batch.DeleteRange(from, after(from), nil); err != nil {
				fail("remove", err)
			}
			p.marking.deleteRange(from, after(from))
		}
	}
	p.db.finish(batch)
}

// All returns the panes in ascending order.
func (p *Panes[K]) All() []int64 { return p.at }

// Bytes is the memory of all tables.
func (p *Panes[K]) Bytes() (n int64) {
	for _, b := range p.panes {
		n += b.Bytes()
	}
	return n
}

// Close gives the tables back.
func (p *Panes[K]) Close() {
	for _, b := range p.panes {
		b.Close()
	}
	p.panes, p.at = nil, nil
	p.plan.Close()
}

// Export writes the entries by key group, state, pane and key.
func (p *Panes[K]) Export(groups keygroup.Range, put func(key, value []byte) error) error {
	common, ok := p.db.options.Groups.Intersect(groups)
	if !ok {
		return nil
	}
	for _, b := range p.panes {
		if b.cold {
			return exportStored(p.db, common, numbers(p.descriptors, func(d state.Descriptor) uint16 { return d.Number }), put, p.peek)
		}
	}
	for first := int(common.First); first <= int(common.Last); first += groupsAtOnce {
		var rows changes.Rows
		p.peek(keygroup.Range{First: uint16(first), Last: uint16(min(first+groupsAtOnce-1, int(common.Last)))}, &rows)
		if err := sstable.ReadRows(&rows, put); err != nil {
			return err
		}
	}
	return nil
}

func (p *Panes[K]) peek(groups keygroup.Range, to *changes.Rows) {
	for _, b := range p.panes {
		b.peek(groups, to)
	}
}

// storedRows reads the rows of some ranges in Pebble, in step with others.
type storedRows struct {
	it *pebble.Iterator
	// ranges are those that are left, by their prefixes.
	ranges [][]byte
}

// until puts the rows before a key, which is in one of the ranges; all that are left if it is nil. It works on nil.
func (s *storedRows) until(key []byte, put func(key, value []byte) error) error {
	for s != nil && len(s.ranges) > 0 {
		if !s.it.Valid() {
			return s.it.Error()
		}
		at := s.it.Key()
		switch {
		case len(key) > 0 && string(at) >= string(key):
			return nil
		case len(at) >= prefixBytes && string(at[:prefixBytes]) == string(s.ranges[0]):
			if err := put(at, valueOf(s.it)); err != nil {
				return err
			}
			s.it.Next()
		case string(at) > string(s.ranges[0]):
			s.ranges = s.ranges[1:]
			if len(s.ranges) > 0 && string(at) < string(s.ranges[0]) {
				s.it.SeekGE(s.ranges[0])
			}
		default:
			s.it.SeekGE(s.ranges[0])
		}
	}
	return nil
}

func (s *storedRows) close() { done(s.it) }

// Import adds an entry of a pane, which it makes.
func (p *Panes[K]) Import(key, value []byte) error {
	if len(key) < prefixBytes+paneBytes {
		return fmt.Errorf("the entry's key %x is too short for a key group, a state and a pane", key)
	}
	number := binary.BigEndian.Uint16(key[2:])
	i := slices.IndexFunc(p.descriptors, func(d state.Descriptor) bool { return d.Number == number })
	if i < 0 {
		return fmt.Errorf("entry %x is of state number %d, which is not one of this operator's", key, number)
	}
	if p.descriptors[i].Kind == state.KindList || p.descriptors[i].Kind == state.KindMap {
		return errors.New("panes have values only")
	}
	b := p.pane(paneOf(key))
	err := b.importRow(&b.columns[i], binary.BigEndian.Uint16(key), key[prefixBytes+paneBytes:], value)
	b.hot.Leave()
	if err != nil {
		return fmt.Errorf("state %q: entry %x: %w", p.descriptors[i].Name, key, err)
	}
	return nil
}

// paneOf is the pane in the key of a row.
func paneOf(key []byte) int64 { return int64(binary.BigEndian.Uint64(key[prefixBytes:]) ^ signFlip) }
