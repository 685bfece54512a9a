// Package file is a store in a local folder, or in one that is mounted from elsewhere if its link and fsync do what POSIX says.
//
// An object is written under a temporary name in its folder, synced, and then gets its name in one step: by link(2) if it must be the
// first of the name, else by rename(2); then the folder is synced. A crash leaves temporary files at most, whose names begin with a dot so
// that no listing shows them and [Store.Collect] finds them.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/weir-stream/weir/checkpoint/storage"
)

// Store is a folder. A call that hangs in the file system cannot be interrupted; contexts are looked at between the steps.
type Store struct {
	root string
	disk disk

	mu sync.Mutex
	// durable are the folders that this store knows to be there whatever happens.
	durable map[string]bool
}

// Open returns the store in the folder, an absolute path. Nothing is touched; a folder that is missing is made by the first write.
func Open(root string) (*Store, error) {
	if !filepath.IsAbs(root) {
		return nil, fmt.Errorf("storage folder %q: the path must be absolute", root)
	}
	return open(root, system{}), nil
}

func open(root string, disk disk) *Store {
	return &Store{root: filepath.Clean(root), disk: disk, durable: make(map[string]bool)}
}

// String returns the folder as a file: URL.
func (s *Store) String() string {
	return storage.Location{Scheme: storage.SchemeFile, Path: s.root}.String()
}

func (s *Store) path(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

func (s *Store) check(ctx context.Context, op string, names ...string) error {
	if err := storage.CheckNames(op, s.String(), names...); err != nil {
		return err
	}
	return storage.Ended(ctx, op, s.String(), strings.Join(names[:min(len(names), 1)], ""))
}

// Read returns the whole object.
func (s *Store) Read(ctx context.Context, name string) ([]byte, error) {
	r, err := s.open(ctx, "read", name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.size > storage.MaxBody {
		return nil, &storage.Error{
			Kind: storage.Refused, Op: "read", Store: s.String(), Object: name,
			Err: fmt.Errorf("%d bytes, the limit is %d", r.size, storage.MaxBody),
		}
	}
	body := make([]byte, r.size)
	_, err = io.ReadFull(r.Stream(0, r.size), body)
	return body, err
}

// Open makes the object readable.
func (s *Store) Open(ctx context.Context, name string) (storage.Reader, error) {
	r, err := s.open(ctx, "open", name)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (s *Store) open(ctx context.Context, op, name string) (*reader, error) {
	if err := s.check(ctx, op, name); err != nil {
		return nil, err
	}
	f, err := os.Open(s.path(name))
	if err != nil {
		return nil, s.fail(op, name, s.absent(err))
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		f.Close()
		return nil, s.fail(op, name, err)
	}
	return &reader{ctx: ctx, store: s, name: name, file: f, size: info.Size()}, nil
}

// Stat tells whether the object is there.
func (s *Store) Stat(ctx context.Context, name string) (storage.Object, error) {
	if err := s.check(ctx, "stat", name); err != nil {
		return storage.Object{}, err
	}
	info, err := os.Stat(s.path(name))
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return storage.Object{}, s.fail("stat", name, s.absent(err))
	}
	return storage.Object{Name: name, Size: info.Size(), Modified: info.ModTime()}, nil
}

// absent turns "not a directory" into "no such file", unless it is the store's own folder that is none.
func (s *Store) absent(err error) error {
	if !errors.Is(err, syscall.ENOTDIR) {
		return err
	}
	if info, rootErr := os.Stat(s.root); rootErr != nil || !info.IsDir() {
		return err
	}
	return fs.ErrNotExist
}

// reader is an open file. Whoever deletes or replaces the object does not disturb it.
type reader struct {
	ctx   context.Context
	store *Store
	name  string
	file  *os.File
	size  int64
}

func (r *reader) Size() int64  { return r.size }
func (r *reader) Close() error { return r.file.Close() }

func (r *reader) ReadAt(p []byte, offset int64) (int, error) {
	if err := storage.Ended(r.ctx, "read", r.store.String(), r.name); err != nil {
		return 0, err
	}
	n, err := r.file.ReadAt(p, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, r.store.fail("read", r.name, err)
	}
	return n, err
}

func (r *reader) Stream(offset, length int64) io.ReadCloser {
	return storage.StreamOf(r, r.store.String(), r.name, offset, length)
}
