package table_test

import (
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
	"github.com/weir-stream/weir/state/statetest"
	"github.com/weir-stream/weir/state/table"
)

func open[K any](keys codec.Key[K], groups keygroup.Range, maxParallelism int) (state.Backend[K], error) {
	return table.New(keys, groups, maxParallelism), nil
}

func TestConformance(t *testing.T) {
	statetest.Run(t, statetest.Backends{
		Int64: open[int64], String: open[string], Pair: open[statetest.Pair], Wide: open[statetest.Wide], Mixed: open[statetest.Mixed],
	})
}
