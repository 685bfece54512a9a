package blob

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Store is a folder of blobs. Its methods may be called from any goroutine; one process owns the folder.
//
// A blob is written to a file of another name first, verified and then renamed, so that a file with a blob's name is whole. When the blobs take more
// than the limit, those that nobody holds and that were used longest ago are removed.
type Store struct {
	folder string
	limit  int64

	mu    sync.Mutex
	blobs map[Key]*entry
	used  int64
	turn  uint64 // counts uses
}

// entry is a blob in the folder.
type entry struct {
	size int64
	// holders is how many hold it, and last when it was last held.
	holders int
	last    uint64
	// checked is how the file was when it was last found to be what its key says.
	checked stamp
}

// stamp tells one version of a file from another.
type stamp struct {
	size     int64
	modified time.Time
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.Size(), info.ModTime()}, nil
}

const (
	// blobSuffix ends the names of whole blobs, partSuffix those of blobs that are being fetched, and newPrefix begins those that are being written.
	blobSuffix = ".blob"
	partSuffix = ".part"
	newPrefix  = "new-"
)

// ErrFull says that a blob has no room: what is there is in use.
var ErrFull = errors.New("the blobs in use take all the room that blobs may take")

// NotFound says that a store has no such blob.
type NotFound struct{ Key Key }

func (e *NotFound) Error() string { return fmt.Sprintf("there is no blob %s", e.Key) }

// Open returns the store in a folder, which is made if need be. limit is how many bytes its blobs may take; 0 is as many as there are.
func Open(folder string, limit int64) (*Store, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("folder of blobs: %w", err)
	}
	s := &Store{folder: folder, limit: limit, blobs: map[Key]*entry{}}
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("folder of blobs: %w", err)
	}
	for _, f := range files {
		if err := s.adopt(f); err != nil {
			return nil, fmt.Errorf("folder of blobs: %w", err)
		}
	}
	return s, nil
}

// adopt takes up a file that an earlier process has left. Parts stay, to be gone on with.
func (s *Store) adopt(f fs.DirEntry) error {
	name, whole := strings.CutSuffix(f.Name(), blobSuffix)
	key, err := ParseKey(name)
	switch {
	case strings.HasPrefix(f.Name(), newPrefix):
		return os.Remove(filepath.Join(s.folder, f.Name()))
	case !whole || err != nil:
		return nil
	}
	// What a process writes is not flushed to the disk, so that the machine's end may have torn it.
	found, size, err := keyOfFile(s.path(key))
	if err != nil {
		return err
	}
	if found != key {
		return os.Remove(s.path(key))
	}
	s.blobs[key] = &entry{size: size}
	s.used += size
	return nil
}

func keyOfFile(path string) (k Key, size int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return k, 0, err
	}
	defer file.Close()
	hash := sha256.New()
	size, err = io.Copy(hash, file)
	hash.Sum(k[:0])
	return k, size, err
}

// PutFile keeps a file that is not changed any more, in place of a copy where the file system allows it. The file may be removed afterwards.
func (s *Store) PutFile(path string) (Key, error) {
	k, size, err := keyOfFile(path)
	if err != nil {
		return k, fmt.Errorf("read a blob: %w", err)
	}
	if held, err := s.Hold(k); err == nil {
		held.Release()
		return k, nil
	}
	linked := filepath.Join(s.folder, newPrefix+k.String())
	if err := os.Link(path, linked); err != nil {
		return k, s.copyIn(path, size)
	}
	defer os.Remove(linked)
	file, err := os.Open(linked)
	if err != nil {
		return k, fmt.Errorf("write a blob: %w", err)
	}
	defer file.Close()
	return k, s.take(k, file, size)
}

func (s *Store) copyIn(path string, size int64) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read a blob: %w", err)
	}
	defer file.Close()
	_, _, err = s.Put(file, size)
	return err
}

func (s *Store) path(k Key) string { return filepath.Join(s.folder, k.String()+blobSuffix) }

// Put keeps what is read from r, of which there may be at most so many bytes.
func (s *Store) Put(r io.Reader, most int64) (k Key, size int64, err error) {
	file, err := os.CreateTemp(s.folder, newPrefix+"*")
	if err != nil {
		return k, 0, fmt.Errorf("write a blob: %w", err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	hash := sha256.New()
	size, err = io.Copy(io.MultiWriter(file, hash), io.LimitReader(r, most+1))
	switch {
	case err != nil:
		return k, 0, fmt.Errorf("write a blob: %w", err)
	case size > most:
		return k, 0, &TooLarge{Most: most}
	}
	hash.Sum(k[:0])
	return k, size, s.take(k, file, size)
}

// TooLarge says that a blob has more bytes than it may have.
type TooLarge struct{ Most int64 }

func (e *TooLarge) Error() string { return fmt.Sprintf("the blob is larger than %d bytes", e.Most) }

// take makes a verified file the blob of that key.
func (s *Store) take(k Key, file *os.File, size int64) error {
	if err := file.Chmod(0o500); err != nil { // it may be a binary that is run from here
		return fmt.Errorf("write blob %s: %w", k, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.blobs[k]; e != nil {
		s.use(e)
		return nil
	}
	if err := s.makeRoom(size); err != nil {
		return fmt.Errorf("keep blob %s of %d bytes: %w", k, size, err)
	}
	if err := os.Rename(file.Name(), s.path(k)); err != nil {
		return fmt.Errorf("keep blob %s: %w", k, err)
	}
	e := &entry{size: size}
	e.checked, _ = stampOf(s.path(k)) // without it the file is read once more
	s.use(e)
	s.blobs[k] = e
	s.used += size
	return nil
}

func (s *Store) use(e *entry) {
	s.turn++
	e.last = s.turn
}

// makeRoom removes blobs that nobody holds until so many bytes fit. The caller holds the lock.
func (s *Store) makeRoom(size int64) error {
	for s.limit > 0 && s.used+size > s.limit {
		var oldest Key
		var found *entry
		for k, e := range s.blobs {
			if e.holders == 0 && (found == nil || e.last < found.last) {
				oldest, found = k, e
			}
		}
		if found == nil {
			return ErrFull
		}
		if err := s.remove(oldest, found); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) remove(k Key, e *entry) error {
	if err := os.Remove(s.path(k)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	delete(s.blobs, k)
	s.used -= e.size
	return nil
}

// Held is a blob that stays until Release.
type Held struct {
	// Path is the file, which may be read and run and not changed.
	Path string
	Size int64

	release func()
}

// Release gives the blob back. It is called once.
func (h *Held) Release() { h.release() }

// Hold returns a blob that is here; the error is a [*NotFound] if it is not. A file that an earlier process has left, or that has changed since, is read
// first: one that is damaged is removed, and the blob is not here then.
func (s *Store) Hold(k Key) (*Held, error) {
	s.mu.Lock()
	e := s.blobs[k]
	if e == nil {
		s.mu.Unlock()
		return nil, &NotFound{k}
	}
	e.holders++
	s.use(e)
	checked := e.checked
	s.mu.Unlock()
	release := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		e.holders--
	}
	now, err := stampOf(s.path(k))
	if err == nil && now != checked {
		err = s.verify(k, e, now)
	}
	if err != nil {
		release()
		return nil, errors.Join(&NotFound{k}, s.discard(k, e))
	}
	return &Held{Path: s.path(k), Size: e.size, release: release}, nil
}

// verify reads a blob's file.
func (s *Store) verify(k Key, e *entry, now stamp) error {
	file, err := os.Open(s.path(k))
	if err != nil {
		return err
	}
	defer file.Close()
	hash, got := sha256.New(), Key{}
	if _, err := io.Copy(hash, file); err != nil {
		return err
	}
	if hash.Sum(got[:0]); got != k {
		return fmt.Errorf("the file of blob %s has the SHA-256 %s", k, got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e.checked = now
	return nil
}

// discard removes a blob whose file is damaged.
func (s *Store) discard(k Key, e *entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blobs[k] != e {
		return nil
	}
	return s.remove(k, e)
}

// Delete removes a blob. One that somebody holds is removed from the folder all the same: those who have opened it can go on reading it.
func (s *Store) Delete(k Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.blobs[k]
	if e == nil {
		return &NotFound{k}
	}
	return s.remove(k, e)
}

// Used is how many bytes the blobs take.
func (s *Store) Used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// CollectParts removes parts of blobs that nobody has gone on fetching since a time.
func (s *Store) CollectParts(before time.Time) error {
	parts, err := filepath.Glob(filepath.Join(s.folder, "*"+partSuffix))
	for _, part := range parts {
		info, statErr := os.Stat(part)
		if statErr == nil && info.ModTime().Before(before) {
			err = errors.Join(err, os.Remove(part))
		}
	}
	return err
}
