package raw

import (
	"encoding/binary"
	"errors"
	"os"

	"github.com/cockroachdb/pebble/v2"
)

// store counts in Pebble, with nothing in front of it: a get and a set for each record, a batch of sets at a time.
type store struct {
	db     *pebble.DB
	folder string
	size   int
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
	s := &store{db: db, folder: folder, size: 8, fresh: map[int64][]byte{}}
	if wide {
		s.size = 100
	}
	return s, nil
}

// load sets the count of each of so many keys to 1, as counting each of them once does.
func (s *store) load(keys int64) error {
	const inBatch = 8192
	var key [8]byte
	value := make([]byte, s.size)
	for k := int64(0); k < keys; {
		batch := s.db.NewBatch()
		for range min(inBatch, keys-k) {
			binary.BigEndian.PutUint64(key[:], uint64(k))
			binary.LittleEndian.PutUint64(value, 1)
			if s.size > 8 {
				value[8+1] = byte(k)
			}
			if err := batch.Set(key[:], value, nil); err != nil {
				return errors.Join(err, batch.Close())
			}
			k++
		}
		if err := errors.Join(batch.Commit(pebble.NoSync), batch.Close()); err != nil {
			return err
		}
	}
	return s.db.Flush()
}

func (s *store) count(in []int64, out []result) error {
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
		out[i] = result{k, n}
	}
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
