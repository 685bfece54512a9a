package state

import (
	"fmt"
	"reflect"
)

// found is called for each handle with its field, which stands at that path in the function.
type found func(v reflect.Value, field reflect.StructField, names names, at string) error

// search calls add for each field of a function whose pointer implements the interface handle.
func search(fn any, handle reflect.Type, add found) error {
	v := reflect.ValueOf(fn)
	if v.Kind() == reflect.Struct {
		return refuseCopy(v.Type(), handle)
	}
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	s := searching{function: v.Elem().Type(), handle: handle, add: add, names: names{}}
	return s.walk(v.Elem(), "")
}

// refuseCopy reports an error if a function that is a struct, not a pointer to one, has handles: each of its methods is called on a
// copy, in which no handle would show any state.
func refuseCopy(function, handle reflect.Type) error {
	s := searching{function: function, handle: handle, names: names{}, add: func(_ reflect.Value, _ reflect.StructField, _ names, at string) error {
		return fmt.Errorf("the function is a %s, not a pointer to one: have its factory return a *%[1]s", function)
	}}
	return s.walk(reflect.New(function).Elem(), "")
}

type searching struct {
	function, handle reflect.Type
	add              found
	names            names
}

// names maps each state to the field that declares it.
type names map[string]string

func (n names) take(name, at string) error {
	if other, taken := n[name]; taken {
		return fmt.Errorf("the name %q is taken by the field %s: give one of them another with the tag `state:\"...\"`", name, other)
	}
	n[name] = at
	return nil
}

func (s *searching) walk(v reflect.Value, path string) error {
	for i := range v.NumField() {
		field, at := v.Type().Field(i), path+v.Type().Field(i).Name
		switch {
		case reflect.PointerTo(field.Type).Implements(s.handle):
			if err := s.found(v.Field(i), field, at); err != nil {
				return fmt.Errorf("state %s.%s: %w", s.function, at, err)
			}
		case field.Type.Kind() == reflect.Pointer && field.Type.Implements(s.handle):
			return fmt.Errorf("state %s.%s is a pointer to a handle: declare it as %s", s.function, at, field.Type.Elem())
		case field.Type.Kind() == reflect.Array && s.holdsHandle(field.Type.Elem()):
			return fmt.Errorf("state %s.%s: an array of handles has no names for its states: declare a field for each", s.function, at)
		case field.Type.Kind() == reflect.Struct:
			if err := s.walk(v.Field(i), at+"."); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *searching) found(v reflect.Value, field reflect.StructField, at string) error {
	if !v.CanInterface() {
		return fmt.Errorf("the field is not exported: give it an upper-case name (the state's own name can be set with the tag `state:\"...\"`)")
	}
	return s.add(v, field, s.names, at)
}

func (s *searching) holdsHandle(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(s.handle) {
		return true
	}
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			if s.holdsHandle(t.Field(i).Type) {
				return true
			}
		}
	}
	return t.Kind() == reflect.Array && s.holdsHandle(t.Elem())
}
