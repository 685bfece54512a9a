package rows

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"testing"
)

// contents is what rows say, in order: of each key its value, or that it is deleted.
func contents(t *testing.T, r *Rows) (all []string) {
	t.Helper()
	for i := range r.Len() {
		key, value, kind := r.Entry(i)
		switch kind {
		case Set:
			all = append(all, fmt.Sprintf("%q=%q", key, value))
		case Delete:
			all = append(all, fmt.Sprintf("%q deleted", key))
		case Merge:
			all = append(all, fmt.Sprintf("%q+%q", key, value))
		}
	}
	return all
}

func key(n int) []byte {
	// Keys of several lengths, some of which differ only behind the bytes that are compared as numbers.
	return append(bytes.Repeat([]byte{byte(n % 3)}, n%17), byte(n))
}

// TestWhatTheChangesOfAKeyComeTo compares with a model of what rows say of each key: "=value", "+value" or "deleted".
func TestWhatTheChangesOfAKeyComeTo(t *testing.T) {
	for seed := range int64(40) {
		random := rand.New(rand.NewSource(seed))
		var r Rows
		model := map[string]string{}
		operations := 1 + random.Intn(3000)
		for i := range operations {
			k := key(random.Intn(200))
			value := bytes.Repeat([]byte{byte(i)}, random.Intn(100))
			switch random.Intn(24) {
			case 0:
				var other Rows
				other.Set([]byte("other"), []byte("dropped"))
				other.DeleteRange([]byte("o"), []byte("p"))
				other.Set(k, []byte("taken"))
				other.Delete([]byte("other"))
				model[string(k)], model["other"] = "=taken", "deleted"
				r.Take(&other)
				if !other.Empty() {
					t.Fatal("what was taken is still there")
				}
			case 1:
				r.Sort()
			case 2:
				r.Compact()
			case 3, 4, 5, 6:
				r.Delete(k)
				model[string(k)] = "deleted"
			case 7, 8, 9, 10:
				r.Merge(k, value)
				switch was := model[string(k)]; {
				case was == "":
					model[string(k)] = "+" + string(value)
				case was == "deleted":
					model[string(k)] = "=" + string(value)
				default:
					model[string(k)] = was + string(value)
				}
			case 11:
				to := append(bytes.Clone(k), 3, 3)
				r.DeleteRange(k, to)
				for other := range model {
					if other >= string(k) && other < string(to) {
						delete(model, other)
					}
				}
			default:
				model[string(k)] = "=" + string(value)
				r.Set(k, value)
				clear(k) // its owner goes on using it
			}
		}
		r.Sort()
		var want []string
		for _, k := range slices.Sorted(maps.Keys(model)) {
			if model[k] == "deleted" {
				want = append(want, fmt.Sprintf("%q deleted", k))
			} else {
				want = append(want, fmt.Sprintf("%q%s%q", k, model[k][:1], model[k][1:]))
			}
		}
		if got := contents(t, &r); !slices.Equal(got, want) {
			t.Fatalf("seed %d: got\n%v\nwant\n%v", seed, got, want)
		}
	}
}

func TestRangesAreJoined(t *testing.T) {
	var r Rows
	for _, b := range [][2]string{{"m", "n"}, {"a", "c"}, {"c", "d"}, {"b", "bb"}, {"x", "x"}, {"z", "y"}, {"e", "g"}, {"f", "h"}} {
		r.DeleteRange([]byte(b[0]), []byte(b[1]))
	}
	r.Sort()
	var got []string
	for _, b := range r.Ranges() {
		got = append(got, fmt.Sprintf("%s-%s", b.From, b.To))
	}
	if want := "[a-d e-h m-n]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestCompactGivesMemoryBack(t *testing.T) {
	var r Rows
	for range 100_000 {
		r.Delete([]byte("the same key again"))
	}
	before := r.Bytes()
	r.Compact()
	if r.Len() != 1 || r.Bytes() > before/1000 {
		t.Errorf("%d changes in %d bytes, before %d", r.Len(), r.Bytes(), before)
	}
}

func TestAfter(t *testing.T) {
	for _, c := range []struct{ prefix, after []byte }{
		{[]byte{1, 2}, []byte{1, 3}}, {[]byte{1, 0xff}, []byte{2}}, {[]byte{0xff, 0xff}, nil}, {nil, nil},
	} {
		if got := After(c.prefix); !bytes.Equal(got, c.after) {
			t.Errorf("after %x comes %x, want %x", c.prefix, got, c.after)
		}
	}
}

func BenchmarkSort(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		random := rand.New(rand.NewSource(1))
		var r Rows
		value := make([]byte, 100)
		for range n {
			k := []byte{0, 5, 0, 0, 0, 0, 0, 0, byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32())}
			r.Set(k, value)
		}
		r.Sort()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
}
