package codec

import (
	"bytes"
	"errors"
	"runtime"
	"testing"
	"time"
)

// fuzzDecode holds that any input either decodes or is a *FormatError, takes memory in proportion to its length, and that
// what decodes can be encoded.
func fuzzDecode[T any](f *testing.F, seeds ...T) {
	c := mustFor[T](f)
	for i := range seeds {
		f.Add(c.Append(nil, &seeds[i]))
	}
	for _, seed := range []string{"", "\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", "\x05\x01\x01\x01\x01"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var v T
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		rest, err := c.Decode(src, &v)
		runtime.ReadMemStats(&after)
		if used, limit := after.TotalAlloc-before.TotalAlloc, uint64(1<<14+200*len(src)); used > limit {
			t.Fatalf("%d bytes of input took %d bytes of memory", len(src), used)
		}
		var malformed *FormatError
		if err != nil {
			if !errors.As(err, &malformed) {
				t.Fatalf("error %v", err)
			}
			return
		}
		again := c.Append(nil, &v)
		var back T
		if left, err := c.Decode(again, &back); err != nil || len(left) > 0 {
			t.Fatalf("%x decodes, but not once encoded again (%x): %v", src, again, err)
		}
		if !bytes.Equal(c.Append(nil, &back), again) {
			t.Fatalf("%x: the encoding changes", src)
		}
		if len(rest) > len(src) {
			t.Fatal("the rest is longer than the input")
		}
	})
}

func FuzzDecodeEverything(f *testing.F) { fuzzDecode(f, everything{}, someOfEverything()) }

func FuzzDecodeRecursive(f *testing.F) {
	fuzzDecode(f, node{Next: &node{}, Kids: []node{{}}, Index: map[string]*node{"a": nil}})
}

func FuzzDecodeUnion(f *testing.F) {
	fuzzDecode(f, scene{Shapes: []shape{square{1}, &circle{}, rects{"a": 1}, nil, only{ptr(1.0)}}})
}

func FuzzDecodeForeign(f *testing.F) { fuzzDecode(f, foreign{}) }

func FuzzDecodeEmpty(f *testing.F) {
	fuzzDecode(f, struct {
		A []struct{}
		M map[struct{}]struct{}
		N [][]struct{}
		L list
	}{A: make([]struct{}, 1<<30), N: [][]struct{}{nil, {}}})
}

func FuzzDecodeBatch(f *testing.F) {
	c := mustFor[word](f)
	f.Add(AppendBatch(c, nil, []word{{"a", 1}, {"", 2}, {"ccc", 3}}))
	f.Fuzz(func(t *testing.T, src []byte) {
		batch, single := make([]word, 3), make([]word, 3)
		rest, err := DecodeBatch(c, src, batch)
		left, failed := src, error(nil)
		for i := 0; i < 3 && failed == nil; i++ {
			left, failed = c.Decode(left, &single[i])
		}
		if (err == nil) != (failed == nil) || err == nil && (!bytes.Equal(rest, left) || batch[0] != single[0] || batch[2] != single[2]) {
			t.Fatalf("batch %v %v, one by one %v %v", batch, err, single, failed)
		}
	})
}

// fuzzKey holds that what decodes as a key is the one encoding of that key.
func fuzzKey[K any](f *testing.F, seeds ...K) {
	k := mustKey[K](f)
	for i := range seeds {
		f.Add(k.Append(nil, &seeds[i]))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var key K
		rest, err := k.Decode(src, &key)
		var malformed *FormatError
		if err != nil {
			if !errors.As(err, &malformed) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if again := k.Append(nil, &key); !bytes.Equal(again, src[:len(src)-len(rest)]) {
			t.Fatalf("%x decodes to %v, which is encoded as %x", src, key, again)
		}
		if k.Words() == 0 {
			if _, err := k.FromView(src); len(rest) > 0 && err == nil && k.View(key, nil) == nil {
				t.Fatal("bytes after a view were taken")
			}
		}
	})
}

func FuzzKeyMixed(f *testing.F) { fuzzKey(f, mixedKey{Name: "a\x00b", N: 1, Tail: "z"}, mixedKey{}) }

func FuzzKeyFixed(f *testing.F) { fuzzKey(f, fixedKey{1, -2.5, true, 3}, fixedKey{}) }

func FuzzKeyTime(f *testing.F) { fuzzKey(f, time.Unix(1, 2), time.Time{}) }

func FuzzResolve(f *testing.F) {
	old := mustFor[orderV1](f)
	decoder, err := Resolve[orderV2](old.Schema())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(old.Append(nil, &orderV1{Items: []itemV1{{"a", 1, []string{"x"}}}, Tree: &treeV1{Left: &treeV1{}}, Old: square{1}}))
	f.Fuzz(func(t *testing.T, src []byte) {
		var a orderV1
		var b orderV2
		restA, errA := old.Decode(src, &a)
		restB, errB := decoder.Decode(src, &b)
		if errA == nil && (errB != nil || !bytes.Equal(restA, restB)) {
			t.Fatalf("its own type takes it and leaves %x, the new one %x, %v", restA, restB, errB)
		}
	})
}
