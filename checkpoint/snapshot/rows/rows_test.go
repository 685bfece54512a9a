package rows

import (
	"bytes"
	"encoding/binary"
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

// TestManyRows has more rows than a block, with changes of them all over, compact or not before they are sorted, from one owner or two.
func TestManyRows(t *testing.T) {
	const n = 2*mostBlock + 100
	for _, compact := range []bool{false, true} {
		for _, taken := range []bool{false, true} {
			var r Rows
			for i := range n {
				r.Set(numberedKey(i*7919%n), fmt.Append(nil, "old ", i))
			}
			if compact {
				r.Compact()
			}
			if taken {
				var all Rows
				all.Set(numberedKey(3), []byte("older"))
				all.Take(&r)
				r = all
			}
			if !compact || taken {
				for i := range n {
					r.Set(numberedKey(i), fmt.Append(nil, "value ", i))
				}
				if compact {
					r.Compact()
				}
			}
			r.Sort()
			if r.Len() != n {
				t.Fatalf("compact %t, taken %t: %d rows of %d", compact, taken, r.Len(), n)
			}
			for i := range n {
				key, value, _ := r.Entry(i)
				want := fmt.Sprint("value ", i)
				if compact && !taken {
					want = string(value)
				}
				if !bytes.Equal(key, numberedKey(i)) || string(value) != want {
					t.Fatalf("compact %t, taken %t: row %d is %x=%s", compact, taken, i, key, value)
				}
			}
		}
	}
}

func numberedKey(n int) []byte {
	return binary.BigEndian.AppendUint32([]byte("a key of several bytes"), uint32(n))
}

// TestTakenRangesAreOlder takes a range without rows into a chunk with room: what is set next was not deleted.
func TestTakenRangesAreOlder(t *testing.T) {
	var r, other Rows
	r.Set([]byte("b"), []byte("deleted"))
	other.DeleteRange([]byte("a"), []byte("c"))
	r.Take(&other)
	r.Set([]byte("bb"), []byte("set since"))
	r.Sort()
	if got := contents(t, &r); !slices.Equal(got, []string{`"bb"="set since"`}) {
		t.Errorf("got %v", got)
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
