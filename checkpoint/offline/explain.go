package offline

import (
	"context"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/weir-stream/weir/api/codec/untyped"
	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/operator/sink"
	"github.com/weir-stream/weir/runtime/operator/source"
)

// Split is a part of a source with the position in it.
type Split struct {
	// Subtask is -1 for one that the coordinator has not assigned.
	Subtask int32  `json:"subtask"`
	ID      string `json:"id"`
	// Position is the source's own encoding.
	Position Opaque `json:"position"`
}

// Committable is a result of a sink that waits for its commit.
type Committable struct {
	Subtask int32  `json:"subtask"`
	ID      string `json:"id"`
	// State is the sink's own encoding.
	State Opaque `json:"state"`
}

// Coordinator is what the coordinator of an operator wrote: the enumerator of a source.
type Coordinator struct {
	Bytes uint64 `json:"bytes"`
	// Left are the splits that it has not assigned, if that is what it wrote.
	Left []Split `json:"left,omitempty"`
	// State is what it wrote, if it was something else.
	State Opaque `json:"state,omitempty"`
}

// Opaque are bytes that only their writer can read: text if they are some, otherwise hexadecimal digits.
type Opaque []byte

// String returns the text in quotes, or the digits behind 0x.
func (o Opaque) String() string {
	if len(o) > 0 && utf8.Valid(o) && !hasControl(string(o)) {
		quoted, _ := json.Marshal(string(o)) // text can be quoted
		return string(quoted)
	}
	shown := string(untyped.Options{Hex: true}.AppendBytes(nil, o))
	return shown[1 : len(shown)-1]
}

// MarshalText writes what String shows.
func (o Opaque) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

func hasControl(text string) bool {
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return true
		}
	}
	return false
}

// explain adds what sources and sinks have in their states.
func (s *Snapshot) explain(ctx context.Context, op *snapshot.OperatorState, o *Operator) error {
	if op.Coordinator != nil {
		state, err := s.bytes(ctx, op.Coordinator)
		if err != nil {
			return fmt.Errorf("state of its coordinator: %w", err)
		}
		o.Coordinator = explainCoordinator(state)
		o.Bytes += op.Coordinator.Length
	}
	for i, list := range op.Lists {
		if list.Name != source.StateName && list.Name != sink.CommittableState {
			continue
		}
		err := s.elements(ctx, op, i, func(subtask int32, element []byte) error {
			if list.Name == source.StateName {
				o.Positions = append(o.Positions, splitsOf(subtask, element)...)
			} else if c, err := sink.DecodeCommittable(element); err == nil {
				o.Committables = append(o.Committables, Committable{subtask, c.ID, c.State})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func explainCoordinator(state []byte) *Coordinator {
	c := &Coordinator{Bytes: uint64(len(state))}
	if left, err := splits.Decode(state); err == nil {
		c.Left = splitList(-1, left)
	} else {
		c.State = state
	}
	return c
}

// splitsOf returns nothing for an element that is no list of splits.
func splitsOf(subtask int32, element []byte) []Split {
	decoded, err := splits.Decode(element)
	if err != nil {
		return nil
	}
	return splitList(subtask, decoded)
}

func splitList(subtask int32, decoded []connector.Split) (list []Split) {
	for _, split := range decoded {
		list = append(list, Split{subtask, split.ID, split.State})
	}
	return list
}

// elements calls f with each element of a state without keys.
func (s *Snapshot) elements(ctx context.Context, op *snapshot.OperatorState, list int, f func(subtask int32, element []byte) error) error {
	for _, subtask := range op.Subtasks {
		for _, part := range subtask.Lists {
			if int(part.List) != list || part.Elements == nil {
				continue
			}
			data, err := s.bytes(ctx, part.Elements)
			if err != nil {
				return fmt.Errorf("operator state %q of subtask %d: %w", op.Lists[list].Name, subtask.Subtask, err)
			}
			all, err := snapshot.ParseElements(data, int(part.Count))
			if err != nil {
				return fmt.Errorf("operator state %q of subtask %d is damaged: %w", op.Lists[list].Name, subtask.Subtask, err)
			}
			for _, element := range all {
				if err := f(subtask.Subtask, element); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
