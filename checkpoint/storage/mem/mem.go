// Package mem is a store in the memory of one process, for tests, the simulation and jobs that need no checkpoint beyond their process.
package mem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/clock"
)

// Store holds objects in memory. It starts no goroutines and never waits.
type Store struct {
	name  string
	clock clock.Clock

	mu      sync.Mutex
	objects map[string]object
}

// object has a body that is never changed.
type object struct {
	storage.Object
	body []byte
}

// New returns an empty store that is written mem://name. Two of the same name have nothing to do with each other.
func New(name string, clock clock.Clock) *Store {
	return &Store{name: name, clock: clock, objects: make(map[string]object)}
}

// String returns mem://name.
func (s *Store) String() string {
	return storage.Location{Scheme: storage.SchemeMemory, Bucket: s.name}.String()
}

// Clone returns a store with the same objects, from where both go their own ways.
func (s *Store) Clone() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	clone := New(s.name, s.clock)
	for name, o := range s.objects {
		clone.objects[name] = o
	}
	return clone
}

// Create makes the object; see [storage.Store].
func (s *Store) Create(ctx context.Context, name string, body []byte) error {
	if err := s.check(ctx, "create", name); err != nil {
		return err
	}
	if err := storage.CheckBody(s.String(), name, body); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.objects[name]; ok {
		return &storage.Error{Kind: storage.Exists, Op: "create", Store: s.String(), Object: name}
	}
	s.set(name, bytes.Clone(body))
	return nil
}

// Put makes the object; see [storage.Store]. The whole of it is in memory, of course.
func (s *Store) Put(ctx context.Context, name string, source storage.Source) (storage.Checksum, error) {
	if err := s.check(ctx, "put", name); err != nil {
		return 0, err
	}
	content, err := source.Open()
	if err != nil {
		return 0, s.fail(storage.Refused, "put", name, err)
	}
	defer content.Close()
	body := make([]byte, content.Size())
	n, err := io.ReadFull(content.Section(0, content.Size()), body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return 0, s.fail(storage.Transient, "put", name, err)
	}
	sum := storage.ChecksumOf(body[:n])
	if err := content.Agree(int64(n), sum); err != nil {
		return 0, s.fail(storage.Damaged, "put", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(name, body)
	return sum, nil
}

func (s *Store) set(name string, body []byte) {
	s.objects[name] = object{storage.Object{Name: name, Size: int64(len(body)), Modified: s.clock.Now()}, body}
}

// Read returns the whole object.
func (s *Store) Read(ctx context.Context, name string) ([]byte, error) {
	o, err := s.find(ctx, "read", name)
	if err == nil && o.Size > storage.MaxBody {
		err = s.fail(storage.Refused, "read", name, fmt.Errorf("%d bytes, the limit is %d", o.Size, storage.MaxBody))
	}
	return bytes.Clone(o.body), err
}

// Open makes the object readable.
func (s *Store) Open(ctx context.Context, name string) (storage.Reader, error) {
	o, err := s.find(ctx, "open", name)
	if err != nil {
		return nil, err
	}
	return &reader{ctx: ctx, store: s, object: o}, nil
}

// Stat tells whether the object is there.
func (s *Store) Stat(ctx context.Context, name string) (storage.Object, error) {
	o, err := s.find(ctx, "stat", name)
	return o.Object, err
}

func (s *Store) find(ctx context.Context, op, name string) (object, error) {
	if err := s.check(ctx, op, name); err != nil {
		return object{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[name]
	if !ok {
		return object{}, s.fail(storage.NotFound, op, name, nil)
	}
	return o, nil
}

// List returns a page of objects.
func (s *Store) List(ctx context.Context, prefix, after string) (storage.Page, error) {
	if err := errors.Join(storage.Ended(ctx, "list", s.String(), prefix), storage.CheckListing(s.String(), prefix, after)); err != nil {
		return storage.Page{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []storage.Object
	for name, o := range s.objects {
		if strings.HasPrefix(name, prefix) && name > after {
			found = append(found, o.Object)
		}
	}
	slices.SortFunc(found, func(a, b storage.Object) int { return strings.Compare(a.Name, b.Name) })
	if len(found) > storage.PageSize {
		return storage.Page{Objects: found[:storage.PageSize:storage.PageSize], More: true}, nil
	}
	return storage.Page{Objects: found}, nil
}

// Delete removes the objects.
func (s *Store) Delete(ctx context.Context, names ...string) error {
	if err := s.check(ctx, "delete", names...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		delete(s.objects, name)
	}
	return nil
}

func (s *Store) check(ctx context.Context, op string, names ...string) error {
	if err := storage.CheckNames(op, s.String(), names...); err != nil {
		return err
	}
	return storage.Ended(ctx, op, s.String(), strings.Join(names[:min(len(names), 1)], ""))
}

func (s *Store) fail(kind storage.Kind, op, name string, err error) error {
	return &storage.Error{Kind: kind, Op: op, Store: s.String(), Object: name, Err: err}
}

// reader reads the body that the object had when it was opened.
type reader struct {
	ctx    context.Context
	store  *Store
	object object
}

func (r *reader) Size() int64  { return r.object.Size }
func (r *reader) Close() error { return nil }

func (r *reader) ReadAt(p []byte, offset int64) (int, error) {
	if err := storage.Ended(r.ctx, "read", r.store.String(), r.object.Name); err != nil {
		return 0, err
	}
	return bytes.NewReader(r.object.body).ReadAt(p, offset)
}

func (r *reader) Stream(offset, length int64) io.ReadCloser {
	return storage.StreamOf(r, r.store.String(), r.object.Name, offset, length)
}
