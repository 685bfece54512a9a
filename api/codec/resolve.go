package codec

import (
	"fmt"
	"reflect"

	"github.com/weir-stream/weir/api/codec/schema"
)

// Decoder reads values of T. It is immutable and safe for concurrent use.
type Decoder[T any] interface {
	// Decode reads one value from the front of src into *v, overwriting all of it, and returns what follows. It has the
	// guarantees of Codec.Decode.
	Decode(src []byte, v *T) (rest []byte, err error)
}

// Resolve returns what reads values that were written with an older schema into today's T: fields that the old bytes
// lack are zero, fields that T no longer has are skipped. The error is that of schema.Compatible where it says that
// they do not fit, and For's where T has no codec.
func Resolve[T any](old *schema.Schema) (Decoder[T], error) {
	codec, err := For[T]()
	if err != nil {
		return nil, err
	}
	migration, err := schema.Compatible(old, codec.Schema())
	if err != nil {
		return nil, fmt.Errorf("codec: old values of type %s cannot be read: %w", reflect.TypeFor[T](), err)
	}
	if migration.AsIs() {
		return codec, nil
	}
	t := reflect.TypeFor[T]()
	r := resolver{registry: registered, old: old, made: map[resolution]*program{}}
	g, err := r.resolve(old.Root(), t)
	if err != nil {
		return nil, fmt.Errorf("codec: old values of type %s cannot be read: %w", t, err)
	}
	return &resolved[T]{derived[T]{program: g, schema: old}}, nil
}

// resolved hides that a resolved program could not encode.
type resolved[T any] struct{ from derived[T] }

func (c *resolved[T]) Decode(src []byte, v *T) (rest []byte, err error) { return c.from.Decode(src, v) }

// resolution is what one program resolves: bytes of one node of the old schema, into one type.
type resolution struct {
	from *schema.Type
	into reflect.Type
}

type resolver struct {
	registry *registry
	old      *schema.Schema
	made     map[resolution]*program // also those under way
	checks   []func() error
}

// resolve returns the program of the whole.
func (r *resolver) resolve(from *schema.Type, into reflect.Type) (*program, error) {
	g := r.program(from, into)
	for _, check := range r.checks {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// program returns the decoding program of an old node into a type that it is compatible with.
func (r *resolver) program(from *schema.Type, into reflect.Type) *program {
	from = r.old.Follow(from)
	if g := r.made[resolution{from, into}]; g != nil {
		return g
	}
	today := r.registry.program(into)
	g := &program{typ: into, schema: from, size: into.Size(), flat: isFlat(into), width: -1, least: 1}
	r.made[resolution{from, into}] = g
	switch from.Kind {
	case schema.Struct:
		r.fillStruct(g)
	case schema.Array:
		g.repeat(r.program(from.Elem, into.Elem()), into.Len(), littleEndian)
	case schema.Slice, schema.Pointer, schema.Map:
		o := today.ops[0]
		o.elem = r.program(from.Elem, into.Elem())
		if from.Kind == schema.Map {
			more := *o.more
			more.key = r.program(from.Key, into.Key())
			o.more = &more
			r.later(more.key)
		} else if from.Kind == schema.Slice {
			r.later(o.elem)
		}
		g.emit(o, littleEndian)
	case schema.Union:
		g.emit(op{code: opUnion, more: &detail{union: r.union(from, today.ops[0].more.union)}}, littleEndian)
	default:
		g.ops = today.ops
	}
	g.finish(littleEndian)
	return g
}

// later refuses elements that take memory now but took no bytes then, as their number could not be trusted.
func (r *resolver) later(elem *program) {
	r.checks = append(r.checks, func() error {
		if elem.width == 0 && elem.size > 0 {
			return fmt.Errorf("elements of type %s were empty and now are not", elem.typ)
		}
		return nil
	})
}

func (r *resolver) fillStruct(g *program) {
	fields := map[string]reflect.StructField{}
	for i := range g.typ.NumField() {
		if f := g.typ.Field(i); fieldName(f) != "" {
			fields[fieldName(f)] = f
		} else if f.Type.Size() > 0 {
			g.emitZero(f)
		}
	}
	for _, old := range g.schema.Fields {
		f, kept := fields[old.Name]
		if !kept {
			g.emit(op{code: opSkip, path: "." + old.Name, more: &detail{skip: r.old.Skipper(old.Type)}}, littleEndian)
			continue
		}
		delete(fields, old.Name)
		g.inline(r.program(old.Type, f.Type), f.Offset, "."+old.Name, littleEndian)
	}
	for i := range g.typ.NumField() {
		f := g.typ.Field(i)
		if _, added := fields[fieldName(f)]; added && f.Type.Size() > 0 {
			g.emitZero(f)
		}
	}
}

// union returns today's union with the numbers of the old one.
func (r *resolver) union(from *schema.Type, today *union) *union {
	u := &union{iface: today.iface}
	for _, f := range from.Fields {
		for _, c := range today.cases {
			if c.name == f.Name {
				c.program = r.program(f.Type, c.typ)
				u.cases = append(u.cases, c)
			}
		}
	}
	return u
}
