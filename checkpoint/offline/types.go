package offline

import (
	"regexp"
	"strings"

	"github.com/weir-stream/weir/api/codec/schema"
)

// typeOf returns nil for no schema.
func typeOf(s *schema.Schema) *Type {
	if s == nil {
		return nil
	}
	return &Type{Text: typeText(s), Schema: s}
}

// typeText shows a type in one line, with the fields of the outermost struct behind its name.
func typeText(s *schema.Schema) string {
	root := s.Root()
	if root.Kind != schema.Struct || root.Name == "" {
		return short(s.String())
	}
	fields := make([]string, len(root.Fields))
	for i, f := range root.Fields {
		fields[i] = f.Name + " " + s.Describe(f.Type)
	}
	return short(root.Name + "{" + strings.Join(fields, "; ") + "}")
}

var folders = regexp.MustCompile(`[\w.~-]+/`)

// short leaves the names of packages, without the folders before them.
func short(types string) string { return folders.ReplaceAllString(types, "") }
