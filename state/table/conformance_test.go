package table_test

import (
	"testing"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
	"github.com/weir-stream/weir/state/statetest"
	"github.com/weir-stream/weir/state/table"
)

func open[K any](keys state.Keys[K], groups keygroup.Range, maxParallelism int) (state.Backend[K], error) {
	return table.New(keys, groups, maxParallelism), nil
}

var backends = statetest.Backends{
	Int64: open[int64], String: open[string], Pair: open[statetest.Pair], Wide: open[statetest.Wide], Mixed: open[statetest.Mixed],
}

func TestConformance(t *testing.T) { statetest.Run(t, backends) }

func TestExchange(t *testing.T) { statetest.RunExchange(t, backends, backends) }

func TestPanes(t *testing.T) {
	statetest.RunPanes(t, statetest.PaneSets{Int64: table.NewPanes[int64], String: table.NewPanes[string]})
}

func FuzzImport(f *testing.F) { statetest.FuzzImport(f, open[string]) }

func TestTTL(t *testing.T) { statetest.RunTTL(t, open[string]) }

func openTimers[K any](keys state.Keys[K], groups keygroup.Range, maxParallelism int, number uint16) (state.Timers[K], error) {
	return table.NewTimers(keys, groups, maxParallelism, number), nil
}

func TestMarks(t *testing.T) {
	statetest.RunMarks(t, backends, statetest.PaneSets{Int64: table.NewPanes[int64], String: table.NewPanes[string]},
		statetest.TimerSets{Int64: openTimers[int64], String: openTimers[string]})
}

func TestTimers(t *testing.T) {
	statetest.RunTimers(t, statetest.TimerSets{
		Int64: openTimers[int64], String: openTimers[string], Pair: openTimers[statetest.Pair], Windowed: openTimers[state.Windowed[string]],
	})
}
