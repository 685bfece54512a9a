package source

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/operatortest"
	"github.com/weir-stream/weir/runtime/operator/watermark"
)

// shown are the gauges of the group whose names begin so.
func shown(registry *metrics.Registry, prefix string) map[string]int64 {
	all := map[string]int64{}
	for _, s := range registry.Snapshot() {
		name := s.Scope.Identifier(s.Name)
		if v, ok := s.Value.(int64); ok && strings.HasPrefix(name, prefix) {
			all[name] = v
		}
	}
	return all
}

func TestFiguresOfASource(t *testing.T) {
	b := &bench{t: t, source: &scripted{}, clock: clock.NewManual(time.UnixMilli(1000)), call: operator.NoCall}
	registry := metrics.NewRegistry(b.clock, func(problem string) { t.Error(problem) })
	b.ctx = operatortest.Context(t, "scripted")
	b.ctx.Clock, b.ctx.Metrics = b.clock, registry.Root(metrics.LevelOperator)
	b.ctx.CallAt = func(at int64) { b.call = at }
	var publish func(int64)
	b.ctx.OnNote = func(p func(int64)) { publish = p }
	strategy := watermark.Monotonous(func(v int64) int64 { return v }).WithIdleness(time.Second)
	var instance operator.Instance
	instance, b.out = operatortest.Open[int64](t, b.ctx, WithWatermarks(b.source, strategy, tick))
	b.op = instance.Operator.(*reading[int64])
	note := func() { publish(b.clock.Nanos()) }

	note()
	b.clock.Advance(7 * time.Millisecond)
	if got := shown(registry, ""); got["sourceIdleTime"] != 7 || len(got) != 2 {
		t.Errorf("before the first record: %v", got)
	}
	b.assign("a", "b")
	b.emit("a", 900)
	note()
	b.emit("b", 950, 980)
	b.pass(100 * time.Millisecond)
	note()
	got := shown(registry, "")
	// The splits are as far as 900: a monotonous stream may have another record of the same time. The last record was emitted when it was noted.
	for name, want := range map[string]int64{"currentEmitEventTimeLag": 1107 - 980, "sourceIdleTime": 0, "watermarkLag": 1107 - 899} {
		if got[name] != want {
			t.Errorf("%s is %d, want %d", name, got[name], want)
		}
	}
	b.pass(500 * time.Millisecond)
	b.op.Align(940) // split b is too far ahead
	note()
	b.pass(300 * time.Millisecond)
	got = shown(registry, "split.")
	want := map[string]int64{
		"split.a.watermark.currentWatermark": 899, "split.b.watermark.currentWatermark": 979,
		"split.a.watermark.accumulatedActiveTimeMs": 800, "split.a.watermark.accumulatedPausedTimeMs": 0, "split.a.watermark.accumulatedIdleTimeMs": 0,
		"split.b.watermark.accumulatedActiveTimeMs": 500, "split.b.watermark.accumulatedPausedTimeMs": 300, "split.b.watermark.accumulatedIdleTimeMs": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	b.op.Align(watermark.NoLimit)
	b.pass(2 * time.Second)
	note()
	b.pass(time.Second)
	if idle := shown(registry, "split.a.")["split.a.watermark.accumulatedIdleTimeMs"]; idle < 1000 {
		t.Errorf("a split without records was idle for %d ms", idle)
	}
	b.op.time.finish("a")
	if left := slices.Collect(maps.Keys(shown(registry, "split.a."))); len(left) > 0 {
		t.Errorf("of a split that is over there is %v", left)
	}
}
