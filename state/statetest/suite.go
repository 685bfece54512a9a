package statetest

import (
	"math/rand"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

const maxParallelism = 16

// suite is the tests for one type of key.
type suite[K comparable] struct {
	make  Make[K]
	codec codec.Key[K]
	// key gives distinct keys for distinct i.
	key func(i int) K
	// slack is Backends.Slack.
	slack int64
	// hash is Keys.Hash.
	hash func(keys []K, hashes []uint64)
}

// suiteGroups are the key groups of the backends.
var suiteGroups = keygroup.Range{First: 4, Last: 11}

// function has a handle of each kind, for flat and for encoded values.
type function struct {
	Count  state.Value[int64]
	Flag   state.Value[bool] `state:"flag"`
	Name   state.Value[string]
	Items  state.List[string]
	Counts state.Map[string, int64]
	Sum    state.Reducing[int64]
	Text   state.Reducing[string]
	Mean   state.Aggregating[int64, mean, float64]
}

type mean struct{ Sum, N int64 }

type meanOf struct{}

func (meanOf) Create() mean                   { return mean{} }
func (meanOf) Add(acc mean, value int64) mean { return mean{acc.Sum + value, acc.N + 1} }
func (meanOf) Result(acc mean) float64        { return float64(acc.Sum) / float64(acc.N) }
func newFunction() *function {
	return &function{
		Sum:  state.NewReducing(func(a, b int64) int64 { return a + b }),
		Text: state.NewReducing(func(a, b string) string { return a + b }),
		Mean: state.NewAggregating(meanOf{}),
	}
}

// subject is an opened backend with a bound function and the keys that it owns.
type subject[K comparable] struct {
	t       *testing.T
	backend state.Backend[K]
	f       *function
	keys    []K
	hashes  []uint64
	source  *rand.Rand
	// kinds are those of the states by number.
	kinds []state.Kind
}

// The column of function.Count.
const countColumn = state.Column(0)

// collide gives all keys the same lower half of their hashes.
func collide[K any](keys state.Keys[K]) state.Keys[K] {
	return state.Keys[K]{Codec: keys.Codec, Hash: func(of []K, hashes []uint64) {
		_ = keys.HashesOf(of, hashes)
		for i := range hashes {
			hashes[i] = hashes[i]&^0xffff_ffff | 0xbeef
		}
	}}
}

// open makes a backend and n keys of its groups.
func (s *suite[K]) open(t *testing.T, n int) *subject[K] {
	t.Helper()
	keys := state.Keys[K]{Codec: s.codec, Hash: s.hash}
	backend, err := s.make(keys, suiteGroups, maxParallelism)
	if err != nil {
		t.Fatal(err)
	}
	f := newFunction()
	fields, err := state.Fields(f)
	if err != nil {
		t.Fatal(err)
	}
	var descriptors []state.Descriptor
	var kinds []state.Kind
	for i := range fields {
		fields[i].Descriptor.Number = uint16(i)
		descriptors = append(descriptors, fields[i].Descriptor)
		kinds = append(kinds, fields[i].Descriptor.Kind)
	}
	if err := backend.Open(descriptors); err != nil {
		t.Fatal(err)
	}
	for i, field := range fields {
		field.Bind(backend, state.Column(i), nil)
	}
	sub := &subject[K]{t: t, backend: backend, f: f, kinds: kinds, source: rand.New(rand.NewSource(7))}
	for i := 0; len(sub.keys) < n; i++ {
		key, hash := []K{s.key(i)}, []uint64{0}
		if err := keys.HashesOf(key, hash); err != nil {
			t.Fatal(err)
		}
		if !suiteGroups.Contains(keygroup.Group(hash[0], maxParallelism)) {
			continue
		}
		sub.keys, sub.hashes = append(sub.keys, key[0]), append(sub.hashes, hash[0])
	}
	t.Cleanup(backend.Close)
	return sub
}

// batch draws keys, possibly several times the same.
func (s *subject[K]) batch(n int) (indexes []int, keys []K, hashes []uint64) {
	for range n {
		i := s.source.Intn(len(s.keys))
		indexes, keys, hashes = append(indexes, i), append(keys, s.keys[i]), append(hashes, s.hashes[i])
	}
	return indexes, keys, hashes
}

func (s *subject[K]) seek(i int) {
	s.backend.Seek(s.keys[i], s.hashes[i])
	if s.backend.CurrentKey() != s.keys[i] {
		s.t.Fatalf("current key is %v, want %v", s.backend.CurrentKey(), s.keys[i])
	}
}
