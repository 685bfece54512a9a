package schema

import (
	"fmt"
	"strings"
)

// Describe returns a node of this schema as a reader would write it, in one line: named types by their names, with
// fields only where they have no name.
func (s *Schema) Describe(t *Type) string {
	if t.Kind == Reference {
		if t = s.Follow(t); t.Name == "" {
			return "..." // shown before, or the type contains itself
		}
	}
	switch t.Kind {
	case Array:
		return fmt.Sprintf("[%d]%s", t.Len, s.Describe(t.Elem))
	case Slice:
		return "[]" + s.Describe(t.Elem)
	case Pointer:
		return "*" + s.Describe(t.Elem)
	case Map:
		return fmt.Sprintf("map[%s]%s", s.Describe(t.Key), s.Describe(t.Elem))
	case Struct, Union:
		if t.Name != "" {
			return t.Name
		}
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = f.Name + " " + s.Describe(f.Type)
		}
		return t.Kind.String() + "{" + strings.Join(fields, "; ") + "}"
	case Protobuf:
		return "protobuf " + t.Name
	case CustomKind:
		return fmt.Sprintf("%s (own encoding, version %d)", t.Name, t.Version)
	}
	return t.Kind.String()
}
