package process

import (
	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/operatorstate"
	"github.com/weir-stream/weir/state"
)

// DescribeKeyed returns what an operator with this function on a stream with these keys has in snapshots: its keyed state and
// timers, and its states without keys. The function is one that is not used for anything else.
func DescribeKeyed[K comparable, Out any](key codec.Key[K], function any) ([]snapshot.State, []snapshot.List, error) {
	fields, err := Fields(function)
	if err != nil {
		return nil, nil, err
	}
	keys := state.Keys[K]{Codec: key}
	states := keyed.DescribeFields(keys, fields)
	if _, ok := function.(operator.TimerFunction[K, Out]); ok {
		states = append(states, keyed.DescribeTimerService(timersName, keys)...)
	}
	lists, err := operatorstate.Describe(function)
	return states, lists, err
}
