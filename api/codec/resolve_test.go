package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/codec/schema"
)

// The same program at two times: what v1 wrote, v2 reads.
type (
	itemV1 struct {
		Name  string
		Price int64
		Tags  []string
	}
	itemV2 struct {
		Price    int64 // moved
		Discount float64
		Name     string
	}
	orderV1 struct {
		ID      int64
		Gone    map[string][]itemV1
		Items   []itemV1
		ByName  map[string]itemV1
		Best    *itemV1
		Grid    [2]itemV1
		Old     shape
		Tree    *treeV1
		OldTree *treeV1
		Money   money
		At      time.Time
		Flags   [3]bool
		Nothing struct{}
	}
	orderV2 struct {
		Added  map[string]int
		ID     int64
		Items  []itemV2
		ByName map[string]itemV2
		Best   *itemV2
		Grid   [2]itemV2
		Tree   *treeV2
		At     time.Time
		Note   string
		note   *string
		Skip   int `weir:"-"`
	}
	treeV1 struct {
		Value int32
		Left  *treeV1
		Right *treeV1
		Pad   int8
	}
	treeV2 struct {
		Left  *treeV2
		Value int32
		Depth int32
		Right *treeV2
	}
)

// stored returns the schema as a snapshot would keep it.
func stored(t *testing.T, s *schema.Schema) *schema.Schema {
	t.Helper()
	compact, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	read, err := schema.ParseBinary(compact)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(read)
	if err != nil {
		t.Fatal(err)
	}
	var again schema.Schema
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if again.Fingerprint() != s.Fingerprint() {
		t.Fatalf("fingerprint changed on the way through\n%s", text)
	}
	return &again
}

func TestResolveAddedRemovedAndMoved(t *testing.T) {
	old := orderV1{
		ID:      77,
		Gone:    map[string][]itemV1{"x": {{"gone", 1, []string{"t"}}}},
		Items:   []itemV1{{"a", 1, []string{"p", "q"}}, {"b", 2, nil}},
		ByName:  map[string]itemV1{"c": {"c", 3, []string{}}},
		Best:    &itemV1{"d", 4, nil},
		Grid:    [2]itemV1{{"e", 5, nil}, {"f", 6, nil}},
		Old:     &circle{ptr(1.0)},
		Tree:    &treeV1{1, &treeV1{2, nil, &treeV1{3, nil, nil, 9}, 9}, nil, 9},
		OldTree: &treeV1{Left: &treeV1{}},
		Money:   money{5},
		At:      time.Unix(99, 5).UTC(),
	}
	want := orderV2{
		ID:     77,
		Items:  []itemV2{{1, 0, "a"}, {2, 0, "b"}},
		ByName: map[string]itemV2{"c": {3, 0, "c"}},
		Best:   &itemV2{4, 0, "d"},
		Grid:   [2]itemV2{{5, 0, "e"}, {6, 0, "f"}},
		Tree:   &treeV2{Value: 1, Left: &treeV2{Value: 2, Right: &treeV2{Value: 3}}},
		At:     time.Unix(99, 5).UTC(),
	}
	oldCodec := mustFor[orderV1](t)
	decoder, err := Resolve[orderV2](stored(t, oldCodec.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	encoded := oldCodec.Append(nil, &old)
	got := orderV2{Added: map[string]int{"left": 1}, Note: "over", note: ptr("x"), Skip: 3}
	rest, err := decoder.Decode(append(encoded, "rest"...), &got)
	if err != nil || string(rest) != "rest" || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nrest %q, error %v", got, rest, err)
	}
	for n := range encoded {
		if _, err := decoder.Decode(encoded[:n:n], &got); err == nil {
			t.Errorf("%d of %d bytes were taken", n, len(encoded))
		}
	}
	migration, err := schema.Compatible(oldCodec.Schema(), mustFor[orderV2](t).Schema())
	if err != nil {
		t.Fatal(err)
	}
	text := "compatible after migration: added .Items[].Discount, .Tree.Depth, .Added, .Note, .note;" +
		" removed .Gone, .Items[].Tags, .Tree.Pad, .Old, .OldTree, .Money, .Flags, .Nothing;" +
		" reordered .Items[], .Tree"
	if !sameWords(migration.String(), text) {
		t.Errorf("got  %s\nwant %s", migration, text)
	}
}

func sameWords(a, b string) bool {
	count := func(s string) map[string]int {
		words := map[string]int{}
		for _, w := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == ';' }) {
			words[w]++
		}
		return words
	}
	return reflect.DeepEqual(count(a), count(b))
}

func migrate[Old, New any](t *testing.T, old Old) (New, error) {
	t.Helper()
	c := mustFor[Old](t)
	var got New
	decoder, err := Resolve[New](stored(t, c.Schema()))
	if err != nil {
		return got, err
	}
	rest, err := decoder.Decode(c.Append(nil, &old), &got)
	if err == nil && len(rest) > 0 {
		t.Errorf("%x left over", rest)
	}
	return got, err
}

func TestResolveAsIs(t *testing.T) {
	type sameV1 struct{ A string }
	type other struct{ A string } // renaming a type changes nothing
	decoder, err := Resolve[other](mustFor[sameV1](t).Schema())
	if err != nil {
		t.Fatal(err)
	}
	if _, isCodec := decoder.(Codec[other]); !isCodec {
		t.Error("not today's own codec")
	}
	if mustFor[sameV1](t).Schema().Fingerprint() != mustFor[other](t).Schema().Fingerprint() {
		t.Error("the name of a type is part of the fingerprint")
	}
	got, err := migrate[struct {
		A string `weir:"Title"`
	}, struct{ Title string }](t, struct {
		A string `weir:"Title"`
	}{"x"})
	if err != nil || got.Title != "x" {
		t.Errorf("renamed by tag: %v, %v", got, err)
	}
}

func TestResolveEmptyElements(t *testing.T) {
	// Elements that had no bytes have a number that cannot be trusted once they take memory.
	if _, err := migrate[[]struct{}, []struct{ A int }](t, make([]struct{}, 3)); err == nil || !strings.Contains(err.Error(), "were empty") {
		t.Errorf("error %v", err)
	}
	got, err := migrate[[]struct{ A, B struct{} }, []struct{ B struct{} }](t, make([]struct{ A, B struct{} }, 3))
	if err != nil || len(got) != 3 {
		t.Errorf("got %v, error %v", got, err)
	}
}

type (
	animal interface{ legs() int }
	pet    interface{ legs() int }
	cat    struct{ Name string }
	dog    struct{ Name string }
	fish   struct{}
	catV2  struct {
		Lives int
		Name  string
	}
)

func (cat) legs() int    { return 4 }
func (dog) legs() int    { return 4 }
func (fish) legs() int   { return 0 }
func (*catV2) legs() int { return 4 }
func (catV3) legs() int  { return 4 }

type catV3 catV2

func init() {
	RegisterUnion[animal](Case("cat", cat{}), Case("dog", dog{}))
	RegisterUnion[pet](Case("fish", fish{}), Case("dog", dog{}), Case("cat", catV3{}))
}

func TestResolveUnion(t *testing.T) {
	got, err := migrate[[]animal, []pet](t, []animal{cat{"Tom"}, nil, dog{"Rex"}})
	if want := []pet{catV3{Name: "Tom"}, nil, dog{"Rex"}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, error %v", got, err)
	}
	_, err = migrate[pet, animal](t, fish{})
	if err == nil || !strings.Contains(err.Error(), "(fish)") || !strings.Contains(err.Error(), "values of this case would be lost") {
		t.Errorf("a case went away: %v", err)
	}
}

// Each row: a change that must be refused, the path and the two types that the message must name.
func TestIncompatible(t *testing.T) {
	type inner struct{ X int32 }
	for name, c := range map[string]struct {
		old, today *schema.Schema
		path       string
		from, to   string
	}{
		"number":        {mustFor[struct{ A []inner }](t).Schema(), mustFor[struct{ A []struct{ X int64 } }](t).Schema(), ".A[].X", "int32", "int64"},
		"kind":          {mustFor[struct{ A string }](t).Schema(), mustFor[struct{ A []byte }](t).Schema(), ".A", "string", "bytes"},
		"pointer":       {mustFor[struct{ A int }](t).Schema(), mustFor[struct{ A *int }](t).Schema(), ".A", "int64", "*int64"},
		"array":         {mustFor[[2]int](t).Schema(), mustFor[[3]int](t).Schema(), "", "[2]int64", "[3]int64"},
		"map":           {mustFor[map[string]int](t).Schema(), mustFor[map[string]uint](t).Schema(), "[]", "int64", "uint64"},
		"map key":       {mustFor[map[inner]int](t).Schema(), mustFor[map[struct{ X uint32 }]int](t).Schema(), "[key].X", "int32", "uint32"},
		"duration":      {mustFor[int64](t).Schema(), mustFor[time.Duration](t).Schema(), "", "int64", "duration"},
		"recursive":     {mustFor[struct{ T *treeV1 }](t).Schema(), mustFor[struct{ T *node }](t).Schema(), ".T.Value", "int32", "int64"},
		"own":           {mustFor[money](t).Schema(), schema.Custom("money", 4), "", "version 3", "version 4"},
		"own name":      {mustFor[money](t).Schema(), schema.Custom("gold", 3), "", "money", "gold"},
		"map key field": {mustFor[map[struct{ A, B int8 }]int](t).Schema(), mustFor[map[struct{ A int8 }]int](t).Schema(), "[key].B", "int8", "two keys"},
	} {
		_, err := schema.Compatible(stored(t, c.old), stored(t, c.today))
		var incompatible *schema.IncompatibleError
		if !errors.As(err, &incompatible) || incompatible.Path != c.path {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if text := err.Error(); !strings.Contains(text, c.from) || !strings.Contains(text, c.to) {
			t.Errorf("%s: %q lacks %q or %q", name, text, c.from, c.to)
		}
	}
	if _, err := schema.Compatible(mustFor[map[struct{ A int8 }]int](t).Schema(), mustFor[map[struct{ A, B int8 }]int](t).Schema()); err != nil {
		t.Errorf("a field added to a map's key: %v", err)
	}
	key, err := ForKey[struct{ A, B int8 }]()
	if err != nil {
		t.Fatal(err)
	}
	swapped, _ := ForKey[struct{ B, A int8 }]()
	if _, err := schema.Compatible(key.Schema(), swapped.Schema()); err == nil || !strings.Contains(err.Error(), "a key's fields cannot change") {
		t.Errorf("a key changed: %v", err)
	}
	if _, err := Resolve[struct{ A, B int8 }](key.Schema()); err == nil {
		t.Error("a key's bytes were taken for a value's")
	}
}

func TestSkippingIsBounded(t *testing.T) {
	old := struct {
		Gone []map[string]*[2]string
		Kept int8
	}{[]map[string]*[2]string{{"a": {"x", "y"}, "b": nil}, nil}, 7}
	got, err := migrate[struct {
		Gone []map[string]*[2]string
		Kept int8
	}, struct{ Kept int8 }](t, old)
	if err != nil || got.Kept != 7 {
		t.Errorf("got %v, error %v", got, err)
	}
	decoder, err := Resolve[struct{ Kept int8 }](mustFor[struct {
		Gone []map[string]*[2]string
		Kept int8
	}](t).Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range [][]byte{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, {3, 2, 0xff}, {2, 2, 1, 'a'}, bytes.Repeat([]byte{0x80}, 20)} {
		if _, err := decoder.Decode(src, &struct{ Kept int8 }{}); err == nil {
			t.Errorf("%x was taken", src)
		}
	}
}
