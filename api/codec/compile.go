package codec

import (
	"reflect"
	"strings"
	"time"

	"github.com/weir-stream/weir/api/codec/schema"
)

// compiler makes the programs of one type and of all types within it.
type compiler struct {
	registry     *registry
	programs     map[reflect.Type]*program // also those under way, so that types may contain themselves
	path         []string
	littleEndian bool
	checks       []func() *RefusedError // that need complete programs
}

const (
	useTag    = "leave the field out with the tag `weir:\"-\"`, or give its type a codec (codec.Marshaler, codec.Register)"
	useFields = "use a type that holds plain data, " + useTag
)

// compile returns the program of t, or a *RefusedError.
func (c *compiler) compile(t reflect.Type) (*program, error) {
	g, refused := c.program(t)
	for i := 0; i < len(c.checks) && refused == nil; i++ {
		refused = c.checks[i]()
	}
	if refused != nil {
		refused.Type = t.String()
		return nil, refused
	}
	return g, nil
}

func (c *compiler) refuse(t reflect.Type, reason, advice string) *RefusedError {
	return &RefusedError{Path: strings.Join(c.path, ""), Inner: t.String(), Reason: reason, Advice: advice}
}

// at compiles what stands at a place within the current type.
func (c *compiler) at(place string, t reflect.Type) (*program, *RefusedError) {
	c.path = append(c.path, place)
	g, refused := c.program(t)
	c.path = c.path[:len(c.path)-1]
	return g, refused
}

func (c *compiler) program(t reflect.Type) (*program, *RefusedError) {
	if g := c.registry.program(t); g != nil && c.littleEndian == littleEndian {
		return g, nil
	}
	if g := c.programs[t]; g != nil {
		return g, nil
	}
	g := &program{typ: t, schema: &schema.Type{}, size: t.Size(), flat: isFlat(t), width: -1, least: 1}
	c.programs[t] = g
	if refused := c.fill(g); refused != nil {
		return nil, refused
	}
	g.finish(c.littleEndian)
	return g, nil
}

var timeType = reflect.TypeFor[time.Time]()

// fill finds out which kind of encoding the type has.
func (c *compiler) fill(g *program) *RefusedError {
	t := g.typ
	if own := c.registry.codecs[t]; own != nil {
		return c.fillFramed(g, own)
	}
	if t == timeType {
		*g.schema = schema.Type{Kind: schema.Time}
		g.emit(op{code: opTime}, c.littleEndian)
		return nil
	}
	if declares(t, marshalerType) {
		return c.fillFramed(g, byMarshaler(t))
	}
	switch t.Kind() {
	case reflect.Struct:
		return c.fillStruct(g)
	case reflect.Array:
		return c.fillArray(g)
	case reflect.Slice:
		return c.fillSlice(g)
	case reflect.Map:
		return c.fillMap(g)
	case reflect.Pointer:
		return c.fillPointer(g)
	case reflect.Interface:
		return c.fillUnion(g)
	case reflect.String:
		*g.schema = schema.Type{Kind: schema.String}
		g.emit(op{code: opString}, c.littleEndian)
		return nil
	}
	return c.fillNumber(g)
}

// numberKinds are the kinds of fixed size: how they are called in schemas, and their width.
var numberKinds = map[reflect.Kind]struct {
	kind schema.Kind
	size uintptr
}{
	reflect.Bool: {schema.Bool, 1},
	reflect.Int8: {schema.Int8, 1}, reflect.Int16: {schema.Int16, 2}, reflect.Int32: {schema.Int32, 4}, reflect.Int64: {schema.Int64, 8},
	reflect.Uint8: {schema.Uint8, 1}, reflect.Uint16: {schema.Uint16, 2}, reflect.Uint32: {schema.Uint32, 4}, reflect.Uint64: {schema.Uint64, 8},
	reflect.Int: {schema.Int64, 8}, reflect.Uint: {schema.Uint64, 8},
	reflect.Float32: {schema.Float32, 4}, reflect.Float64: {schema.Float64, 8},
	reflect.Complex64: {schema.Complex64, 8}, reflect.Complex128: {schema.Complex128, 16},
}

var wordOps = map[uintptr]opcode{1: opWord1, 2: opWord2, 4: opWord4, 8: opWord8}

func (c *compiler) fillNumber(g *program) *RefusedError {
	t := g.typ
	number, ok := numberKinds[t.Kind()]
	if !ok {
		return c.refuseKind(t)
	}
	*g.schema = schema.Type{Kind: numberKind(t)}
	switch kind := t.Kind(); {
	case kind == reflect.Bool:
		g.emit(op{code: opBool}, c.littleEndian)
	case kind == reflect.Int && t.Size() == 4:
		g.emit(op{code: opInt}, c.littleEndian)
	case kind == reflect.Uint && t.Size() == 4:
		g.emit(op{code: opUint}, c.littleEndian)
	case kind == reflect.Complex64 || kind == reflect.Complex128:
		half := number.size / 2
		g.emit(op{code: wordOps[half], size: half}, c.littleEndian)
		g.emit(op{code: wordOps[half], size: half, offset: half}, c.littleEndian)
	default:
		g.emit(op{code: wordOps[number.size], size: number.size}, c.littleEndian)
	}
	return nil
}

// numberKind returns how a type of numberKinds is called in schemas.
func numberKind(t reflect.Type) schema.Kind {
	if t == reflect.TypeFor[time.Duration]() {
		return schema.Duration
	}
	return numberKinds[t.Kind()].kind
}

func (c *compiler) refuseKind(t reflect.Type) *RefusedError {
	switch t.Kind() {
	case reflect.Chan:
		return c.refuse(t, "a channel exists only within its process", useTag)
	case reflect.Func:
		return c.refuse(t, "a function cannot be sent or stored", useTag)
	}
	return c.refuse(t, "an address means nothing to another process", useTag)
}

func (c *compiler) fillFramed(g *program, f *framed) *RefusedError {
	*g.schema = schema.Type{Kind: schema.CustomKind, Name: f.name, Version: f.version}
	g.emit(op{code: opFramed, more: &detail{framed: f}}, c.littleEndian)
	return nil
}

func (c *compiler) fillArray(g *program) *RefusedError {
	n := g.typ.Len()
	elem, refused := c.at("[]", g.typ.Elem())
	if refused != nil {
		return refused
	}
	*g.schema = schema.Type{Kind: schema.Array, Len: n, Elem: elem.schema}
	g.repeat(elem, n, c.littleEndian)
	return nil
}

// repeat emits what encodes n elements.
func (g *program) repeat(elem *program, n int, littleEndian bool) {
	const unrolled = 16
	switch {
	case n == 0 || elem.complete && len(elem.ops) == 0:
	case elem.packed:
		g.emit(op{code: opMem, size: g.size}, littleEndian)
	case elem.complete && n*len(elem.ops) <= unrolled:
		for i := range n {
			g.inline(elem, uintptr(i)*elem.size, "[]", littleEndian)
		}
	default:
		g.emit(op{code: opArray, size: uintptr(n), elem: elem}, littleEndian)
	}
}

func (c *compiler) fillSlice(g *program) *RefusedError {
	t := g.typ
	if t.Elem().Kind() == reflect.Uint8 && c.registry.codecs[t.Elem()] == nil && !declares(t.Elem(), marshalerType) {
		*g.schema = schema.Type{Kind: schema.Bytes}
		g.emit(op{code: opBytes}, c.littleEndian)
		return nil
	}
	elem, refused := c.at("[]", t.Elem())
	if refused != nil {
		return refused
	}
	*g.schema = schema.Type{Kind: schema.Slice, Elem: elem.schema}
	g.emit(op{code: opSlice, elem: elem, more: &detail{typ: t}}, c.littleEndian)
	c.later(t, elem, "its elements take memory but none of it is encoded, so their number could not be trusted")
	return nil
}

// later checks, once the element's program is complete, that memory is encoded.
func (c *compiler) later(t reflect.Type, elem *program, reason string) {
	refused := c.refuse(t, reason, "encode at least one field of "+elem.typ.String())
	c.checks = append(c.checks, func() *RefusedError {
		if elem.width == 0 && elem.size > 0 {
			return refused
		}
		return nil
	})
}

func (c *compiler) fillPointer(g *program) *RefusedError {
	t := g.typ
	if isMessage(t) {
		*g.schema = schema.Type{Kind: schema.Protobuf, Name: messageName(t)}
		g.emit(op{code: opProto, more: &detail{typ: t.Elem()}}, c.littleEndian)
		return nil
	}
	elem, refused := c.at("", t.Elem())
	if refused != nil {
		return refused
	}
	*g.schema = schema.Type{Kind: schema.Pointer, Elem: elem.schema}
	g.emit(op{code: opPointer, elem: elem, more: &detail{typ: t.Elem()}}, c.littleEndian)
	return nil
}

func (c *compiler) fillMap(g *program) *RefusedError {
	t := g.typ
	if inner := identityIn(t.Key()); inner != nil {
		return c.refuse(t, "its key holds "+inner.String()+", and what it points to or holds cannot be told apart after decoding",
			"use a key of numbers, strings, arrays and structs of these")
	}
	key, refused := c.at("[key]", t.Key())
	if refused != nil {
		return refused
	}
	elem, refused := c.at("[]", t.Elem())
	if refused != nil {
		return refused
	}
	*g.schema = schema.Type{Kind: schema.Map, Key: key.schema, Elem: elem.schema}
	g.emit(op{code: opMap, elem: elem, more: &detail{typ: t, key: key}}, c.littleEndian)
	c.later(t, key, "its keys take memory but none of it is encoded, so they would become one")
	return nil
}

func (c *compiler) fillUnion(g *program) *RefusedError {
	t := g.typ
	registered := c.registry.unions[t]
	if registered == nil {
		return c.refuse(t, "an interface may hold any type, and none are registered for this one",
			"call codec.RegisterUnion["+t.String()+"] with the types it may hold, or "+useFields)
	}
	u := &union{iface: t}
	*g.schema = schema.Type{Kind: schema.Union, Name: typeName(t)}
	g.emit(op{code: opUnion, more: &detail{union: u}}, c.littleEndian)
	for _, r := range registered {
		inner, refused := c.at("("+r.name+")", r.typ)
		if refused != nil {
			return refused
		}
		u.cases = append(u.cases, newUnionCase(t, r.name, r.typ, inner))
		g.schema.Fields = append(g.schema.Fields, schema.Field{Name: r.name, Type: inner.schema})
	}
	return nil
}
