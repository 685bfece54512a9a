package state

import "github.com/weir-stream/weir/api/codec"

// port passes values of one state through its codec. The codec is behind an interface, so what it is given a pointer to is
// on the heap: here, once, and not anew for each value.
type port[T any] struct {
	name  string
	codec codec.Codec[T]
	value T
}

// encode appends the encoding of value to dst.
func (p *port[T]) encode(dst []byte, value T) []byte {
	p.value = value
	dst = p.codec.Append(dst, &p.value)
	p.forget()
	return dst
}

// decode reads one value, which the same codec wrote, from the front of src; anything else is damage.
func (p *port[T]) decode(src []byte) (value T, rest []byte) {
	rest, err := p.codec.Decode(src, &p.value)
	if err != nil {
		panic(&Failure{State: p.name, Action: "decode", Cause: err})
	}
	value = p.value
	p.forget()
	return value, rest
}

// forget lets go of what the last value held.
func (p *port[T]) forget() { p.value = *new(T) }
