package pebble

import (
	"errors"
	"fmt"
	"io"
	"math/rand"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// everything is a database with a part of each kind.
type everything struct {
	db    *Database
	s     *subject
	panes state.Panes[int64]
	timer state.Timers[string]
}

func openEverything(t testing.TB, files vfs.FS) *everything {
	t.Helper()
	return openEverythingOf(t, Options{Folder: "state", Memory: 128 << 10, files: files})
}

func openEverythingOf(t testing.TB, o Options) *everything {
	t.Helper()
	e := &everything{db: openDatabase(t, o)}
	e.s = newSubject(t, e.db)
	count := countDescriptor(t)
	count.Number = 800
	var err error
	if e.panes, err = NewPanes(e.db, intKeys(t), []state.Descriptor{count}); err != nil {
		t.Fatal(err)
	}
	e.timer = NewTimers(e.db, stringKeys(t), 900)
	return e
}

// work uses all parts and returns the failure that ends it, or what else it panics with.
func (e *everything) work(steps int, each func(step int)) (failed any) {
	defer func() { failed = recover() }()
	source := rand.New(rand.NewSource(11))
	for step := range steps {
		each(step)
		key := fmt.Sprint("key ", source.Intn(4000))
		e.s.seek(key)
		switch step % 8 {
		case 0:
			e.s.f.Count.Update(func(n *int64) { *n++ })
		case 1:
			e.s.f.Name.Set(strings.Repeat("n", 200))
		case 2:
			e.s.f.Items.Add("an item")
		case 3:
			e.s.f.Counts.Put(int64(step%50), 1)
		case 4:
			e.s.f.Items.Slice()
			e.s.f.Counts.Len()
		case 5:
			n := int64(source.Intn(3000))
			*(*int64)(must(e.pane(int64(step/4000), n).Value(0).Store())) = n
		case 6:
			e.timer.Register(key, keygroup.HashString(key), int64(step))
		case 7:
			e.timer.Take(int64(step/2), make([]state.Timer[string], 0, 2))
		}
		if step%4000 == 3999 {
			e.s.backend.Len()
			e.s.backend.Scan(20, func() {})
			e.panes.Drop(int64(step/4000 - 2))
			if err := e.panes.Export(allGroups, func(_, _ []byte) error { return nil }); err != nil {
				panic(err)
			}
		}
	}
	return nil
}

// pane makes a key of a pane current.
func (e *everything) pane(at, key int64) state.Backend[int64] {
	pane := e.panes.Pane(at)
	pane.Seek(key, keygroup.HashWord(uint64(key)))
	return pane
}

func (e *everything) parts() []state.Durable {
	return []state.Durable{e.s.backend, e.panes, e.timer}
}

// spill writes all there is to Pebble.
func (e *everything) spill() {
	for _, m := range e.db.budget.members {
		m.shed(0)
	}
}

func (e *everything) close() error {
	e.s.backend.Close()
	e.panes.Close()
	e.timer.Close()
	return e.db.Close()
}

// A disk that fails in any way ends in a Failure that says what to do, never in waiting, and closing gives everything back.
func TestEveryFailure(t *testing.T) {
	kinds := map[string][]errorfs.OpKind{
		"create": {errorfs.OpCreate}, "write": {errorfs.OpFileWrite, errorfs.OpFileWriteAt}, "open": {errorfs.OpOpen},
		"read": {errorfs.OpFileRead, errorfs.OpFileReadAt},
	}
	for name, kinds := range kinds {
		for _, from := range []int{3000, 12_000} {
			t.Run(fmt.Sprint(name, " from step ", from), func(t *testing.T) {
				before := runtime.NumGoroutine()
				var broken atomic.Bool
				inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
					if broken.Load() && slices.Contains(kinds, op.Kind) && strings.HasSuffix(op.Path, ".sst") {
						return errorfs.ErrInjected
					}
					return nil
				})
				files := &tracked{FS: errorfs.Wrap(vfs.NewMem(), inject)}
				e := openEverything(t, files)
				failed := e.work(40_000, func(step int) {
					if step == from {
						broken.Store(true)
					}
				})
				if failed == nil && name != "open" { // files stay open once they are
					t.Error("nothing failed")
				}
				checkFailure(t, failed)
				checkClosed(t, e, files, before)
			})
		}
	}
}

// A store that cannot be opened is a Failure, too, whichever operation fails.
func TestFailureToOpen(t *testing.T) {
	failures := 0
	for index, reached := int32(0), true; reached; index++ {
		before := runtime.NumGoroutine()
		var operations atomic.Int32
		inject := errorfs.InjectorFunc(func(errorfs.Op) error {
			if operations.Add(1)-1 == index {
				return errorfs.ErrInjected
			}
			return nil
		})
		files := &tracked{FS: errorfs.Wrap(vfs.NewMem(), inject)}
		db, err := Open(Options{Folder: "state", Memory: 128 << 10, files: files, Groups: allGroups, MaxParallelism: 128})
		if err != nil {
			if !errors.Is(err, errorfs.ErrInjected) || !strings.Contains(err.Error(), "folder") {
				t.Fatalf("operation %d: %v", index, err)
			}
			continue
		}
		failed := func() (failed any) {
			defer func() { failed = recover() }()
			db.store()
			return nil
		}()
		reached = operations.Load() > index
		if checkFailure(t, failed); failed != nil {
			failures++
		}
		if err := db.Close(); err != nil && !errors.Is(err, errorfs.ErrInjected) {
			t.Fatalf("operation %d: %v", index, err)
		}
		if failed == nil { // else Pebble forgets some of what it had begun
			checkFreed(t, files, before)
		}
	}
	if failures < 5 {
		t.Errorf("it failed for %d operations only", failures)
	}
}

// Nothing that was opened stays open after an orderly end either.
func TestNothingIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	files := &tracked{FS: vfs.NewMem()}
	e := openEverything(t, files)
	if failed := e.work(24_000, func(int) {}); failed != nil {
		t.Fatal(failed)
	}
	if files.open.Load() == 0 {
		t.Error("nothing was tested")
	}
	checkClosed(t, e, files, before)
}

// What is used after its end says so.
func TestUseAfterClose(t *testing.T) {
	db := openDatabase(t, Options{Memory: 64 << 10})
	s := newSubject(t, db)
	closeAll(t, db)
	defer func() {
		if failure, ok := recover().(*state.Failure); !ok || !strings.Contains(failure.Error(), "closed") {
			t.Errorf("failed with %v", failure)
		}
	}()
	for i := range 10_000 {
		s.seek(fmt.Sprint("key ", i))
		s.f.Name.Set(strings.Repeat("n", 100))
	}
}

func checkFailure(t *testing.T, failed any) {
	t.Helper()
	if failed == nil {
		return
	}
	failure, ok := failed.(*state.Failure)
	if !ok || !errors.Is(failure, errorfs.ErrInjected) || !failure.Environmental() {
		t.Fatalf("it failed with %v", failed)
	}
	for _, part := range []string{"cannot ", " keyed state: ", "injected", "io.tmp.dirs"} {
		if !strings.Contains(failure.Error(), part) {
			t.Errorf("%q lacks %q", failure, part)
		}
	}
}

func checkClosed(t *testing.T, e *everything, files *tracked, before int) {
	t.Helper()
	if err := e.close(); err != nil && !errors.Is(err, errorfs.ErrInjected) { // also of iterators that were left open
		t.Error(err)
	}
	if e.db.budget.used != 0 || e.db.room.used != 0 {
		t.Errorf("%d bytes of tables and %d of sets are left", e.db.budget.used, e.db.room.used)
	}
	checkFreed(t, files, before)
}

// checkFreed waits until the goroutines are gone, which end on their own after Close.
func checkFreed(t *testing.T, files *tracked, before int) {
	t.Helper()
	for range 10_000_000 {
		if runtime.NumGoroutine() <= before && files.open.Load() == 0 {
			return
		}
		runtime.Gosched()
	}
	stacks := make([]byte, 1<<16)
	t.Fatalf("%d goroutines after %d, %d open files\n%s", runtime.NumGoroutine(), before, files.open.Load(), stacks[:runtime.Stack(stacks, true)])
}

// tracked counts files and locks that are open.
type tracked struct {
	vfs.FS
	open atomic.Int64
}

func (f *tracked) track(file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	f.open.Add(1)
	return &trackedFile{file, f}, nil
}

func (f *tracked) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.track(f.FS.Create(name, category))
}

func (f *tracked) Open(name string, options ...vfs.OpenOption) (vfs.File, error) {
	return f.track(f.FS.Open(name, options...))
}

func (f *tracked) OpenReadWrite(name string, category vfs.DiskWriteCategory, options ...vfs.OpenOption) (vfs.File, error) {
	return f.track(f.FS.OpenReadWrite(name, category, options...))
}

func (f *tracked) OpenDir(name string) (vfs.File, error) { return f.track(f.FS.OpenDir(name)) }

func (f *tracked) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.track(f.FS.ReuseForWrite(from, to, category))
}

func (f *tracked) Lock(name string) (io.Closer, error) {
	lock, err := f.FS.Lock(name)
	if err != nil {
		return nil, err
	}
	f.open.Add(1)
	return &trackedLock{lock, f}, nil
}

type trackedFile struct {
	vfs.File
	of *tracked
}

func (f *trackedFile) Close() error {
	f.of.open.Add(-1)
	return f.File.Close()
}

type trackedLock struct {
	io.Closer
	of *tracked
}

func (l *trackedLock) Close() error {
	l.of.open.Add(-1)
	return l.Closer.Close()
}
