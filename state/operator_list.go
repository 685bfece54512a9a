package state

import (
	"iter"
	"slices"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/checkpoint/snapshot"
)

// OperatorList is a list of T that belongs to a subtask, without keys. When the parallelism changes, the elements of all
// subtasks are dealt out anew, each to one. Declare it as an exported field of a function; its zero value is ready for
// that. It is used by the goroutine that calls the function.
type OperatorList[T any] struct{ elements[T] }

// UnionList is an [OperatorList] of which every subtask gets the elements of all after a restore. Its function has to drop
// those that are another's, or they multiply.
type UnionList[T any] struct{ elements[T] }

func (l *OperatorList[T]) list() snapshot.List { return l.describe(snapshot.Split) }
func (l *UnionList[T]) list() snapshot.List    { return l.describe(snapshot.Union) }

// elements is what both kinds of lists are.
type elements[T any] struct {
	frozen
	codec  codec.Codec[T]
	values []T
}

// Add appends one element.
func (l *elements[T]) Add(value T) { l.changed(); l.values = append(l.values, value) }

// AddAll appends elements in their order.
func (l *elements[T]) AddAll(values []T) { l.changed(); l.values = append(l.values, values...) }

// Get iterates over the elements in their order.
func (l *elements[T]) Get() iter.Seq[T] { return slices.Values(l.values) }

// Slice returns the elements in a new slice, nil if there are none.
func (l *elements[T]) Slice() []T { return append([]T(nil), l.values...) }

// Len is the number of elements.
func (l *elements[T]) Len() int { return len(l.values) }

// Update replaces all elements.
func (l *elements[T]) Update(values []T) { l.changed(); l.values = slices.Clone(values) }

// Clear removes all elements.
func (l *elements[T]) Clear() { l.changed(); l.values = nil }

func (l *elements[T]) open() (err error) {
	l.values = nil
	l.codec, err = codec.For[T]()
	return err
}

func (l *elements[T]) describe(r snapshot.Redistribution) snapshot.List {
	return snapshot.List{Redistribution: r, Element: l.codec.Schema()}
}

func (l *elements[T]) export() [][]byte {
	encoded := make([][]byte, len(l.values))
	for i := range l.values {
		encoded[i] = l.codec.Append(nil, &l.values[i])
	}
	return encoded
}

func (l *elements[T]) restore(encoded [][]byte, _, element *schema.Schema) error {
	l.values = nil
	return decodeAll(encoded, element, func(value T) { l.values = append(l.values, value) })
}
