package state

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/checkpoint/snapshot"
)

// OperatorField is one state without keys found in a function: an [OperatorList], a [UnionList] or a [Broadcast]. It belongs
// to the subtask as a whole and is small: it is kept as Go values.
type OperatorField struct {
	Name   string
	handle operatorHandle
}

// operatorHandle is what the states without keys have in common.
type operatorHandle interface {
	// open makes the handle ready. The error says why its types have no codec.
	open() error
	// list describes the state without its elements.
	list() snapshot.List
	export() [][]byte
	// restore replaces the contents with elements that were written with these schemas.
	restore(elements [][]byte, key, element *schema.Schema) error
	// readOnly makes changes panic, or not.
	readOnly(yes bool)
}

var operatorHandleType = reflect.TypeFor[operatorHandle]()

// OperatorFields finds the states without keys among the fields of a function, as [Fields] finds keyed ones, and makes them
// ready and empty. Their names are apart from those of keyed states, and their tags have no options.
func OperatorFields(fn any) ([]OperatorField, error) {
	var fields []OperatorField
	err := search(fn, operatorHandleType, func(v reflect.Value, field reflect.StructField, names names, at string) error {
		name, options, _ := strings.Cut(field.Tag.Get("state"), ",")
		if options != "" {
			return fmt.Errorf("unknown option %q in its tag: a state without keys has none", options)
		}
		if name == "" {
			name = field.Name
		}
		if err := names.take(name, at); err != nil {
			return err
		}
		h := v.Addr().Interface().(operatorHandle)
		fields = append(fields, OperatorField{name, h})
		return h.open()
	})
	return fields, err
}

// Export writes the state for a snapshot.
func (f OperatorField) Export() snapshot.List {
	l := f.handle.list()
	l.Name, l.Elements = f.Name, f.handle.export()
	return l
}

// ReadOnly has the changing methods of the handle panic from now on, or no longer: a function that changes broadcast state for
// a record that not all subtasks see would make them differ.
func (f OperatorField) ReadOnly(yes bool) { f.handle.readOnly(yes) }

// Redistribution says what subtasks of a later run get of the state.
func (f OperatorField) Redistribution() snapshot.Redistribution {
	return f.handle.list().Redistribution
}

// Restore replaces the state by what a subtask, of parallelism, gets of that of all former subtasks; see [snapshot.DealList].
// The error says that it was another kind of state then, that its types do not fit, or that the bytes are damaged.
func (f OperatorField) Restore(before []*snapshot.Operator, subtask, parallelism int) error {
	mine, err := snapshot.DealList(before, f.Name, f.Redistribution(), subtask, parallelism)
	if err != nil || mine == nil {
		return err
	}
	if err := f.handle.restore(mine.Elements, mine.Key, mine.Element); err != nil {
		return fmt.Errorf("state %q: %w", f.Name, err)
	}
	return nil
}

// decodeAll reads elements, each of which is one value, that were written with an older schema.
func decodeAll[T any](elements [][]byte, old *schema.Schema, add func(T)) error {
	decoder, err := codec.Resolve[T](old)
	if err != nil {
		return err
	}
	for i, encoded := range elements {
		var value T
		rest, err := decoder.Decode(encoded, &value)
		if err == nil && len(rest) > 0 {
			err = errors.New("bytes are left over")
		}
		if err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
		add(value)
	}
	return nil
}

// frozen is what a state without keys knows of whether it may be changed.
type frozen struct{ yes bool }

func (f *frozen) readOnly(yes bool) { f.yes = yes }

func (f *frozen) changed() {
	if f.yes {
		panic("broadcast state is changed for a record that only one subtask sees: change it for broadcast records only")
	}
}
