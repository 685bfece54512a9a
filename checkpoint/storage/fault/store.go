package fault

import (
	"bytes"
	"context"
	"io"
	"maps"
	"sync"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/clock"
)

// Store is the inner store with faults. It starts no goroutines.
type Store struct {
	inner storage.Store
	clock clock.Clock

	mu      sync.Mutex
	plan    Plan
	calls   map[Op]int
	reached map[Point]int
}

// Point is a kind of fault at an operation.
type Point struct {
	Op   Op
	Kind Kind
}

// New returns the inner store with the faults of the plan. The clock is for delays.
func New(inner storage.Store, plan Plan, clock clock.Clock) *Store {
	return &Store{inner: inner, plan: plan, clock: clock, calls: make(map[Op]int), reached: make(map[Point]int)}
}

// Follow replaces the plan from the next call on.
func (s *Store) Follow(plan Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = plan
}

// Reached is how often each point has been reached; those of kind None are the calls that passed.
func (s *Store) Reached() map[Point]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.reached)
}

// String is that of the inner store.
func (s *Store) String() string { return s.inner.String() }

// begin draws the fault of a call and does of it what comes before the call. After an error the call must not be made.
func (s *Store) begin(ctx context.Context, op Op, name string) (Fault, error) {
	f := s.draw(op, name)
	if kind, err := f.Kind.refusal(); err != nil {
		return f, s.fail(kind, op, name, err)
	}
	switch f.Kind {
	case Delay:
		if err := s.clock.Sleep(ctx, f.Delay); err != nil {
			return f, s.fail(storage.Transient, op, name, context.Cause(ctx))
		}
	case Hang:
		<-ctx.Done()
		return f, s.fail(lostKind(op), op, name, context.Cause(ctx))
	case Late:
		<-ctx.Done()
	}
	return f, nil
}

func (s *Store) draw(op Op, name string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	f := s.plan(Call{Op: op, Name: name, Count: s.calls[op]})
	if f.Kind == "" {
		f.Kind = None
	}
	s.reached[Point{op, f.Kind}]++
	return f
}

func (s *Store) fail(kind storage.Kind, op Op, name string, err error) error {
	return &storage.Error{Kind: kind, Op: string(op), Store: s.String(), Object: name, Err: err}
}

// lostKind is what it means that no answer came.
func lostKind(op Op) storage.Kind {
	if op == Create {
		return storage.Ambiguous
	}
	return storage.Transient
}

// end makes of the result of a call what its fault leaves of it.
func (s *Store) end(ctx context.Context, f Fault, op Op, name string, err error) error {
	switch f.Kind {
	case Lose:
		return s.fail(lostKind(op), op, name, errLost)
	case Late:
		return s.fail(lostKind(op), op, name, context.Cause(ctx))
	}
	return err
}

// inside is the context that the inner store sees.
func (f Fault) inside(ctx context.Context) context.Context {
	if f.Kind == Late {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// Create makes an object.
func (s *Store) Create(ctx context.Context, name string, body []byte) error {
	f, err := s.begin(ctx, Create, name)
	if err != nil {
		return err
	}
	if f.Kind == Tear || f.Kind == TearSilently {
		err := s.inner.Create(ctx, name, body[:f.keep(int64(len(body)))])
		if err == nil && f.Kind == Tear {
			err = s.fail(storage.Ambiguous, Create, name, errTorn)
		}
		return err
	}
	return s.end(ctx, f, Create, name, s.inner.Create(f.inside(ctx), name, body))
}

// keep is how many of size bytes a tear leaves.
func (f Fault) keep(size int64) int64 { return max(0, min(f.Bytes, size-1)) }

// Put makes an object.
func (s *Store) Put(ctx context.Context, name string, source storage.Source) (storage.Checksum, error) {
	f, err := s.begin(ctx, Put, name)
	if err != nil {
		return 0, err
	}
	if f.Kind == Tear || f.Kind == TearSilently {
		return s.tear(ctx, f, name, source)
	}
	sum, err := s.inner.Put(f.inside(ctx), name, source)
	return sum, s.end(ctx, f, Put, name, err)
}

// tear stores the beginning of the source and claims, if it is silent, that it was all of it.
func (s *Store) tear(ctx context.Context, f Fault, name string, source storage.Source) (storage.Checksum, error) {
	content, err := source.Open()
	if err != nil {
		return 0, s.fail(storage.Refused, Put, name, err)
	}
	defer content.Close()
	whole := storage.NewSummer(content.Section(0, content.Size()))
	if _, err := io.Copy(io.Discard, whole); err != nil {
		return 0, s.fail(storage.Transient, Put, name, err)
	}
	kept := f.keep(content.Size())
	if _, err := s.inner.Put(ctx, name, storage.Section(content.Section(0, kept), kept)); err != nil {
		return 0, err
	}
	if f.Kind == Tear {
		return 0, s.fail(storage.Transient, Put, name, errTorn)
	}
	return whole.Sum(), nil
}

// Read returns the whole object.
func (s *Store) Read(ctx context.Context, name string) ([]byte, error) {
	f, err := s.begin(ctx, Read, name)
	if err != nil {
		return nil, err
	}
	if f.Kind == Miss {
		return nil, s.fail(storage.NotFound, Read, name, nil)
	}
	body, err := s.inner.Read(f.inside(ctx), name)
	return f.spoil(bytes.Clone(body)), s.end(ctx, f, Read, name, err)
}

// spoil cuts bytes or flips a bit in them, in place.
func (f Fault) spoil(p []byte) []byte {
	switch {
	case f.Kind == Cut:
		return p[:min(f.Bytes, int64(len(p)))]
	case f.Kind == Flip && len(p) > 0:
		p[min(f.Bytes, int64(len(p)-1))] ^= 4
	}
	return p
}

// Open makes the object readable.
func (s *Store) Open(ctx context.Context, name string) (storage.Reader, error) {
	f, err := s.begin(ctx, Open, name)
	if err != nil {
		return nil, err
	}
	if f.Kind == Miss {
		return nil, s.fail(storage.NotFound, Open, name, nil)
	}
	r, err := s.inner.Open(f.inside(ctx), name)
	if err = s.end(ctx, f, Open, name, err); err != nil {
		if r != nil {
			r.Close()
		}
		return nil, err
	}
	return &reader{Reader: r, ctx: ctx, store: s, name: name}, nil
}

// Stat tells whether the object is there.
func (s *Store) Stat(ctx context.Context, name string) (storage.Object, error) {
	f, err := s.begin(ctx, Stat, name)
	if err != nil {
		return storage.Object{}, err
	}
	if f.Kind == Miss {
		return storage.Object{}, s.fail(storage.NotFound, Stat, name, nil)
	}
	object, err := s.inner.Stat(f.inside(ctx), name)
	return object, s.end(ctx, f, Stat, name, err)
}

// List returns a page.
func (s *Store) List(ctx context.Context, prefix, after string) (storage.Page, error) {
	f, err := s.begin(ctx, List, prefix)
	if err != nil || f.Kind == Miss {
		return storage.Page{}, err
	}
	page, err := s.inner.List(f.inside(ctx), prefix, after)
	return page, s.end(ctx, f, List, prefix, err)
}

// Delete removes the objects. A torn one removes only the first.
func (s *Store) Delete(ctx context.Context, names ...string) error {
	first := ""
	if len(names) > 0 {
		first = names[0]
	}
	f, err := s.begin(ctx, Delete, first)
	if err != nil {
		return err
	}
	if f.Kind == Tear && len(names) > 0 {
		if err := s.inner.Delete(ctx, first); err != nil {
			return err
		}
		return s.fail(storage.Transient, Delete, first, errTorn)
	}
	return s.end(ctx, f, Delete, first, s.inner.Delete(f.inside(ctx), names...))
}

// reader is an opened object whose reads fail.
type reader struct {
	storage.Reader
	ctx   context.Context
	store *Store
	name  string
}

func (r *reader) ReadAt(p []byte, offset int64) (int, error) {
	f, err := r.store.begin(r.ctx, ReadAt, r.name)
	if err != nil {
		return 0, err
	}
	n, err := r.Reader.ReadAt(p, offset)
	if left := f.spoil(p[:n]); len(left) < n {
		return len(left), io.EOF
	}
	return n, r.store.end(r.ctx, f, ReadAt, r.name, err)
}

func (r *reader) Stream(offset, length int64) io.ReadCloser {
	f, err := r.store.begin(r.ctx, Stream, r.name)
	if err != nil {
		return storage.FailedStream(err)
	}
	return &stream{ReadCloser: r.Reader.Stream(offset, length), reader: r, fault: f, length: length}
}

// stream spoils what is read through it.
type stream struct {
	io.ReadCloser
	reader *reader
	fault  Fault
	length int64
	at     int64
}

func (s *stream) Read(p []byte) (int, error) {
	left := s.fault.Bytes - s.at
	switch s.fault.Kind {
	case Cut, Break:
		if left <= 0 && s.fault.Kind == Cut {
			return 0, io.EOF
		}
		if left <= 0 {
			return 0, s.reader.store.fail(storage.Transient, Stream, s.reader.name, errLost)
		}
		p = p[:min(left, int64(len(p)))]
	}
	n, err := s.ReadCloser.Read(p)
	if at := min(s.fault.Bytes, s.length-1); s.fault.Kind == Flip && s.at <= at && at < s.at+int64(n) {
		p[at-s.at] ^= 4
	}
	s.at += int64(n)
	return n, err
}

var _ storage.Store = (*Store)(nil)
