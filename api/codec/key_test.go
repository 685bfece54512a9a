package codec

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/state/keygroup"
)

type (
	mixedKey struct {
		Name  label
		N     int32
		inner struct{ At time.Time }
		Tail  string
	}
	fixedKey struct {
		A int8
		F float64
		B bool
		H float32
	}
	longKey  struct{ A, B, C, D, E int64 }
	pairKey  struct{ A, B int64 }
	uuidKey  [16]byte
	wrapped  struct{ Inner struct{ ID id } }
	gridKey  [3][9]int16
	blankKey struct {
		A int64
		_ int32
		B int32
	}
)

func mustKey[K any](t testing.TB) Key[K] {
	t.Helper()
	k, err := ForKey[K]()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// checkKeys holds every promise of Key against keys in ascending order, neighbours may be equal.
func checkKeys[K any](t *testing.T, compare func(a, b K) int, keys []K) {
	t.Helper()
	k := mustKey[K](t)
	slices.SortFunc(keys, compare)
	hashes := make([]uint64, len(keys))
	if at := k.Hash(keys, hashes); at != -1 {
		t.Fatalf("%T: key %v is refused", keys, keys[at])
	}
	var before []byte
	for i, key := range keys {
		encoded := k.Append(nil, &key)
		var back K
		rest, err := k.Decode(append(bytes.Clone(encoded), 0xff), &back)
		if err != nil || !bytes.Equal(rest, []byte{0xff}) || compare(back, key) != 0 {
			t.Fatalf("%T: %v came back as %v, rest %x, error %v", keys, key, back, rest, err)
		}
		for n := range encoded {
			if _, err := k.Decode(encoded[:n:n], &back); err == nil {
				t.Fatalf("%T: %d of %d bytes of %v were taken", keys, n, len(encoded), key)
			}
		}
		wordsOrView(t, k, compare, key, hashes[i])
		if i > 0 {
			order := compare(keys[i-1], key)
			if got := bytes.Compare(before, encoded); got != order {
				t.Fatalf("%T: %v and %v compare as %d, encoded (%x, %x) as %d", keys, keys[i-1], key, order, before, encoded, got)
			}
			if (order == 0) != (hashes[i-1] == hashes[i]) {
				t.Fatalf("%T: %v and %v compare as %d and hash to %#x and %#x", keys, keys[i-1], key, order, hashes[i-1], hashes[i])
			}
			if bytes.HasPrefix(encoded, before) && order != 0 {
				t.Fatalf("%T: the encoding of %v is the beginning of that of %v", keys, keys[i-1], key)
			}
		}
		before = encoded
	}
}

func wordsOrView[K any](t *testing.T, k Key[K], compare func(a, b K) int, key K, hash uint64) {
	t.Helper()
	var again uint64
	var back K
	if n := k.Words(); n > 0 {
		words := make([]uint64, 2*n+1)
		words[2*n] = 42
		k.Pack([]K{key, key}, words)
		if !slices.Equal(words[:n], words[n:2*n]) || words[2*n] != 42 {
			t.Fatalf("%v is packed as %x", key, words)
		}
		again, back = keygroup.HashWords(words[:n]), k.Unpack(words[:n])
	} else {
		view := k.View(key, make([]byte, 0, 8))
		var err error
		if back, err = k.FromView(view); err != nil {
			t.Fatal(err)
		}
		again = keygroup.HashBytes(view)
	}
	if compare(back, key) != 0 {
		t.Fatalf("%v was unpacked as %v", key, back)
	}
	if again != hash {
		t.Fatalf("%v hashes to %#x, its words or view to %#x", key, hash, again)
	}
}

func generate[K any](n int, make func(random *rand.Rand) K) []K {
	random := rand.New(rand.NewSource(3))
	keys := slices.Grow([]K(nil), n)
	for range n {
		keys = append(keys, make(random))
	}
	return keys
}

func integers[I integer](t *testing.T) {
	t.Helper()
	checkKeys(t, cmp.Compare[I], append(generate(300, func(r *rand.Rand) I { return I(r.Uint64() >> r.Intn(64)) }), 0, 1, 2, ^I(0), ^I(0)-1, 127))
}

func smallText(r *rand.Rand) string {
	const alphabet = "\x00\x01\xff\xfea"
	s := make([]byte, r.Intn(5))
	for i := range s {
		s[i] = alphabet[r.Intn(len(alphabet))]
	}
	return string(s)
}

func TestKeysKeepOrder(t *testing.T) {
	integers[int](t)
	integers[int8](t)
	integers[int16](t)
	integers[int32](t)
	integers[int64](t)
	integers[uint](t)
	integers[uint8](t)
	integers[uint16](t)
	integers[uint32](t)
	integers[uint64](t)
	integers[id](t)
	integers[time.Duration](t)
	floats := []float64{math.Inf(-1), -math.MaxFloat64, -1.5, -1, -math.SmallestNonzeroFloat64, math.Copysign(0, -1), 0, 1e-300, 1, 1.5, math.Inf(1)}
	checkKeys(t, cmp.Compare[float64], append(generate(200, func(r *rand.Rand) float64 { return r.NormFloat64() }), floats...))
	checkKeys(t, cmp.Compare[float32], append(generate(200, func(r *rand.Rand) float32 { return float32(r.NormFloat64()) }), 0, float32(math.Copysign(0, -1))))
	checkKeys(t, func(a, b bool) int { return cmp.Compare(asInt(a), asInt(b)) }, []bool{true, false, true})
	checkKeys(t, cmp.Compare[string], generate(500, smallText))
	checkKeys(t, cmp.Compare[label], []label{"", "a", "b", label(strings.Repeat("x", 300))})
	checkKeys(t, time.Time.Compare, generate(200, func(r *rand.Rand) time.Time { return time.Unix(r.Int63n(100)-50, r.Int63n(3)) }))
	checkKeys(t, func(a, b wrapped) int { return cmp.Compare(a.Inner.ID, b.Inner.ID) }, []wrapped{{}, {struct{ ID id }{-1}}, {struct{ ID id }{1}}})
	checkKeys(t, func(a, b struct{}) int { return 0 }, []struct{}{{}, {}})
}

func asInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestCompositeKeysKeepOrder(t *testing.T) {
	checkKeys(t, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) },
		generate(1000, func(r *rand.Rand) [2]string { return [2]string{smallText(r), smallText(r)} }))
	checkKeys(t, func(a, b [20]string) int { return slices.Compare(a[:], b[:]) },
		generate(100, func(r *rand.Rand) (k [20]string) { k[r.Intn(20)] = smallText(r); return k }))
	checkKeys(t, func(a, b mixedKey) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.N, b.N), a.inner.At.Compare(b.inner.At), cmp.Compare(a.Tail, b.Tail))
	}, generate(1000, func(r *rand.Rand) (k mixedKey) {
		k.Name, k.N, k.Tail = label(smallText(r)), int32(r.Intn(3)-1), smallText(r)
		k.inner.At = time.Unix(int64(r.Intn(3)-1), 0)
		return k
	}))
	checkKeys(t, func(a, b fixedKey) int {
		return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.F, b.F), cmp.Compare(asInt(a.B), asInt(b.B)), cmp.Compare(a.H, b.H))
	}, generate(1000, func(r *rand.Rand) fixedKey {
		return fixedKey{int8(r.Intn(3) - 1), float64(r.Intn(3)-1) * 0.5, r.Intn(2) == 0, float32(r.Intn(3) - 1)}
	}))
	checkKeys(t, func(a, b pairKey) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) },
		generate(500, func(r *rand.Rand) pairKey { return pairKey{r.Int63n(9) - 4, r.Int63n(9) - 4} }))
	checkKeys(t, func(a, b longKey) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.E, b.E)) },
		generate(100, func(r *rand.Rand) longKey { return longKey{A: r.Int63n(5) - 2, E: r.Int63n(5) - 2} }))
	checkKeys(t, func(a, b uuidKey) int { return bytes.Compare(a[:], b[:]) },
		generate(100, func(r *rand.Rand) (k uuidKey) { r.Read(k[:]); return k }))
	checkKeys(t, func(a, b [5]uint8) int { return bytes.Compare(a[:], b[:]) },
		generate(100, func(r *rand.Rand) (k [5]uint8) { r.Read(k[:]); return k }))
	checkKeys(t, func(a, b gridKey) int { return cmp.Or(cmp.Compare(a[0][1], b[0][1]), cmp.Compare(a[2][8], b[2][8])) },
		generate(100, func(r *rand.Rand) (k gridKey) { k[0][1], k[2][8] = int16(r.Intn(5)-2), int16(r.Intn(5)-2); return k }))
	checkKeys(t, func(a, b blankKey) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) },
		generate(100, func(r *rand.Rand) blankKey { return blankKey{A: r.Int63n(3) - 1, B: r.Int31n(3) - 1} }))
}

func TestFormsOfKeys(t *testing.T) {
	for _, c := range []struct {
		name       string
		got, words int
	}{
		{"int", mustKey[int](t).Words(), 1}, {"bool", mustKey[bool](t).Words(), 1}, {"float32", mustKey[float32](t).Words(), 1},
		{"string", mustKey[string](t).Words(), 0}, {"time", mustKey[time.Time](t).Words(), 2}, {"uuid", mustKey[uuidKey](t).Words(), 2},
		{"pair", mustKey[pairKey](t).Words(), 2}, {"fixed", mustKey[fixedKey](t).Words(), 2}, {"long", mustKey[longKey](t).Words(), 0},
		{"mixed", mustKey[mixedKey](t).Words(), 0}, {"[5]uint8", mustKey[[5]uint8](t).Words(), 1}, {"wrapped", mustKey[wrapped](t).Words(), 1},
	} {
		if c.got != c.words {
			t.Errorf("%s has %d words, want %d", c.name, c.got, c.words)
		}
	}
	s := "its own bytes"
	if view := mustKey[string](t).View(s, nil); &view[0] != &[]byte(view)[0] || string(view) != s || cap(view) != len(s) {
		t.Errorf("view %q", view)
	}
	if n := testing.AllocsPerRun(10, func() { mustKey[string](t).View(s, nil) }); n > 0 {
		t.Errorf("a view allocates %v times", n)
	}
}

func TestNaNIsNoKey(t *testing.T) {
	nan := math.NaN()
	hashes := make([]uint64, 3)
	for name, at := range map[string]int{
		"float64": mustKey[float64](t).Hash([]float64{0, nan, nan}, hashes),
		"float32": mustKey[float32](t).Hash([]float32{0, float32(nan), 1}, hashes),
		"fixed":   mustKey[fixedKey](t).Hash([]fixedKey{{}, {F: nan}, {}}, hashes),
		"varying": mustKey[struct {
			S string
			F [20]float32
		}](t).Hash(make([]struct {
			S string
			F [20]float32
		}, 1), hashes) + 2,
		"in array": mustKey[[30]float32](t).Hash([][30]float32{{}, {29: float32(nan)}}, hashes),
		"in string": mustKey[struct {
			S string
			F float64
		}](t).Hash([]struct {
			S string
			F float64
		}{{}, {"x", nan}}, hashes),
	} {
		if at != 1 {
			t.Errorf("%s: position %d", name, at)
		}
	}
	var malformed *FormatError
	var f float64
	for _, bits := range []uint64{math.Float64bits(nan) ^ 1<<63, ^math.Float64bits(math.Copysign(0, -1))} {
		encoded := []byte{byte(bits >> 56), byte(bits >> 48), byte(bits >> 40), byte(bits >> 32), byte(bits >> 24), byte(bits >> 16), byte(bits >> 8), byte(bits)}
		if _, err := mustKey[float64](t).Decode(encoded, &f); !errors.As(err, &malformed) {
			t.Errorf("%x was taken as %v", encoded, f)
		}
	}
}

// Equal under == must mean equal encoding and hash, whatever padding and blank fields hold.
func TestPaddingIsNotPartOfAKey(t *testing.T) {
	samePadded(t, func(k *blankKey) { k.A, k.B = 1, 2 })
	samePadded(t, func(k *struct {
		A int64
		B int32
	}) {
		k.A, k.B = 1, 2
	})
	samePadded(t, func(k *struct {
		A int8
		B int64
	}) {
		k.A, k.B = 1, 2
	})
}

// samePadded compares a key in clean memory with the same key in memory that was full of ones.
func samePadded[K comparable](t *testing.T, set func(*K)) {
	t.Helper()
	keys := make([]K, 2)
	dirty(&keys[1])
	set(&keys[0])
	set(&keys[1])
	k := mustKey[K](t)
	hashes, words := make([]uint64, 2), make([]uint64, 2*k.Words())
	k.Hash(keys, hashes)
	k.Pack(keys, words)
	if keys[0] != keys[1] || hashes[0] != hashes[1] || !slices.Equal(words[:k.Words()], words[k.Words():]) ||
		!bytes.Equal(k.Append(nil, &keys[0]), k.Append(nil, &keys[1])) {
		t.Errorf("%T: hashes %x, words %x", keys[0], hashes, words)
	}
}

// The golden values must never change: they decide where the state of every existing snapshot lies.
func TestKeyHashesAreStable(t *testing.T) {
	hash := func(at int, hashes []uint64) uint64 {
		if at != -1 {
			t.Fatalf("position %d", at)
		}
		return hashes[0]
	}
	h := make([]uint64, 1)
	mixed := mixedKey{Name: "n\x00", N: -1, Tail: "t"}
	mixed.inner.At = time.Unix(1, 2)
	for name, c := range map[string]struct{ got, want uint64 }{
		"int64":    {hash(mustKey[int64](t).Hash([]int64{-7}, h), h), 0xeafc6ec56d90befe},
		"int8":     {hash(mustKey[int8](t).Hash([]int8{-7}, h), h), 0xeafc6ec56d90befe},
		"uint32":   {hash(mustKey[uint32](t).Hash([]uint32{7}, h), h), 0x12b56a2136f84755},
		"bool":     {hash(mustKey[bool](t).Hash([]bool{true}, h), h), 0xe5fdc025e13eeed5},
		"float64":  {hash(mustKey[float64](t).Hash([]float64{1.5}, h), h), 0x7849cfd64eb7a65d},
		"float32":  {hash(mustKey[float32](t).Hash([]float32{1.5}, h), h), 0xb7acebf74b3f51fa},
		"string":   {hash(mustKey[string](t).Hash([]string{"abc"}, h), h), 0x44bc2cf5ad770999},
		"pair":     {hash(mustKey[pairKey](t).Hash([]pairKey{{1, -2}}, h), h), 0xa8834492765b6c46},
		"fixed":    {hash(mustKey[fixedKey](t).Hash([]fixedKey{{1, 2, true, 3}}, h), h), 0x9f6d752e999b6259},
		"uuid":     {hash(mustKey[uuidKey](t).Hash([]uuidKey{{1, 15: 2}}, h), h), 0x784fdb725a1fca2d},
		"[5]uint8": {hash(mustKey[[5]uint8](t).Hash([][5]uint8{{1, 2, 3, 4, 5}}, h), h), 0xbeabbd9d859de516},
		"time":     {hash(mustKey[time.Time](t).Hash([]time.Time{time.Unix(1, 2)}, h), h), 0xc99816ecf3c7fff},
		"mixed":    {hash(mustKey[mixedKey](t).Hash([]mixedKey{mixed}, h), h), 0x9bedd0a8a11826fc},
		"long":     {hash(mustKey[longKey](t).Hash([]longKey{{1, 2, 3, 4, 5}}, h), h), 0x1847f20ec3a91fad},
	} {
		if c.got != c.want {
			t.Errorf("%s hashes to %#x, want %#x", name, c.got, c.want)
		}
	}
}
