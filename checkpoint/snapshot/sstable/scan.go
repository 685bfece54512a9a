package sstable

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/sstable"
)

// Scan calls f with the entries whose keys are at or after from and before to, nil standing for no bound, in ascending
// order. The bytes are valid during the call. It stops at the first error of f and returns it; any other error
// says that the table is damaged. Safe for concurrent use.
func Scan(table []byte, from, to []byte, f func(key, value []byte) error) (err error) {
	if len(table) == 0 {
		return nil
	}
	reader, err := sstable.NewMemReader(table, sstable.ReaderOptions{})
	if err != nil {
		return damaged(err)
	}
	defer func() {
		if closing := reader.Close(); err == nil && closing != nil {
			err = damaged(closing)
		}
	}()
	entries, err := reader.NewIter(sstable.NoTransforms, from, to, sstable.AssertNoBlobHandles)
	if err != nil {
		return damaged(err)
	}
	defer func() {
		if closing := entries.Close(); err == nil && closing != nil {
			err = damaged(closing)
		}
	}()
	for entry := entries.SeekGE(from, 0); entry != nil; entry = entries.Next() {
		value, _, err := entry.Value(nil)
		if err != nil {
			return damaged(err)
		}
		if entry.Kind() != sstable.InternalKeyKindSet {
			return damaged(errors.New("it has an entry of an unknown kind"))
		}
		if err := f(entry.K.UserKey, value); err != nil {
			return err
		}
	}
	if err := entries.Error(); err != nil {
		return damaged(err)
	}
	return nil
}

func damaged(err error) error { return fmt.Errorf("snapshot table is damaged: %w", err) }
