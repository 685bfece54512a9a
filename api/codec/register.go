package codec

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/weir-stream/weir/api/codec/schema"
)

// registry holds what users registered and the programs that were made. Making one holds the lock; finding one does not.
type registry struct {
	mu     sync.Mutex // guards what registration and compilation do
	codecs map[reflect.Type]*framed
	direct map[reflect.Type]any // the registered Codec[T]
	unions map[reflect.Type][]registeredCase
	made   sync.Map // reflect.Type -> *program, complete
	keys   sync.Map // reflect.Type -> Key[K]
}

type registeredCase struct {
	name string
	typ  reflect.Type
}

var registered = newRegistry()

func newRegistry() *registry {
	return &registry{
		codecs: map[reflect.Type]*framed{},
		direct: map[reflect.Type]any{},
		unions: map[reflect.Type][]registeredCase{},
	}
}

func (r *registry) program(t reflect.Type) *program {
	if made, ok := r.made.Load(t); ok {
		return made.(*program)
	}
	return nil
}

// compile returns the program of t, making it at first use.
func (r *registry) compile(t reflect.Type) (*program, error) {
	if made := r.program(t); made != nil {
		return made, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := compiler{registry: r, programs: map[reflect.Type]*program{}, littleEndian: littleEndian}
	if _, err := c.compile(t); err != nil {
		return nil, err
	}
	for inner, program := range c.programs {
		r.made.LoadOrStore(inner, program)
	}
	return r.program(t), nil
}

// open locks the registry for a registration. It panics if the type has a codec already, in use or registered.
func (r *registry) open(call string, t reflect.Type) {
	r.mu.Lock()
	switch {
	case r.program(t) != nil:
		r.mu.Unlock()
		panic(fmt.Sprintf("codec: %s[%s] comes after a codec of the type was made; register in an init function", call, t))
	case r.codecs[t] != nil || r.unions[t] != nil:
		r.mu.Unlock()
		panic(fmt.Sprintf("codec: %s[%s] is called twice", call, t))
	}
}

// Register makes c the codec of T, also where T is part of other types. There, its encoding lies between bounds and its
// schema must be one of schema.Custom, or any other whose name for T is the type's own.
// Call it from an init function: it panics if T is registered already or if a codec of T was made before.
func Register[T any](c Codec[T]) {
	t := reflect.TypeFor[T]()
	f := &framed{
		name:   typeName(t),
		append: func(dst []byte, q unsafe.Pointer) []byte { return c.Append(dst, (*T)(q)) },
		decode: func(src []byte, q unsafe.Pointer) error {
			rest, err := c.Decode(src, (*T)(q))
			if err == nil && len(rest) > 0 {
				err = fmt.Errorf("it leaves %d bytes over", len(rest))
			}
			return err
		},
	}
	if root := c.Schema().Root(); root.Kind == schema.CustomKind {
		f.name, f.version = root.Name, root.Version
	}
	registered.open("Register", t)
	defer registered.mu.Unlock()
	registered.codecs[t], registered.direct[t] = f, c
}

// NamedCase is a union case with a name of its own.
type NamedCase struct {
	name  string
	value any
}

// Case names a case of RegisterUnion. Without it a case has the name of its type, and renaming the type is a change of
// the schema.
func Case(name string, value any) NamedCase { return NamedCase{name, value} }

// RegisterUnion declares the concrete types that an interface type I may hold: one value of each, of which only the type
// counts, or Case(name, value). Values of other types are refused when they are encoded.
// More cases may be added later; none may go away as long as there are snapshots that hold it.
// Call it from an init function: it panics if I is no interface, a type does not implement it, a type or name is given
// twice, I is registered already, or a codec of I was made before.
func RegisterUnion[I any](cases ...any) {
	iface := reflect.TypeFor[I]()
	if iface.Kind() != reflect.Interface {
		panic(fmt.Sprintf("codec: RegisterUnion[%s]: it is not an interface type", iface))
	}
	all := make([]registeredCase, 0, len(cases))
	for _, given := range cases {
		named, ok := given.(NamedCase)
		if !ok {
			named.value = given
		}
		t := reflect.TypeOf(named.value)
		if t == nil || !t.Implements(iface) {
			panic(fmt.Sprintf("codec: RegisterUnion[%s]: %v does not implement it", iface, t))
		}
		if named.name == "" {
			named.name = caseName(t)
		}
		for _, other := range all {
			if other.typ == t || other.name == named.name {
				panic(fmt.Sprintf("codec: RegisterUnion[%s]: %s (%s) is given twice", iface, t, named.name))
			}
		}
		all = append(all, registeredCase{named.name, t})
	}
	registered.open("RegisterUnion", iface)
	defer registered.mu.Unlock()
	registered.unions[iface] = all
}

func caseName(t reflect.Type) string {
	if t.Kind() == reflect.Pointer && t.Name() == "" {
		return "*" + caseName(t.Elem())
	}
	if name := typeName(t); name != "" {
		return name
	}
	return t.String()
}
