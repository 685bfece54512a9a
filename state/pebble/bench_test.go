package pebble

import (
	"fmt"
	"math/rand"
	"testing"
	"unsafe"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
	"github.com/weir-stream/weir/state/table"
)

const benchBatch = 1000

// counting counts uniform keys in batches, as an aggregation does.
func counting(b *testing.B, backend state.Backend[int64], keys int, warm int) {
	if b.N == 1 {
		warm = 0 // a trial
	}
	values, err := codec.For[int64]()
	if err != nil {
		b.Fatal(err)
	}
	keyCodec, err := codec.ForKey[int64]()
	if err != nil {
		b.Fatal(err)
	}
	if err := backend.Open([]state.Descriptor{state.Describe("count", state.KindValue, values)}); err != nil {
		b.Fatal(err)
	}
	source := rand.New(rand.NewSource(1))
	batch, hashes, cells := make([]int64, benchBatch), make([]uint64, benchBatch), make([]unsafe.Pointer, benchBatch)
	upsert := func() {
		keyCodec.Hash(batch, hashes)
		backend.Upsert(0, batch, hashes, cells, nil)
		for _, p := range cells {
			*(*int64)(p)++
		}
	}
	for at := 0; at < warm; at += benchBatch {
		for i := range batch {
			batch[i] = int64(at+i) * 7919 % int64(keys)
		}
		upsert()
	}
	b.ResetTimer()
	for done := 0; done < b.N; done += benchBatch {
		for i := range batch {
			batch[i] = source.Int63n(int64(keys))
		}
		upsert()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
	b.ReportMetric(float64(backend.Bytes())/1e6, "MB")
}

var benchGroups = keygroup.Range{First: 0, Last: 127}

func BenchmarkCount(b *testing.B) {
	for _, c := range []struct {
		name   string
		keys   int
		memory int64
		warm   int
	}{
		{"10k", 10_000, 256 << 20, 10_000},
		{"10k hot after 2M cold", 10_000, 32 << 20, 0},
		{"1M ample", 1_000_000, 256 << 20, 1_000_000},
		{"1M eighth", 1_000_000, 5 << 20, 1_000_000},
		{"10M eighth", 10_000_000, 50 << 20, 10_000_000},
	} {
		b.Run(c.name, func(b *testing.B) {
			db, err := Open(Options{Folder: b.TempDir(), Memory: c.memory, Groups: benchGroups, MaxParallelism: 128})
			if err != nil {
				b.Fatal(err)
			}
			backend := NewBackend(db, intKeys(b))
			if c.warm == 0 {
				backend = chilled{backend}
			}
			counting(b, backend, c.keys, c.warm)
			backend.Close()
			if db.engine != nil {
				m := db.engine.db.Metrics()
				b.Logf("L0 %d sublevels, block cache %d hits %d misses, filters %d hits %d misses, %s in L6, read amp %d", m.Levels[0].Sublevels, m.BlockCache.Hits, m.BlockCache.Misses, m.Filter.Hits, m.Filter.Misses, humanize(m.Levels[6].TablesSize), m.ReadAmp())
			}
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
	b.Run("10k table", func(b *testing.B) { counting(b, table.New(intKeys(b), benchGroups, 128), 10_000, 10_000) })
	b.Run("1M table", func(b *testing.B) { counting(b, table.New(intKeys(b), benchGroups, 128), 1_000_000, 1_000_000) })
}

// chilled has two million other keys once it is opened.
type chilled struct{ state.Backend[int64] }

func (c chilled) Open(descriptors []state.Descriptor) error {
	if err := c.Backend.Open(descriptors); err != nil {
		return err
	}
	keyCodec, err := codec.ForKey[int64]()
	if err != nil {
		return err
	}
	batch, hashes, cells := make([]int64, benchBatch), make([]uint64, benchBatch), make([]unsafe.Pointer, benchBatch)
	for at := range 2000 {
		for i := range batch {
			batch[i] = int64(1<<40 + at*benchBatch + i)
		}
		keyCodec.Hash(batch, hashes)
		c.Upsert(0, batch, hashes, cells, nil)
	}
	return nil
}

func intKeys(tb testing.TB) state.Keys[int64] {
	keys, err := codec.ForKey[int64]()
	if err != nil {
		tb.Fatal(err)
	}
	return state.Keys[int64]{Codec: keys}
}

func humanize(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }
