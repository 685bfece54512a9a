package keyed

import (
	"context"
	"os"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/state/keygroup"
)

// Where the same keys change again and again, most of what a chain's changes say is out of date. So mergedAtOnce neighbouring tables of changes
// become one of the next level, as in a log-structured merge tree with tiers (O'Neil et al., "The Log-Structured Merge-Tree", Acta
// Informatica 33, 1996; the tiers are those of Cassandra's size-tiered compaction), and the chain seldom outgrows its base. Where each change is
// of another key merging gains no bytes: one attempt shows it. Then there may be more tables, but not any number, as each is looked into for each key
// when a restored database goes on, and a new base costs more than merging. Tables that are so small that they are in the metadata are merged in any case.

const (
	// mergedAtOnce is how many tables of a level become one of the next.
	mergedAtOnce = 8
	// worthwhile is which part of the bytes a merged table may have at most.
	worthwhile = 0.5
	// crowded is up to how many tables a chain whose merging gains nothing is left as it is.
	crowded = 16
)

// merging is what a chain knows of the merging of its changes.
type merging struct {
	// levels are those of the chain's tables.
	levels []int
	// vain says that merging has gained nothing since the last base.
	vain bool
	// closed says that nobody needs local files any more.
	closed bool
	// kept are the local files of tables, which are removed when these leave the chain.
	kept map[*snapshot.FileRef]string
}

// wants reports whether a table's local file is worth being kept.
func (c *chain) wants(t *snapshot.LocalTable) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return t.Changes && !c.closed
}

// due returns the newest tables if they are to become one, whatever that gains if anyway is set.
func (c *chain) due(groups keygroup.Range) (tables []snapshot.LocalTable, anyway bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.tables)
	if n <= mergedAtOnce {
		return nil, false
	}
	inline := true
	for i := n - mergedAtOnce; i < n; i++ {
		t := &c.tables[i]
		if c.levels[i] != c.levels[n-1] || !t.Changes || t.Groups != groups || t.Path == "" && t.Content == nil && t.Ref.GetName() != "" {
			return nil, false
		}
		inline = inline && t.Ref.GetName() == ""
	}
	switch {
	case inline: // as the metadata, which is written for each snapshot, would grow with them
		anyway = true
	case c.vain && n <= crowded:
		return nil, false
	default:
		anyway = c.vain
	}
	return append(tables, c.tables[n-mergedAtOnce:]...), anyway
}

// merged has a table stand for the newest ones, as many as due has returned.
func (c *chain) merged(table snapshot.LocalTable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := len(c.tables) - mergedAtOnce
	tables := append(c.tables[:rest:rest], table)
	levels := append(c.levels[:rest:rest], c.levels[rest]+1)
	c.set(tables)
	c.levels = levels
	c.tidy()
}

// leave notes that merging gains nothing.
func (c *chain) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vain = true
}

// keep notes that a table has a file of its own here.
func (c *chain) keep(t *snapshot.LocalTable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[*snapshot.FileRef]string{}
	}
	c.kept[t.Ref] = t.Path
}

// tidy removes the local files that nobody needs any more.
func (c *chain) tidy() {
	needed := map[*snapshot.FileRef]bool{}
	for i := range c.tables {
		needed[c.tables[i].Ref] = !c.closed
	}
	for ref, path := range c.kept {
		if !needed[ref] {
			_ = os.Remove(path)
			delete(c.kept, ref)
		}
	}
}

// close removes all local files.
func (c *chain) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.tidy()
}

// mergeChanges makes fewer tables of the chain's changes where that gains something. Where it fails the snapshot has the tables as they are, of
// which nothing is lost, and the next one tries again.
func (c *Capture) mergeChanges(ctx context.Context, folder string, upload snapshot.Upload) {
	for {
		due, anyway := c.store.chain.due(c.taken.Groups)
		if due == nil {
			return
		}
		merged, err := c.mergeTables(ctx, due, anyway, folder, upload)
		if err != nil {
			c.store.warn("tables of a snapshot's changes could not be merged and stay as they are; the next snapshot tries again", "tables", len(due), "error", err)
			return
		}
		if merged == nil && anyway {
			return
		}
		if merged == nil {
			c.store.chain.leave()
			continue
		}
		c.store.chain.merged(*merged)
	}
}

// mergeTables makes one table of several, oldest first. It is nil if that gains too little, unless it is to be anyway.
func (c *Capture) mergeTables(ctx context.Context, tables []snapshot.LocalTable, anyway bool, folder string, upload snapshot.Upload) (*snapshot.LocalTable, error) {
	var together rows.Rows
	defer together.Release()
	var bytes int64
	for _, t := range tables {
		content := t.Content
		if t.Path == "" && content == nil {
			content = t.Ref.GetInline()
		}
		bytes += int64(t.Ref.GetLength())
		together.Behind(rows.Run{Path: t.Path, Bytes: content, Entries: int(t.Entries), Done: func() {}})
	}
	return c.write(ctx, &together, folder, func(ctx context.Context, content storage.Source) (*snapshot.FileRef, error) {
		if !anyway && float64(content.Size()) > worthwhile*float64(bytes) {
			return nil, errVain
		}
		return upload(ctx, content)
	})
}
