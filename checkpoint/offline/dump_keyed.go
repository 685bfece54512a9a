package offline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/sstable"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// dumpKeyed dumps a keyed state, one subtask after the other.
func (s *Snapshot) dumpKeyed(ctx context.Context, op *snapshot.OperatorState, st *snapshot.StateSchema, o DumpOptions, f func(*Entry) error) error {
	described, err := st.State()
	if err != nil {
		return err
	}
	read := newReader(described, o)
	for _, subtask := range op.Subtasks {
		for _, part := range subtask.Parts {
			if err := s.dumpPart(ctx, part, read, o, f); err != nil {
				return fmt.Errorf("operator %q, state %q, subtask %d: %w", op.Name, st.Name, subtask.Subtask, err)
			}
		}
	}
	return nil
}

// dumpPart merges the tables of a part, group by group, so that entries of other states are passed over without being read.
func (s *Snapshot) dumpPart(ctx context.Context, part *snapshot.KeyedPart, read *reader, o DumpOptions, f func(*Entry) error) (err error) {
	folder, err := os.MkdirTemp(o.Folder, "weir-state-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	tables := make([]*sstable.Table, 0, len(part.Tables))
	defer func() {
		for _, t := range tables {
			err = errors.Join(err, t.Close())
		}
	}()
	for i, t := range part.Tables {
		table, err := s.table(ctx, t.File, filepath.Join(folder, strconv.Itoa(i)))
		if err != nil {
			return err
		}
		tables = append(tables, table)
	}
	for group := part.FirstGroup; group <= part.LastGroup; group++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		from, to := state.Prefix(uint16(group), read.state.Number)
		var parts []sstable.Part
		for i, t := range part.Tables {
			if (keygroup.Range{First: uint16(t.FirstGroup), Last: uint16(t.LastGroup)}).Contains(uint16(group)) {
				parts = append(parts, sstable.Part{Table: tables[i], From: from, To: to})
			}
		}
		err := sstable.Merge(parts, func(key, value []byte) error {
			e, err := read.entry(key, value)
			if err != nil {
				return fmt.Errorf("entry %x: %w", key, err)
			}
			return f(e)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// table opens a table, for which one that is not inline is copied to a file at path.
func (s *Snapshot) table(ctx context.Context, ref *snapshot.FileRef, path string) (*sstable.Table, error) {
	if ref.GetName() == "" {
		return sstable.OpenBytes("in "+snapshot.MetadataPath(s.folder), ref.GetInline())
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.copy(ctx, file, ref), file.Close()); err != nil {
		return nil, err
	}
	return sstable.Open(path)
}
