package keyed

import (
	"fmt"
	"slices"
	"sync"

	"github.com/weir-stream/weir/checkpoint/snapshot"
)

// chain is the tables that the snapshots of a store name, oldest first: one with everything, and those with the changes since. The
// store's owner makes links, and whoever writes adds their tables in the same order.
type chain struct {
	mu     sync.Mutex
	tables []snapshot.LocalTable
	// base and changes are the bytes of the first table and of the others.
	base, changes int64
	// made, full, written and failed are the last link of all, with everything, of which the table was added, and of which there is none.
	made, full, written, failed int64
	// small is up to how many bytes of everything the next snapshot has everything, too.
	small int64
	merging
}

// link is a mark's place in a chain: it counts the marks, and full is the last one that has everything. The zero link stands alone.
type link struct{ number, full int64 }

const (
	// smallBase is what is small, unless the operator's context says that nothing is.
	smallBase = 32 << 10
	// mostTables bounds how many tables a restore has to merge.
	mostTables = 64
)

// carryOn begins with tables that were restored: they have the state as it is.
func (c *chain) carryOn(tables []snapshot.LocalTable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	c.full, c.written = c.made, c.made
	c.set(slices.Clone(tables))
}

func (c *chain) set(tables []snapshot.LocalTable) {
	c.tables, c.base, c.changes = tables, 0, 0
	c.levels = append(c.levels[:min(len(c.levels), len(tables))], make([]int, max(0, len(tables)-len(c.levels)))...)
	for _, t := range tables {
		if t.Changes {
			c.changes += int64(t.Ref.GetLength())
		} else {
			c.base += int64(t.Ref.GetLength())
		}
	}
}

// link makes the next link, and says what it is to have: everything if there is nothing to add to, or that is cheaper.
func (c *chain) link(asked snapshot.MarkKind) (link, snapshot.MarkKind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	outgrown := c.written >= c.full && (c.base <= c.small || c.changes > c.base || len(c.tables) >= mostTables)
	kind := snapshot.MarkChanges
	if asked == snapshot.MarkFull || c.full <= c.failed || outgrown {
		c.full, kind = c.made, snapshot.MarkFull
	}
	return link{c.made, c.full}, kind
}

// fail notes that there is no table for a link.
func (c *chain) fail(l link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = max(c.failed, l.number)
}

// check refuses a link with changes to what was not written.
func (c *chain) check(l link) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.full <= c.failed && c.failed < l.number {
		return fmt.Errorf("the snapshot is an addition to an earlier one that could not be written; the next one will have everything")
	}
	return nil
}

// add adds the table of a link, nil if it is empty, and returns the tables of its snapshot.
func (c *chain) add(l link, table *snapshot.LocalTable) []snapshot.LocalTable {
	c.mu.Lock()
	defer c.mu.Unlock()
	var tables []snapshot.LocalTable
	if l.number != l.full {
		tables = c.tables
	} else {
		c.levels, c.vain = nil, false
	}
	if table != nil {
		tables = append(slices.Clip(tables), *table)
	}
	c.set(tables)
	c.written = l.number
	c.tidy()
	return slices.Clone(tables)
}

// all returns the tables of the chain.
func (c *chain) all() []snapshot.LocalTable {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.tables)
}
