// Package operatorstate carries the states without keys of a function, its operator lists, union lists and broadcast
// states, to snapshots and back.
package operatorstate

import (
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

// Open finds the states without keys of a function, makes them ready, and gives them what is this subtask's of the state
// that the run goes on from. An operator calls it in Open, before the function's.
func Open(ctx *operator.Context, function any) ([]state.OperatorField, error) {
	fields, err := state.OperatorFields(function)
	if err != nil {
		return nil, err
	}
	for _, field := range fields {
		if err := field.Restore(ctx.Restored, ctx.Subtask, ctx.Parallelism); err != nil {
			return nil, fmt.Errorf("operator %q: restore: %w", ctx.Name, err)
		}
	}
	return fields, nil
}

// Describe returns the states that a function declares, empty. The function is one that is not used for anything else.
func Describe(function any) ([]snapshot.List, error) {
	fields, err := state.OperatorFields(function)
	if err != nil {
		return nil, err
	}
	lists := Snapshot(fields)
	for i := range lists {
		lists[i].Elements = nil
	}
	return lists, nil
}

// Snapshot writes the states.
func Snapshot(fields []state.OperatorField) []snapshot.List {
	lists := make([]snapshot.List, len(fields))
	for i, field := range fields {
		lists[i] = field.Export()
	}
	return lists
}

// ReadOnly has changes of the broadcast states among the fields panic, or no longer.
func ReadOnly(fields []state.OperatorField, yes bool) {
	for _, field := range fields {
		if field.Redistribution() == snapshot.Broadcast {
			field.ReadOnly(yes)
		}
	}
}
