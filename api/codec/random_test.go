package codec

import (
	"bytes"
	"fmt"
	"math"
	"math/rand"
	"reflect"
	"testing"
	"testing/quick"

	"github.com/weir-stream/weir/api/codec/schema"
)

var leaves = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
	reflect.TypeFor[int](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](),
	reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[complex64](), reflect.TypeFor[string](), reflect.TypeFor[[]byte](),
	reflect.TypeFor[label](), reflect.TypeFor[struct{}](), reflect.TypeFor[*node](),
}

func randomType(r *rand.Rand, depth int) reflect.Type {
	if depth == 0 || r.Intn(3) == 0 {
		return leaves[r.Intn(len(leaves))]
	}
	switch r.Intn(5) {
	case 0:
		return reflect.ArrayOf([]int{0, 1, 3, 20}[r.Intn(4)], randomType(r, depth-1))
	case 1:
		return reflect.SliceOf(randomType(r, depth-1))
	case 2:
		keys := []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[int16](), reflect.TypeFor[flat](), reflect.TypeFor[[2]label]()}
		return reflect.MapOf(keys[r.Intn(len(keys))], randomType(r, depth-1))
	case 3:
		return reflect.PointerTo(randomType(r, depth-1))
	}
	return reflect.StructOf(randomFields(r, depth-1))
}

func randomFields(r *rand.Rand, depth int) []reflect.StructField {
	fields := make([]reflect.StructField, 1+r.Intn(6))
	for i := range fields {
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: randomType(r, depth)}
	}
	return fields
}

// randomValue returns a new variable; quick makes no complex numbers that DeepEqual cannot tell apart, nor NaN.
func randomValue(t *testing.T, r *rand.Rand, of reflect.Type) reflect.Value {
	t.Helper()
	v, ok := quick.Value(of, r)
	if !ok {
		t.Fatalf("no value of %s", of)
	}
	p := reflect.New(of)
	p.Elem().Set(v)
	return p
}

func TestRandomTypes(t *testing.T) {
	r := rand.New(rand.NewSource(4))
	for range 600 {
		of := reflect.StructOf(randomFields(r, 3))
		if of.Size() > 1<<16 {
			continue
		}
		g, err := registered.compile(of)
		if err != nil {
			t.Fatalf("%s: %v", of, err)
		}
		elsewhere := portable(t, of)
		root := schema.New(schema.Value, g.schema)
		skip := root.Skipper(root.Root())
		for range 3 {
			v := randomValue(t, r, of)
			encoded := g.append(nil, v.UnsafePointer(), 0)
			if other := elsewhere.append(nil, v.UnsafePointer(), 0); !bytes.Equal(other, encoded) {
				t.Fatalf("%s: encoded %x, without knowing the machine's byte order %x", of, encoded, other)
			}
			for name, by := range map[string]*program{"program": g, "portable program": elsewhere} {
				var sharing decoder
				by.shareTexts(&sharing, encoded)
				for _, d := range []decoder{{}, {shared: string(encoded)}, sharing} {
					back := reflect.New(of)
					rest, malformed := by.decode(&d, encoded, back.UnsafePointer(), 0)
					if malformed != nil || len(rest) > 0 || !reflect.DeepEqual(back.Interface(), v.Interface()) {
						t.Fatalf("%s: %s: %+v came back as %+v, rest %x, error %v", of, name, v.Elem(), back.Elem(), rest, malformed)
					}
				}
			}
			if rest, err := skip.Skip(append(encoded, 1)); err != nil || len(rest) != 1 {
				t.Fatalf("%s: skipping leaves %x, error %v", of, rest, err)
			}
			if g.width >= 0 && g.width != len(encoded) || g.width != skip.Width() {
				t.Fatalf("%s: width %d, of the skipper %d, encoded %d", of, g.width, skip.Width(), len(encoded))
			}
		}
	}
}

// portable compiles as on a machine of unknown byte order, on which nothing but bytes is copied as memory.
func portable(t *testing.T, of reflect.Type) *program {
	t.Helper()
	c := compiler{registry: registered, programs: map[reflect.Type]*program{}, littleEndian: !littleEndian}
	g, err := c.compile(of)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Fields are taken away, added, and change their places; what both versions have must come through.
func TestRandomEvolution(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	for range 1000 {
		inner := randomFields(r, 2)
		oldFields := append(randomFields(r, 2), nested(inner, r)...)
		newInner := evolve(r, inner)
		newFields := append(evolve(r, oldFields[:len(oldFields)-2]), nestedAs(oldFields[len(oldFields)-2:], newInner)...)
		old, today := reflect.StructOf(oldFields), reflect.StructOf(newFields)
		if max(old.Size(), today.Size()) > 1<<16 {
			continue
		}
		from, err := registered.compile(old)
		if err != nil {
			t.Fatal(err)
		}
		into, err := registered.compile(today)
		if err != nil {
			continue // the elements of a slice have become empty
		}
		oldSchema := schema.New(schema.Value, from.schema)
		if _, err := schema.Compatible(oldSchema, schema.New(schema.Value, into.schema)); err != nil {
			t.Fatalf("%s to %s: %v", old, today, err)
		}
		resolver := resolver{registry: registered, old: oldSchema, made: map[resolution]*program{}}
		g, err := resolver.resolve(oldSchema.Root(), today)
		if err != nil {
			continue // the same
		}
		v := randomValue(t, r, old)
		got := randomValue(t, r, today)
		rest, malformed := g.decode(&decoder{}, from.append(nil, v.UnsafePointer(), 0), got.UnsafePointer(), 0)
		if malformed != nil || len(rest) > 0 {
			t.Fatalf("%s to %s: rest %x, error %v", old, today, rest, malformed)
		}
		want := reflect.New(today).Elem()
		carry(want, v.Elem())
		if !reflect.DeepEqual(got.Elem().Interface(), want.Interface()) {
			t.Fatalf("%s to %s:\ngot  %+v\nwant %+v", old, today, got.Elem(), want)
		}
	}
}

// nested returns two fields that hold structs of these fields.
func nested(fields []reflect.StructField, _ *rand.Rand) []reflect.StructField {
	of := reflect.StructOf(fields)
	return []reflect.StructField{{Name: "N0", Type: of}, {Name: "N1", Type: reflect.SliceOf(of)}}
}

func nestedAs(_ []reflect.StructField, fields []reflect.StructField) []reflect.StructField {
	made := nested(fields, nil)
	return []reflect.StructField{made[1], made[0]}
}

func evolve(r *rand.Rand, fields []reflect.StructField) []reflect.StructField {
	var kept []reflect.StructField
	for _, i := range r.Perm(len(fields)) {
		if r.Intn(3) > 0 {
			kept = append(kept, reflect.StructField{Name: fields[i].Name, Type: fields[i].Type})
		}
	}
	return append(kept, reflect.StructField{Name: "Added", Type: randomType(r, 1)}, reflect.StructField{Name: "X", Type: reflect.TypeFor[int8]()})
}

// carry copies by name, as a migration must.
func carry(to, from reflect.Value) {
	if to.Type() == from.Type() {
		to.Set(from)
		return
	}
	switch to.Kind() {
	case reflect.Struct:
		for i := range to.NumField() {
			if f := from.FieldByName(to.Type().Field(i).Name); f.IsValid() {
				carry(to.Field(i), f)
			}
		}
	case reflect.Slice:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			carry(to.Index(i), from.Index(i))
		}
	}
}

func TestPortableKeys(t *testing.T) {
	for of, littleFirst := range map[reflect.Type]bool{reflect.TypeFor[pairKey](): true, reflect.TypeFor[uuidKey](): true, reflect.TypeFor[fixedKey](): false} {
		g, err := compileKey(of, littleEndian)
		if err != nil {
			t.Fatal(err)
		}
		if g.packed != (littleFirst && littleEndian) {
			t.Errorf("%s: packed %v", of, g.packed)
		}
	}
	g, err := compileKey(reflect.TypeFor[pairKey](), false)
	if err != nil {
		t.Fatal(err)
	}
	plain := newKey[pairKey](g)
	packed := mustKey[pairKey](t)
	keys := []pairKey{{1, -2}, {math.MaxInt64, 0}}
	var a, b [4]uint64
	plain.Pack(keys, a[:])
	packed.Pack(keys, b[:])
	var ha, hb [2]uint64
	plain.Hash(keys, ha[:])
	packed.Hash(keys, hb[:])
	if a != b || ha != hb {
		t.Errorf("words %x and %x, hashes %x and %x", a, b, ha, hb)
	}
}
