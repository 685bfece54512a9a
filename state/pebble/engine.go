package pebble

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"

	"github.com/weir-stream/weir/state"
)

// engine is an open Pebble.
type engine struct {
	db     *pebble.DB
	cache  *pebble.Cache
	buffer int64
	// written is what the write buffer has taken since the last flush began, flushed is closed when that is over.
	written int64
	flushed <-chan struct{}
	trouble trouble
	// lookups are open until the next write, or until the tables are others: see Database.lookup.
	lookups [2]*pebble.Iterator
	// moved says that entries have gone to other tables since lookups were opened.
	moved atomic.Bool
	gate  gate
	// resting is how many lookups there may yet be until the gate opens; 0 if it is open.
	resting int
}

const (
	// compactAt is how many tables of the first level may overlap before they are merged. A low number costs later
	// snapshots most of their increments.
	compactAt = 18
	// restingLookups is how many lookups a store that has taken in a snapshot serves before it begins to merge tables: about as many as cost, by
	// the tables that they look into in vain, what merging those costs.
	restingLookups = 1 << 18
	// waitAt is how many at which writing waits.
	waitAt = 60
	// targetFile is the size of the larger tables.
	targetFile = 32 << 20
	bloomBits  = 10
	// buffers is how many write buffers there are: one that fills up, one that is being written out, one kept for next time.
	buffers = 3
	// rowOverhead is about what a row takes in a write buffer beyond its bytes.
	rowOverhead = 80
)

// openEngine opens a store. One that takes in a snapshot rests at first: whoever goes on from one has records waiting.
func openEngine(o Options, s shares, rests bool) (*engine, error) {
	arena := s.buffer + s.buffer/4
	// What Pebble takes for write buffers it takes away from the cache.
	e := &engine{buffer: s.buffer, cache: pebble.NewCache(s.cache + buffers*arena)}
	e.trouble.met, e.trouble.compacted = make(chan struct{}), make(chan struct{}, 1)
	if rests {
		e.resting, e.gate.closed = restingLookups, true
	}
	listener := &pebble.EventListener{
		BackgroundError: func(err error) { e.trouble.meet(err) },
		// Whoever reads gets the error too; by default the process would end.
		DataCorruption: func(info pebble.DataCorruptionInfo) { e.trouble.meet(info.Details) },
		CompactionEnd: func(pebble.CompactionInfo) {
			e.moved.Store(true)
			e.trouble.compactionEnded()
		},
		FlushEnd: func(pebble.FlushInfo) { e.moved.Store(true) },
	}
	options := &pebble.Options{
		FS: o.files, Cache: e.cache, Logger: logger{o.Log}, EventListener: listener,
		DisableWAL: true, FormatMajorVersion: pebble.FormatNewest, NoSyncOnClose: true,
		// A buffer is flushed by write, which waits for the one before: Pebble's own limit would wait for ever if the disk is full.
		MemTableSize: uint64(arena), MemTableStopWritesThreshold: 1000,
		L0CompactionThreshold: compactAt, L0CompactionFileThreshold: 1 << 20, L0StopWritesThreshold: 100_000,
		MaxOpenFiles: 500, DisableConsistencyCheck: true,
	}
	options.Experimental.L0CompactionConcurrency = compactAt
	options.Experimental.CompactionScheduler = &e.gate
	for i := range options.TargetFileSizes {
		options.TargetFileSizes[i] = targetFile
	}
	for i := range options.Levels {
		l := &options.Levels[i]
		l.FilterPolicy, l.FilterType = bloom.FilterPolicy(bloomBits), pebble.TableFilter
		l.Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
	}
	db, err := openOrFail(o.Folder, options)
	if err != nil {
		e.cache.Unref()
		return nil, err
	}
	e.db = db
	return e, nil
}

// openOrFail is pebble.Open, which panics about some errors.
func openOrFail(folder string, options *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *state.Failure: // of the logger
			err = errors.Unwrap(r.Cause) // without the advice
		case error:
			err = r
		default:
			panic(r)
		}
	}()
	return pebble.Open(folder, options)
}

// close waits for what is under way. What is not written yet is lost, on purpose.
func (e *engine) close() error {
	e.stale()
	err := e.db.Close()
	e.cache.Unref()
	if err != nil {
		return fmt.Errorf("close the store of keyed state: %w", err)
	}
	return nil
}

// apply writes a batch and empties it. It waits if writing is far ahead of what happens behind it.
func (e *engine) apply(batch *pebble.Batch) {
	e.trouble.check()
	e.stale()
	size := int64(batch.Len()) + rowOverhead*int64(batch.Count())
	if err := e.db.Apply(batch, pebble.NoSync); err != nil {
		fail("write", err)
	}
	batch.Reset()
	if e.written += size; e.written < e.buffer {
		return
	}
	e.written = 0
	e.looked(e.resting) // from now on there are more tables all the time
	e.awaitFlush()
	flushed, err := e.db.AsyncFlush()
	if err != nil {
		fail("write", err)
	}
	e.flushed = flushed
	e.awaitCompaction()
}

// looked counts lookups, after enough of which the tables are worth merging.
func (e *engine) looked(n int) {
	if e.resting == 0 {
		return
	}
	if e.resting = max(e.resting-n, 0); e.resting == 0 {
		e.gate.open()
	}
}

// stale closes the iterators for lookups, which do not see what is written after they were opened. Errors they have met were reported
// when they were met.
func (e *engine) stale() {
	for i, it := range e.lookups {
		if it != nil {
			e.lookups[i] = nil
			_ = it.Close()
		}
	}
}

// awaitFlush waits for the last flush.
func (e *engine) awaitFlush() {
	if e.flushed == nil {
		return
	}
	select {
	case <-e.flushed:
	case <-e.trouble.met:
		e.trouble.check()
	}
	e.flushed = nil
}

// awaitCompaction waits while reads would have to look into too many tables.
func (e *engine) awaitCompaction() {
	for e.db.Metrics().Levels[0].Sublevels > waitAt {
		select {
		case <-e.trouble.compacted:
		case <-e.trouble.met:
			e.trouble.check()
		}
	}
}

// trouble is what Pebble's own goroutines have to tell.
type trouble struct {
	once sync.Once
	err  error
	// met is closed at the first error.
	met chan struct{}
	// compacted has an element after a compaction has ended.
	compacted chan struct{}
}

func (t *trouble) meet(err error) {
	t.once.Do(func() {
		t.err = err
		close(t.met)
	})
}

func (t *trouble) compactionEnded() {
	select {
	case t.compacted <- struct{}{}:
	default:
	}
}

// check fails if there was an error.
func (t *trouble) check() {
	select {
	case <-t.met:
		fail("write", t.err)
	default:
	}
}

// logger passes Pebble's messages on. What is worth a line to Pebble is detail to us.
type logger struct{ log *slog.Logger }

func (l logger) Infof(format string, args ...any) {
	l.log.Debug(fmt.Sprintf("pebble: "+format, args...))
}
func (l logger) Errorf(format string, args ...any) {
	l.log.Warn(fmt.Sprintf("pebble: "+format, args...))
}

// Fatalf may not return. If Pebble calls it in the task's goroutine the task fails; else the process ends, and the job starts
// again from its last snapshot.
func (l logger) Fatalf(format string, args ...any) {
	text := fmt.Sprintf("pebble: "+format, args...)
	l.log.Error(text)
	for _, arg := range args {
		if err, ok := arg.(error); ok {
			fail("write", fmt.Errorf("%s: %w", strings.TrimSuffix(text, ": "+err.Error()), err))
		}
	}
	panic(text)
}
