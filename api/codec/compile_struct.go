package codec

import (
	"encoding"
	"reflect"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/api/codec/schema"
)

var (
	marshalerType         = reflect.TypeFor[Marshaler]()
	messageType           = reflect.TypeFor[proto.Message]()
	binaryMarshalerType   = reflect.TypeFor[encoding.BinaryMarshaler]()
	binaryUnmarshalerType = reflect.TypeFor[encoding.BinaryUnmarshaler]()
	textMarshalerType     = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerType   = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (c *compiler) fillStruct(g *program) *RefusedError {
	t := g.typ
	if isMessage(reflect.PointerTo(t)) {
		return c.refuse(t, "a protobuf message must not be copied", "hold it by pointer: *"+t.String())
	}
	if hasHidden(t) {
		if declares(t, binaryMarshalerType) && declares(t, binaryUnmarshalerType) {
			return c.fillFramed(g, byBinary(t))
		}
		if fromStandardLibrary(t) {
			if declares(t, textMarshalerType) && declares(t, textUnmarshalerType) {
				return c.fillFramed(g, byText(t))
			}
			return c.refuse(t, "its unexported fields belong to the standard library and mean nothing elsewhere", useTag)
		}
	}
	*g.schema = schema.Type{Kind: schema.Struct, Name: typeName(t)}
	names := map[string]string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name := fieldName(f)
		if name == "" {
			if f.Type.Size() > 0 {
				g.emitZero(f)
			}
			continue
		}
		if other, taken := names[name]; taken {
			return c.refuse(t, "its fields "+other+" and "+f.Name+" are both named "+name, "name one of them otherwise by the tag `weir:\"...\"`")
		}
		names[name] = f.Name
		part, refused := c.at("."+f.Name, f.Type)
		if refused != nil {
			return refused
		}
		g.schema.Fields = append(g.schema.Fields, schema.Field{Name: name, Type: part.schema})
		g.inline(part, f.Offset, "."+name, c.littleEndian)
	}
	return nil
}

// fieldName returns the name of a field in the schema, or "" for one that is not encoded: with the tag `weir:"-"`, or
// blank, which == ignores as well.
func fieldName(f reflect.StructField) string {
	tag := f.Tag.Get("weir")
	switch {
	case tag == "-" || f.Name == "_":
		return ""
	case tag != "":
		return tag
	}
	return f.Name
}

func hasHidden(t reflect.Type) bool {
	for i := range t.NumField() {
		if f := t.Field(i); !f.IsExported() && f.Name != "_" && f.Tag.Get("weir") != "-" {
			return true
		}
	}
	return false
}

// declares reports whether a named type, or its pointer, has the methods of an interface by itself. Methods that come
// from an embedded field do not count: they would encode that field and lose the others.
func declares(t, methods reflect.Type) bool {
	if t.Name() == "" || t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer || !reflect.PointerTo(t).Implements(methods) {
		return false
	}
	if t.Kind() != reflect.Struct {
		return true
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && (f.Type.Implements(methods) || reflect.PointerTo(f.Type).Implements(methods)) {
			return false
		}
	}
	return true
}

// isMessage reports whether t is the pointer to a generated protobuf message.
func isMessage(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct && declares(t.Elem(), messageType)
}

func messageName(t reflect.Type) string {
	return string(reflect.Zero(t).Interface().(proto.Message).ProtoReflect().Descriptor().FullName())
}

// isFlat reports whether memory of the type holds no pointers.
func isFlat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return t.Len() == 0 || isFlat(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !isFlat(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	_, number := numberKinds[t.Kind()]
	return number || t.Kind() == reflect.Uintptr
}

// identityIn returns a type within a map's key that is compared by what it points to or holds, or nil.
func identityIn(t reflect.Type) reflect.Type {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Chan, reflect.UnsafePointer:
		return t
	case reflect.Array:
		return identityIn(t.Elem())
	case reflect.Struct:
		if t == timeType {
			return nil
		}
		for i := range t.NumField() {
			if f := t.Field(i); fieldName(f) != "" {
				if inner := identityIn(f.Type); inner != nil {
					return inner
				}
			}
		}
	}
	return nil
}

// typeName returns the import path and name of a type, or "" if it has no name.
func typeName(t reflect.Type) string {
	if t.PkgPath() == "" {
		return t.Name()
	}
	return t.PkgPath() + "." + t.Name()
}

// standardLibrary holds the first elements of the import paths of Go's own packages.
var standardLibrary = map[string]bool{}

func init() {
	for name := range strings.FieldsSeq(`archive bufio bytes cmp compress container context crypto database debug embed encoding
		errors expvar flag fmt go hash html image index internal io iter log maps math mime net os path plugin reflect regexp
		runtime slices sort strconv strings structs sync syscall testing text time unicode unique unsafe vendor weak`) {
		standardLibrary[name] = true
	}
}

func fromStandardLibrary(t reflect.Type) bool {
	first, _, _ := strings.Cut(t.PkgPath(), "/")
	return standardLibrary[first]
}
