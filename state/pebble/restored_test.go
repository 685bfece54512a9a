package pebble

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	changes "github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/checkpoint/snapshot/sstable"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// held is a value of 100 bytes.
type held struct {
	Count int64
	Rest  [92]byte
}

// BenchmarkRestored looks up uniform keys in a database that has taken in a snapshot of a table with everything and some of changes.
func BenchmarkRestored(b *testing.B) {
	for _, keys := range []int64{1_000_000, 5_000_000} {
		b.Run(fmt.Sprintf("%dM", keys/1_000_000), func(b *testing.B) {
			if b.N == 1 {
				return
			}
			restored(b, keys, 1<<30)
		})
	}
}

func restored(b *testing.B, keys, memory int64) {
	folder := b.TempDir()
	keyCodec, err := codec.ForKey[int64]()
	if err != nil {
		b.Fatal(err)
	}
	values, err := codec.For[held]()
	if err != nil {
		b.Fatal(err)
	}
	source := rand.New(rand.NewSource(1))
	chain := snapshot.Chain{Groups: benchGroups, Whole: true}
	for n := range 21 {
		var rows changes.Rows
		count := keys
		if n > 0 {
			count = keys / 100
		}
		v, key, value, hash := held{}, []byte(nil), []byte(nil), make([]uint64, 1)
		for i := range count {
			k := i
			if n > 0 {
				k = source.Int63n(keys)
			}
			keyCodec.Hash([]int64{k}, hash)
			group := keygroup.Group(hash[0], 128)
			key = keyCodec.Append(append(key[:0], byte(group>>8), byte(group), 0, 0), &k)
			for at := 0; at < 92; at += 4 {
				r := source.Uint32()
				v.Rest[at], v.Rest[at+1], v.Rest[at+2], v.Rest[at+3] = byte(r), byte(r>>8), byte(r>>16), byte(r>>24)
			}
			value = values.Append(value[:0], &v)
			rows.Set(key, value)
		}
		path := filepath.Join(folder, fmt.Sprint("table-", n))
		file, err := os.Create(path)
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		w := sstable.NewFileWriter(file)
		if err := w.AddRows(&rows); err != nil {
			b.Fatal(err)
		}
		if _, err := w.Finish(); err != nil {
			b.Fatal(err)
		}
		if n == 0 {
			info, _ := os.Stat(path)
			b.Logf("written in %v, %.0f MB", time.Since(began), float64(info.Size())/1e6)
		}
		chain.Tables = append(chain.Tables, snapshot.LocalTable{Path: path, Groups: benchGroups, Changes: n > 0})
	}
	began := time.Now()
	db, err := Open(Options{Folder: b.TempDir(), Memory: memory, Groups: benchGroups, MaxParallelism: 128})
	if err != nil {
		b.Fatal(err)
	}
	backend := NewBackend(db, intKeys(b))
	d := state.Describe("held", state.KindValue, values)
	if err := backend.Open([]state.Descriptor{d}); err != nil {
		b.Fatal(err)
	}
	if taken, err := db.Ingest([]snapshot.Chain{chain}); !taken || err != nil {
		b.Fatal(taken, err)
	}
	backend.(Adopter).Adopt()
	b.Logf("taken in after %v", time.Since(began))
	batch, hashes := make([]int64, 256), make([]uint64, 256)
	cell, value := backend.Value(0), []byte(nil)
	b.ResetTimer()
	began = time.Now()
	used := cpu()
	for done := 0; done < b.N; done += len(batch) {
		for i := range batch {
			batch[i] = source.Int63n(keys)
		}
		keyCodec.Hash(batch, hashes)
		backend.Prepare(batch, hashes)
		for i := range batch {
			backend.SeekAt(i)
			bytes, ok := cell.LoadBytes()
			if !ok {
				b.Fatal("a key is missing")
			}
			value = append(value[:0], bytes...)
			cell.StoreBytes(value)
		}
		if done/100_000 != (done+len(batch))/100_000 {
			m := db.engine.db.Metrics()
			b.Logf("%7d in %v: L0 %d sublevels, cache %d hits %d misses %s, filters %d hits %d misses, %s in L6", done, time.Since(began), m.Levels[0].Sublevels, m.BlockCache.Hits, m.BlockCache.Misses, humanize(m.BlockCache.Size), m.Filter.Hits, m.Filter.Misses, humanize(m.Levels[6].TablesSize))
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e3, "k/s")
	b.ReportMetric(float64((cpu()-used).Nanoseconds())/float64(b.N), "cpu-ns/op")
	b.StopTimer()
	backend.Close()
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// cpu is the processor time that the process has used.
func cpu() time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
