package pebble

import (
	"testing"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
	"github.com/weir-stream/weir/state/statetest"
)

// opened makes databases of one size for a test, which closes them.
type opened struct {
	t      testing.TB
	memory int64
}

func (o opened) database(groups keygroup.Range, maxParallelism int) (*Database, error) {
	db, err := Open(Options{Memory: o.memory, Groups: groups, MaxParallelism: maxParallelism})
	if err == nil {
		o.t.Cleanup(func() {
			if err := db.Close(); err != nil {
				o.t.Error(err)
			}
		})
	}
	return db, err
}

func backend[K any](o opened) statetest.Make[K] {
	return func(keys state.Keys[K], groups keygroup.Range, maxParallelism int) (state.Backend[K], error) {
		db, err := o.database(groups, maxParallelism)
		if err != nil {
			return nil, err
		}
		return NewBackend(db, keys), nil
	}
}

func backends(o opened) statetest.Backends {
	return statetest.Backends{
		Int64: backend[int64](o), String: backend[string](o), Pair: backend[statetest.Pair](o),
		Wide: backend[statetest.Wide](o), Mixed: backend[statetest.Mixed](o),
	}
}

// sizes are memories in which everything fits, and hardly anything.
var sizes = map[string]int64{"ample": 1 << 30, "scarce": 256 << 10, "tiny": 4 << 10}

func each(t *testing.T, run func(t *testing.T, o opened)) {
	for name, memory := range sizes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, opened{t, memory})
		})
	}
}

func TestConformance(t *testing.T) {
	for _, size := range []string{"ample", "scarce", "tiny"} {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			all := backends(opened{t, sizes[size]})
			some := map[string]statetest.Backends{"ample": {Pair: all.Pair}, "scarce": {Mixed: all.Mixed}, "tiny": {Int64: all.Int64}}[size]
			some.Slack = 512 << 10 // pages and segments that are not full
			statetest.Run(t, some)
		})
	}
}

func panes[K any](o opened) statetest.MakePanes[K] {
	return func(keys state.Keys[K], groups keygroup.Range, maxParallelism int, descriptors []state.Descriptor) (state.Panes[K], error) {
		db, err := o.database(groups, maxParallelism)
		if err != nil {
			return nil, err
		}
		return NewPanes(db, keys, descriptors)
	}
}

func TestPanes(t *testing.T) {
	each(t, func(t *testing.T, o opened) {
		statetest.RunPanes(t, statetest.PaneSets{Int64: panes[int64](o), String: panes[string](o)})
	})
}

func TestExchange(t *testing.T) {
	each(t, func(t *testing.T, o opened) { statetest.RunExchange(t, backends(o), backends(o)) })
}

func TestTTL(t *testing.T) {
	each(t, func(t *testing.T, o opened) { statetest.RunTTL(t, backend[string](o)) })
}

func timerSet[K any](o opened) func(state.Keys[K], keygroup.Range, int, uint16) (state.Timers[K], error) {
	return func(keys state.Keys[K], groups keygroup.Range, maxParallelism int, number uint16) (state.Timers[K], error) {
		db, err := o.database(groups, maxParallelism)
		if err != nil {
			return nil, err
		}
		return NewTimers(db, keys, number), nil
	}
}

func TestMarks(t *testing.T) {
	each(t, func(t *testing.T, o opened) {
		all := backends(o)
		of := statetest.PaneSets{Int64: panes[int64](o)}
		switch o.memory {
		case sizes["ample"]:
			all = statetest.Backends{Int64: all.Int64}
		case sizes["tiny"]:
			all = statetest.Backends{String: all.String}
		default:
			of.String = panes[string](o)
		}
		statetest.RunMarks(t, all, of, statetest.TimerSets{Int64: timerSet[int64](o), String: timerSet[string](o)})
	})
}

func TestTimers(t *testing.T) {
	each(t, func(t *testing.T, o opened) {
		statetest.RunTimers(t, statetest.TimerSets{
			Int64: timerSet[int64](o), String: timerSet[string](o), Pair: timerSet[statetest.Pair](o), Windowed: timerSet[state.Windowed[string]](o),
		})
	})
}
