// Package pebble is the backend whose state may be larger than memory: tables of the entries that are in use, in front of
// Pebble, which has the others in files.
//
// As long as everything fits into memory, nothing else is touched, and there is not even a file. When the tables have
// filled their share, the entries used least lately are written to Pebble, sorted, in batches, and leave memory.
package pebble

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-stream/weir/runtime/memory"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// Options is what a Database is made for.
type Options struct {
	// Folder is where the files are kept, which must be empty and used by nobody else; it is made if it is not there. Empty
	// means in memory, for tests.
	Folder string
	// Memory bounds what the database may take, in bytes: tables, write buffers and caches. 0 is an even part, by processor, of what
	// the process has for state.
	Memory int64
	// Groups are the key groups whose keys it has, of MaxParallelism.
	Groups         keygroup.Range
	MaxParallelism int
	Log            *slog.Logger

	// files replaces the file system in tests.
	files vfs.FS
}

// Database is where the backends, panes and timers of one operator subtask keep what they do not hold in memory. One
// goroutine owns it and everything that comes from it.
//
//	Open -> NewBackend, NewPanes, NewTimers (any number) -> ... -> Close of those -> Close
//
// Nothing in it outlives the process: snapshots do.
type Database struct {
	options Options
	shares  shares
	budget  budget
	room    room
	// engine is nil until something has to leave memory.
	engine *engine
	closed bool
	// rests says that it begins with the tables of a snapshot.
	rests bool
	rows  rows
	// reading is what others read of it.
	reading reading
}

// shares divides the memory of a database, in bytes.
type shares struct{ tables, cache, buffer int64 }

// divide gives tables the most; sets of written keys take up to an eighth of that. What is left over is for batches and blocks
// under way. Caches and buffers have a least size, below which Pebble would be busy with small files only.
func divide(memory int64) shares {
	s := shares{cache: max(memory/8, 1<<20), buffer: min(max(memory/32, 512<<10), 32<<20)}
	s.tables = max(memory-s.cache-(buffers+2)*s.buffer, memory/2)
	return s
}

// Open makes a database.
func Open(options Options) (*Database, error) {
	if options.Memory < 0 {
		return nil, fmt.Errorf("memory of %d bytes", options.Memory)
	}
	if options.Memory == 0 {
		budget := memory.NewBudget(memory.Detect(os.DirFS("/")).Bytes)
		options.Memory = (budget.State.Limit() + budget.Managed.Limit()) / int64(runtime.GOMAXPROCS(0))
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.files == nil {
		options.files = vfs.NewMem()
		if options.Folder != "" {
			options.files = disposable{vfs.Default}
		}
	}
	if options.Folder != "" {
		if err := options.files.MkdirAll(options.Folder, 0o700); err != nil {
			return nil, fmt.Errorf("the folder for state that does not fit into memory: %w", err)
		}
	}
	d := &Database{options: options, shares: divide(options.Memory)}
	d.budget.limit = d.shares.tables
	d.room = room{tables: &d.budget, most: d.shares.tables / 8}
	return d, nil
}

// Close closes what all parts of the database share. Files are left to whoever owns the folder.
func (d *Database) Close() error {
	if d.closed {
		return nil
	}
	d.closed = true
	if d.engine == nil {
		return nil
	}
	d.reading.end()
	err := d.engine.close()
	d.engine = nil
	return err
}

// store returns the store below, opened when it is first needed.
func (d *Database) store() *engine {
	if d.engine == nil {
		if d.closed {
			panic(&state.Failure{Action: "use", Cause: errors.New("its database is closed")})
		}
		e, err := openEngine(d.options, d.shares, d.rests)
		if err != nil {
			fail("open the store of", err)
		}
		d.engine = e
	}
	return d.engine
}

// fail ends the task for a reason that lies in storage. Whoever recovers it names the operator.
func fail(action string, err error) {
	panic(&state.Failure{Action: action, Cause: fmt.Errorf("%w: %s", err, advice)})
}

const advice = "its files are below io.tmp.dirs: see that this disk is sound and has room"

// get calls f with the value of a key, if there is one. absent says that there often is none.
func (d *Database) get(key []byte, absent bool, f func(value []byte)) bool {
	it := d.lookup(absent, 1)
	if it.SeekPrefixGE(key) && bytes.Equal(it.Key(), key) {
		f(valueOf(it))
		return true
	}
	if err := it.Error(); err != nil {
		fail("read", err)
	}
	return false
}

// lookup returns an iterator for looking up so many keys, and those behind them, which stays open until the next write, or until the tables are others:
// to open the tables for each key costs several times as much as the look into them. Only if many of the keys are absent the filters of
// the last level are worth reading: they are several times as large as all others together, and so mostly not in the cache.
func (d *Database) lookup(absent bool, keys int) *pebble.Iterator {
	store, of := d.store(), 0
	store.looked(keys)
	if absent {
		of = 1
	}
	if it := store.lookups[of]; it != nil && it.Error() == nil && !store.moved.Load() {
		return it
	}
	store.moved.Store(false)
	store.stale()
	store.lookups[of] = d.iterate(&pebble.IterOptions{UseL6Filters: absent})
	return store.lookups[of]
}

// iterator returns an iterator over keys from lower on, before upper.
func (d *Database) iterator(lower, upper []byte) *pebble.Iterator {
	return d.iterate(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
}

func (d *Database) iterate(options *pebble.IterOptions) *pebble.Iterator {
	it, err := d.store().db.NewIter(options)
	if err != nil {
		fail("read", err)
	}
	return it
}

// done closes an iterator and fails if it has met an error.
func done(it *pebble.Iterator) {
	if err := it.Close(); err != nil {
		fail("read", err)
	}
}
