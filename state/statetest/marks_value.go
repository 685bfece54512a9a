package statetest

import (
	"bytes"
	"math/rand"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// valueMarks is backendMarks of a backend with a single state, which is a value: inline if it is a number, else encoded. A model says what there is.
func valueMarks[K comparable, V any](t *testing.T, open Make[K], keys state.Keys[K], key func(int) K, value func(*rand.Rand) V) {
	if open == nil {
		return
	}
	values, err := codec.For[V]()
	if err != nil {
		t.Fatal(err)
	}
	for seed := range seeds(5) {
		fresh := func() (state.Backend[K], *state.Value[V]) {
			backend, err := open(keys, suiteGroups, maxParallelism)
			if err != nil {
				t.Fatal(err)
			}
			d := state.Describe("value", state.KindValue, values)
			d.Number = 7
			if err := backend.Open([]state.Descriptor{d}); err != nil {
				t.Fatal(err)
			}
			f := &struct {
				Value state.Value[V] `state:"value"`
			}{}
			fields, err := state.Fields(f)
			if err != nil {
				t.Fatal(err)
			}
			fields[0].Bind(backend, 0, nil)
			return backend, &f.Value
		}
		backend, handle := fresh()
		own, hashes := ownKeys(t, keys, key, []int{3, 60, 900, 5000, 900}[seed])
		r := rand.New(rand.NewSource(seed))
		model := map[K][]byte{}
		change := func() {
			n := 1 + r.Intn(20)
			batch, hash := own[:0:0], hashes[:0:0]
			for range n {
				i := r.Intn(1 + r.Intn(len(own))) // some of them often
				batch, hash = append(batch, own[i]), append(hash, hashes[i])
			}
			backend.Prepare(batch, hash)
			for i, k := range batch {
				backend.SeekAt(i)
				got, has := handle.Get()
				if want, there := model[k]; there != has || has && !bytes.Equal(values.Append(nil, &got), want) {
					t.Fatalf("seed %d: key %v has %v, %t; want %x", seed, k, got, has, want)
				}
				switch r.Intn(6) {
				case 0: // was only read
				case 1:
					handle.Clear()
					delete(model, k)
				default:
					v := value(r)
					handle.Set(v)
					model[k] = values.Append(nil, &v)
				}
			}
		}
		m := &marked{t: t, part: backend, source: r, change: change}
		m.run(80, 120)
		if got := exported(t, backend, suiteGroups); len(got) != len(model) {
			t.Fatalf("seed %d: %d entries, want %d", seed, len(got), len(model))
		}
		if n := backend.Len(); n != int64(len(model)) {
			t.Fatalf("seed %d: %d keys, want %d", seed, n, len(model))
		}
		m.restored(func() state.Durable {
			b, _ := fresh()
			t.Cleanup(b.Close)
			return b
		})
		backend.Close()
	}
}

// paneValueMarks is paneMarks of panes with a single state.
func paneValueMarks[K comparable](t *testing.T, open MakePanes[K], keys state.Keys[K], key func(int) K) {
	if open == nil {
		return
	}
	values, err := codec.For[string]()
	if err != nil {
		t.Fatal(err)
	}
	for seed := range seeds(3) {
		fresh := func() state.Panes[K] {
			d := state.Describe("value", state.KindReducing, values)
			d.Number = 7
			panes, err := open(keys, suiteGroups, maxParallelism, []state.Descriptor{d})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(panes.Close)
			return panes
		}
		panes := fresh()
		own, hashes := ownKeys(t, keys, key, []int{20, 400, 2000}[seed])
		r := rand.New(rand.NewSource(seed))
		pane := int64(0)
		m := &marked{t: t, part: panes, source: r}
		m.change = func() {
			at := pane + r.Int63n(4)
			switch r.Intn(20) {
			case 0:
				panes.Drop(at)
				return
			case 1:
				pane++
				return
			}
			b := panes.Pane(at)
			for range 1 + r.Intn(8) {
				i := r.Intn(len(own))
				b.Seek(own[i], hashes[i])
				if cell := b.Value(0); r.Intn(8) == 0 {
					cell.Clear()
				} else {
					old, _ := cell.LoadBytes()
					v := string(old[:min(len(old), r.Intn(40))]) + "x"
					cell.StoreBytes(values.Append(nil, &v))
				}
			}
		}
		m.run(60, 100)
		m.restored(func() state.Durable { return fresh() })
	}
}

// ownKeys returns n keys of the suite's groups, with their hashes.
func ownKeys[K any](t *testing.T, keys state.Keys[K], key func(int) K, n int) (own []K, hashes []uint64) {
	t.Helper()
	for i := 0; len(own) < n; i++ {
		one, hash := []K{key(i)}, []uint64{0}
		if err := keys.HashesOf(one, hash); err != nil {
			t.Fatal(err)
		}
		if suiteGroups.Contains(keygroup.Group(hash[0], maxParallelism)) {
			own, hashes = append(own, one[0]), append(hashes, hash[0])
		}
	}
	return own, hashes
}
