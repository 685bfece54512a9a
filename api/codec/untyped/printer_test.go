package untyped_test

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/api/codec/untyped"
)

type inner struct {
	A int8
	B []byte
}

type everything struct {
	Bool    bool
	I8      int8
	I16     int16
	I32     int32
	I       int
	U8      uint8
	U16     uint16
	U32     uint32
	U64     uint64
	F32     float32
	F64     float64
	NaN     float64
	Complex complex128
	Text    string
	Bad     string
	Bytes   []byte
	None    []byte
	At      time.Time
	Zoned   time.Time
	For     time.Duration
	Array   [2]uint16
	Slice   []inner
	Nil     []inner
	ByName  map[string]int
	ByInt   map[int32]string
	ByPair  map[[2]int8]bool
	Pointer *inner
	Gone    *inner
	Nothing struct{}
	Empties []struct{}
	Self    *everything
}

type chain struct{ Next *chain }

func example() everything {
	return everything{
		Bool: true, I8: -128, I16: -2, I32: math.MinInt32, I: math.MinInt64, U8: 255, U16: 65535, U32: 1 << 31, U64: math.MaxUint64,
		F32: 0.1, F64: -1.5e300, NaN: math.NaN(), Complex: complex(1, -2), Text: "<a> \"b\"\n", Bad: "\xff\x00", Bytes: []byte{1, 2, 254},
		At: time.Date(2024, 2, 29, 1, 2, 3, 4000, time.UTC), Zoned: time.Date(1969, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600)), For: 90 * time.Second,
		Array: [2]uint16{1, 2}, Slice: []inner{{A: 1}, {B: []byte{}}}, ByName: map[string]int{"b": 2, "a": 1}, ByInt: map[int32]string{-1: "x"},
		ByPair: map[[2]int8]bool{{1, -1}: true}, Pointer: &inner{A: 7}, Empties: make([]struct{}, 3), Self: &everything{Text: "deeper"},
	}
}

const wantExample = `{"Bool":true,"I8":-128,"I16":-2,"I32":-2147483648,"I":-9223372036854775808,"U8":255,"U16":65535,"U32":2147483648,"U64":18446744073709551615,` +
	`"F32":0.1,"F64":-1.5e+300,"NaN":"NaN","Complex":[1,-2],"Text":"<a> \"b\"\n","Bad":{"bytes":"/wA="},"Bytes":"AQL+","None":null,` +
	`"At":"2024-02-29T01:02:03.000004Z","Zoned":"1969-01-01T00:00:00+01:00","For":"1m30s","Array":[1,2],` +
	`"Slice":[{"A":1,"B":null},{"A":0,"B":""}],"Nil":null,"ByName":{"a":1,"b":2},"ByInt":{"-1":"x"},"ByPair":[[[1,-1],true]],` +
	`"Pointer":{"A":7,"B":null},"Gone":null,"Nothing":{},"Empties":[],"Self":{`

func TestValuesOfAllKinds(t *testing.T) {
	c, err := codec.For[everything]()
	if err != nil {
		t.Fatal(err)
	}
	v := example()
	encoded := append(c.Append(nil, &v), "rest"...)
	out, rest, err := untyped.NewPrinter(c.Schema(), untyped.Options{}).AppendJSON(nil, encoded)
	if err != nil || string(rest) != "rest" {
		t.Fatalf("%v, rest %q", err, rest)
	}
	if !strings.HasPrefix(string(out), wantExample) || !strings.Contains(string(out), `"Text":"deeper"`) || !json.Valid(out) {
		t.Errorf("got  %s\nwant %s...", out, wantExample)
	}
}

type own struct{ text string }

func (o *own) AppendWeir(dst []byte) []byte { return append(dst, o.text...) }
func (o *own) DecodeWeir(src []byte) error {
	o.text = string(src)
	return nil
}
func (*own) WeirFormat() (string, int) { return "own", 1 }

func TestOwnEncodingsAreBytes(t *testing.T) {
	c, err := codec.For[[]own]()
	if err != nil {
		t.Fatal(err)
	}
	v := []own{{"ab"}}
	for options, want := range map[untyped.Options]string{{}: `["YWI="]`, {Hex: true}: `["0x6162"]`} {
		out, _, err := untyped.NewPrinter(c.Schema(), options).AppendJSON(nil, c.Append(nil, &v))
		if err != nil || string(out) != want {
			t.Errorf("%s, %v, want %s", out, err, want)
		}
	}
}

type pair struct {
	Name string
	At   time.Time
	N    [2]int16
}

func checkKey[K any](t *testing.T, key K, want string) {
	t.Helper()
	c, err := codec.ForKey[K]()
	if err != nil {
		t.Fatal(err)
	}
	encoded := append(c.Append(nil, &key), 0xab)
	out, rest, err := untyped.NewPrinter(c.Schema(), untyped.Options{}).AppendJSON(nil, encoded)
	if err != nil || string(out) != want || len(rest) != 1 {
		t.Errorf("%v: %s, %d bytes left, %v; want %s", key, out, len(rest), err, want)
	}
}

func TestKeysOfAllKinds(t *testing.T) {
	checkKey(t, true, "true")
	checkKey(t, int8(-128), "-128")
	checkKey(t, int16(-1), "-1")
	checkKey(t, int32(1<<30), "1073741824")
	checkKey(t, int64(math.MinInt64), "-9223372036854775808")
	checkKey(t, uint8(200), "200")
	checkKey(t, uint64(math.MaxUint64), "18446744073709551615")
	checkKey(t, float32(-0.5), "-0.5")
	checkKey(t, 2.25, "2.25")
	checkKey(t, math.Inf(-1), `"-Inf"`)
	checkKey(t, -time.Second, `"-1s"`)
	checkKey(t, "a\x00b\x01", `"a\u0000b\u0001"`)
	checkKey(t, "", `""`)
	checkKey(t, struct{}{}, "{}")
	checkKey(t, pair{"x", time.Date(1950, 1, 1, 0, 0, 0, 5, time.UTC), [2]int16{-3, 4}}, `{"Name":"x","At":"1950-01-01T00:00:00.000000005Z","N":[-3,4]}`)
}

func TestDamageIsAnError(t *testing.T) {
	c, _ := codec.For[everything]()
	v := example()
	encoded := c.Append(nil, &v)
	p := untyped.NewPrinter(c.Schema(), untyped.Options{})
	for cut := range encoded {
		if out, _, err := p.AppendJSON(nil, encoded[:cut]); err == nil {
			t.Fatalf("cut after %d of %d bytes: %s", cut, len(encoded), out)
		}
	}
	if _, _, err := p.AppendJSON(nil, encoded[:len(encoded)-1]); !strings.HasPrefix(err.Error(), ".Self.Self: ") {
		t.Errorf("the error does not name the place: %v", err)
	}
	k, _ := codec.ForKey[string]()
	for _, bad := range []string{"", "a", "a\x00", "a\x00\x02"} {
		if out, _, err := untyped.NewPrinter(k.Schema(), untyped.Options{}).AppendJSON(nil, []byte(bad)); err == nil {
			t.Errorf("%q is read as %s", bad, out)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	c, _ := codec.For[chain]()
	deep := []byte(strings.Repeat("\x01", 1<<20))
	if _, _, err := untyped.NewPrinter(c.Schema(), untyped.Options{}).AppendJSON(nil, deep); err == nil || !strings.Contains(err.Error(), "deeper") {
		t.Errorf("%.200v", err)
	}
}

// FuzzPrinter reads any bytes by any schema: what comes out is JSON and not much longer than what went in.
func FuzzPrinter(f *testing.F) {
	c, _ := codec.For[everything]()
	v := example()
	s, _ := c.Schema().MarshalBinary()
	f.Add(s, c.Append(nil, &v))
	k, _ := codec.ForKey[pair]()
	s, _ = k.Schema().MarshalBinary()
	f.Add(s, k.Append(nil, &pair{Name: "x"}))
	huge := schema.New(schema.Value, &schema.Type{Kind: schema.Slice, Elem: &schema.Type{Kind: schema.Array, Len: 1 << 30, Elem: &schema.Type{Kind: schema.Struct}}})
	s, _ = huge.MarshalBinary()
	empties, _ := hex.DecodeString("ffffffff0f")
	f.Add(s, empties)
	f.Fuzz(func(t *testing.T, described, encoded []byte) {
		s, err := schema.ParseBinary(described)
		if err != nil || len(described) > 1<<10 || len(encoded) > 1<<12 {
			return
		}
		out, rest, err := untyped.NewPrinter(s, untyped.Options{}).AppendJSON(nil, encoded)
		if err != nil {
			return
		}
		if !json.Valid(out) {
			t.Errorf("no JSON: %s", out)
		}
		if read := len(encoded) - len(rest); len(out) > 64*(read+1)*(len(described)+1) {
			t.Errorf("%d bytes of JSON for %d bytes of a schema of %d", len(out), read, len(described))
		}
	})
}
