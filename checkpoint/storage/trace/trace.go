// Package trace is a store around another one that tells what is done to it, for tests that are about order.
package trace

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/weir-stream/weir/checkpoint/storage"
)

// Event is a call that has ended.
type Event struct {
	// Op is the method: create, put, read, open, read at, stream, stat, list, delete.
	Op string
	// Name is the object, the prefix of a listing, or all objects that were to be deleted, separated by spaces.
	Name string
	// Bytes is the number of bytes that were read or written, where the call knows it.
	Bytes int64
	// Err is how it ended.
	Err error
}

// String is a line such as "create log/000001 (17 bytes): exists already".
func (e Event) String() string {
	text := e.Op
	if e.Name != "" {
		text += " " + e.Name
	}
	if e.Bytes > 0 {
		text += fmt.Sprintf(" (%d bytes)", e.Bytes)
	}
	switch kind := storage.KindOf(e.Err); {
	case kind != 0:
		text += ": " + kind.Error()
	case e.Err != nil && e.Err != io.EOF:
		text += ": " + e.Err.Error()
	}
	return text
}

// Store tells of each call of the inner store when it ends.
type Store struct {
	inner storage.Store
	tell  func(Event)
}

// New returns a store that calls tell at the end of each call, on the caller's goroutine.
func New(inner storage.Store, tell func(Event)) *Store { return &Store{inner: inner, tell: tell} }

// Recorder gathers events. The zero value is ready; all methods may be called from any goroutine.
type Recorder struct {
	mu     sync.Mutex
	events []Event
}

// Tell adds an event, for [New].
func (r *Recorder) Tell(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// Take returns the events so far and forgets them.
func (r *Recorder) Take() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.events
	r.events = nil
	return taken
}

// Text is Take, one event a line.
func (r *Recorder) Text() string {
	var b strings.Builder
	for _, e := range r.Take() {
		b.WriteString(e.String() + "\n")
	}
	return b.String()
}

func (s *Store) said(op, name string, bytes int64, err error) {
	s.tell(Event{Op: op, Name: name, Bytes: bytes, Err: err})
}

// String is that of the inner store.
func (s *Store) String() string { return s.inner.String() }

// Create makes an object.
func (s *Store) Create(ctx context.Context, name string, body []byte) error {
	err := s.inner.Create(ctx, name, body)
	s.said("create", name, int64(len(body)), err)
	return err
}

// Put makes an object.
func (s *Store) Put(ctx context.Context, name string, source storage.Source) (storage.Checksum, error) {
	sum, err := s.inner.Put(ctx, name, source)
	s.said("put", name, source.Size(), err)
	return sum, err
}

// Read returns the whole object.
func (s *Store) Read(ctx context.Context, name string) ([]byte, error) {
	body, err := s.inner.Read(ctx, name)
	s.said("read", name, int64(len(body)), err)
	return body, err
}

// Open makes the object readable.
func (s *Store) Open(ctx context.Context, name string) (storage.Reader, error) {
	r, err := s.inner.Open(ctx, name)
	s.said("open", name, 0, err)
	if err != nil {
		return nil, err
	}
	return &reader{r, s, name}, nil
}

// Stat tells whether the object is there.
func (s *Store) Stat(ctx context.Context, name string) (storage.Object, error) {
	object, err := s.inner.Stat(ctx, name)
	s.said("stat", name, 0, err)
	return object, err
}

// List returns a page.
func (s *Store) List(ctx context.Context, prefix, after string) (storage.Page, error) {
	page, err := s.inner.List(ctx, prefix, after)
	s.said("list", prefix, 0, err)
	return page, err
}

// Delete removes the objects.
func (s *Store) Delete(ctx context.Context, names ...string) error {
	err := s.inner.Delete(ctx, names...)
	s.said("delete", strings.Join(names, " "), 0, err)
	return err
}

type reader struct {
	storage.Reader
	store *Store
	name  string
}

func (r *reader) ReadAt(p []byte, offset int64) (int, error) {
	n, err := r.Reader.ReadAt(p, offset)
	r.store.said("read at", r.name, int64(n), err)
	return n, err
}

func (r *reader) Stream(offset, length int64) io.ReadCloser {
	r.store.said("stream", r.name, length, nil)
	return r.Reader.Stream(offset, length)
}

var _ storage.Store = (*Store)(nil)
