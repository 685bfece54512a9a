package statetest

import (
	"fmt"
	"math"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// MakeTimers makes an empty set of timers.
type MakeTimers[K any] func(keys state.Keys[K], groups keygroup.Range, maxParallelism int, number uint16) (state.Timers[K], error)

// TimerSets makes the timers under test for each type of key that the suite uses.
type TimerSets struct {
	Int64    MakeTimers[int64]
	String   MakeTimers[string]
	Pair     MakeTimers[Pair]
	Windowed MakeTimers[state.Windowed[string]]
}

// RunTimers runs the suite of timers.
func RunTimers(t *testing.T, sets TimerSets) {
	t.Run("int64", func(t *testing.T) {
		runTimers(t, sets.Int64, plainKeys[int64](t), func(i int) int64 { return int64(i-5) * 7919 })
	})
	t.Run("string", func(t *testing.T) {
		runTimers(t, sets.String, plainKeys[string](t), func(i int) string { return strings.Repeat("k", i%30) + fmt.Sprint(i) })
	})
	t.Run("pair", func(t *testing.T) {
		runTimers(t, sets.Pair, plainKeys[Pair](t), func(i int) Pair { return Pair{int64(i % 7), int64(i / 7)} })
	})
	t.Run("windowed", func(t *testing.T) {
		keys, err := state.WindowedKeys(plainKeys[string](t))
		if err != nil {
			t.Fatal(err)
		}
		runTimers(t, sets.Windowed, keys, func(i int) state.Windowed[string] {
			return state.Windowed[string]{Key: fmt.Sprint("key ", i%40), Start: int64(i) * 10, End: int64(i)*10 + 100}
		})
	})
}

func plainKeys[K any](t *testing.T) state.Keys[K] {
	t.Helper()
	keys, err := codec.ForKey[K]()
	if err != nil {
		t.Fatal(err)
	}
	return state.Keys[K]{Codec: keys}
}

func runTimers[K comparable](t *testing.T, open MakeTimers[K], keys state.Keys[K], key func(int) K) {
	// How far apart times are decides in which parts of a timer service's structure they come to stand.
	for name, spread := range map[string]func(r *rand.Rand) int64{
		"few times":      func(r *rand.Rand) int64 { return r.Int63n(5) * 1000 },
		"scattered":      func(r *rand.Rand) int64 { return r.Int63n(100_000) },
		"all magnitudes": func(r *rand.Rand) int64 { return r.Int63() >> r.Intn(63) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newTimerSubject(t, open, keys, key, 300, keygroup.Range{First: 4, Last: 11})
			s.random(15_000, spread)
		})
	}
	t.Run("in batches of one time", func(t *testing.T) { timersOfOneTime(t, open, keys, key) })
	t.Run("deleted and registered again", func(t *testing.T) { timersReset(t, open, keys, key) })
	t.Run("few at a time", func(t *testing.T) { timersFew(t, open, keys, key) })
	t.Run("extreme times", func(t *testing.T) { timersExtreme(t, open, keys, key) })
	t.Run("equal lower halves of hashes", func(t *testing.T) { timersColliding(t, open, keys, key) })
	t.Run("export and import", func(t *testing.T) { timersMoved(t, open, keys, key) })
	t.Run("damaged entries", func(t *testing.T) { timersDamaged(t, open, keys, key) })
}

type timerKey[K any] struct {
	key K
	at  int64
}

type timerSubject[K comparable] struct {
	t      *testing.T
	timers state.Timers[K]
	model  map[timerKey[K]]uint64
	keys   []K
	hashes []uint64
	source *rand.Rand
}

// timerNumber is the number of the timers' state.
const timerNumber = 7

func newTimerSubject[K comparable](t *testing.T, open MakeTimers[K], keys state.Keys[K], key func(int) K, n int, groups keygroup.Range) *timerSubject[K] {
	t.Helper()
	timers, err := open(keys, groups, maxParallelism, timerNumber)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(timers.Close)
	s := &timerSubject[K]{t: t, timers: timers, model: map[timerKey[K]]uint64{}, source: rand.New(rand.NewSource(3))}
	for i := 0; len(s.keys) < n; i++ {
		one, hash := []K{key(i)}, []uint64{0}
		if err := keys.HashesOf(one, hash); err != nil {
			t.Fatal(err)
		}
		if groups.Contains(keygroup.Group(hash[0], maxParallelism)) {
			s.keys, s.hashes = append(s.keys, one[0]), append(s.hashes, hash[0])
		}
	}
	return s
}

func (s *timerSubject[K]) register(i int, at int64) {
	s.t.Helper()
	id := timerKey[K]{s.keys[i], at}
	_, had := s.model[id]
	if s.timers.Register(s.keys[i], s.hashes[i], at) == had {
		s.t.Fatalf("registering %v, there is %t, reports %t", id, had, !had)
	}
	s.model[id] = s.hashes[i]
}

func (s *timerSubject[K]) remove(i int, at int64) {
	s.t.Helper()
	id := timerKey[K]{s.keys[i], at}
	_, had := s.model[id]
	if s.timers.Delete(s.keys[i], s.hashes[i], at) != had {
		s.t.Fatalf("deleting %v, there is %t, reports %t", id, had, !had)
	}
	delete(s.model, id)
}

// least is the least time of the model.
func (s *timerSubject[K]) least() (least int64, ok bool) {
	for id := range s.model {
		if !ok || id.at < least {
			least, ok = id.at, true
		}
	}
	return least, ok
}

func (s *timerSubject[K]) checkNext() {
	s.t.Helper()
	want, ok := s.least()
	if got, has := s.timers.Next(); got != want && ok || has != ok {
		s.t.Fatalf("next is %d %t, want %d %t", got, has, want, ok)
	}
}

// take takes once, with room for n.
func (s *timerSubject[K]) take(until int64, n int) []state.Timer[K] {
	s.t.Helper()
	least, ok := s.least()
	want := 0
	for id := range s.model {
		if ok && least <= until && id.at == least {
			want++
		}
	}
	due := s.timers.Take(until, make([]state.Timer[K], 0, n))
	if len(due) != min(want, n) {
		s.t.Fatalf("%d timers are taken until %d with room for %d, want those of %d, which are %d", len(due), until, n, least, want)
	}
	for _, timer := range due {
		hash, had := s.model[timerKey[K]{timer.Key, timer.At}]
		if !had || timer.At != least || hash != timer.Hash {
			s.t.Fatalf("took %+v, which is one of the model's: %t; want time %d, hash %x", timer, had, least, hash)
		}
		delete(s.model, timerKey[K]{timer.Key, timer.At})
	}
	return due
}

func (s *timerSubject[K]) check() {
	s.t.Helper()
	if got := s.timers.Len(); got != int64(len(s.model)) {
		s.t.Fatalf("there are %d timers, want %d", got, len(s.model))
	}
	seen := map[timerKey[K]]bool{}
	s.timers.Each(func(key K, at int64) bool {
		id := timerKey[K]{key, at}
		if _, had := s.model[id]; !had || seen[id] {
			s.t.Fatalf("visited %v: one of the model's %t, visited before %t", id, had, seen[id])
		}
		seen[id] = true
		return true
	})
	if len(seen) != len(s.model) {
		s.t.Fatalf("%d timers are visited, want %d", len(seen), len(s.model))
	}
}

func (s *timerSubject[K]) drain() {
	s.t.Helper()
	for len(s.model) > 0 {
		s.take(math.MaxInt64, 100)
	}
	s.check()
	s.checkNext()
	if due := s.timers.Take(math.MaxInt64, make([]state.Timer[K], 0, 1)); len(due) > 0 {
		s.t.Fatalf("an empty set gives %v", due)
	}
}

func (s *timerSubject[K]) random(operations int, spread func(*rand.Rand) int64) {
	r := s.source
	now := int64(0)
	for range operations {
		i := r.Intn(len(s.keys))
		at := now + spread(r)
		switch r.Intn(12) {
		case 0, 1, 2, 3, 4:
			s.register(i, at)
		case 5:
			s.register(i, now-r.Int63n(1000)) // late
		case 6, 7:
			for id, hash := range s.model { // some timer
				if !s.timers.Delete(id.key, hash, id.at) {
					s.t.Fatalf("%v is not there to be deleted", id)
				}
				delete(s.model, id)
				break
			}
		case 8:
			s.remove(i, at)
		case 9:
			if r.Intn(4) == 0 {
				s.checkNext()
			}
		case 10:
			if r.Intn(8) == 0 {
				now += spread(r) / 4
				for len(s.take(now, 1+r.Intn(10))) > 0 {
					if r.Intn(3) == 0 {
						s.register(r.Intn(len(s.keys)), now-1) // by a timer that fires
					}
				}
			}
		case 11:
			if r.Intn(300) == 0 {
				s.check()
			}
		}
		if now > math.MaxInt64/4 {
			s.drain()
			now = 0
		}
	}
	s.check()
	s.drain()
}

func timersOfOneTime[K comparable](t *testing.T, open MakeTimers[K], keys state.Keys[K], key func(int) K) {
	s := newTimerSubject(t, open, keys, key, 2500, keygroup.Range{First: 0, Last: maxParallelism - 1})
	for window := range int64(4) {
		for i := range s.keys {
			s.register(i, window*1000+999)
			s.register(i, window*1000+999)
		}
	}
	for i := range s.keys {
		if i%3 == 0 {
			s.remove(i, 1999)
		}
	}
	s.check()
	if due := s.take(998, 10); len(due) > 0 {
		t.Fatalf("%d timers are early", len(due))
	}
	s.drain()
}

// timersReset is what a timeout does that starts anew with each record: the memory must not grow with the number of resets.
func timersReset[K comparable](t *testing.T, open MakeTimers[K], keys state.Keys[K], key func(int) K) {
	s := newTimerSubject(t, open, keys, key, 200, keygroup.Range{First: 0, Last: maxParallelism - 1})
	pending := make([]int64, len(s.keys))
	var early int64
	for step := range int64(40_000) {
		i := s.source.Intn(len(s.keys))
		if pending[i] != 0 {
			s.remove(i, pending[i])
		}
		pending[i] = step + 100_000
		s.register(i, pending[i])
		if step%1000 == 0 {
			s.checkNext()
		}
		if step == 10_000 {
			early = s.timers.Bytes()
		}
	}
	if now := s.timers.Bytes(); now > 2*early {
		t.Errorf("%d timers take %d bytes after 10,000 resets, %d after 40,000", len(s.keys), early, now)
	}
	for i := range s.keys { // the same timer, again and again
		for range 20 {
			s.remove(i, pending[i])
			s.register(i, pending[i])
		}
	}
	s.check()
	s.drain()
}

// timersFew leaves and enters the empty set again and again, at times far before and behind the last ones.
func timersFew[K comparable](t *testing.T, open MakeTimers[K], keys state.Keys[K], key func(int) K) {
	s := newTimerSubject(t, open, keys, key, 3, keygroup.Range{First: 0, Last: maxParallelism - 1})
	s.register(0, 1<<30)
	s.take(1<<30, 1)
	s.register(0, 1<<35+100_000)
	s.take(1<<31, 1)
	s.register(0, 1<<34)
	s.checkNext()
	for range 6000 {
		at := s.source.Int63() >> (20 + s.source.Intn(40))
		if len(s.model) < 3 && s.source.Intn(2) == 0 {
			s.register(s.source.Intn(len(s.keys)), at)
		} else {
			s.take(at, 1)
		}
		if s.source.Intn(16) == 0 {
			s.checkNext()
		}
	}
	s.drain()
}

func timersExtreme[K comparable](t *testing.T, open MakeTimers[K], keys state.Keys[K], key func(int) K) {
	s := newTimerSubject(t, open, keys, key, 3, keygroup.Range{First: 0, Last: maxParallelism - 1})
	times := []int64{math.MaxInt64, 0, -1, math.MinInt64, 1, math.MaxInt64 - 1, math.MinInt64 + 1, 1 << 40}
	for _, at := range times {
		for i := range s.keys {
			s.register(i, at)
		}
	}
	slices.Sort(times)
	for _, at := range times {
		s.checkNext()
		if at > math.MinInt64 && len(s.take(at-1, 10)) > 0 {
			t.Fatalf("timers of %d are early", at)
		}
		if n := len(s.take(at, 10)); n != len(s.keys) {
			t.Fatalf("%d timers of %d, want %d", n, at, len(s.keys))
		}
	}
	s.drain()
}

func timersColliding[K comparable](t *testing.T, open MakeTimers[K], keys state.Keys[K], key func(int) K) {
	s := newTimerSubject(t, open, collide(keys), key, 200, keygroup.Range{First: 0, Last: maxParallelism - 1})
	s.random(4000, func(r *rand.Rand) int64 { return r.Int63n(3) * 100 })
}

// entry is one of an export.
type entry struct{ key, value []byte }

// exported collects what a durable writes, and checks that the keys ascend and are of the groups.
func exported(t *testing.T, d state.Durable, groups keygroup.Range) (entries []entry) {
	t.Helper()
	err := d.Export(groups, func(key, value []byte) error {
		if n := len(entries); n > 0 && slices.Compare(entries[n-1].key, key) >= 0 {
			return fmt.Errorf("key %x comes after %x", key, entries[n-1].key)
		}
		if len(key) < 4 || !groups.Contains(uint16(key[0])<<8|uint16(key[1])) {
			return fmt.Errorf("key %x is of no group of %s", key, groups)
		}
		entries = append(entries, entry{slices.Clone(key), slices.Clone(value)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func sameEntries(a, b []entry) bool {
	return slices.EqualFunc(a, b, func(a, b entry) bool {
		return slices.Equal(a.key, b.key) && slices.Equal(a.value, b.value)
	})
}

// timersMoved splits the timers of a set over two by key group.
func timersMoved[K comparable](t *testing.T, open MakeTimers[K], keys state.Keys[K], key func(int) K) {
	all := keygroup.Range{First: 0, Last: maxParallelism - 1}
	s := newTimerSubject(t, open, keys, key, 400, all)
	for range 3000 {
		i, at := s.source.Intn(len(s.keys)), s.source.Int63n(50)-10
		s.register(i, at)
		s.remove(s.source.Intn(len(s.keys)), at)
	}
	s.take(-5, 1000)
	whole := exported(t, s.timers, all)
	if len(whole) != len(s.model) {
		t.Fatalf("%d entries are exported, want %d", len(whole), len(s.model))
	}
	var parts []entry
	for _, groups := range []keygroup.Range{{First: 0, Last: 6}, {First: 7, Last: maxParallelism - 1}} {
		half := newTimerSubject(t, open, keys, key, 1, groups)
		for id, hash := range s.model {
			if groups.Contains(keygroup.Group(hash, maxParallelism)) {
				half.model[id] = hash
			}
		}
		entries := exported(t, s.timers, groups)
		for _, e := range entries {
			if err := half.timers.Import(e.key, e.value); err != nil {
				t.Fatal(err)
			}
		}
		half.check()
		if again := exported(t, half.timers, groups); !sameEntries(again, entries) {
			t.Fatal("what is imported is exported differently")
		}
		parts = append(parts, entries...)
		half.drain()
	}
	if !sameEntries(parts, whole) {
		t.Fatal("the parts are not the whole")
	}
	s.drain()
}

func timersDamaged[K comparable](t *testing.T, open MakeTimers[K], keys state.Keys[K], key func(int) K) {
	groups := keygroup.Range{First: 2, Last: 5}
	s := newTimerSubject(t, open, keys, key, 3, groups)
	for i := range s.keys {
		s.register(i, int64(i))
	}
	for _, e := range exported(t, s.timers, groups) {
		refuse(t, s.timers, "a cut key", e.key[:len(e.key)-1], e.value)
		refuse(t, s.timers, "no key", e.key[:6], e.value)
		refuse(t, s.timers, "a longer key", append(slices.Clone(e.key), 0), e.value)
		refuse(t, s.timers, "a value", e.key, []byte{1})
		for at, flip := range map[int]byte{1: 1, 0: 1, 3: 1} {
			spoilt := slices.Clone(e.key)
			spoilt[at] ^= flip
			refuse(t, s.timers, "another group or state", spoilt, e.value)
		}
	}
	s.drain()
}

func refuse(t *testing.T, d state.Durable, what string, key, value []byte) {
	t.Helper()
	if err := d.Import(key, value); err == nil {
		t.Errorf("%s is accepted: %x %x", what, key, value)
	}
}
