package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/fault"
	"github.com/weir-stream/weir/checkpoint/storage/file"
	"github.com/weir-stream/weir/checkpoint/storage/mem"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/message"
)

// brought is files in a store that are fetched into a folder.
type brought struct {
	t      *testing.T
	inner  storage.Store
	files  *fetches
	folder string
	refs   []*snapshot.FileRef
	// slept adds up the pauses.
	mu    sync.Mutex
	slept time.Duration
	said  lockedText
}

// bring makes so many files in the store; around is what they are fetched through.
func bring(t *testing.T, count int, inner storage.Store, around func(storage.Store) storage.Store) *brought {
	b := &brought{t: t, inner: inner, folder: t.TempDir()}
	through := around(inner)
	r := &restores{
		open: func(string) (storage.Store, error) { return through, nil },
		log:  slog.New(slog.NewTextHandler(&b.said, nil)),
		sleep: func(ctx context.Context, d time.Duration) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.slept += d
			return ctx.Err()
		},
	}
	from := &restoring{restores: r, restore: &message.Restore{Location: "memory://a/job/chk-1"}, folder: func() (string, error) { return b.folder, nil }}
	b.files = from.newFetches(&snapshot.Metadata{})
	for i := range count {
		body := []byte(fmt.Sprintf("the contents of file %d", i))
		name := fmt.Sprintf("shared/%d", i)
		sum, err := inner.Put(t.Context(), name, storage.Bytes(body))
		if err != nil {
			t.Fatal(err)
		}
		crc := uint32(sum)
		ref := &snapshot.FileRef{Name: name, Length: uint64(len(body)), Crc32C: &crc}
		b.refs = append(b.refs, ref)
		b.files.add(ref, i%2 == 0)
	}
	return b
}

func (b *brought) complete() {
	b.t.Helper()
	for i, ref := range b.refs {
		got := b.files.got[ref]
		content, err := got.content, error(nil)
		if i%2 == 0 {
			content, err = os.ReadFile(got.path)
		}
		if want := fmt.Sprintf("the contents of file %d", i); err != nil || string(content) != want {
			b.t.Errorf("file %d is %q, %v", i, content, err)
		}
	}
}

// gate lets nobody open a file before so many want to.
type gate struct {
	storage.Store
	mu      sync.Mutex
	opening int
	most    int
	came    int
	full    chan struct{}
	wait    int
}

func (g *gate) Open(ctx context.Context, name string) (storage.Reader, error) {
	g.mu.Lock()
	g.opening++
	g.most = max(g.most, g.opening)
	g.came++
	came := g.came
	g.mu.Unlock()
	if came == g.wait {
		othersGoOn()
		close(g.full)
	}
	<-g.full
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.opening--
	}()
	return g.Store.Open(ctx, name)
}

// othersGoOn lets goroutines that can run do so.
func othersGoOn() {
	for range 1000 {
		runtime.Gosched()
	}
}

// last fails to open a file when all others have been read.
type last struct {
	storage.Store
	name   string
	others sync.WaitGroup
}

func (l *last) Open(ctx context.Context, name string) (storage.Reader, error) {
	if name != l.name {
		defer l.others.Done()
		return l.Store.Open(ctx, name)
	}
	l.others.Wait()
	othersGoOn()
	return nil, &storage.Error{Kind: storage.NotFound, Op: "open", Object: name}
}

func TestTheFailureOfTheLastFileCounts(t *testing.T) {
	for i := range 20 {
		l := &last{name: "shared/3"}
		l.others.Add(3)
		b := bring(t, 4, mem.New("a", clock.System()), func(s storage.Store) storage.Store { l.Store = s; return l })
		if err := b.files.run(t.Context()); !errors.Is(err, storage.NotFound) {
			t.Fatalf("run %d: %v", i, err)
		}
	}
}

func TestFilesAreFetchedAtTheSameTimeButNotAll(t *testing.T) {
	g := &gate{full: make(chan struct{}), wait: fetchesAtOnce}
	b := bring(t, 40, mem.New("a", clock.System()), func(s storage.Store) storage.Store { g.Store = s; return g })
	if err := b.files.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.complete()
	if g.most > fetchesAtOnce {
		t.Errorf("%d were fetched at once", g.most)
	}
}

func TestFilesAreFetchedOneByOne(t *testing.T) {
	g := &gate{full: make(chan struct{}), wait: 1}
	b := bring(t, 7, mem.New("a", clock.System()), func(s storage.Store) storage.Store { g.Store = s; return g })
	b.files.oneByOne = true
	if err := b.files.run(t.Context()); err != nil || g.most != 1 {
		t.Errorf("%v, %d at once", err, g.most)
	}
	b.complete()
}

func failing(rules ...fault.Rule) func(storage.Store) storage.Store {
	return func(s storage.Store) storage.Store { return fault.New(s, fault.Script(rules...), clock.System()) }
}

// Storage that fails for now, also in the middle of a file, is asked again.
func TestFetchingIsTriedAgain(t *testing.T) {
	b := bring(t, 12, mem.New("a", clock.System()), failing(
		fault.Rule{Op: fault.Open, Times: 1, Name: "shared/3", Fault: fault.Fault{Kind: fault.Throttle}},
		fault.Rule{Op: fault.Stream, Times: fetchTries - 1, Name: "shared/4", Fault: fault.Fault{Kind: fault.Break, Bytes: 5}},
		fault.Rule{Op: fault.Stream, Times: 2, Name: "shared/5", Fault: fault.Fault{Kind: fault.Break, Bytes: 5}},
	))
	if err := b.files.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.complete()
	if want := firstFetchPause * (1 + (1 + 4 + 16) + (1 + 4)); b.slept != want {
		t.Errorf("slept for %v instead of %v", b.slept, want)
	}
	if said := b.said.String(); strings.Count(said, "503 SlowDown") != 1 {
		t.Error(said)
	}
	entries, err := os.ReadDir(b.folder)
	if err != nil || len(entries) != 6 {
		t.Errorf("%d files are left, %v", len(entries), err)
	}
}

func TestFetchingIsGivenUp(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault fault.Fault
		tries int
		kind  storage.Kind
	}{
		{"a service that stays away", fault.Fault{Kind: fault.Broken}, fetchTries, storage.Transient},
		{"no permission", fault.Fault{Kind: fault.Deny}, 1, storage.Refused},
		{"nothing there", fault.Fault{Kind: fault.Miss}, 1, storage.NotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			var through *fault.Store
			b := bring(t, 20, mem.New("a", clock.System()), func(s storage.Store) storage.Store {
				through = fault.New(s, fault.Script(fault.Rule{Op: fault.Open, Name: "shared/19", Times: -1, Fault: test.fault}), clock.System())
				return through
			})
			err := b.files.run(t.Context())
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), "shared/19") {
				t.Errorf("%v", err)
			}
			if n := through.Reached()[fault.Point{Op: fault.Open, Kind: test.fault.Kind}]; n != test.tries {
				t.Errorf("%d tries", n)
			}
		})
	}
}

// Damage is found in what is copied, linked and read alike.
func TestFetchedFilesAreVerified(t *testing.T) {
	stores := map[string]storage.Store{"copied": mem.New("a", clock.System())}
	local, err := file.Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	stores["linked"] = local
	for name, store := range stores {
		for damaged := range 2 {
			b := bring(t, 2, store, func(s storage.Store) storage.Store { return s })
			if _, err := store.Put(t.Context(), b.refs[damaged].Name, storage.Bytes([]byte("the contents of f_le 0"))); err != nil {
				t.Fatal(err)
			}
			var found *snapshot.DamagedError
			if err := b.files.run(t.Context()); !errors.As(err, &found) || !strings.Contains(found.Path, b.refs[damaged].Name) {
				t.Errorf("%s, file %d: %v", name, damaged, err)
			}
		}
	}
}

func TestFetchingEndsWithItsContext(t *testing.T) {
	b := bring(t, 20, mem.New("a", clock.System()), failing(fault.Rule{Op: fault.Open, Times: -1, Fault: fault.Fault{Kind: fault.Hang}}))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := b.files.run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
