package codec

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/codec/schema"
)

var addGolden = flag.Bool("add-golden", false, "add cases that testdata/golden.json lacks; what it has is never changed")

// golden is what a program of format 1 has written. It must decode for ever.
type golden struct {
	Name        string         `json:"name"`
	Fingerprint string         `json:"fingerprint"`
	Bytes       string         `json:"bytes"`
	Binary      string         `json:"schema_binary"`
	Schema      *schema.Schema `json:"schema"`
}

type goldenCase struct {
	name   string
	make   func() golden
	verify func(golden) error
}

func goldenValue[T any](name string, v T) goldenCase {
	return goldenCase{name, func() golden {
		c, err := For[T]()
		if err != nil {
			panic(err)
		}
		return goldenOf(name, c.Schema(), c.Append(nil, &v))
	}, func(g golden) error {
		decoder, err := Resolve[T](g.Schema)
		if err != nil {
			return err
		}
		return verifyGolden(g, v, decoder.Decode)
	}}
}

func goldenKey[K any](name string, v K) goldenCase {
	return goldenCase{name, func() golden {
		k, err := ForKey[K]()
		if err != nil {
			panic(err)
		}
		return goldenOf(name, k.Schema(), k.Append(nil, &v))
	}, func(g golden) error {
		k, err := ForKey[K]()
		if err != nil {
			return err
		}
		if migration, err := schema.Compatible(g.Schema, k.Schema()); err != nil || !migration.AsIs() {
			return fmt.Errorf("%v, %w", migration, err)
		}
		return verifyGolden(g, v, k.Decode)
	}}
}

func goldenOf(name string, s *schema.Schema, encoded []byte) golden {
	compact, _ := s.MarshalBinary()
	return golden{name, s.Fingerprint().String(), hex.EncodeToString(encoded), hex.EncodeToString(compact), s}
}

func verifyGolden[T any](g golden, want T, decode func([]byte, *T) ([]byte, error)) error {
	encoded, err := hex.DecodeString(g.Bytes)
	if err != nil {
		return err
	}
	var got T
	if rest, err := decode(encoded, &got); err != nil || len(rest) > 0 {
		return fmt.Errorf("rest %x, error %w", rest, err)
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("got %+v, want %+v", got, want)
	}
	return nil
}

func goldenCases() []goldenCase {
	mixed := mixedKey{Name: "n\x00m", N: -2, Tail: "tail"}
	mixed.inner.At = time.Unix(-1, 5).UTC()
	return []goldenCase{
		goldenValue("int64", int64(-2)),
		goldenValue("string", "größe"),
		goldenValue("word", word{"text", 3}),
		goldenValue("everything", someOfEverything()),
		goldenValue("zero", everything{}),
		goldenValue("hidden", hidden{1, []string{"a"}, struct{ x, y float32 }{1, 2}}),
		goldenValue("embedded", embedded{base{7}, &word{"t", 3}, "n"}),
		goldenValue("recursive", node{1, &node{Value: 2}, []node{{Value: 3}}, map[string]*node{"x": {Value: 5}, "y": nil}}),
		goldenValue("unions", scene{[]shape{square{2}, &circle{ptr(1.5)}, rects{"a": 1}, unit{}, count(300), only{ptr(2.5)}, nil}, nil}),
		goldenValue("own encodings", struct {
			M []money
			C celsius
			P priced
		}{[]money{{1}, {-234}}, 0, priced{money{5}, "i"}}),
		goldenValue("tagged", tagged{Kept: 1, Renamed: "r"}),
		goldenValue("time", time.Date(2024, 1, 2, 3, 4, 5, 6, zone(3600))),
		goldenValue("long text", struct{ A, B []byte }{make([]byte, 126), make([]byte, 200)}),
		goldenKey("key int32", int32(-2)),
		goldenKey("key string", "a\x00b"),
		goldenKey("key mixed", mixed),
		goldenKey("key fixed", fixedKey{-1, -2.5, true, 3}),
		goldenKey("key uuid", uuidKey{1, 15: 2}),
	}
}

func TestGoldenBytes(t *testing.T) {
	const path = "testdata/golden.json"
	text, err := os.ReadFile(path)
	if err != nil && !*addGolden {
		t.Fatal(err)
	}
	var kept []golden
	if len(text) > 0 {
		if err := json.Unmarshal(text, &kept); err != nil {
			t.Fatal(err)
		}
	}
	byName := map[string]golden{}
	for _, g := range kept {
		byName[g.Name] = g
	}
	for _, c := range goldenCases() {
		g, ok := byName[c.name]
		if !ok && *addGolden {
			g = c.make()
			kept = append(kept, g)
		} else if !ok {
			t.Errorf("%s: no golden bytes; run with -add-golden", c.name)
			continue
		}
		if err := c.verify(g); err != nil {
			t.Errorf("%s: golden bytes no longer decode: %v", c.name, err)
		}
		now := c.make()
		if now.Bytes != g.Bytes {
			t.Errorf("%s is encoded as\n%s, was\n%s", c.name, now.Bytes, g.Bytes)
		}
		if now.Fingerprint != g.Fingerprint || now.Binary != g.Binary {
			t.Errorf("%s: schema is %s %s, was %s %s", c.name, now.Fingerprint, now.Binary, g.Fingerprint, g.Binary)
		}
		compact, _ := hex.DecodeString(g.Binary)
		if read, err := schema.ParseBinary(compact); err != nil || read.Fingerprint().String() != g.Fingerprint {
			t.Errorf("%s: golden schema: %v", c.name, err)
		}
	}
	if *addGolden {
		if text, err = json.MarshalIndent(kept, "", " "); err == nil {
			err = os.WriteFile(path, append(text, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
