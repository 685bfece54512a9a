// Package jars keeps job binaries that were uploaded: Flink's jars. They lie in one folder, named by a random id and the name that they came with; a file
// that was not received whole never gets such a name.
package jars

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/route"
)

// Jar is a job binary.
type Jar struct {
	// ID is the file's name in the folder, Name the one that it was uploaded with, Path the file's.
	ID, Name, Path string
	Size           int64
	Uploaded       time.Time
}

// The ways in which a store refuses.
var (
	ErrUnknown = errors.New("there is no such jar")
	ErrName    = errors.New("this is no name for a jar")
	ErrTooBig  = errors.New("the upload is too big")
	ErrDigest  = errors.New("what has arrived is not what was sent: the SHA-256 digest differs")
)

// Store is a folder of job binaries. Any goroutine may use it.
type Store struct {
	dir      string
	root     *os.Root // nothing outside of the folder is reached through it
	one, all int64

	mu       sync.Mutex // guards the following
	reserved int64      // bytes for uploads under way
}

// partial begins the names of files that are being received.
const partial = ".receiving-"

// Open opens the folder, which it makes if need be, and removes what was not received whole. A jar may have as many bytes as one says, and all of them together as many as all; 0 is no
// limit.
func Open(dir string, one, all int64) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("folder for uploaded jars: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("folder for uploaded jars: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("folder for uploaded jars: %w", err)
	}
	s := &Store{dir: dir, root: root, one: one, all: all}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("folder for uploaded jars: %w", err), root.Close())
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), partial) {
			_ = root.Remove(e.Name()) // it is in nobody's way if it stays
		}
	}
	return s, nil
}

// Close ends the use of the folder. The jars stay.
func (s *Store) Close() error { return s.root.Close() }

// Receive stores what body has under the name. digest, if there is one, is the SHA-256 that it must have. When Receive returns without an error the
// file is on disk; otherwise there is none. Errors are ErrName, ErrTooBig, ErrDigest, or those of body and of the disk.
func (s *Store) Receive(name string, body io.Reader, digest []byte) (Jar, error) {
	if !route.FileName(name) || !strings.HasSuffix(name, ".jar") {
		return Jar{}, fmt.Errorf("%w: %q", ErrName, name)
	}
	room, err := s.reserve()
	if err != nil {
		return Jar{}, err
	}
	defer s.giveBack(room)
	id := uuid() + "_" + name
	if !route.FileName(partial + id) {
		return Jar{}, fmt.Errorf("%w: %q is too long", ErrName, name)
	}
	if err := s.write(partial+id, body, room, digest); err != nil {
		return Jar{}, errors.Join(err, ignoreMissing(s.root.Remove(partial+id)))
	}
	if err := s.root.Rename(partial+id, id); err != nil {
		return Jar{}, errors.Join(err, ignoreMissing(s.root.Remove(partial+id)))
	}
	return s.Find(id)
}

// reserve sets room aside for an upload: as many bytes as it may have, -1 without a limit. They must be given back when it has ended.
func (s *Store) reserve() (room int64, err error) {
	room = -1
	if s.one > 0 {
		room = s.one
	}
	if s.all == 0 {
		return room, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, err := s.List()
	if err != nil {
		return 0, err
	}
	left := s.all - s.reserved
	for _, jar := range stored {
		left -= jar.Size
	}
	if left <= 0 {
		return 0, fmt.Errorf("%w: the uploaded jars, with those under way, take %d bytes or more; delete some", ErrTooBig, s.all)
	}
	if room < 0 || left < room {
		room = left
	}
	s.reserved += room
	return room, nil
}

func (s *Store) giveBack(room int64) {
	if s.all == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved -= room
}

func (s *Store) write(name string, body io.Reader, room int64, digest []byte) (err error) {
	file, err := s.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700) // executable
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	hash := sha256.New()
	if room >= 0 {
		body = io.LimitReader(body, room+1)
	}
	n, err := io.Copy(io.MultiWriter(file, hash), body)
	switch {
	case err != nil:
		return err
	case room >= 0 && n > room:
		return fmt.Errorf("%w: more than %d bytes", ErrTooBig, room)
	case digest != nil && subtle.ConstantTimeCompare(digest, hash.Sum(nil)) != 1:
		return ErrDigest
	}
	return file.Sync()
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// uuid is a random id in the form of a UUID.
func uuid() string {
	text := ident.NewID().String()
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}

// List returns the jars, the latest first.
func (s *Store) List() ([]Jar, error) {
	entries, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("folder of uploaded jars: %w", err)
	}
	var all []Jar
	for _, e := range entries {
		if jar, err := s.Find(e.Name()); err == nil {
			all = append(all, jar)
		}
	}
	slices.SortStableFunc(all, func(a, b Jar) int { return b.Uploaded.Compare(a.Uploaded) })
	return all, nil
}

// Find returns the jar of that id. The error is ErrUnknown if there is none.
func (s *Store) Find(id string) (Jar, error) {
	_, name, ok := strings.Cut(id, "_")
	if !ok || !route.FileName(id) || strings.HasPrefix(id, ".") || !strings.HasSuffix(id, ".jar") {
		return Jar{}, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	info, err := s.root.Lstat(id)
	if err != nil || !info.Mode().IsRegular() {
		return Jar{}, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	return Jar{ID: id, Name: name, Path: s.Path(id), Size: info.Size(), Uploaded: info.ModTime()}, nil
}

// Path is where a jar of that id would be.
func (s *Store) Path(id string) string { return filepath.Join(s.dir, id) }

// Dir is the folder.
func (s *Store) Dir() string { return s.dir }

// Delete removes a jar. The error is ErrUnknown if there is none.
func (s *Store) Delete(id string) error {
	if _, err := s.Find(id); err != nil {
		return err
	}
	return s.root.Remove(id)
}
