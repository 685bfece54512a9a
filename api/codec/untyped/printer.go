// Package untyped reads encoded values by their schema alone, without the Go type that wrote them: for tools that look into
// snapshots.
package untyped

import (
	"errors"
	"fmt"

	"github.com/weir-stream/weir/api/codec/schema"
)

// Options say how a Printer writes.
type Options struct {
	// Hex writes bytes as "0x" and hexadecimal digits, instead of base64.
	Hex bool
}

// Printer turns encoded values of one schema into JSON. It is for one goroutine.
//
// Structs are objects with their fields in order; maps are objects where their keys are strings or integers, otherwise lists of pairs; a
// union is an object with its case as the only field; nil is null. Times are as in RFC 3339, durations as in Go ("1m30s"), numbers
// that JSON does not have "NaN", "+Inf" and "-Inf". Bytes are strings, as Options say, and so are protobuf messages and
// what types encode themselves. A string that is not UTF-8 is an object {"bytes": ...}. What takes no bytes at all (such as an array of
// empty structs) is shown as empty.
type Printer struct {
	schema  *schema.Schema
	options Options
	widths  map[*schema.Type]int
}

// NewPrinter returns a printer of values, or keys if the schema is one of a key.
func NewPrinter(s *schema.Schema, o Options) *Printer {
	return &Printer{schema: s, options: o, widths: map[*schema.Type]int{}}
}

var (
	errCut  = errors.New("the value ends too early")
	errDeep = fmt.Errorf("values are nested deeper than %d", schema.MaxValueDepth)
)

// AppendJSON appends the JSON of the value at the front of src, and returns what follows the value in src. Whatever src has, the time it takes
// and what it writes are in proportion to the bytes of the value and the size of the schema.
func (p *Printer) AppendJSON(dst, src []byte) (out, rest []byte, err error) {
	if p.schema.Encoding() == schema.Key {
		return p.key(dst, src, p.schema.Root())
	}
	return p.value(dst, src, p.schema.Root(), 0)
}

// empty reports whether no value of the type takes any bytes.
func (p *Printer) empty(t *schema.Type) bool {
	t = p.schema.Follow(t)
	width, known := p.widths[t]
	if !known {
		width = p.schema.Skipper(t).Width()
		p.widths[t] = width
	}
	return width == 0
}
