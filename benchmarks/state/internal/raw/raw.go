// Package raw does the work of the measured programs by hand, with no engine: a generator's goroutine hands batches to one that
// owns the state.
package raw

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/weir-stream/weir/benchmarks/state/internal/jobs"
	"github.com/weir-stream/weir/benchmarks/state/internal/workload"
)

const batchSize = 1024

// Run runs the work of an order on the raw store that its Backend names: table or pebble.
func Run(o jobs.Order) (jobs.Outcome, error) {
	runtime.GOMAXPROCS(2)
	var count func(keys []int64) error
	done := func() error { return nil }
	switch {
	case o.Backend == "table" && o.Program == "wide":
		count = newWideTable().count
	case o.Backend == "table":
		count = newTable().count
	case o.Backend == "pebble":
		s, err := openStore(o.Program == "wide")
		if err != nil {
			return jobs.Outcome{}, err
		}
		count, done = s.count, s.close
	default:
		return jobs.Outcome{}, fmt.Errorf("there is no raw %q", o.Backend)
	}
	outcome, err := measure(o, count)
	if closed := done(); err == nil {
		err = closed
	}
	return outcome, err
}

func measure(o jobs.Order, count func([]int64) error) (jobs.Outcome, error) {
	full, free := make(chan []int64, 8), make(chan []int64, 16)
	for range cap(free) {
		free <- make([]int64, batchSize)
	}
	stopped := make(chan struct{})
	defer close(stopped)
	go generate(o, full, free, stopped)
	start := time.Now()
	began, seen := time.Time{}, int64(0)
	for keys := range full {
		if began.IsZero() && seen >= o.Workload.Keys {
			began = time.Now()
		}
		if err := count(keys); err != nil {
			return jobs.Outcome{}, err
		}
		seen += int64(len(keys))
		free <- keys
	}
	return jobs.Outcome{Records: o.Records, Seconds: time.Since(began).Seconds(), LoadSeconds: began.Sub(start).Seconds()}, nil
}

func generate(o jobs.Order, full chan<- []int64, free <-chan []int64, stopped <-chan struct{}) {
	defer close(full)
	keys := workload.New(o.Workload)
	for left := o.Workload.Keys + o.Records; left > 0; left -= batchSize {
		batch := (<-free)[:min(left, batchSize)]
		keys.Fill(batch)
		select {
		case full <- batch:
		case <-stopped:
			return
		}
	}
}

// discard stands for the sink: the results are made, and taken by a call that cannot be left out.
var discard = func([]result) {}

type result struct{ key, count int64 }

// table counts int64 keys: open addressing, linear probing, doubling, hashes of a batch first.
type table struct {
	keys, counts []int64
	used         []bool
	n            int
	hashes       []uint64
	out          []result
}

func newTable() *table {
	return &table{hashes: make([]uint64, batchSize), out: make([]result, batchSize)}
}

func (t *table) count(in []int64) error {
	for 2*(t.n+len(in)) > len(t.keys) {
		t.grow()
	}
	for i, k := range in {
		t.hashes[i] = mix(uint64(k))
	}
	for i, k := range in {
		p := t.find(k, t.hashes[i])
		if !t.used[p] {
			t.used[p], t.keys[p] = true, k
			t.n++
		}
		t.counts[p]++
		t.out[i] = result{k, t.counts[p]}
	}
	discard(t.out[:len(in)])
	return nil
}

func (t *table) find(k int64, h uint64) uint64 {
	m := uint64(len(t.keys) - 1)
	p := h & m
	for t.used[p] && t.keys[p] != k {
		p = (p + 1) & m
	}
	return p
}

func (t *table) grow() {
	old := *t
	c := max(2*len(old.keys), 1024)
	t.keys, t.counts, t.used = make([]int64, c), make([]int64, c), make([]bool, c)
	for i, u := range old.used {
		if u {
			p := t.find(old.keys[i], mix(uint64(old.keys[i])))
			t.used[p], t.keys[p], t.counts[p] = true, old.keys[i], old.counts[i]
		}
	}
}

// wideTable keeps 100 bytes for each key, beside the table that finds their place.
type wideTable struct {
	index  *table
	values [][100]byte
}

func newWideTable() *wideTable { return &wideTable{index: newTable()} }

func (w *wideTable) count(in []int64) error {
	t := w.index
	for 2*(t.n+len(in)) > len(t.keys) {
		t.grow()
	}
	for i, k := range in {
		t.hashes[i] = mix(uint64(k))
	}
	for i, k := range in {
		p := t.find(k, t.hashes[i])
		if !t.used[p] {
			t.used[p], t.keys[p], t.counts[p] = true, k, int64(len(w.values))
			w.values = append(w.values, [100]byte{})
			t.n++
		}
		v := &w.values[t.counts[p]]
		n := int64(binary.LittleEndian.Uint64(v[:])) + 1
		binary.LittleEndian.PutUint64(v[:], uint64(n))
		v[8+n%92] = byte(k)
		t.out[i] = result{k, n}
	}
	discard(t.out[:len(in)])
	return nil
}

func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// store counts in Pebble, with nothing in front of it: a get and a set for each record, a batch of sets at a time.
type store struct {
	db     *pebble.DB
	folder string
	size   int
	out    []result
	// fresh are the counts of keys that the batch at hand has already set.
	fresh map[int64][]byte
}

func openStore(wide bool) (*store, error) {
	folder, err := os.MkdirTemp("", "weir-raw-pebble-")
	if err != nil {
		return nil, err
	}
	cache := pebble.NewCache(512 << 20)
	defer cache.Unref()
	db, err := pebble.Open(folder, &pebble.Options{
		DisableWAL: true, Cache: cache, MemTableSize: 64 << 20, L0CompactionThreshold: 16, L0StopWritesThreshold: 1000, Logger: quiet{},
	})
	if err != nil {
		return nil, err
	}
	s := &store{db: db, folder: folder, size: 8, out: make([]result, batchSize), fresh: map[int64][]byte{}}
	if wide {
		s.size = 100
	}
	return s, nil
}

func (s *store) count(in []int64) error {
	clear(s.fresh)
	batch := s.db.NewBatch()
	defer batch.Close()
	var key [8]byte
	for i, k := range in {
		binary.BigEndian.PutUint64(key[:], uint64(k))
		v, err := s.get(k, key[:])
		if err != nil {
			return err
		}
		n := int64(binary.LittleEndian.Uint64(v)) + 1
		binary.LittleEndian.PutUint64(v, uint64(n))
		if s.size > 8 {
			v[8+n%92] = byte(k)
		}
		if err := batch.Set(key[:], v, nil); err != nil {
			return err
		}
		s.out[i] = result{k, n}
	}
	discard(s.out[:len(in)])
	return batch.Commit(pebble.NoSync)
}

func (s *store) get(k int64, key []byte) ([]byte, error) {
	if v, ok := s.fresh[k]; ok {
		return v, nil
	}
	v := make([]byte, s.size)
	s.fresh[k] = v
	stored, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	copy(v, stored)
	return v, closer.Close()
}

func (s *store) close() error {
	if err := s.db.Close(); err != nil {
		return err
	}
	return os.RemoveAll(s.folder)
}
