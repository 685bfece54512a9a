// Package schema describes the encoding of a type by itself: enough to skip or read bytes that an older program wrote,
// and to say whether today's type can still read them.
package schema

// Format is the version of the encodings of package codec (see its FORMAT.md) that a schema made today describes.
const Format = 1

// Encoding tells how the bytes of a type are laid out.
type Encoding uint8

const (
	// Value is the encoding of records and state.
	Value Encoding = iota
	// Key is the order-preserving encoding of keys.
	Key
)

// String returns "value" or "key".
func (e Encoding) String() string {
	if e == Key {
		return "key"
	}
	return "value"
}

// Type is a node of a schema's tree. Which of its fields are set depends on Kind; nodes are never changed once they
// are part of a Schema.
type Type struct {
	Kind Kind `json:"kind"`
	// Name is the Go name of a struct or a union (for the reader only: renaming a type changes nothing), the full name
	// of a protobuf message, or the name of a custom encoding.
	Name string `json:"name,omitempty"`
	// ID is not 0 where a Reference points to this node.
	ID int `json:"id,omitempty"`
	// Ref is the ID of the node that a Reference stands for, which comes earlier in pre-order.
	Ref int `json:"ref,omitempty"`
	// Version is that of a custom encoding.
	Version int `json:"version,omitempty"`
	// Len is the length of an array.
	Len int `json:"len,omitempty"`
	// Key is the type of a map's keys.
	Key *Type `json:"key,omitempty"`
	// Elem is the type of the elements of an array, slice or map, or what a pointer points to.
	Elem *Type `json:"elem,omitempty"`
	// Fields are those of a struct, or the cases of a union, in the order of the encoding.
	Fields []Field `json:"fields,omitempty"`
}

// Field is a field of a struct or a case of a union.
type Field struct {
	Name string `json:"name"`
	Type *Type  `json:"type"`
}

// Schema describes one encoding. It is immutable and safe for concurrent use.
type Schema struct {
	format   int
	encoding Encoding
	root     *Type
	targets  []*Type // by ID-1
}

// New returns the schema of a type, given as a graph of nodes: a node that is met again, because the type is recursive
// or a struct is used twice, becomes a Reference. IDs and References in the graph itself are not looked at.
func New(encoding Encoding, root *Type) *Schema {
	t := treeMaker{copies: map[*Type]*Type{}, open: map[*Type]bool{}}
	s := &Schema{format: Format, encoding: encoding, root: t.tree(root)}
	s.targets = t.targets
	return s
}

// Custom returns the schema of an encoding that only its own codec understands. The name must be the same in every
// build and differ from those of others; bytes of another name or version are refused.
func Custom(name string, version int) *Schema {
	return New(Value, &Type{Kind: CustomKind, Name: name, Version: version})
}

// Format returns the version of the encoding's rules.
func (s *Schema) Format() int { return s.format }

// Encoding tells whether these are the bytes of a value or of a key.
func (s *Schema) Encoding() Encoding { return s.encoding }

// Root returns the type of the whole.
func (s *Schema) Root() *Type { return s.root }

// Follow returns the node that t stands for: t, unless it is a Reference.
func (s *Schema) Follow(t *Type) *Type {
	if t.Kind == Reference {
		return s.targets[t.Ref-1]
	}
	return t
}

// String returns the type as a reader would write it, without the insides of named types that were shown before.
func (s *Schema) String() string { return s.Describe(s.root) }

// treeMaker turns a graph into a tree with references.
type treeMaker struct {
	copies  map[*Type]*Type
	open    map[*Type]bool // being copied: meeting one again is recursion
	targets []*Type
}

func (m *treeMaker) tree(t *Type) *Type {
	if t == nil {
		return nil
	}
	first, seen := m.copies[t]
	if seen && (m.open[t] || len(t.Fields) > 0) {
		return m.reference(first)
	}
	made := &Type{Kind: t.Kind, Name: t.Name, Version: t.Version, Len: t.Len}
	m.copies[t], m.open[t] = made, true
	made.Key, made.Elem = m.tree(t.Key), m.tree(t.Elem)
	for _, f := range t.Fields {
		made.Fields = append(made.Fields, Field{Name: f.Name, Type: m.tree(f.Type)})
	}
	delete(m.open, t)
	return made
}

func (m *treeMaker) reference(to *Type) *Type {
	if to.ID == 0 {
		m.targets = append(m.targets, to)
		to.ID = len(m.targets)
	}
	return &Type{Kind: Reference, Ref: to.ID}
}
