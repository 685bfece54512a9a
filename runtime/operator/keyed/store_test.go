package keyed

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatorstate"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// both runs a test on both backends.
func both(t *testing.T, test func(t *testing.T, backend string)) {
	for _, backend := range []string{"hashmap", "pebble"} {
		t.Run(backend, func(t *testing.T) { test(t, backend) })
	}
}

// subtasks are the contexts of an operator at a parallelism, going on from snapshots.
func subtasks(t *testing.T, backend string, parallelism int, restored []*snapshot.Operator) []*operator.Context {
	all := make([]*operator.Context, parallelism)
	for i := range all {
		c := operatortest.Context(t, "dedup")
		c.Backend, c.Subtask, c.Parallelism, c.MaxParallelism = backend, i, parallelism, 128
		c.KeyGroups = keygroup.RangeOf(128, parallelism, i)
		c.Restored = restored
		all[i] = c
	}
	return all
}

type visits struct {
	Count state.Value[int64]
	Names state.List[string] `state:"names"`
	Late  state.OperatorList[int64]
	Rules state.Broadcast[string, int64]
}

// subtask is one with a function, timers and panes.
type subtask struct {
	ctx      *operator.Context
	store    *Store
	function visits
	backend  state.Backend[string]
	timers   *TimerService[string]
	panes    state.Panes[string]
}

func keysOf(t *testing.T) state.Keys[string] {
	t.Helper()
	key, err := codec.ForKey[string]()
	if err != nil {
		t.Fatal(err)
	}
	return state.Keys[string]{Codec: key}
}

func hashOf(key string) uint64 { return keygroup.HashString(key) }

func openSubtask(t *testing.T, ctx *operator.Context) *subtask {
	t.Helper()
	s := &subtask{ctx: ctx}
	var err error
	if s.store, err = OpenStore(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	})
	fields, err := state.Fields(&s.function)
	if err != nil {
		t.Fatal(err)
	}
	if s.backend, err = Fields(s.store, keysOf(t), fields); err != nil {
		t.Fatal(err)
	}
	ctx.CallAt = func(int64) {}
	s.timers = NewTimerService(s.store, "timers", keysOf(t))
	counts, err := codec.For[int64]()
	if err != nil {
		t.Fatal(err)
	}
	if s.panes, err = Panes(s.store, keysOf(t), []state.Descriptor{state.Describe("slices", state.KindValue, counts)}); err != nil {
		t.Fatal(err)
	}
	without, err := operatorstate.Open(ctx, &s.function)
	if err != nil {
		t.Fatal(err)
	}
	s.store.WithoutKeys(without)
	if err := s.store.Restore(); err != nil {
		t.Fatal(err)
	}
	s.timers.Restored()
	return s
}

func (s *subtask) visit(key string, n int64) {
	s.backend.Seek(key, hashOf(key))
	s.function.Count.Set(n)
	s.function.Names.Add(key)
	s.timers.RegisterEvent(key, hashOf(key), n)
	pane := s.panes.Pane(n % 3 * 100)
	pane.Seek(key, hashOf(key))
	p, _ := pane.Value(0).Store()
	*(*int64)(p) = n
}

// contents describes all state of some subtasks, which they must own.
func contents(t *testing.T, all []*subtask) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, s := range all {
		s.backend.Each(state.AnyColumn, func(key string) bool {
			if group := keygroup.Group(hashOf(key), 128); !s.ctx.KeyGroups.Contains(group) {
				t.Errorf("subtask of %s has %s of group %d", s.ctx.KeyGroups, key, group)
			}
			n, _ := s.function.Count.Get()
			found[key] += fmt.Sprint(n, s.function.Names.Slice())
			return true
		})
		for _, at := range s.panes.All() {
			pane := s.panes.Find(at)
			value := pane.Value(0)
			pane.Each(0, func(key string) bool {
				found[key] += fmt.Sprint(" ", at, "=", *(*int64)(value.Load()))
				return true
			})
		}
		times := map[string][]int64{}
		s.timers.Event.Each(func(key string, at int64) bool {
			times[key] = append(times[key], at)
			return true
		})
		for key, all := range times {
			slices.Sort(all)
			for _, at := range all {
				found[key] += fmt.Sprint(" at ", at)
			}
		}
	}
	return found
}

// snapshotOf is what a canonical mark has.
func snapshotOf(s *Store) (*snapshot.Operator, error) {
	capture, err := s.Mark(snapshot.MarkCanonical)
	if err != nil {
		return nil, err
	}
	for !capture.Copy(100) {
	}
	return capture.Write(context.Background(), "", snapshot.KeepInline)
}

func snapshots(t *testing.T, all []*subtask) []*snapshot.Operator {
	t.Helper()
	taken := make([]*snapshot.Operator, len(all))
	for i, s := range all {
		var err error
		if taken[i], err = snapshotOf(s.store); err != nil {
			t.Fatal(err)
		}
	}
	return taken
}

func TestStateMovesBetweenParallelismsAndBackends(t *testing.T) {
	var before []*subtask
	for _, ctx := range subtasks(t, "hashmap", 2, nil) {
		before = append(before, openSubtask(t, ctx))
	}
	for n := range int64(500) {
		key := fmt.Sprint("key ", n)
		s := before[keygroup.SubtaskOf(keygroup.Group(hashOf(key), 128), 2, 128)]
		s.visit(key, n)
		if n%2 == 0 {
			s.function.Late.Add(n)
		}
	}
	for _, s := range before {
		s.function.Rules.Put("z", 26)
		s.function.Rules.Put("a", 1)
	}
	want := contents(t, before)
	if len(want) != 500 || want["key 7"] != "7 [key 7] 100=7 at 7" {
		t.Fatalf("%d keys, one is %q", len(want), want["key 7"])
	}
	taken := snapshots(t, before)
	for _, step := range []struct {
		backend     string
		parallelism int
	}{{"pebble", 3}, {"hashmap", 1}, {"pebble", 5}, {"pebble", 2}, {"hashmap", 4}} {
		var after []*subtask
		late := 0
		for _, ctx := range subtasks(t, step.backend, step.parallelism, taken) {
			s := openSubtask(t, ctx)
			after = append(after, s)
			late += s.function.Late.Len()
			if rules := slices.Collect(s.function.Rules.Keys()); !slices.Equal(rules, []string{"z", "a"}) {
				t.Errorf("rules of subtask %d are %v", ctx.Subtask, rules)
			}
		}
		if got := contents(t, after); !maps.Equal(got, want) {
			t.Fatalf("on %+v: %d keys, want %d, or they differ: %q", step, len(got), len(want), got["key 7"])
		}
		if late != 250 {
			t.Errorf("on %+v: %d elements of the list, want 250", step, late)
		}
		taken = snapshots(t, after)
	}
}

type before struct {
	Item  state.Value[oldItem]
	Items state.List[oldItem]
	Of    state.Map[string, oldItem]
	Sum   state.Value[int64]
	Gone  state.Value[int64]
	TTL   state.Value[int64]
	NoTTL state.List[string] `state:",ttl=1h"`
}

type oldItem struct {
	Price int64
	Name  string
}

type after struct {
	Of    state.Map[string, newItem]
	Items state.List[newItem]
	New   state.Value[string]
	Item  state.Value[newItem]
	Sum   state.Value[int64]
	TTL   state.Value[int64] `state:",ttl=1h"`
	NoTTL state.List[string]
}

type newItem struct {
	Note  string
	Name  string
	Price int64
}

// run opens a store for a function, and closes it after use. It returns a snapshot, and the error of Restore.
func run(t *testing.T, ctx *operator.Context, function any, use func(backend state.Backend[string])) (*snapshot.Operator, error) {
	t.Helper()
	store, err := OpenStore(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	fields, err := state.Fields(function)
	if err != nil {
		t.Fatal(err)
	}
	backend, err := Fields(store, keysOf(t), fields)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Restore(); err != nil {
		return nil, err
	}
	use(backend)
	taken, err := snapshotOf(store)
	if err != nil {
		t.Fatal(err)
	}
	return taken, nil
}

func TestStructsOfStateMayChange(t *testing.T) {
	both(t, func(t *testing.T, backend string) {
		var was before
		taken, err := run(t, subtasks(t, backend, 1, nil)[0], &was, func(b state.Backend[string]) {
			b.Seek("k", hashOf("k"))
			was.Item.Set(oldItem{1, "one"})
			was.Items.AddAll([]oldItem{{2, "two"}, {3, "three"}})
			was.Of.Put("four", oldItem{4, "four"})
			was.Sum.Set(5)
			was.Gone.Set(6)
			was.TTL.Set(7)
			was.NoTTL.AddAll([]string{"eight", "", "ten"})
		})
		if err != nil {
			t.Fatal(err)
		}
		var is after
		ctx := subtasks(t, backend, 1, []*snapshot.Operator{taken})[0]
		_, err = run(t, ctx, &is, func(b state.Backend[string]) {
			b.Seek("k", hashOf("k"))
			item, _ := is.Item.Get()
			of, _ := is.Of.Get("four")
			sum, _ := is.Sum.Get()
			timed, _ := is.TTL.Get()
			_, has := is.New.Get()
			got := fmt.Sprint(item, is.Items.Slice(), of, sum, timed, is.NoTTL.Slice(), has)
			if want := "{ one 1} [{ two 2} { three 3}] { four 4} 5 7 [eight  ten] false"; got != want {
				t.Errorf("read\n%s\nwant\n%s", got, want)
			}
			ctx.Clock.(*clock.Manual).Advance(time.Hour)
			if _, alive := is.TTL.Get(); alive {
				t.Error("a value that has been given a time to live outlives it")
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestIncompatibleStateIsRefused(t *testing.T) {
	var was before
	taken, err := run(t, subtasks(t, "hashmap", 1, nil)[0], &was, func(b state.Backend[string]) {
		b.Seek("k", hashOf("k"))
		was.Sum.Set(5)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		function any
		parts    []string
	}{
		{&struct{ Sum state.Value[string] }{}, []string{`"dedup"`, `"Sum"`, "ValueState of int64", "ValueState of string"}},
		{&struct{ Sum state.List[int64] }{}, []string{`"dedup"`, `"Sum"`, "ValueState of int64", "ListState of int64"}},
		{&struct{ Of state.Map[int64, oldItem] }{}, []string{`"dedup"`, `"Of"`, "keys of its maps", "string", "int64"}},
	} {
		_, err := run(t, subtasks(t, "hashmap", 1, []*snapshot.Operator{taken})[0], c.function, func(state.Backend[string]) {})
		for _, part := range c.parts {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%T: %v, want %q in it", c.function, err, part)
			}
		}
	}
}

func TestDamagedSnapshotIsRefused(t *testing.T) {
	var was before
	taken, err := run(t, subtasks(t, "hashmap", 1, nil)[0], &was, func(b state.Backend[string]) {
		for n := range int64(100) {
			key := fmt.Sprint(n)
			b.Seek(key, hashOf(key))
			was.Sum.Set(n)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	table := taken.Chains[0].Tables[0].Ref.Inline
	for at := 0; at < len(table); at += 41 {
		flipped := slices.Clone(table)
		flipped[at] ^= 0x40
		spoilt := *taken
		spoilt.Chains = []snapshot.Chain{{Groups: taken.Groups, Tables: []snapshot.LocalTable{{Ref: snapshot.Inline(flipped), Groups: taken.Groups}}}}
		var is before
		if _, err := run(t, subtasks(t, "hashmap", 1, []*snapshot.Operator{&spoilt})[0], &is, func(b state.Backend[string]) {
			if b.Len() != 100 { // bytes that nothing depends on
				t.Errorf("after a flipped bit at %d there are %d keys", at, b.Len())
			}
		}); err != nil && !strings.Contains(err.Error(), `"dedup"`) {
			t.Errorf("the error does not name the operator: %v", err)
		}
	}
}

func TestNamesAreUniqueInAStore(t *testing.T) {
	store, err := OpenStore(subtasks(t, "hashmap", 1, nil)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	counts, err := codec.For[int64]()
	if err != nil {
		t.Fatal(err)
	}
	d := []state.Descriptor{state.Describe("count", state.KindValue, counts)}
	if _, err := Backend(store, keysOf(t), d); err != nil {
		t.Fatal(err)
	}
	if _, err := Panes(store, keysOf(t), d); err == nil || !strings.Contains(err.Error(), `"count"`) {
		t.Errorf("a name is taken twice: %v", err)
	}
	if _, err := OpenStore(subtasks(t, "rocks", 1, nil)[0]); err == nil || !strings.Contains(err.Error(), `"rocks"`) {
		t.Errorf("an unknown backend: %v", err)
	}
}

type expiring struct {
	Seen  state.Value[bool]         `state:"seen,ttl=10s"`
	Items state.List[int64]         `state:"items,ttl=10s"`
	Of    state.Map[string, string] `state:"of,ttl=10s,ttl-visibility=returnExpiredIfNotCleanedUp"`
	Kept  state.Value[bool]         `state:"kept,ttl=10s,ttl-cleanup=onRead"`
}

func TestExpiredStateIsCleanedInTheBackground(t *testing.T) {
	both(t, func(t *testing.T, backend string) {
		ctx := subtasks(t, backend, 1, nil)[0]
		store, err := OpenStore(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		var f expiring
		fields, err := state.Fields(&f)
		if err != nil {
			t.Fatal(err)
		}
		keyed, err := Fields(store, keysOf(t), fields)
		if err != nil {
			t.Fatal(err)
		}
		for n := range int64(3000) {
			key := fmt.Sprint(n)
			keyed.Seek(key, hashOf(key))
			f.Seen.Set(true)
			f.Items.Add(n)
			f.Of.Put("a", key)
			if n < 10 {
				f.Kept.Set(true)
			}
		}
		now := ctx.Clock.(*clock.Manual)
		pass := func(d time.Duration) (steps int) {
			for end := now.Now().Add(d); now.Now().Before(end); steps++ {
				store.Clean()
				now.Advance(10 * time.Millisecond)
			}
			return steps
		}
		pass(9 * time.Second)
		if keyed.Len() != 3000 {
			t.Fatalf("%d keys are left before their time", keyed.Len())
		}
		keyed.Seek("2999", hashOf("2999"))
		f.Seen.Set(true)
		f.Items.Add(-1)
		pass(8 * time.Second)
		if keyed.Len() != 11 {
			t.Fatalf("%d keys are left after it, want 11", keyed.Len())
		}
		keyed.Seek("2999", hashOf("2999"))
		if items := f.Items.Slice(); !slices.Equal(items, []int64{-1}) || f.Of.Len() != 0 {
			t.Errorf("the younger parts are %v %d", items, f.Of.Len())
		}
	})
}

func TestTimersFireInOrderOnce(t *testing.T) {
	both(t, func(t *testing.T, backend string) {
		ctx := subtasks(t, backend, 1, nil)[0]
		called := int64(math.MinInt64)
		ctx.CallAt = func(at int64) { called = at }
		store, err := OpenStore(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		timers := NewTimerService(store, "t", keysOf(t))
		for n := range 1000 {
			key := fmt.Sprint(n % 10)
			timers.RegisterEvent(key, hashOf(key), int64(n/10*7%100))
			timers.RegisterProcessing(key, hashOf(key), 1_000_000+int64(n%100))
		}
		if called != 1_000_000 {
			t.Errorf("a call is asked for at %d", called)
		}
		var fired []int64
		registered := false
		err = timers.AdvanceWatermark(49, func(key string, _ uint64, at int64) error {
			fired = append(fired, at)
			if at == 40 && !registered {
				registered = true
				timers.RegisterEvent("again", hashOf("again"), 3)
				timers.DeleteEvent("5", hashOf("5"), 45)
			}
			return nil
		})
		if err != nil || len(fired) != 50*10+1-1 {
			t.Fatalf("%d timers fired, %v", len(fired), err)
		}
		timers.DeleteProcessing("0", hashOf("0"), 1_000_000)
		if err := timers.AdvanceProcessingTime(1_000_050, func(string, uint64, int64) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if called != 1_000_051 || timers.Processing.Len() != 49 {
			t.Errorf("a call is asked for at %d, %d timers are left", called, timers.Processing.Len())
		}
	})
}
