package snapshot

import (
	"context"

	"github.com/weir-stream/weir/checkpoint/storage"
)

// MarkKind says what a mark of an operator's state is to fix.
type MarkKind uint8

const (
	// MarkChanges fixes what has changed since the last mark that was not canonical, as an addition to the tables of earlier snapshots. An
	// operator may fix everything instead, when that is cheaper or the tables before are not to be had.
	MarkChanges MarkKind = iota
	// MarkFull fixes everything, and no earlier table is named any more.
	MarkFull
	// MarkCanonical fixes everything, for a savepoint: what counts as changed for the next checkpoint stays as it is.
	MarkCanonical
)

// Upload makes content durable where the snapshot is kept, and returns its reference. Small content may become a part of a file that has
// others too, or stay inline. Any goroutine may call it.
type Upload func(ctx context.Context, content storage.Source) (*FileRef, error)
