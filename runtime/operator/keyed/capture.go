package keyed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/checkpoint/snapshot/sstable"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatorstate"
	"github.com/weir-stream/weir/state"
)

// Capture is what a Mark has fixed: see operator.Capture. The rows of all parts become one table.
type Capture struct {
	store *Store
	// link is zero for a canonical mark.
	link link
	kind snapshot.MarkKind
	rows *rows.Rows
	// parts are those that are not copied yet.
	parts  []state.Capture
	taken  *snapshot.Operator
	copied bool
}

var _ operator.Capture = (*Capture)(nil)

// Mark fixes all state of the operator, further operator states of its own included. See operator.Stateful.
func (s *Store) Mark(kind snapshot.MarkKind, lists ...snapshot.List) (operator.Capture, error) {
	if s.pending != nil {
		s.pending.finish()
	}
	var place link
	if kind != snapshot.MarkCanonical {
		place, kind = s.chain.link(kind)
	}
	c := &Capture{
		store: s, link: place, kind: kind, rows: new(rows.Rows),
		taken: &snapshot.Operator{Groups: s.ctx.KeyGroups, Lists: append(operatorstate.Snapshot(s.without), lists...)},
	}
	for _, p := range s.parts {
		c.parts = append(c.parts, p.Mark(kind, c.rows))
		c.taken.States = append(c.taken.States, p.states...)
	}
	s.pending = c
	return c, nil
}

// Copy copies one part after the other.
func (c *Capture) Copy(work int) (done bool) {
	before := c.rows.Bytes()
	for len(c.parts) > 0 {
		left := int64(work) - (c.rows.Bytes() - before)
		if left <= 0 || !c.parts[0].Copy(int(left)) {
			return false
		}
		c.parts = c.parts[1:]
	}
	c.end()
	return true
}

// finish copies all that is left.
func (c *Capture) finish() {
	for _, p := range c.parts {
		for !p.Copy(1 << 30) {
		}
	}
	c.parts = nil
	c.end()
}

func (c *Capture) end() {
	c.copied = true
	if c.store.pending == c {
		c.store.pending = nil
	}
}

// Drop gives the capture up. The changes that it has are in none of the next snapshots then, so that the next one has everything, and
// those that were marked since cannot be written.
func (c *Capture) Drop() {
	for _, p := range c.parts {
		p.Drop()
	}
	c.parts = nil
	c.end()
	if c.rows != nil {
		c.rows.Release()
		c.rows = nil
	}
	if c.link.number > 0 {
		c.store.chain.fail(c.link)
	}
}

// Write sorts what was copied and makes a table of it.
func (c *Capture) Write(ctx context.Context, folder string, upload snapshot.Upload) (*snapshot.Operator, error) {
	if !c.copied || c.rows == nil {
		panic("keyed: a capture is written before it is copied, or after it was dropped or written")
	}
	made := c.rows
	defer made.Release()
	c.rows = nil
	if c.kind == snapshot.MarkChanges {
		if err := c.store.chain.check(c.link); err != nil {
			c.store.chain.fail(c.link)
			return nil, err
		}
	}
	table, err := c.write(ctx, made, folder, upload)
	if err != nil {
		if c.link.number > 0 {
			c.store.chain.fail(c.link)
		}
		return nil, fmt.Errorf("write keyed state: %w", err)
	}
	var tables []snapshot.LocalTable
	if table != nil {
		tables = []snapshot.LocalTable{*table}
	}
	if c.link.number > 0 {
		if tables = c.store.chain.add(c.link, table); c.kind == snapshot.MarkChanges {
			c.mergeChanges(ctx, folder, upload)
			tables = c.store.chain.all()
		}
	}
	if len(tables) > 0 {
		c.taken.Chains = []snapshot.Chain{{Groups: c.taken.Groups, Tables: tables}}
	}
	return c.taken, nil
}

// write makes a table of rows durable. It is nil if there are none.
func (c *Capture) write(ctx context.Context, made *rows.Rows, folder string, upload snapshot.Upload) (*snapshot.LocalTable, error) {
	if made.Empty() {
		return nil, ctx.Err()
	}
	writer, path, err := newTable(folder)
	if err != nil {
		return nil, err
	}
	kept := false
	defer func() {
		if path != "" && !kept {
			_ = os.Remove(path)
		}
	}()
	if err := writer.AddRows(made); err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	bytes, err := writer.Finish()
	if err != nil {
		return nil, err
	}
	content := storage.Bytes(bytes)
	if path != "" {
		content = storage.File(path)
	}
	ref, err := upload(ctx, content)
	if errors.Is(err, errVain) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	table := &snapshot.LocalTable{Ref: ref, Groups: c.taken.Groups, Changes: c.kind == snapshot.MarkChanges, Entries: writer.Entries()}
	if path != "" && ref.GetName() != "" && c.link.number > 0 && c.store.chain.wants(table) {
		table.Path, kept = path, true
		c.store.chain.keep(table)
	}
	return table, nil
}

// errVain is that a table is not worth being uploaded.
var errVain = errors.New("merging gains too little")

// newTable starts a table in a new file of the folder, or in memory if that is "".
func newTable(folder string) (w *sstable.Writer, path string, err error) {
	if folder == "" {
		return sstable.NewWriter(), "", nil
	}
	file, err := os.CreateTemp(folder, "capture-*.sst")
	if err != nil {
		return nil, "", err
	}
	path = filepath.Clean(file.Name())
	return sstable.NewFileWriter(file), path, nil
}
