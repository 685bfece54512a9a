package offline

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/weir-stream/weir/api/codec/untyped"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/operator/sink"
	"github.com/weir-stream/weir/runtime/operator/source"
)

// dumpList dumps a state without keys.
func (s *Snapshot) dumpList(ctx context.Context, op *snapshot.OperatorState, list int, o DumpOptions, f func(*Entry) error) error {
	described, err := op.Lists[list].List()
	if err != nil {
		return err
	}
	last, next := int32(-1), uint64(0)
	return s.elements(ctx, op, list, func(subtask int32, element []byte) error {
		if subtask != last {
			last, next = subtask, 0
		}
		number := next
		next++
		e := &Entry{Subtask: &subtask, Element: &number}
		if err := e.readElement(described, element, untyped.Options{Hex: o.Hex}); err != nil {
			return fmt.Errorf("operator %q, operator state %q, subtask %d, element %d: %w", op.Name, described.Name, subtask, number, err)
		}
		return f(e)
	})
}

// readElement reads an element: of broadcast state a key and a value.
func (e *Entry) readElement(described snapshot.List, element []byte, options untyped.Options) (err error) {
	if described.Element == nil {
		e.Value, err = plainElement(described.Name, element, options)
		return err
	}
	if described.Key != nil {
		if e.Key, element, err = untyped.NewPrinter(described.Key, options).AppendJSON(nil, element); err != nil {
			return fmt.Errorf("its key: %w", err)
		}
	}
	if e.Value, element, err = untyped.NewPrinter(described.Element, options).AppendJSON(nil, element); err != nil {
		return err
	}
	if len(element) > 0 {
		return fmt.Errorf("%d bytes follow it", len(element))
	}
	return nil
}

// plainElement shows an element that no schema describes: splits and committables as such, others as bytes.
func plainElement(list string, element []byte, options untyped.Options) (json.RawMessage, error) {
	type named struct {
		ID    string `json:"id"`
		State Opaque `json:"state"`
	}
	switch list {
	case source.StateName:
		if all := splitsOf(0, element); len(all) == 1 {
			return json.Marshal(named{all[0].ID, all[0].Position})
		}
	case sink.CommittableState:
		if c, err := sink.DecodeCommittable(element); err == nil {
			return json.Marshal(named{c.ID, c.State})
		}
	}
	return options.AppendBytes(nil, element), nil
}
