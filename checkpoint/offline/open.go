// Package offline looks into checkpoints and savepoints without the job that took them: what they consist of, and every entry of
// their state, typed by the schemas in them.
package offline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
)

// Snapshot is a checkpoint or savepoint of which the metadata was read. Its methods may be called by any goroutine.
type Snapshot struct {
	open     func(location string) (storage.Store, error)
	folder   string
	format   uint32
	size     int
	metadata *snapshot.Metadata
}

// Open reads the metadata of a snapshot, which is named by its folder or its metadata file. Locations are opened by open. The error says
// that there is none, that it is damaged, or that it cannot be read.
func Open(ctx context.Context, open func(location string) (storage.Store, error), location string) (*Snapshot, error) {
	s := &Snapshot{open: open, folder: snapshot.FolderOf(location)}
	store, err := open(s.folder)
	if err != nil {
		return nil, err
	}
	data, err := store.Read(ctx, snapshot.MetadataName)
	if errors.Is(err, storage.NotFound) {
		return nil, fmt.Errorf("%s is no checkpoint or savepoint: it has no file %s%s", s.folder, snapshot.MetadataName, inside(ctx, store))
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", snapshot.MetadataPath(s.folder), err)
	}
	if s.metadata, err = snapshot.Decode(snapshot.MetadataPath(s.folder), data); err != nil {
		return nil, err
	}
	s.format, s.size = binary.BigEndian.Uint32(data[8:]), len(data)
	return s, nil
}

// inside says which snapshots lie below a folder that is none itself.
func inside(ctx context.Context, store storage.Store) string {
	var found []string
	page, err := store.List(ctx, "", "")
	if err != nil {
		return ""
	}
	for _, object := range page.Objects {
		if folder, ok := strings.CutSuffix(object.Name, "/"+snapshot.MetadataName); ok {
			found = append(found, folder)
		}
	}
	if len(found) == 0 {
		return ""
	}
	const most = 8
	slices.Reverse(found)
	if len(found) > most {
		found = append(found[:most], "...")
	}
	return "; there are snapshots below it: " + strings.Join(found, ", ")
}

// storeOf returns the store that a file's name is in.
func (s *Snapshot) storeOf(f *snapshot.FileRef) (storage.Store, error) {
	if f.GetRoot() != "" {
		return s.open(f.Root)
	}
	return s.open((&snapshot.Completed{Path: s.folder, Kind: s.metadata.Kind}).Root())
}

// copy writes the bytes of a reference, and reports an error if they are not those that were written once.
func (s *Snapshot) copy(ctx context.Context, to io.Writer, f *snapshot.FileRef) error {
	if f.GetName() == "" {
		_, err := to.Write(f.GetInline())
		return err
	}
	store, err := s.storeOf(f)
	if err != nil {
		return err
	}
	object, err := store.Open(ctx, f.Name)
	if err != nil {
		return err
	}
	defer object.Close()
	stream := object.Stream(int64(f.Offset), int64(f.Length))
	defer stream.Close()
	check := f.Verifier(store.String() + "/" + f.Name)
	if _, err := io.Copy(io.MultiWriter(to, check), stream); err != nil {
		return err
	}
	return check.Done()
}

// bytes reads what a reference names as a whole.
func (s *Snapshot) bytes(ctx context.Context, f *snapshot.FileRef) ([]byte, error) {
	var b strings.Builder
	if err := s.copy(ctx, &b, f); err != nil {
		return nil, err
	}
	return []byte(b.String()), nil
}

// Verify reads every file that the snapshot needs and compares it with its checksums. It goes on after an error, and joins those of all
// files that are missing or damaged.
func (s *Snapshot) Verify(ctx context.Context) error {
	var wrong []error
	seen := map[string]bool{}
	s.metadata.EachFile(func(f *snapshot.FileRef) {
		id := fmt.Sprint(f.Root, "\n", f.Name, "\n", f.Offset, f.Length)
		if f.Name == "" || seen[id] || ctx.Err() != nil {
			return
		}
		seen[id] = true
		if err := s.copy(ctx, io.Discard, f); err != nil {
			wrong = append(wrong, err)
		}
	})
	return errors.Join(append(wrong, ctx.Err())...)
}
