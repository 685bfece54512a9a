package statetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/weir-stream/weir/state"
)

// random does operations on single keys and on batches of prepared ones, with all of state checked now and then.
func (s *suite[K]) random(t *testing.T, keys, operations int) {
	sub := s.open(t, keys)
	m := model{}
	for done := 0; done < operations; {
		if sub.source.Intn(2) == 0 {
			i := sub.source.Intn(keys)
			sub.seek(i)
			sub.step(m.at(i))
			done++
		} else {
			indexes, batch, hashes := sub.batch(1 + sub.source.Intn(200))
			sub.backend.Prepare(batch, hashes)
			for at, i := range indexes {
				sub.backend.SeekAt(at)
				if sub.backend.CurrentKey() != batch[at] {
					t.Fatalf("current key is %v, want %v", sub.backend.CurrentKey(), batch[at])
				}
				for range 1 + sub.source.Intn(4) {
					sub.step(m.at(i))
				}
				if sub.source.Intn(8) == 0 {
					sub.check(m.at(i))
				}
			}
			done += len(batch)
		}
		if sub.source.Intn(200) == 0 {
			sub.checkAll(m)
		}
	}
	sub.checkAll(m)
	for i := range sub.keys {
		sub.seek(i)
		sub.clearAll()
	}
	sub.checkAll(model{})
}

// upsert counts keys by batches of all sizes, many of which insert.
func (s *suite[K]) upsert(t *testing.T) {
	sub := s.open(t, 6000)
	counts := map[int]int64{}
	for round := range 60 {
		indexes, keys, hashes := sub.batch(1 + sub.source.Intn(1200))
		cells, fresh := make([]unsafe.Pointer, len(keys)), make([]bool, len(keys))
		for i := range fresh {
			fresh[i] = i%2 == 0 // to be overwritten
		}
		if round%3 == 0 {
			fresh = nil
		}
		sub.backend.Upsert(countColumn, keys, hashes, cells, fresh)
		for at, i := range indexes {
			had, seen := counts[i]
			if got := *(*int64)(cells[at]); got != had {
				t.Fatalf("round %d: the cell of %v holds %d, want %d", round, keys[at], got, had)
			}
			if fresh != nil && fresh[at] != !seen {
				t.Fatalf("round %d: %v is fresh: %t", round, keys[at], fresh[at])
			}
			*(*int64)(cells[at]) = had + int64(i) + 1
			counts[i] = had + int64(i) + 1
		}
	}
	m := model{}
	for i, n := range counts {
		m.at(i).count = &n
	}
	sub.checkAll(m)
}

// mixed alternates between batches of one column and handles of others, on the same keys.
func (s *suite[K]) mixed(t *testing.T) {
	sub := s.open(t, 800)
	m := model{}
	for range 80 {
		indexes, keys, hashes := sub.batch(100)
		cells := make([]unsafe.Pointer, len(keys))
		sub.backend.Upsert(countColumn, keys, hashes, cells, nil)
		for at, i := range indexes {
			*(*int64)(cells[at])++
			n := *(*int64)(cells[at])
			m.at(i).count = &n
		}
		for range 50 {
			i := sub.source.Intn(len(sub.keys))
			sub.seek(i)
			sub.step(m.at(i))
		}
	}
	sub.checkAll(m)
}

// visit changes and clears state of the keys that are being visited.
func (s *suite[K]) visit(t *testing.T) {
	sub := s.open(t, 3000)
	m, index := model{}, map[K]int{}
	for i, key := range sub.keys {
		index[key] = i
		sub.seek(i)
		sub.f.Count.Set(int64(i))
		n := int64(i)
		m.at(i).count = &n
	}
	for range 3 {
		visits := 0
		sub.backend.Each(countColumn, func(key K) bool {
			visits++
			i := index[key]
			switch sub.source.Intn(4) {
			case 0:
				sub.clearAll()
				*m.at(i) = modelled{}
			case 1:
				sub.clearAll() // and set again at once
				*m.at(i) = modelled{}
				n := int64(-i)
				sub.f.Count.Set(n)
				m.at(i).count = &n
			default:
				sub.step(m.at(i))
			}
			return true
		})
		if visits == 0 {
			t.Fatal("nothing is visited")
		}
		sub.checkAll(m)
	}
	stopped := 0
	sub.backend.Each(state.AnyColumn, func(K) bool { stopped++; return stopped < 5 })
	if stopped != 5 {
		t.Fatalf("%d keys are visited after stopping at 5", stopped)
	}
}

// large puts much under one key: long lists, long elements, maps of many keys.
func (s *suite[K]) large(t *testing.T) {
	sub := s.open(t, 3)
	m := model{}
	for i := range sub.keys {
		sub.seek(i)
		for n := range 3000 {
			item := fmt.Sprint(n)
			if n%500 == 499 {
				item = strings.Repeat("long", 10_000)
			}
			sub.f.Items.Add(item)
			m.at(i).items = append(m.at(i).items, item)
		}
		name := strings.Repeat("n", 1<<(17+i))
		sub.f.Name.Set(name)
		m.at(i).name = &name
		for n := range 2000 {
			key := fmt.Sprint("k", n)
			sub.f.Counts.Put(key, int64(n))
			m.at(i).put(key, int64(n))
		}
		for n := range 900 {
			key := fmt.Sprint("k", n*2)
			sub.f.Counts.Remove(key)
			m.at(i).remove(key)
		}
	}
	sub.checkAll(m)
	sub.seek(1)
	for range sub.f.Items.Get() {
		sub.f.Items.Clear() // memory-safe, whatever is seen
		sub.f.Items.Add("again")
	}
	m.at(1).items = sub.f.Items.Slice()
	sub.f.Counts.Clear()
	m.at(1).order, m.at(1).counts = nil, nil
	sub.checkAll(m)
}

// iterated changes a map in a loop over it.
func (s *suite[K]) iterated(t *testing.T) {
	sub := s.open(t, 2)
	sub.seek(0)
	counts := &sub.f.Counts
	for n := range int64(10) {
		counts.Put(fmt.Sprint(n), n)
	}
	var seen []string
	for key, n := range counts.All() {
		seen = append(seen, key)
		switch n {
		case 0:
			counts.Remove("0") // the current one
		case 2:
			counts.Remove("3") // the next one
			counts.Remove("4")
		case 5:
			counts.Put("6", 1<<60) // one to come, perhaps elsewhere in memory
		case 9:
			counts.Put("10", 10) // behind the last one
		case 10:
			counts.Clear()
			counts.Put("again", 11)
		}
	}
	slices.Sort(seen) // in no particular order, and what is added may be visited or not
	added := func(key string) bool { return key == "10" || key == "again" }
	if got := strings.Join(slices.DeleteFunc(seen, added), " "); got != "0 1 2 5 6 7 8 9" {
		t.Fatalf("visited %s", got)
	}
	if _, ok := counts.Get("again"); !ok || counts.Len() != 1 {
		t.Fatal("the last change is lost")
	}
}

// colliding gives all keys the same lower half of their hashes: slow, but right and of bounded memory.
func (s *suite[K]) colliding(t *testing.T) {
	colliding := *s
	colliding.hash = collide(state.Keys[K]{Codec: s.codec}).Hash
	sub := colliding.open(t, 300)
	m := model{}
	for range 30 {
		indexes, keys, hashes := sub.batch(100)
		cells := make([]unsafe.Pointer, len(keys))
		sub.backend.Upsert(countColumn, keys, hashes, cells, nil)
		for at, i := range indexes {
			*(*int64)(cells[at])++
			n := *(*int64)(cells[at])
			m.at(i).count = &n
		}
		for range 40 {
			i := sub.source.Intn(len(sub.keys))
			sub.seek(i)
			sub.step(m.at(i))
		}
	}
	sub.checkAll(m)
	if bytes := sub.backend.Bytes(); bytes > 32<<20 {
		t.Fatalf("300 keys take %d bytes", bytes)
	}
}

// cycles fills and clears a backend again and again, which must not make it grow.
func (s *suite[K]) cycles(t *testing.T) {
	sub := s.open(t, 1500)
	var first int64
	for round := range 12 {
		for i := range sub.keys {
			sub.seek(i)
			sub.f.Count.Set(int64(i))
			sub.f.Name.Set(strings.Repeat("n", i%200))
			sub.f.Items.AddAll([]string{"a", "b"})
			sub.f.Counts.Put("k", 1)
		}
		if round == 0 {
			first = sub.backend.Bytes()
		} else if now := sub.backend.Bytes(); now > first*5/4+s.slack {
			t.Fatalf("round %d takes %d bytes, the first took %d", round, now, first)
		}
		for i := range sub.keys {
			sub.seek(i)
			sub.clearAll()
		}
		if sub.backend.Len() != 0 {
			t.Fatalf("%d keys are left", sub.backend.Len())
		}
	}
	if now := sub.backend.Bytes(); now > first+s.slack {
		t.Fatalf("an empty backend takes %d bytes, a full one %d", now, first)
	}
}

// scan goes round and round by small steps while keys come and go: those that stay are visited in each round.
func (s *suite[K]) scan(t *testing.T) {
	sub := s.open(t, 4000)
	index := map[K]int{}
	for i, key := range sub.keys {
		index[key] = i
	}
	lasting := func(i int) bool { return i%4 == 0 && i < 2000 }
	for i := range sub.keys {
		if lasting(i) {
			sub.seek(i)
			sub.f.Count.Set(int64(i))
		}
	}
	present := map[int]bool{}
	for round, limit := range []int{1, 7, 64, 5000, 100} {
		visited := map[int]bool{}
		for calls, end := 0, false; !end; calls++ {
			if calls > 100_000 {
				t.Fatal("a scan does not end")
			}
			before := len(visited)
			end = sub.backend.Scan(limit, func() {
				i := index[sub.backend.CurrentKey()]
				visited[i] = true
				n, ok := sub.f.Count.Get()
				if !ok || n != int64(i) || !lasting(i) && !present[i] {
					t.Fatalf("key %d has %d %t, present %t", i, n, ok, present[i])
				}
				if !lasting(i) && sub.source.Intn(2) == 0 {
					sub.f.Count.Clear()
					delete(present, i)
				}
			})
			if n := len(visited) - before; n > 4*limit+512 {
				t.Fatalf("a step of about %d keys has visited %d", limit, n)
			}
			for range limit * 3 / 2 { // make it grow, and shrink in the last rounds
				i := sub.source.Intn(len(sub.keys))
				if lasting(i) {
					continue
				}
				sub.seek(i)
				if round < 3 || sub.source.Intn(3) == 0 {
					sub.f.Count.Set(int64(i))
					present[i] = true
				} else {
					sub.f.Count.Clear()
					delete(present, i)
				}
			}
		}
		for i := range sub.keys {
			if lasting(i) && !visited[i] {
				t.Fatalf("round %d by %d: key %d is not visited", round, limit, i)
			}
		}
	}
	if got, want := sub.backend.Len(), int64(500+len(present)); got != want {
		t.Fatalf("%d keys are left, want %d", got, want)
	}
}

func (s *suite[K]) refusals(t *testing.T) {
	sub := s.open(t, 1)
	sub.seek(0)
	sub.f.Count.Set(1)
	sub.backend.Prepare(sub.keys, sub.hashes)
	panics(t, "a key that is not current", func() { sub.f.Count.Set(2) })
	panics(t, "no current key", func() { sub.backend.CurrentKey() })
	panics(t, "batches of encoded values", func() {
		sub.backend.Upsert(2, sub.keys, sub.hashes, make([]unsafe.Pointer, 1), nil)
	})
	panics(t, "a list as a value", func() { sub.backend.Value(3) })
}

func panics(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", what)
		}
	}()
	f()
}
