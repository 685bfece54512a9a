package table

import (
	"slices"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// Panes is [state.Panes] in memory: a table for each pane. Such tables do not divide their keys by key group, so that a pane of
// few keys is one small block, and they share their blocks: what one gives up is what the next one grows into.
type Panes[K any] struct {
	plan   *Table[K]
	tables map[int64]*Table[K]
	at     []int64
	spare  *spares
	// marked says that there was a mark that changes are noted since; fresh are the panes made since then, dropped those that are
	// not there any more.
	marked  bool
	fresh   map[int64]bool
	dropped []int64
	capture *panesCapture[K]
}

// NewPanes returns panes with these columns. Errors are those of [Table.Open].
func NewPanes[K any](keys state.Keys[K], groups keygroup.Range, maxParallelism int, descriptors []state.Descriptor) (state.Panes[K], error) {
	p := &Panes[K]{
		plan: New(keys, groups, maxParallelism), tables: map[int64]*Table[K]{},
		spare: &spares{most: 512, part: 1, some: 1 << 20},
	}
	return p, p.plan.Open(descriptors)
}

// newPane makes an empty table after the plan.
func (p *Panes[K]) newPane() *Table[K] {
	t := &Table[K]{
		packer: p.plan.packer, named: p.plan.named, groups: p.plan.groups, maxGroups: p.plan.maxGroups, whole: true, batched: p.plan.batched,
	}
	t.form, t.keyBytes, t.entryBytes, t.columns = p.plan.form, p.plan.keyBytes, p.plan.entryBytes, p.plan.columns
	t.arena.spare = p.spare
	t.open(layout{groups: 1, maxGroups: 1}, p.spare)
	return t
}

// Pane returns the table of a pane.
func (p *Panes[K]) Pane(at int64) state.Backend[K] { return p.pane(at) }

func (p *Panes[K]) pane(at int64) *Table[K] {
	t := p.tables[at]
	if t == nil {
		t = p.newPane()
		if p.marked {
			p.track(t, at).on = true
			p.fresh[at] = true
		}
		p.tables[at] = t
		i, _ := slices.BinarySearch(p.at, at)
		if i > 0 {
			t.index.expect(p.tables[p.at[i-1]].index.entries)
		}
		p.at = slices.Insert(p.at, i, at)
	}
	return t
}

// Find returns the table of a pane, nil if there is none.
func (p *Panes[K]) Find(at int64) state.Backend[K] {
	if t := p.tables[at]; t != nil {
		return t
	}
	return nil
}

// Drop keeps the blocks of a pane's table for others.
func (p *Panes[K]) Drop(at int64) {
	t := p.tables[at]
	if t == nil {
		return
	}
	delete(p.tables, at)
	i, _ := slices.BinarySearch(p.at, at)
	p.at = slices.Delete(p.at, i, i+1)
	if p.marked {
		if !p.fresh[at] {
			p.dropped = append(p.dropped, at)
		}
		delete(p.fresh, at)
	}
	if t.capture != nil {
		p.capture.orphans = append(p.capture.orphans, t)
		return
	}
	t.giveUp()
}

// All returns the panes in ascending order.
func (p *Panes[K]) All() []int64 { return p.at }

// Bytes is the memory of all tables and of the blocks kept for more.
func (p *Panes[K]) Bytes() int64 {
	n := p.spare.bytes
	for _, t := range p.tables {
		n += t.held()
	}
	return n
}

// Close gives all memory back.
func (p *Panes[K]) Close() { *p = Panes[K]{} }

// giveUp hands the blocks of a table, which is dead afterwards, to those that share them.
func (t *Table[K]) giveUp() {
	t.index.giveUp()
	if t.pairs.index != nil {
		t.pairs.index.giveUp()
	}
	for i := range t.arena.pages {
		if t.arena.pages[i].memory != nil {
			t.arena.drop(int32(i))
		}
	}
	*t = Table[K]{}
}

func (ix *index) giveUp() {
	for at := 0; at < len(ix.segments); {
		s := ix.segments[at]
		if s.step >= 0 {
			ix.spare.put(s.block)
		}
		at += 1 << (ix.depth - s.depth)
	}
}
