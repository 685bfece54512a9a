package codec

import (
	"reflect"
	"strings"

	"github.com/weir-stream/weir/api/codec/schema"
)

// keyCompiler makes the program of one key type. Keys cannot contain themselves.
type keyCompiler struct {
	path         []string
	littleEndian bool
}

const useKey = "use a key of bool, integers, floats, strings, time.Time, time.Duration, or arrays and structs of these"

func compileKey(t reflect.Type, littleEndian bool) (*keyProgram, error) {
	c := keyCompiler{littleEndian: littleEndian}
	g, refused := c.program(t)
	if refused != nil {
		refused.Type = t.String() + " (as a key)"
		return nil, refused
	}
	return g, nil
}

func (c *keyCompiler) refuse(t reflect.Type, reason string) *RefusedError {
	return &RefusedError{Path: strings.Join(c.path, ""), Inner: t.String(), Reason: reason, Advice: useKey}
}

func (c *keyCompiler) at(place string, t reflect.Type) (*keyProgram, *RefusedError) {
	c.path = append(c.path, place)
	g, refused := c.program(t)
	c.path = c.path[:len(c.path)-1]
	return g, refused
}

var keyCodes = map[reflect.Kind]keyCode{
	reflect.Uint8: keyUint8, reflect.Uint16: keyUint16, reflect.Uint32: keyUint32, reflect.Uint64: keyUint64, reflect.Uint: keyUint64,
	reflect.Int8: keyInt8, reflect.Int16: keyInt16, reflect.Int32: keyInt32, reflect.Int64: keyInt64, reflect.Int: keyInt64,
	reflect.Bool: keyBool, reflect.Float32: keyFloat32, reflect.Float64: keyFloat64, reflect.String: keyString,
}

func (c *keyCompiler) program(t reflect.Type) (*keyProgram, *RefusedError) {
	g := &keyProgram{typ: t, schema: &schema.Type{}, size: t.Size()}
	var refused *RefusedError
	switch code, simple := keyCodes[t.Kind()]; {
	case t == timeType:
		g.simple(keyTime, schema.Time)
	case t.Kind() == reflect.String:
		g.simple(keyString, schema.String)
	case simple:
		if t.Size() == 4 && t.Kind() == reflect.Int {
			code = keyInt
		} else if t.Size() == 4 && t.Kind() == reflect.Uint {
			code = keyUint
		}
		g.simple(code, numberKind(t))
	case t.Kind() == reflect.Array:
		refused = c.fillArray(g)
	case t.Kind() == reflect.Struct:
		refused = c.fillStruct(g)
	default:
		refused = c.refuseKind(t)
	}
	if refused != nil {
		return nil, refused
	}
	g.finish(c.littleEndian)
	return g, nil
}

func (g *keyProgram) simple(code keyCode, kind schema.Kind) {
	*g.schema = schema.Type{Kind: kind}
	g.ops = []keyOp{{code: code, size: g.size}}
}

func (c *keyCompiler) refuseKind(t reflect.Type) *RefusedError {
	switch t.Kind() {
	case reflect.Pointer:
		return c.refuse(t, "equal keys behind different pointers would be different keys")
	case reflect.Interface:
		return c.refuse(t, "an interface has no stable encoding that keeps order")
	case reflect.Complex64, reflect.Complex128:
		return c.refuse(t, "complex numbers have no order")
	}
	return c.refuse(t, "a "+t.Kind().String()+" is no key")
}

func (c *keyCompiler) fillArray(g *keyProgram) *RefusedError {
	n := g.typ.Len()
	elem, refused := c.at("[]", g.typ.Elem())
	if refused != nil {
		return refused
	}
	*g.schema = schema.Type{Kind: schema.Array, Len: n, Elem: elem.schema}
	const unrolled = 16
	switch {
	case n == 0 || len(elem.ops) == 0:
	case g.typ.Elem().Kind() == reflect.Uint8:
		g.ops = []keyOp{{code: keyBytes, size: g.size}}
	case n*len(elem.ops) <= unrolled:
		for i := range n {
			g.inline(elem, uintptr(i)*elem.size, "[]")
		}
	default:
		g.ops = []keyOp{{code: keyArray, size: uintptr(n), elem: elem}}
	}
	return nil
}

func (g *keyProgram) inline(part *keyProgram, offset uintptr, place string) {
	for _, o := range part.ops {
		o.offset += offset
		o.path = place + o.path
		g.ops = append(g.ops, o)
	}
}

func (c *keyCompiler) fillStruct(g *keyProgram) *RefusedError {
	t := g.typ
	if fromStandardLibrary(t) && hasHidden(t) {
		return c.refuse(t, "its unexported fields belong to the standard library and mean nothing elsewhere")
	}
	*g.schema = schema.Type{Kind: schema.Struct, Name: typeName(t)}
	names := map[string]string{}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" {
			continue // == ignores it as well
		}
		name := fieldName(f)
		if name == "" {
			return c.refuse(t, "its field "+f.Name+" is left out by its tag, so that different keys would become one")
		}
		if other, taken := names[name]; taken {
			return c.refuse(t, "its fields "+other+" and "+f.Name+" are both named "+name)
		}
		names[name] = f.Name
		part, refused := c.at("."+f.Name, f.Type)
		if refused != nil {
			return refused
		}
		g.schema.Fields = append(g.schema.Fields, schema.Field{Name: name, Type: part.schema})
		g.inline(part, f.Offset, "."+name)
	}
	return nil
}

// finish computes the width and whether the word image is the memory.
func (g *keyProgram) finish(littleEndian bool) {
	end := uintptr(0)
	g.packed = littleEndian
	for _, o := range g.ops {
		width := o.width()
		if width < 0 || g.width < 0 {
			g.width, g.packed = -1, false
			return
		}
		g.width += width
		inMemory := o.code <= keyInt64 || o.code == keyBool || o.code == keyBytes || o.code == keyArray && o.elem.packed
		g.packed = g.packed && inMemory && o.offset == end
		end = o.offset + uintptr(width)
	}
	g.packed = g.packed && end == g.size
}

func (o *keyOp) width() int {
	switch o.code {
	case keyString:
		return -1
	case keyBytes:
		return int(o.size)
	case keyArray:
		if o.elem.width < 0 {
			return -1
		}
		return int(o.size) * o.elem.width
	}
	return keyWidths[o.code]
}
