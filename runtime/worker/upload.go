package worker

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/failpoint"
	"github.com/weir-stream/weir/runtime/ident"
)

// uploads puts the files of one attempt's part of a checkpoint where they belong.
type uploads struct {
	store  storage.Store
	inline int64
	// file is what the names of the files are made of, shared whether later checkpoints may name them, too.
	file   snapshot.DataFile
	shared bool
	newID  func() ident.ID
	bytes  atomic.Int64
}

func (c *Checkpoints) newUploads(term ident.LeaderEpoch, attempt int32, b *element.Barrier) (*uploads, error) {
	location := c.Folder
	if b.Savepoint {
		location = b.Folder
	}
	store, err := c.Open(location)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %d: %w", b.Checkpoint, err)
	}
	newID := c.NewID
	if newID == nil {
		newID = ident.NewID
	}
	return &uploads{
		newID: newID, store: store, inline: c.Inline, shared: !b.Savepoint,
		file: snapshot.DataFile{Epoch: term, Attempt: attempt},
	}, nil
}

// upload is a snapshot.Upload.
func (u *uploads) upload(ctx context.Context, content storage.Source) (*snapshot.FileRef, error) {
	size := content.Size()
	if size <= u.inline {
		return readInline(content)
	}
	if err := failpoint.Reach(failpoint.Uploading); err != nil {
		return nil, err
	}
	file := u.file
	file.UUID = u.newID()
	name := file.String()
	if u.shared {
		name = file.Shared()
	}
	sum, err := u.store.Put(ctx, name, content)
	if err != nil {
		return nil, err
	}
	u.bytes.Add(size)
	crc := uint32(sum)
	return &snapshot.FileRef{Name: name, Length: uint64(size), Crc32C: &crc}, nil
}

func readInline(content storage.Source) (*snapshot.FileRef, error) {
	opened, err := content.Open()
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	all, err := io.ReadAll(opened.Section(0, opened.Size()))
	if err != nil {
		return nil, err
	}
	return snapshot.Inline(all), nil
}
