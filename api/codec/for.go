package codec

import (
	"reflect"
	"unsafe"

	"github.com/weir-stream/weir/api/codec/schema"
)

// For returns the codec of T. It is made once per type; later calls are cheap. The error is a *RefusedError that names
// the field which cannot be encoded, why, and what to do. Safe for concurrent use.
//
// Encoded are bool, numbers, string, []byte, time.Time (its instant and offset from UTC), time.Duration, arrays, slices,
// maps (in ascending order of their encoded keys, so that encodings are deterministic), pointers, structs with all their
// fields, exported or not, and types that contain themselves. nil and empty slices and maps stay apart. Two pointers to
// one variable become pointers to two. A struct with unexported fields is encoded by its MarshalBinary and
// UnmarshalBinary if it has both; one of the standard library by these, by MarshalText and UnmarshalText, or not at all.
//
// The tag `weir:"-"` leaves a field out (it decodes as zero), `weir:"name"` gives it a name that outlives its Go name.
//
// A type has its own encoding if it is registered (Register), if its pointer is a Marshaler, or if it is a pointer to a
// protobuf message. An interface type needs RegisterUnion.
func For[T any]() (Codec[T], error) {
	t := reflect.TypeFor[T]()
	if own := registered.own(t); own != nil {
		return own.(Codec[T]), nil
	}
	g, err := registered.compile(t)
	if err != nil {
		return nil, err
	}
	return &derived[T]{program: g, schema: schema.New(schema.Value, g.schema)}, nil
}

func (r *registry) own(t reflect.Type) any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.direct[t]
}

// derived is the codec made from a Go type.
type derived[T any] struct {
	program *program
	schema  *schema.Schema
}

func (c *derived[T]) Append(dst []byte, v *T) []byte {
	return c.program.append(dst, unsafe.Pointer(v), 0)
}

func (c *derived[T]) Decode(src []byte, v *T) (rest []byte, err error) {
	var d decoder
	if c.program.texts > 0 {
		c.program.shareTexts(&d, src)
	}
	rest, malformed := c.program.decode(&d, src, unsafe.Pointer(v), 0)
	if malformed != nil {
		return nil, malformed.in(c.program.typ)
	}
	return rest, nil
}

func (c *derived[T]) Schema() *schema.Schema { return c.schema }

func (c *derived[T]) Flat() bool { return c.program.flat }

// AppendBatch implements BatchCodec.
func (c *derived[T]) AppendBatch(dst []byte, values []T) []byte {
	return c.program.appendMany(dst, unsafe.Pointer(unsafe.SliceData(values)), len(values), 0)
}

// DecodeBatch implements BatchCodec.
func (c *derived[T]) DecodeBatch(src []byte, values []T) (rest []byte, err error) {
	var d decoder
	if c.program.shares && len(values) > 1 {
		d.shared = string(src)
	}
	rest, malformed := c.program.decodeMany(&d, src, unsafe.Pointer(unsafe.SliceData(values)), len(values), 0)
	if malformed != nil {
		return nil, malformed.in(c.program.typ)
	}
	return rest, nil
}
