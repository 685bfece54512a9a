package schema

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// Fingerprint identifies an encoding: equal fingerprints read each other's bytes as they are.
type Fingerprint [16]byte

// String returns 32 hexadecimal digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// Fingerprint returns the first half of the SHA-256 of the schema's binary form without the names of structs and
// unions, so that renaming or moving a Go type keeps it. It is the same on every machine and in every build.
func (s *Schema) Fingerprint() Fingerprint {
	sum := sha256.Sum256(s.appendBinary([]byte("weir schema\n"), false))
	return Fingerprint(sum[:16])
}

// AppendBinary appends the compact form, which ParseBinary reads. Its error is always nil.
func (s *Schema) AppendBinary(dst []byte) ([]byte, error) { return s.appendBinary(dst, true), nil }

// MarshalBinary returns the compact form, which ParseBinary reads. Its error is always nil.
func (s *Schema) MarshalBinary() ([]byte, error) { return s.appendBinary(nil, true), nil }

func (s *Schema) appendBinary(dst []byte, names bool) []byte {
	dst = binary.AppendUvarint(dst, uint64(s.format))
	dst = append(dst, byte(s.encoding))
	return appendType(dst, s.root, names)
}

func appendType(dst []byte, t *Type, names bool) []byte {
	dst = append(dst, byte(t.Kind))
	switch t.Kind {
	case Reference:
		return binary.AppendUvarint(dst, uint64(t.Ref))
	case Protobuf:
		return appendString(dst, t.Name)
	case CustomKind:
		dst = appendString(dst, t.Name)
		return binary.AppendUvarint(dst, uint64(t.Version))
	case Array, Slice, Map, Pointer:
		dst = binary.AppendUvarint(dst, uint64(t.ID))
		if t.Kind == Array {
			dst = binary.AppendUvarint(dst, uint64(t.Len))
		}
		if t.Kind == Map {
			dst = appendType(dst, t.Key, names)
		}
		return appendType(dst, t.Elem, names)
	case Struct, Union:
		dst = binary.AppendUvarint(dst, uint64(t.ID))
		name := t.Name
		if !names {
			name = ""
		}
		dst = appendString(dst, name)
		dst = binary.AppendUvarint(dst, uint64(len(t.Fields)))
		for _, f := range t.Fields {
			dst = appendString(dst, f.Name)
			dst = appendType(dst, f.Type, names)
		}
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// ParseBinary reads a whole compact form.
func ParseBinary(src []byte) (*Schema, error) {
	p := parser{src: src}
	s := &Schema{format: p.number()}
	s.encoding = Encoding(p.byte())
	if p.err == nil && s.format > Format {
		return nil, s.check() // what follows may have another form
	}
	s.root = p.typ(0)
	if p.err == nil && len(p.src) > 0 {
		p.fail("%d bytes after its end", len(p.src))
	}
	if p.err != nil {
		return nil, p.err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

type parser struct {
	src []byte
	err error
}

func (p *parser) fail(format string, arguments ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("schema: malformed: "+format, arguments...)
	}
	p.src = nil
}

func (p *parser) byte() byte {
	if len(p.src) == 0 {
		p.fail("it ends too early")
		return 0
	}
	b := p.src[0]
	p.src = p.src[1:]
	return b
}

func (p *parser) number() int {
	n, size := binary.Uvarint(p.src)
	if size <= 0 || n > 1<<40 {
		p.fail("a number is cut or out of range")
		return 0
	}
	p.src = p.src[size:]
	return int(n)
}

func (p *parser) string() string {
	n := p.number()
	if n > len(p.src) {
		p.fail("a name of %d bytes where %d are left", n, len(p.src))
		return ""
	}
	s := string(p.src[:n])
	p.src = p.src[n:]
	return s
}

func (p *parser) typ(depth int) *Type {
	if depth > maxDepth {
		p.fail("nested deeper than %d", maxDepth)
	}
	t := &Type{Kind: Kind(p.byte())}
	switch t.Kind {
	case Reference:
		t.Ref = p.number()
	case Protobuf:
		t.Name = p.string()
	case CustomKind:
		t.Name, t.Version = p.string(), p.number()
	case Array, Slice, Map, Pointer:
		t.ID = p.number()
		if t.Kind == Array {
			t.Len = p.number()
		}
		if t.Kind == Map {
			t.Key = p.typ(depth + 1)
		}
		t.Elem = p.typ(depth + 1)
	case Struct, Union:
		t.ID, t.Name = p.number(), p.string()
		for n := p.number(); n > 0 && p.err == nil; n-- {
			t.Fields = append(t.Fields, Field{Name: p.string(), Type: p.typ(depth + 1)})
		}
	}
	return t
}

type jsonForm struct {
	Format   int    `json:"format"`
	Encoding string `json:"encoding"`
	Type     *Type  `json:"type"`
}

// MarshalJSON writes {"format", "encoding", "type"}.
func (s *Schema) MarshalJSON() ([]byte, error) {
	return json.Marshal(jsonForm{s.format, s.encoding.String(), s.root})
}

// UnmarshalJSON reads what MarshalJSON wrote. It is for a new Schema only: others may be reading one that exists.
func (s *Schema) UnmarshalJSON(text []byte) error {
	var form jsonForm
	if err := json.Unmarshal(text, &form); err != nil {
		return err
	}
	if s.root != nil {
		return errors.New("schema: UnmarshalJSON into a schema that is in use")
	}
	read := Schema{format: form.Format, root: form.Type}
	switch form.Encoding {
	case "value":
	case "key":
		read.encoding = Key
	default:
		return fmt.Errorf("schema: encoding %q is not known", form.Encoding)
	}
	if err := read.check(); err != nil {
		return err
	}
	*s = read
	return nil
}
