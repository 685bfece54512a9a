package codec

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
)

func ptr[T any](v T) *T { return &v }

func mustFor[T any](t testing.TB) Codec[T] {
	t.Helper()
	c, err := For[T]()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// roundTrip checks that v survives, that its encoding is deterministic and ends by itself, and that no shorter input is
// taken.
func roundTrip[T any](t *testing.T, v T) {
	t.Helper()
	c := mustFor[T](t)
	encoded := c.Append([]byte("before"), &v)
	if !bytes.HasPrefix(encoded, []byte("before")) {
		t.Fatalf("%T: dst was overwritten", v)
	}
	encoded = encoded[len("before"):]
	var got T
	dirty(&got)
	rest, err := c.Decode(append(bytes.Clone(encoded), "after"...), &got)
	if err != nil || string(rest) != "after" {
		t.Fatalf("%T: rest %q, error %v", v, rest, err)
	}
	if !reflect.DeepEqual(got, v) {
		t.Fatalf("%T: got %+v, want %+v", v, got, v)
	}
	if again := c.Append(nil, &got); !bytes.Equal(again, encoded) {
		t.Fatalf("%T: encoded %x, then %x", v, encoded, again)
	}
	for n := range encoded {
		var malformed *FormatError
		if _, err := c.Decode(encoded[:n:n], &got); !errors.As(err, &malformed) || malformed.Type == "" {
			t.Fatalf("%T: %d of %d bytes: %v", v, n, len(encoded), err)
		}
	}
	batch := []T{v, got, v}
	if _, err := c.Decode(encoded, &batch[1]); err != nil {
		t.Fatal(err)
	}
	src := AppendBatch(c, nil, batch)
	if want := bytes.Repeat(encoded, 3); !bytes.Equal(src, want) {
		t.Fatalf("%T: a batch is %x, want %x", v, src, want)
	}
	decoded := make([]T, 3)
	rest, err = DecodeBatch(c, append(src, 9), decoded)
	clear(src)
	if err != nil || !bytes.Equal(rest, []byte{9}) || !reflect.DeepEqual(decoded, batch) {
		t.Fatalf("%T: batch came back as %+v, rest %x, error %v", v, decoded, rest, err)
	}
}

// dirty fills memory without pointers, so that what decoding leaves alone is seen.
func dirty[T any](v *T) {
	if t := reflect.TypeFor[T](); isFlat(t) {
		for i := range t.Size() {
			memory(reflect.ValueOf(v).UnsafePointer(), t.Size())[i] = 1
		}
	}
}

func someOfEverything() everything {
	return everything{
		B: true, I8: -8, I16: -1600, I32: -320000, I64: math.MinInt64, I: -1, U8: 8, U16: 1600, U32: 320000, U64: math.MaxUint64, U: 1,
		F32: 1.5, F64: math.Inf(-1), C64: complex(1, -2), C128: complex(3, -4), S: "größe", Raw: []byte{0, 255},
		T: time.Date(2024, 2, 29, 12, 0, 0, 123456789, time.UTC), D: -time.Second,
		Arr: [3]int16{1, -2, 3}, Strs: [2]string{"", "x"}, Long: [20]label{3: "three", 19: "nineteen"},
		Sl: []int32{1, -1}, SlS: []string{"a", "", strings.Repeat("long", 100)}, SlP: []*word{nil, {"w", 1}},
		M: map[string]int64{"b": 2, "a": 1, "": 0}, MM: map[[2]int8]map[bool]string{{1, -1}: {true: "t", false: "f"}, {}: nil},
		P: ptr(int64(7)), PP: ptr(ptr("pp")), N: struct{ X, Y uint8 }{1, 2},
		G: generic[label]{"g", []label{"h"}}, E: make([]struct{}, 5),
	}
}

func TestRoundTrips(t *testing.T) {
	roundTrip(t, everything{T: time.Time{}})
	roundTrip(t, someOfEverything())
	roundTrip(t, true)
	roundTrip(t, id(-5))
	roundTrip(t, label("x"))
	roundTrip(t, "")
	roundTrip(t, strings.Repeat("x", 127))
	roundTrip(t, strings.Repeat("x", 128))
	roundTrip(t, []byte(nil))
	roundTrip(t, []byte{})
	roundTrip(t, []int(nil))
	roundTrip(t, []int{})
	roundTrip(t, map[string]int(nil))
	roundTrip(t, map[string]int{})
	roundTrip(t, struct{}{})
	roundTrip(t, [0]string{})
	roundTrip(t, flat{1, -2})
	roundTrip(t, padded{-1, 2, true, -3})
	roundTrip(t, []padded{{1, 2, false, 3}, {4, 5, true, 6}})
	roundTrip(t, hidden{1, []string{"a"}, struct{ x, y float32 }{1, 2}})
	roundTrip(t, embedded{base{7}, &word{"t", 3}, "n"})
	roundTrip(t, generic[map[id]string]{Value: map[id]string{1: "x"}})
	roundTrip(t, node{1, &node{Value: 2}, []node{{Value: 3}, {Value: 4, Next: &node{}}}, map[string]*node{"x": {Value: 5}, "y": nil}})
	roundTrip(t, left{&pair{left{nil}, left{&pair{}}}})
	roundTrip(t, list{nil, {}, {nil, {}}})
	roundTrip(t, table{"a": nil, "b": {"c": {}}})
	roundTrip(t, tagged{Kept: 1, Renamed: "r"})
	roundTrip(t, [100]flat{99: {1, 2}})
	roundTrip(t, [40]string{3: "x"})
	roundTrip(t, map[label][]string{"x": {"y"}})
	roundTrip(t, ptr(ptr(3)))
	roundTrip(t, money{1234})
	roundTrip(t, map[string]*money{"a": {5}, "b": nil})
	roundTrip(t, priced{money{99}, "socks"})
	roundTrip(t, celsius(0))
	roundTrip(t, struct{ T []celsius }{[]celsius{1, 2}})
	roundTrip(t, scene{[]shape{square{2}, &circle{ptr(1.5)}, (*circle)(nil), rects{"a": 1}, rects(nil), unit{}, count(300), only{ptr(2.5)}, nil}, nil})
	roundTrip[shape](t, only{})
	roundTrip(t, time.Duration(5))
}

func TestForeignTypes(t *testing.T) {
	big1, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	roundTrip(t, foreign{netip.MustParseAddr("fe80::1%eth0"), big1, *big.NewRat(1, 3)})
	roundTrip(t, foreign{Rat: *big.NewRat(0, 1)})
}

func TestDecodingClearsSkippedFields(t *testing.T) {
	c := mustFor[tagged](t)
	v := tagged{Kept: 1, Skipped: make(chan int)}
	if _, err := c.Decode(c.Append(nil, &v), &v); err != nil || v.Skipped != nil || v.Kept != 1 {
		t.Errorf("got %+v, error %v", v, err)
	}
}

func TestTimes(t *testing.T) {
	c := mustFor[time.Time](t)
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("CEST", 7200), time.FixedZone("LMT", -3601), time.FixedZone("GMT", 0)} {
		for _, at := range []time.Time{time.Unix(0, 0), time.Date(-4000, 1, 1, 0, 0, 0, 1, zone), time.Unix(1<<40, 999999999), {}} {
			want := at.In(zone)
			var got time.Time
			if _, err := c.Decode(c.Append(nil, &want), &got); err != nil {
				t.Fatal(err)
			}
			_, gotOffset := got.Zone()
			_, wantOffset := want.Zone()
			if !got.Equal(want) || gotOffset != wantOffset || (got.Location() == time.UTC) != (zone == time.UTC) {
				t.Errorf("%v came back as %v", want, got)
			}
		}
	}
	var zero time.Time
	got := zero.In(time.FixedZone("", 1))
	if _, err := c.Decode(c.Append(nil, &zero), &got); err != nil || got != zero || !got.IsZero() {
		t.Errorf("the zero time came back as %#v", got)
	}
	now := time.Date(2024, 1, 1, 1, 1, 1, 1, time.FixedZone("a", 3600))
	var a, b time.Time
	c.Decode(c.Append(nil, &now), &a)
	c.Decode(c.Append(nil, &now), &b)
	if a != b {
		t.Error("one time, decoded twice, differs under ==")
	}
}

func TestProtobuf(t *testing.T) {
	type message struct {
		Took *durationpb.Duration
		Tree *structpb.Struct
	}
	tree, err := structpb.NewStruct(map[string]any{"b": 1, "a": []any{"x", nil}, "c": true})
	if err != nil {
		t.Fatal(err)
	}
	c := mustFor[message](t)
	v := message{Tree: tree}
	encoded := c.Append(nil, &v)
	for range 20 {
		if !bytes.Equal(c.Append(nil, &v), encoded) {
			t.Fatal("not deterministic")
		}
	}
	got := message{Took: durationpb.New(1)}
	if rest, err := c.Decode(encoded, &got); err != nil || len(rest) > 0 || got.Took != nil || !proto.Equal(got.Tree, tree) {
		t.Fatalf("got %v, rest %x, error %v", got, rest, err)
	}
	if text := c.Schema().Root().Fields[0].Type.Name; text != "google.protobuf.Duration" {
		t.Errorf("the schema calls it %q", text)
	}
	var malformed *FormatError
	if _, err := c.Decode([]byte{3, 0xff, 0xff, 0}, &got); !errors.As(err, &malformed) || malformed.Path != ".Took" {
		t.Errorf("garbage: %v", err)
	}
}

func TestEqualMapsEncodeEqually(t *testing.T) {
	c := mustFor[map[int32]string](t)
	var want []byte
	for round := range 50 {
		m := map[int32]string{}
		for i := range int32(100) {
			k := (i*37 + int32(round)) % 100
			m[k] = strings.Repeat("v", int(k))
		}
		got := c.Append([]byte("x"), &m)
		if want == nil {
			want = got
		} else if !bytes.Equal(got, want) {
			t.Fatal("the encoding depends on the order of insertion")
		}
	}
	nan := math.NaN()
	m := map[float64]int{nan: 2, math.NaN(): 1, 0: 3}
	mc := mustFor[map[float64]int](t)
	var got map[float64]int
	if _, err := mc.Decode(mc.Append(nil, &m), &got); err != nil || len(got) != 3 {
		t.Errorf("NaN keys: %v, %v", got, err)
	}
}

func TestFlat(t *testing.T) {
	for name, c := range map[string]struct{ got, want bool }{
		"flat":      {mustFor[flat](t).Flat(), true},
		"padded":    {mustFor[padded](t).Flat(), true},
		"string":    {mustFor[string](t).Flat(), false},
		"[0]string": {mustFor[[0]string](t).Flat(), true},
		"time":      {mustFor[time.Time](t).Flat(), false},
		"skipped":   {mustFor[tagged](t).Flat(), false},
		"array":     {mustFor[[3]padded](t).Flat(), true},
		"pointer":   {mustFor[[1]*int](t).Flat(), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v", name, c.got)
		}
	}
}

// Values of flat types without padding are copied as memory; others must not be.
func TestPacked(t *testing.T) {
	for _, c := range []struct {
		of   reflect.Type
		want bool
	}{
		{reflect.TypeFor[flat](), littleEndian}, {reflect.TypeFor[[4]flat](), littleEndian}, {reflect.TypeFor[[2][3]uint8](), true},
		{reflect.TypeFor[padded](), false}, {reflect.TypeFor[bool](), false}, {reflect.TypeFor[struct{ A, B bool }](), false},
		{reflect.TypeFor[complex128](), littleEndian}, {reflect.TypeFor[struct{}](), true},
		{reflect.TypeFor[struct {
			A int32
			_ int32
		}](), false},
	} {
		g, err := registered.compile(c.of)
		if err != nil || g.packed != c.want {
			t.Errorf("%s: packed %v, error %v", c.of, g.packed, err)
		}
	}
}

func panicOf(f func()) (recovered any) {
	defer func() { recovered = recover() }()
	f()
	return nil
}

func TestValuesWithoutEncoding(t *testing.T) {
	cycle := &node{}
	cycle.Next = cycle
	for want, f := range map[string]func(){
		"nested deeper than 10000, or contains itself":                    func() { mustFor[*node](t).Append(nil, &cycle) },
		"holds a codec.stranger, which is not among the registered types": func() { v := shape(stranger{}); mustFor[shape](t).Append(nil, &v) },
		"its MarshalBinary failed: state <nil>: it broke":                 func() { mustFor[fragile](t).Append(nil, &fragile{}) },
	} {
		err, ok := panicOf(f).(*ValueError)
		if !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("panic %v, want %q", err, want)
		}
	}
	if err, _ := panicOf(func() { mustFor[fragile](t).Append(nil, &fragile{}) }).(error); !errors.Is(err, errFragile) {
		t.Errorf("%v does not wrap its cause", err)
	}
}

func TestLongListWithinTheLimit(t *testing.T) {
	var head *node
	for range 9_000 {
		head = &node{Next: head}
	}
	c := mustFor[*node](t)
	var got *node
	if _, err := c.Decode(c.Append(nil, &head), &got); err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; got != nil; got = got.Next {
		n++
	}
	if n != 9_000 {
		t.Errorf("%d nodes came back", n)
	}
	if _, err := c.Decode(bytes.Repeat([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0}, 20_000), &got); err == nil || !strings.Contains(err.Error(), "nested deeper") {
		t.Errorf("a list that is too long: %v", err)
	}
}
