package state

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Field is one handle found in a function.
type Field struct {
	Descriptor Descriptor
	handle     handle
}

// handle is what Value, List, Map, Reducing and Aggregating have in common.
type handle interface {
	// describe returns a descriptor that lacks name and options.
	describe() (Descriptor, error)
	bind(store Store, c Column, d Descriptor)
}

var handleType = reflect.TypeFor[handle]()

// Bind makes the handle show the state of a column of an opened backend, which was opened with the field's descriptor
// there.
func (f Field) Bind(store Store, c Column) { f.handle.bind(store, c, f.Descriptor) }

// Fields finds the state handles among the fields of a function: fn is a pointer to a struct, and the structs that it holds by
// value, embedded or not, are searched too. Anything else has no state: the result is empty.
//
// A field's state is named by its tag, `state:"name"`, or else by the field. Options follow after commas: ttl=24h. Two
// states of one name, an unknown option, a handle that is not exported and a type that no codec can be derived for are
// errors that name the field.
func Fields(fn any) ([]Field, error) {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, nil
	}
	s := search{function: v.Elem().Type(), names: map[string]string{}}
	if err := s.walk(v.Elem(), ""); err != nil {
		return nil, err
	}
	if len(s.fields) > MaxColumns {
		return nil, fmt.Errorf("%s declares %d states, at most %d are possible: put values that belong together into one struct", s.function, len(s.fields), MaxColumns)
	}
	return s.fields, nil
}

type search struct {
	function reflect.Type
	fields   []Field
	// names maps each state to the field that declares it.
	names map[string]string
}

func (s *search) walk(v reflect.Value, path string) error {
	for i := range v.NumField() {
		field, at := v.Type().Field(i), path+v.Type().Field(i).Name
		switch {
		case reflect.PointerTo(field.Type).Implements(handleType):
			if err := s.add(v.Field(i), field, at); err != nil {
				return fmt.Errorf("state %s.%s: %w", s.function, at, err)
			}
		case field.Type.Kind() == reflect.Pointer && field.Type.Implements(handleType):
			return fmt.Errorf("state %s.%s is a pointer to a handle: declare it as %s", s.function, at, field.Type.Elem())
		case field.Type.Kind() == reflect.Array && holdsHandle(field.Type.Elem()):
			return fmt.Errorf("state %s.%s: an array of handles has no names for its states: declare a field for each", s.function, at)
		case field.Type.Kind() == reflect.Struct:
			if err := s.walk(v.Field(i), at+"."); err != nil {
				return err
			}
		}
	}
	return nil
}

func holdsHandle(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(handleType) {
		return true
	}
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			if holdsHandle(t.Field(i).Type) {
				return true
			}
		}
	}
	return t.Kind() == reflect.Array && holdsHandle(t.Elem())
}

func (s *search) add(v reflect.Value, field reflect.StructField, at string) error {
	if !v.CanInterface() {
		return fmt.Errorf("the field is not exported: give it an upper-case name (the state's own name can be set with the tag `state:\"...\"`)")
	}
	h := v.Addr().Interface().(handle)
	d, err := h.describe()
	if err != nil {
		return err
	}
	d.Name = field.Name
	if err := parseTag(field.Tag.Get("state"), &d); err != nil {
		return err
	}
	if other, taken := s.names[d.Name]; taken {
		return fmt.Errorf("the name %q is taken by the field %s: give one of them another with the tag `state:\"...\"`", d.Name, other)
	}
	s.names[d.Name] = at
	s.fields = append(s.fields, Field{d, h})
	return nil
}

// parseTag reads name[,option=value]... into d.
func parseTag(tag string, d *Descriptor) error {
	name, options, more := strings.Cut(tag, ",")
	if name != "" {
		d.Name = name
	}
	for more {
		var option string
		option, options, more = strings.Cut(options, ",")
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "ttl":
			ttl, err := time.ParseDuration(value)
			if err != nil || ttl <= 0 {
				return fmt.Errorf("ttl=%s in its tag is not a positive duration such as 24h", value)
			}
			d.TTL = ttl
		default:
			return fmt.Errorf("unknown option %q in its tag; known: ttl=DURATION", option)
		}
	}
	return nil
}
