// Package discard has a sink that writes nowhere.
package discard

import (
	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
)

// Discarding is a sink that drops every record.
type Discarding[T any] struct{}

// Sink drops every record.
func Sink[T any]() Discarding[T] { return Discarding[T]{} }

// Name is the name of the operator.
func (Discarding[T]) Name() string { return "Discard" }

// Kind names the connector.
func (Discarding[T]) Kind() string { return "discard" }

// NewWriter makes a writer that does nothing.
func (Discarding[T]) NewWriter(connector.WriterContext) (connector.Writer[T], error) {
	return writer[T]{}, nil
}

type writer[T any] struct{}

func (writer[T]) Open() error                   { return nil }
func (writer[T]) Write(*element.Batch[T]) error { return nil }
func (writer[T]) Flush(bool) error              { return nil }
func (writer[T]) Close() error                  { return nil }
