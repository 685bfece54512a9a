package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Migration is what has to be done to bytes of an old schema so that today's type can hold them. All of it is done
// while decoding (codec.Resolve).
type Migration struct {
	// Added are the paths of fields and union cases that today's type has and the old bytes lack: fields become zero.
	Added []string
	// Removed are the paths of fields that the old bytes hold and today's type has not: they are skipped.
	Removed []string
	// Reordered are the paths of structs and unions whose fields or cases stand in another order.
	Reordered []string
}

// AsIs reports whether today's codec reads the old bytes without any migration.
func (m Migration) AsIs() bool { return len(m.Added)+len(m.Removed)+len(m.Reordered) == 0 }

// String returns one line for a log.
func (m Migration) String() string {
	if m.AsIs() {
		return "compatible as is"
	}
	var parts []string
	for _, part := range []struct {
		what  string
		paths []string
	}{{"added", m.Added}, {"removed", m.Removed}, {"reordered", m.Reordered}} {
		if len(part.paths) > 0 {
			parts = append(parts, part.what+" "+strings.Join(part.paths, ", "))
		}
	}
	return "compatible after migration: " + strings.Join(parts, "; ")
}

// IncompatibleError says why today's type cannot hold what an old schema's bytes hold.
type IncompatibleError struct {
	Path     string // of the place within the type, such as ".Items[].Price"; empty for the whole
	Old, New string // what stands there in the old schema and today
	Reason   string // empty where the two types say it all
}

// Error names the place and both types, and says what to do.
func (e *IncompatibleError) Error() string {
	place := "the type"
	if e.Path != "" {
		place = "field " + e.Path
	}
	text := fmt.Sprintf("schema: %s was %s and is now %s", place, e.Old, e.New)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text + "; give the new one another name (a new field, a new state), or keep the old type"
}

// Compatible compares the schema of bytes that exist with that of today's type. Today's type can read them if error is
// nil; Migration then says what changes on the way. Names of structs and unions do not matter, those of fields and
// cases do. The error is an *IncompatibleError unless the schemas are of different formats or encodings.
//
// What may change: struct fields may be added, removed and reordered; union cases may be added and reordered. The
// encoding of a key may not change at all, and no field of a map's key may go away, as two keys could become one.
func Compatible(old, today *Schema) (Migration, error) {
	if old.encoding != today.encoding {
		return Migration{}, fmt.Errorf("schema: the old bytes are those of a %s, today's those of a %s: they cannot take each other's place",
			old.encoding, today.encoding)
	}
	if old.format != today.format {
		return Migration{}, fmt.Errorf("schema: the old bytes have format %d, today's %d", old.format, today.format)
	}
	c := comparison{old: old, today: today, strict: old.encoding == Key, done: map[pair]bool{}}
	if err := c.compare("", old.root, today.root); err != nil {
		return Migration{}, err
	}
	return c.migration, nil
}

type pair struct {
	old, today *Type
	mapKey     bool
}

type comparison struct {
	old, today *Schema
	strict     bool // a key: nothing may change
	inMapKey   bool
	done       map[pair]bool // also those under way, so that recursion ends
	migration  Migration
}

func (c *comparison) compare(path string, old, today *Type) error {
	old, today = c.old.Follow(old), c.today.Follow(today)
	this := pair{old, today, c.inMapKey}
	if c.done[this] {
		return nil
	}
	c.done[this] = true
	if old.Kind != today.Kind {
		return c.incompatible(path, old, today, "")
	}
	switch old.Kind {
	case Array:
		if old.Len != today.Len {
			return c.incompatible(path, old, today, "")
		}
		return c.compare(path+"[]", old.Elem, today.Elem)
	case Slice, Pointer:
		suffix := "[]"
		if old.Kind == Pointer {
			suffix = ""
		}
		return c.compare(path+suffix, old.Elem, today.Elem)
	case Map:
		outer := c.inMapKey
		c.inMapKey = true
		err := c.compare(path+"[key]", old.Key, today.Key)
		c.inMapKey = outer
		if err != nil {
			return err
		}
		return c.compare(path+"[]", old.Elem, today.Elem)
	case Struct:
		return c.compareStruct(path, old, today)
	case Union:
		return c.compareUnion(path, old, today)
	case Protobuf, CustomKind:
		if old.Name != today.Name || old.Version != today.Version {
			return c.incompatible(path, old, today, "")
		}
	}
	return nil
}

func (c *comparison) compareStruct(path string, old, today *Type) error {
	if c.strict && !slices.EqualFunc(old.Fields, today.Fields, func(a, b Field) bool { return a.Name == b.Name }) {
		return c.incompatible(path, old, today, fmt.Sprintf("a key's fields cannot change (old: %s; today: %s)",
			fieldNames(old), fieldNames(today)))
	}
	common, err := c.compareFields(path, old, today, func(f Field) error {
		if c.inMapKey {
			return c.incompatible(path+"."+f.Name, f.Type, nil, "two keys of a map could become one")
		}
		c.migration.Removed = append(c.migration.Removed, path+"."+f.Name)
		return nil
	})
	if err != nil {
		return err
	}
	c.note(path, ".", old, today, common)
	return nil
}

func (c *comparison) compareUnion(path string, old, today *Type) error {
	common, err := c.compareFields(path, old, today, func(f Field) error {
		return c.incompatible(path+"("+f.Name+")", f.Type, nil, "values of this case would be lost")
	})
	if err != nil {
		return err
	}
	c.note(path, "|", old, today, common)
	return nil
}

// compareFields compares the fields that both have, and returns their names in the old order.
func (c *comparison) compareFields(path string, old, today *Type, removed func(Field) error) (common []string, err error) {
	separator, end := ".", ""
	if old.Kind == Union {
		separator, end = "(", ")"
	}
	for _, f := range old.Fields {
		i := slices.IndexFunc(today.Fields, func(g Field) bool { return g.Name == f.Name })
		if i < 0 {
			err = removed(f)
		} else {
			common = append(common, f.Name)
			err = c.compare(path+separator+f.Name+end, f.Type, today.Fields[i].Type)
		}
		if err != nil {
			return nil, err
		}
	}
	return common, nil
}

// note records what was added and whether the common ones changed places. A union case added at the end leaves old
// bytes as they are.
func (c *comparison) note(path, separator string, old, today *Type, common []string) {
	var added, kept []string
	for i, f := range today.Fields {
		switch {
		case slices.Contains(common, f.Name):
			kept = append(kept, f.Name)
		case old.Kind == Struct || i < len(old.Fields):
			added = append(added, path+separator+f.Name)
		}
	}
	c.migration.Added = append(c.migration.Added, added...)
	if !slices.Equal(kept, common) {
		c.migration.Reordered = append(c.migration.Reordered, path)
	}
}

func (c *comparison) incompatible(path string, old, today *Type, reason string) error {
	e := &IncompatibleError{Path: path, Old: c.old.Describe(old), New: "gone", Reason: reason}
	if today != nil {
		e.New = c.today.Describe(today)
	}
	return e
}

func fieldNames(t *Type) string {
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}
