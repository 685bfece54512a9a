package codec

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"
)

// union encodes an interface type whose concrete types are known.
type union struct {
	iface reflect.Type
	cases []unionCase // in the order of the encoding
}

// unionCase is one concrete type. An interface's memory is two words: the first identifies the concrete type, the
// second is the value itself if that is a pointer (direct), otherwise the address of an immutable value.
type unionCase struct {
	name    string
	typ     reflect.Type
	program *program
	word    unsafe.Pointer // the first word of an interface that holds this type
	direct  bool
}

func newUnionCase(iface reflect.Type, name string, t reflect.Type, g *program) unionCase {
	holder := reflect.New(iface)
	holder.Elem().Set(reflect.Zero(t))
	return unionCase{
		name: name, typ: t, program: g, direct: heldDirectly(t),
		word: (*[2]unsafe.Pointer)(holder.UnsafePointer())[0],
	}
}

// heldDirectly tries out whether an interface holds a value of t itself: it does so if the value that comes out of it
// starts with the mark that went in.
func heldDirectly(t reflect.Type) bool {
	if t.Size() != unsafe.Sizeof(uintptr(0)) || isFlat(t) {
		return false
	}
	mark := new(uint64)
	value := reflect.New(t)
	*(*unsafe.Pointer)(value.UnsafePointer()) = unsafe.Pointer(mark)
	var holder any = value.Elem().Interface()
	return (*[2]unsafe.Pointer)(unsafe.Pointer(&holder))[1] == unsafe.Pointer(mark)
}

func (u *union) append(dst []byte, q unsafe.Pointer, depth int) []byte {
	words := (*[2]unsafe.Pointer)(q)
	if words[0] == nil {
		return append(dst, 0)
	}
	number := u.find(words[0], q)
	c := &u.cases[number]
	dst = appendLength(dst, uint64(number)+1)
	if c.direct {
		return c.program.append(dst, unsafe.Pointer(&words[1]), depth)
	}
	return c.program.append(dst, words[1], depth)
}

func (u *union) find(word, q unsafe.Pointer) int {
	for i := range u.cases {
		if u.cases[i].word == word {
			return i
		}
	}
	// The runtime keeps one first word for a pair of types, but does not promise it.
	held := typed(u.iface, q).Elem().Type()
	for i := range u.cases {
		if u.cases[i].typ == held {
			return i
		}
	}
	panic(&ValueError{Type: u.iface.String(), Reason: fmt.Sprintf("it holds a %s, which is not among the registered types (%s);"+
		" add it to RegisterUnion", held, u.names())})
}

func (u *union) names() string {
	names := make([]string, len(u.cases))
	for i := range u.cases {
		names[i] = u.cases[i].typ.String()
	}
	return strings.Join(names, ", ")
}

func (u *union) decode(d *decoder, src []byte, q unsafe.Pointer, number uint64, depth int) ([]byte, *FormatError) {
	if number > uint64(len(u.cases)) {
		return nil, malformed("case %d of interface %s, which has %d", number, u.iface, len(u.cases))
	}
	c := &u.cases[number-1]
	value := reflect.New(c.typ).UnsafePointer()
	src, err := c.program.decode(d, src, value, depth)
	if err != nil {
		return nil, err.within("(" + c.name + ")")
	}
	if c.direct {
		value = *(*unsafe.Pointer)(value)
	}
	*(*[2]unsafe.Pointer)(q) = [2]unsafe.Pointer{c.word, value}
	return src, nil
}
