package sstable

import (
	"errors"
	"fmt"
)

// Scan calls f with the entries of a table whose keys are at or after from and before to, nil standing for no bound, in ascending
// order. The bytes are valid during the call. It stops at the first error of f and returns it; any other error
// says that the table is damaged. Safe for concurrent use.
func Scan(table []byte, from, to []byte, f func(key, value []byte) error) error {
	t, err := OpenBytes("", table)
	if err != nil {
		return err
	}
	return errors.Join(Merge([]Part{{t, from, to}}, f), t.Close())
}

func damaged(err error) error { return fmt.Errorf("snapshot table is damaged: %w", err) }
