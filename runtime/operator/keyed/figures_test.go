package keyed

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/pebble"
)

func TestFiguresOfAStore(t *testing.T) {
	both(t, func(t *testing.T, backend string) {
		ctx := operatortest.Context(t, "counting")
		registry := metrics.NewRegistry(clock.NewManual(time.Unix(0, 0)), func(problem string) { t.Error(problem) })
		ctx.Metrics, ctx.Backend = registry.Root(metrics.LevelOperator), backend
		ctx.StateMemory = 4 << 20
		ctx.StateMetrics = map[string]bool{}
		for name := range pebble.FigureNames {
			ctx.StateMetrics[name] = true
		}
		var publish func(int64)
		ctx.OnNote = func(p func(int64)) { publish = p }
		store, err := OpenStore(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
		var function visits
		fields, err := state.Fields(&function)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Fields(store, keysOf(t), fields)
		if err != nil {
			t.Fatal(err)
		}
		timers := Timers(store, "timers", keysOf(t))
		publish(0)
		first := shownBy(registry)
		const keys = 50_000
		for i := range keys {
			key := fmt.Sprint("a key that is long enough to be kept outside of its entry ", i)
			b.Seek(key, hashOf(key))
			function.Count.Set(int64(i))
			function.Names.Add(strings.Repeat("n", 100))
		}
		timers.Register("a", hashOf("a"), 5)
		publish(999e6)
		if again := shownBy(registry); again["state.Count+names.bytesInMemory"] != first["state.Count+names.bytesInMemory"] {
			t.Error("the state is looked at more than once a second")
		}
		publish(1e9)
		got := shownBy(registry)
		if backend == "hashmap" {
			if got["state.Count+names.numEntries"] != keys || got["state.timers.numEntries"] != 1 || got["state.Count+names.bytesInMemory"] < keys*100 {
				t.Error(got)
			}
			return
		}
		if inMemory := got["state.Count+names.bytesInMemory"]; inMemory <= 0 || inMemory > 4<<20 {
			t.Errorf("%d bytes in memory", inMemory)
		}
		if got["rocksdb.cur-size-all-mem-tables"]+got["rocksdb.total-sst-files-size"] < 1<<20 || got["rocksdb.block-cache-capacity"] <= 0 {
			t.Error(got)
		}
		for name := range pebble.FigureNames {
			if _, listed := got["rocksdb."+name]; !listed {
				t.Errorf("%s is not listed", name)
			}
		}
	})
}

func shownBy(registry *metrics.Registry) map[string]int64 {
	all := map[string]int64{}
	for _, s := range registry.Snapshot() {
		if v, ok := s.Value.(int64); ok {
			all[s.Scope.Identifier(s.Name)] = v
		}
	}
	return all
}
