package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/weir-stream/weir/checkpoint/storage"
)

// LinkIn makes an immutable file outside of the store an object of it; see [storage.Linker].
func (s *Store) LinkIn(ctx context.Context, path, name string) error {
	if err := s.check(ctx, "link", name); err != nil {
		return err
	}
	to := s.path(name)
	if err := s.disk.syncFile(path); err != nil {
		return &storage.Error{Kind: storage.Refused, Op: "link", Store: s.String(), Object: name, Err: err}
	}
	var err error
	for range 5 {
		if err = s.makeFolder(filepath.Dir(to)); err != nil {
			break
		}
		if err = s.disk.link(path, to); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		s.forget(filepath.Dir(to))
	}
	if errors.Is(err, fs.ErrExist) {
		return &storage.Error{Kind: storage.Exists, Op: "link", Store: s.String(), Object: name}
	}
	if err == nil {
		err = s.disk.syncDir(filepath.Dir(to))
	}
	if err != nil {
		return s.fail("link", name, lost(err))
	}
	return nil
}

// LinkOut gives an object a path outside of the store too; see [storage.Linker].
func (s *Store) LinkOut(ctx context.Context, name, path string) error {
	if err := s.check(ctx, "link", name); err != nil {
		return err
	}
	if err := s.disk.link(s.path(name), path); err != nil {
		if _, missing := os.Lstat(s.path(name)); missing == nil {
			err = lost(err)
		}
		return s.fail("link", name, err)
	}
	return nil
}

var (
	_ storage.Linker    = (*Store)(nil)
	_ storage.Collector = (*Store)(nil)
)
