// Package process has the operators that call process functions, with and without keys, on one input or two.
package process

import (
	"fmt"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/state"
)

// open calls the function's Open if it has one.
func open(ctx *operator.Context, function any) error {
	if o, ok := function.(operator.Opener); ok {
		return o.Open(ctx.Runtime())
	}
	return nil
}

// closeFunction calls the function's Close if it has one.
func closeFunction(function any) error {
	if c, ok := function.(operator.Closer); ok {
		return c.Close()
	}
	return nil
}

// keyedFunction is a user's function on a keyed stream with its state.
type keyedFunction[K comparable] struct {
	function any
	key      codec.Key[K]
	backend  state.Backend[K]
	context  *operator.KeyedContext[K]
}

func (f *keyedFunction[K]) open(ctx *operator.Context) error {
	fields, err := state.Fields(f.function)
	if err != nil {
		return err
	}
	descriptors := make([]state.Descriptor, len(fields))
	for i, field := range fields {
		descriptors[i] = field.Descriptor
	}
	if f.backend, err = keyed.OpenBackend(ctx, f.key, descriptors); err != nil {
		return err
	}
	for i, field := range fields {
		field.Bind(f.backend, state.Column(i))
	}
	f.context = operator.NewKeyedContext(ctx, func(visit func(K) bool) { f.backend.Each(state.AnyColumn, visit) })
	return open(ctx, f.function)
}

func (f *keyedFunction[K]) close() error {
	if f.backend == nil {
		return nil
	}
	defer f.backend.Close()
	if f.context == nil {
		return nil // Open has not come as far as the function
	}
	return closeFunction(f.function)
}

// CheckStateless reports an error if a function that is used without keys declares keyed state.
func CheckStateless(function any) error {
	fields, err := state.Fields(function)
	if err != nil {
		return err
	}
	if len(fields) > 0 {
		return fmt.Errorf("function %T declares the state %q, but its input has no keys: use KeyBy first", function, fields[0].Descriptor.Name)
	}
	return nil
}
