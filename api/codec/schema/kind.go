package schema

import "fmt"

// Kind is what a node of a schema is. The numbers are part of the binary form and never change.
type Kind uint8

// The kinds. Go's int and uint are Int64 and Uint64 on every machine; named types have the kind of what they are made of.
const (
	Bool Kind = iota + 1
	Int8
	Int16
	Int32
	Int64
	Uint8
	Uint16
	Uint32
	Uint64
	Float32
	Float64
	Complex64
	Complex128
	String
	Bytes
	Time
	Duration
	Array
	Slice
	Map
	Pointer
	Struct
	Union
	Protobuf
	CustomKind
	Reference
)

var kindNames = [...]string{
	Bool: "bool", Int8: "int8", Int16: "int16", Int32: "int32", Int64: "int64",
	Uint8: "uint8", Uint16: "uint16", Uint32: "uint32", Uint64: "uint64",
	Float32: "float32", Float64: "float64", Complex64: "complex64", Complex128: "complex128",
	String: "string", Bytes: "bytes", Time: "time", Duration: "duration",
	Array: "array", Slice: "slice", Map: "map", Pointer: "pointer", Struct: "struct", Union: "union",
	Protobuf: "protobuf", CustomKind: "custom", Reference: "reference",
}

// String returns the kind's name in lower case, the one of the JSON form.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// MarshalText writes the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (k *Kind) UnmarshalText(text []byte) error {
	for kind, name := range kindNames {
		if name != "" && name == string(text) {
			*k = Kind(kind)
			return nil
		}
	}
	return fmt.Errorf("schema: kind %q is not known to this build", text)
}

func (k Kind) hasElem() bool { return k == Array || k == Slice || k == Map || k == Pointer }

// width returns the bytes that a value of this kind always takes, or -1.
func (k Kind) width() int {
	switch k {
	case Bool, Int8, Uint8:
		return 1
	case Int16, Uint16:
		return 2
	case Int32, Uint32, Float32:
		return 4
	case Int64, Uint64, Float64, Duration, Complex64:
		return 8
	case Complex128, Time:
		return 16
	}
	return -1
}
