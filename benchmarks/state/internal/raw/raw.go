// Package raw does the work of the measured programs by hand, with no engine: a generator's goroutine hands batches to one that
// owns the state.
package raw

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"

	"github.com/weir-stream/weir/benchmarks/state/internal/jobs"
	"github.com/weir-stream/weir/benchmarks/state/internal/probe"
	"github.com/weir-stream/weir/benchmarks/state/internal/workload"
)

const batchSize = 1024

// counter counts keys in some store.
type counter interface {
	// count writes the new count of each key to out.
	count(in []int64, out []result) error
	close() error
}

// Run runs the work of an order on the raw store that its Backend names: table or pebble.
func Run(o jobs.Order) (jobs.Outcome, error) {
	runtime.GOMAXPROCS(2)
	wide := o.Program == "wide"
	watch := probe.NewWatch(o.Plan)
	keys := workload.New(o.Plan)
	var c counter
	switch {
	case o.Backend == "table" && wide:
		c = newWideTable()
	case o.Backend == "table":
		c = newTable()
	case o.Backend == "pebble":
		s, err := openStore(wide)
		if err != nil {
			return jobs.Outcome{}, err
		}
		// Each key once, in order: their counts are 1, and one by one it would take minutes.
		if err := s.load(o.Plan.Keys); err != nil {
			return jobs.Outcome{}, errors.Join(err, s.close())
		}
		for left := o.Plan.Keys; left > 0; {
			n, _ := watch.Next(int(left))
			left -= int64(n)
		}
		keys.SkipLoading()
		c = s
	default:
		return jobs.Outcome{}, fmt.Errorf("there is no raw %q", o.Backend)
	}
	batches, err := probe.NewBatches()
	if err != nil {
		return jobs.Outcome{}, err
	}
	sum, err := measure(o.Plan, keys, c, watch, batches)
	loading, steady := batches.Times()
	return jobs.Outcome{Phases: watch.Timed, LoadSeconds: watch.LoadSeconds, Loading: loading, Steady: steady, Sum: sum}, errors.Join(err, c.close())
}

// measure counts what the watch still waits for.
func measure(plan workload.Plan, keys *workload.Stream, c counter, watch *probe.Watch, batches *probe.Batches) (sum uint64, err error) {
	full, free := make(chan []int64, 8), make(chan []int64, 16)
	for range cap(free) {
		free <- make([]int64, batchSize)
	}
	stopped := make(chan struct{})
	defer close(stopped)
	total := plan.Total()
	if !watch.Loading() {
		total = plan.Drawn()
	}
	go generate(total, keys, full, free, stopped)
	out := make([]result, batchSize)
	for in := range full {
		if err := c.count(in, out); err != nil {
			return 0, err
		}
		if err := batches.Add(watch.Loading()); err != nil {
			return 0, err
		}
		for left := out[:len(in)]; len(left) > 0; {
			n, checked := watch.Next(len(left))
			if checked {
				for _, r := range left[:n] {
					sum += jobs.Mix(uint64(r.key), uint64(r.count))
				}
			}
			left = left[n:]
		}
		free <- in
	}
	return sum, nil
}

func generate(total int64, keys *workload.Stream, full chan<- []int64, free <-chan []int64, stopped <-chan struct{}) {
	defer close(full)
	for left := total; left > 0; left -= batchSize {
		batch := (<-free)[:min(left, batchSize)]
		keys.Fill(batch)
		select {
		case full <- batch:
		case <-stopped:
			return
		}
	}
}

type result struct{ key, count int64 }

// table counts int64 keys: open addressing, linear probing, doubling, hashes of a batch first.
type table struct {
	keys, counts []int64
	used         []bool
	n            int
	hashes       []uint64
}

func newTable() *table {
	return &table{hashes: make([]uint64, batchSize)}
}

func (t *table) count(in []int64, out []result) error {
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
		out[i] = result{k, t.counts[p]}
	}
	return nil
}

func (t *table) close() error { return nil }

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

func (w *wideTable) count(in []int64, out []result) error {
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
		out[i] = result{k, n}
	}
	return nil
}

func (w *wideTable) close() error { return nil }

func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
