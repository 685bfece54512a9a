package schema

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// person is recursive, uses one struct twice, and has a slice that occurs twice.
func person() *Type {
	text := &Type{Kind: String}
	address := &Type{Kind: Struct, Name: "x.Address", Fields: []Field{{"Street", text}, {"No", &Type{Kind: Int32}}}}
	tags := &Type{Kind: Slice, Elem: text}
	person := &Type{Kind: Struct, Name: "x.Person"}
	person.Fields = []Field{
		{"Name", text}, {"Home", address}, {"Work", &Type{Kind: Pointer, Elem: address}},
		{"Friends", &Type{Kind: Slice, Elem: person}}, {"Tags", tags}, {"More", tags},
		{"By", &Type{Kind: Map, Key: &Type{Kind: Array, Len: 2, Elem: &Type{Kind: Uint8}}, Elem: person}},
		{"Own", &Type{Kind: CustomKind, Name: "own", Version: 2}}, {"Pb", &Type{Kind: Protobuf, Name: "p.M"}},
		{"Any", &Type{Kind: Union, Name: "x.Any", Fields: []Field{{"a", person}, {"b", &Type{Kind: Bool}}}}},
	}
	return person
}

func TestForms(t *testing.T) {
	s := New(Value, person())
	compact, _ := s.MarshalBinary()
	fromBinary, err := ParseBinary(compact)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var fromJSON Schema
	if err := json.Unmarshal(text, &fromJSON); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]*Schema{"binary": fromBinary, "JSON": &fromJSON} {
		if !reflect.DeepEqual(read, s) {
			t.Errorf("%s: %v is not %v", name, read.Root(), s.Root())
		}
		if again, _ := read.MarshalBinary(); !bytes.Equal(again, compact) {
			t.Errorf("%s: binary form is %x, was %x", name, again, compact)
		}
		if m, err := Compatible(s, read); err != nil || !m.AsIs() {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	if !strings.Contains(string(text), `{"name":"Work","type":{"kind":"pointer","elem":{"kind":"reference","ref":1}}}`) {
		t.Errorf("JSON form:\n%s", text)
	}
	for n := range compact {
		if _, err := ParseBinary(compact[:n]); err == nil {
			t.Errorf("%d of %d bytes were taken", n, len(compact))
		}
	}
}

func TestFingerprint(t *testing.T) {
	s := New(Value, person())
	if got := s.Fingerprint().String(); got != "60de3510e8ef55e982ccd399da349cc5" {
		t.Errorf("%s: it must never change", got)
	}
	renamed := person()
	renamed.Name = "y.Human"
	if New(Value, renamed).Fingerprint() != s.Fingerprint() {
		t.Error("the name of a struct counts")
	}
	changes := map[string]func(*Type){
		"field name": func(p *Type) { p.Fields[0].Name = "Title" },
		"field type": func(p *Type) { p.Fields[0].Type = &Type{Kind: Bytes} },
		"order":      func(p *Type) { p.Fields[0], p.Fields[1] = p.Fields[1], p.Fields[0] },
		"version":    func(p *Type) { p.Fields[7].Type.Version++ },
		"message":    func(p *Type) { p.Fields[8].Type.Name = "p.N" },
		"length":     func(p *Type) { p.Fields[6].Type.Key.Len++ },
		"case":       func(p *Type) { p.Fields[9].Type.Fields[0].Name = "c" },
	}
	for name, change := range changes {
		changed := person()
		change(changed)
		if New(Value, changed).Fingerprint() == s.Fingerprint() {
			t.Errorf("%s does not count", name)
		}
	}
	if New(Key, person()).Fingerprint() == s.Fingerprint() {
		t.Error("key or value does not count")
	}
}

func TestDescribe(t *testing.T) {
	s := New(Value, &Type{Kind: Map, Key: &Type{Kind: String}, Elem: &Type{Kind: Struct, Fields: []Field{
		{"P", &Type{Kind: Pointer, Elem: person()}}, {"O", &Type{Kind: CustomKind, Name: "own", Version: 2}}, {"A", &Type{Kind: Array, Len: 2, Elem: &Type{Kind: Time}}}}}})
	if got := s.String(); got != "map[string]struct{P *x.Person; O own (own encoding, version 2); A [2]time}" {
		t.Error(got)
	}
	loop := &Type{Kind: Slice}
	loop.Elem = loop
	if got := New(Value, loop).String(); got != "[]..." {
		t.Error(got)
	}
}

func TestMalformedSchemas(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"newer":         {`{"format":2,"encoding":"value","type":{"kind":"bool"}}`, "format 2 is not known to this build"},
		"no format":     {`{"encoding":"value","type":{"kind":"bool"}}`, "format 0"},
		"encoding":      {`{"format":1,"encoding":"other","type":{"kind":"bool"}}`, `encoding "other"`},
		"kind":          {`{"format":1,"encoding":"value","type":{"kind":"decimal"}}`, `kind "decimal"`},
		"no type":       {`{"format":1,"encoding":"value"}`, "a type is missing"},
		"no elem":       {`{"format":1,"encoding":"value","type":{"kind":"slice"}}`, "a type is missing"},
		"dangling":      {`{"format":1,"encoding":"value","type":{"kind":"slice","elem":{"kind":"reference","ref":1}}}`, "reference to 1"},
		"twice":         {`{"format":1,"encoding":"value","type":{"kind":"slice","id":1,"elem":{"kind":"slice","id":1,"elem":{"kind":"bool"}}}}`, "id 1 is defined twice"},
		"gap":           {`{"format":1,"encoding":"value","type":{"kind":"slice","id":2,"elem":{"kind":"bool"}}}`, "id 2 among 1"},
		"contains self": {`{"format":1,"encoding":"value","type":{"kind":"struct","id":1,"name":"S","fields":[{"name":"a","type":{"kind":"reference","ref":1}}]}}`, "struct S contains itself"},
		"indirectly": {`{"format":1,"encoding":"value","type":{"kind":"struct","id":1,"name":"E","fields":[{"name":"p","type":{"kind":"pointer","elem":
			{"kind":"struct","id":2,"name":"A","fields":[{"name":"e","type":{"kind":"reference","ref":1}}]}}},{"name":"x","type":{"kind":"reference","ref":2}}]}}`, "contains itself"},
		"same name": {`{"format":1,"encoding":"value","type":{"kind":"struct","fields":[{"name":"a","type":{"kind":"bool"}},{"name":"a","type":{"kind":"bool"}}]}}`, "two fields named"},
		"negative":  {`{"format":1,"encoding":"value","type":{"kind":"array","len":-1,"elem":{"kind":"bool"}}}`, "negative"},
	} {
		var s Schema
		if err := json.Unmarshal([]byte(c.text), &s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	s := New(Value, person())
	if err := json.Unmarshal([]byte(`{"format":1,"encoding":"value","type":{"kind":"bool"}}`), s); err == nil {
		t.Error("a schema in use was overwritten")
	}
}

func FuzzParseBinary(f *testing.F) {
	compact, _ := New(Value, person()).MarshalBinary()
	f.Add(compact, []byte("\x03abc\x01\x02\x01"))
	f.Add([]byte{1, 0, byte(Slice), 1, byte(Reference), 1}, []byte{2, 2, 2, 1})
	f.Add([]byte{1, 0, byte(Array), 0, 0xff, 0xff, 0xff, 0x7f, byte(Array), 0, 0xff, 0xff, 0xff, 0x7f, byte(String)}, []byte{1, 1, 1})
	f.Fuzz(func(t *testing.T, src, value []byte) {
		s, err := ParseBinary(src)
		if err != nil {
			return
		}
		again, _ := s.MarshalBinary()
		read, err := ParseBinary(again)
		if err != nil || read.Fingerprint() != s.Fingerprint() {
			t.Fatalf("%x: its own form %x: %v", src, again, err)
		}
		if m, err := Compatible(s, read); err != nil || !m.AsIs() {
			t.Fatalf("%x is not compatible with itself: %v %v", src, m, err)
		}
		_ = s.String()
		if rest, err := s.Skipper(s.Root()).Skip(value); err == nil && len(rest) > len(value) {
			t.Fatal("the rest is longer than the input")
		}
	})
}
