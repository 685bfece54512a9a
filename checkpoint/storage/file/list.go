package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
)

// List returns a page of objects. Each page reads the folders that it comes through.
func (s *Store) List(ctx context.Context, prefix, after string) (storage.Page, error) {
	if err := storage.CheckListing(s.String(), prefix, after); err != nil {
		return storage.Page{}, err
	}
	w := walk{ctx: ctx, store: s, prefix: prefix, after: after}
	start := ""
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		start = prefix[:i+1]
	}
	err := w.folder(start)
	if errors.Is(err, errFull) {
		return storage.Page{Objects: w.found, More: true}, nil
	}
	if err != nil {
		return storage.Page{}, s.fail("list", prefix, err)
	}
	return storage.Page{Objects: w.found}, nil
}

// errFull ends a walk whose page is full.
var errFull = errors.New("the page is full")

// walk goes through folders in the order of the bytes of whole names, in which the slash after a folder's name counts: a-b comes before a/b.
type walk struct {
	ctx           context.Context
	store         *Store
	prefix, after string
	found         []storage.Object
}

// folder visits the folder of that name, which is empty or ends with a slash.
func (w *walk) folder(name string) error {
	if err := storage.Ended(w.ctx, "list", w.store.String(), w.prefix); err != nil {
		return err
	}
	entries, err := os.ReadDir(w.store.path(name))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil // nothing there, or not any more
	}
	if err != nil {
		return err
	}
	for _, entry := range inOrder(entries) {
		if err := w.entry(name, entry); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(folder string, entry fs.DirEntry) error {
	name := folder + entry.Name()
	if entry.IsDir() {
		name += "/"
		if !w.mayHold(name) {
			return nil
		}
		return w.folder(name)
	}
	if !entry.Type().IsRegular() || name <= w.after || !strings.HasPrefix(name, w.prefix) {
		return nil
	}
	info, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(w.found) == storage.PageSize {
		return errFull
	}
	w.found = append(w.found, storage.Object{Name: name, Size: info.Size(), Modified: info.ModTime()})
	return nil
}

// mayHold reports whether names in the folder can begin with the prefix and be greater than after.
func (w *walk) mayHold(folder string) bool {
	within := strings.HasPrefix(folder, w.prefix) || strings.HasPrefix(w.prefix, folder)
	passed := folder < w.after && !strings.HasPrefix(w.after, folder)
	return within && !passed
}

func inOrder(entries []fs.DirEntry) []fs.DirEntry {
	shown := slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return storage.CheckName(e.Name()) != nil })
	key := func(e fs.DirEntry) string {
		if e.IsDir() {
			return e.Name() + "/"
		}
		return e.Name()
	}
	slices.SortFunc(shown, func(a, b fs.DirEntry) int { return strings.Compare(key(a), key(b)) })
	return shown
}

// Delete removes the objects, and the folders that become empty.
func (s *Store) Delete(ctx context.Context, names ...string) error {
	if err := s.check(ctx, "delete", names...); err != nil {
		return err
	}
	folders := make(map[string]bool)
	for _, name := range names {
		if err := storage.Ended(ctx, "delete", s.String(), name); err != nil {
			return err
		}
		path := s.path(name)
		err := s.disk.remove(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, syscall.EISDIR) {
			return s.fail("delete", name, err)
		}
		folders[filepath.Dir(path)] = true
	}
	for folder := range folders {
		s.removeEmpty(folder)
	}
	return nil
}

// removeEmpty removes the folder and those above it as long as they are empty, below the store's own. Others may be about to write
// into it; they make it again.
func (s *Store) removeEmpty(folder string) {
	for folder != s.root && s.inside(folder) && syscall.Rmdir(folder) == nil {
		s.forget(folder)
		folder = filepath.Dir(folder)
	}
}

// Collect removes temporary files that were last written before a time; see [storage.Collector].
func (s *Store) Collect(ctx context.Context, prefix string, before time.Time) (count int, err error) {
	if err := storage.CheckListing(s.String(), prefix, ""); err != nil {
		return 0, err
	}
	folders := make(map[string]bool)
	err = filepath.WalkDir(s.path(prefix), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if ended := storage.Ended(ctx, "delete", s.String(), prefix); ended != nil {
			return ended
		}
		if !entry.Type().IsRegular() || !strings.HasPrefix(entry.Name(), temporaryMark) {
			return nil
		}
		info, err := entry.Info()
		if err != nil || !info.ModTime().Before(before) {
			return nil
		}
		if err := s.disk.remove(path); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		count++
		folders[filepath.Dir(path)] = true
		return nil
	})
	for folder := range folders {
		s.removeEmpty(folder)
	}
	if err != nil {
		return count, s.fail("delete", prefix, err)
	}
	return count, nil
}
