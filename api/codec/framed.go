package codec

import (
	"encoding"
	"encoding/binary"
	"reflect"
	"slices"
	"unsafe"

	"google.golang.org/protobuf/proto"
)

// Marshaler is implemented, on the pointer, by a type that encodes itself.
//
// AppendWeir appends the encoding to dst. DecodeWeir reads exactly what AppendWeir has appended, must not keep src, and
// must take any bytes without a panic. Both must be safe for concurrent use on different values. When the encoding
// changes in a way that DecodeWeir cannot tell, the type must say so by MarshalerFormat.
type Marshaler interface {
	AppendWeir(dst []byte) []byte
	DecodeWeir(src []byte) error
}

// MarshalerFormat names the encoding of a Marshaler in its schema. Without it the name is the type's import path and
// name, and the version 0. Bytes of another name or version are refused.
type MarshalerFormat interface {
	WeirFormat() (name string, version int)
}

// framed is an encoding that only user code understands, kept between bounds by its length.
type framed struct {
	name    string
	version int
	append  func(dst []byte, q unsafe.Pointer) []byte
	decode  func(src []byte, q unsafe.Pointer) error
}

func (f *framed) appendFrame(dst []byte, q unsafe.Pointer) []byte {
	start := len(dst)
	dst = f.append(append(dst, 0), q)
	n := len(dst) - start - 1
	if n < 0x80 {
		dst[start] = byte(n)
		return dst
	}
	var length [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(length[:], uint64(n))
	return slices.Replace(dst, start, start+1, length[:size]...)
}

func (f *framed) decodeFrame(src []byte, q unsafe.Pointer) ([]byte, *FormatError) {
	n, src, ok := takeLength(src)
	if !ok || n > uint64(len(src)) {
		return nil, cut()
	}
	if err := f.decode(src[:n:n], q); err != nil {
		return nil, &FormatError{Reason: "its own decoder", Cause: err}
	}
	return src[n:], nil
}

// byMarshaler is the encoding of a type whose pointer is a Marshaler.
func byMarshaler(t reflect.Type) *framed {
	of := func(q unsafe.Pointer) Marshaler { return reflect.NewAt(t, q).Interface().(Marshaler) }
	f := &framed{
		name:   typeName(t),
		append: func(dst []byte, q unsafe.Pointer) []byte { return of(q).AppendWeir(dst) },
		decode: func(src []byte, q unsafe.Pointer) error {
			typed(t, q).SetZero()
			return of(q).DecodeWeir(src)
		},
	}
	if format, ok := reflect.New(t).Interface().(MarshalerFormat); ok {
		f.name, f.version = format.WeirFormat()
	}
	return f
}

// byBinary is the encoding of a type by its MarshalBinary and UnmarshalBinary.
func byBinary(t reflect.Type) *framed {
	return &framed{
		name: typeName(t),
		append: func(dst []byte, q unsafe.Pointer) []byte {
			encoded, err := reflect.NewAt(t, q).Interface().(encoding.BinaryMarshaler).MarshalBinary()
			return appendOrPanic(dst, encoded, t, "MarshalBinary", err)
		},
		decode: func(src []byte, q unsafe.Pointer) error {
			typed(t, q).SetZero()
			return reflect.NewAt(t, q).Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary(src)
		},
	}
}

// byText is the encoding of a type by its MarshalText and UnmarshalText.
func byText(t reflect.Type) *framed {
	return &framed{
		name: typeName(t),
		append: func(dst []byte, q unsafe.Pointer) []byte {
			encoded, err := reflect.NewAt(t, q).Interface().(encoding.TextMarshaler).MarshalText()
			return appendOrPanic(dst, encoded, t, "MarshalText", err)
		},
		decode: func(src []byte, q unsafe.Pointer) error {
			typed(t, q).SetZero()
			return reflect.NewAt(t, q).Interface().(encoding.TextUnmarshaler).UnmarshalText(src)
		},
	}
}

func appendOrPanic(dst, encoded []byte, t reflect.Type, method string, err error) []byte {
	if err != nil {
		panic(&ValueError{Type: t.String(), Reason: "its " + method + " failed", Cause: err})
	}
	return append(dst, encoded...)
}

// appendProto appends the message that the pointer at q points to.
func (o *op) appendProto(dst []byte, q unsafe.Pointer) []byte {
	to := *(*unsafe.Pointer)(q)
	if to == nil {
		return append(dst, 0)
	}
	message := reflect.NewAt(o.more.typ, to).Interface().(proto.Message)
	options := proto.MarshalOptions{Deterministic: true}
	dst = appendLength(dst, uint64(options.Size(message))+1)
	after, err := options.MarshalAppend(dst, message)
	if err != nil {
		panic(&ValueError{Type: o.more.typ.String(), Reason: "protobuf", Cause: err})
	}
	return after
}

func (o *op) decodeProto(src []byte, q unsafe.Pointer, n uint64) ([]byte, *FormatError) {
	if n > uint64(len(src)) {
		return nil, cut()
	}
	message := reflect.New(o.more.typ)
	if err := proto.Unmarshal(src[:n], message.Interface().(proto.Message)); err != nil {
		return nil, &FormatError{Reason: "protobuf", Cause: err}
	}
	*(*unsafe.Pointer)(q) = message.UnsafePointer()
	return src[n:], nil
}
