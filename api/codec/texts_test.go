package codec

import (
	"strings"
	"testing"
)

// labelled has strings with numbers before, between and behind them.
type labelled struct {
	ID                int64
	Name, Street      string
	Number            int64
	Town              string
	Of                [5]bool
	Apart             [9]int64
	Remark, Signature string
}

func TestStringsOfAValueShareMemory(t *testing.T) {
	long := strings.Repeat("x", largestTexts)
	for _, c := range []struct {
		name        string
		value       labelled
		allocations float64
	}{
		{"short", labelled{ID: 1, Name: "Ada", Street: "Mill", Number: 7, Town: "Ely", Remark: "none", Signature: "A."}, 3},
		{"empty", labelled{Remark: "none", Signature: "A."}, 3},
		{"long", labelled{Name: "Ada", Street: long, Town: "Ely", Remark: "none", Signature: "A."}, 5},
		{"just not long", labelled{Name: "Ada", Street: long[:largestTexts-len("Ada")-len("Ely")-8-2-1], Town: "Ely"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			roundTrip(t, c.value)
			of := mustFor[labelled](t)
			encoded := append(of.Append(nil, &c.value), strings.Repeat("behind", 500)...)
			var got labelled
			if n := testing.AllocsPerRun(100, func() { _, _ = of.Decode(encoded, &got) }); n != c.allocations {
				t.Errorf("%v allocations, want %v", n, c.allocations)
			}
			clear(encoded)
			if got != c.value {
				t.Errorf("got %+v, want %+v", got, c.value)
			}
		})
	}
}

func sharing[T any](t *testing.T) int { return mustFor[T](t).(*derived[T]).program.texts }

func TestStringsFarFromOthersAreCopiedAlone(t *testing.T) {
	type apart struct {
		A string
		N [9]int64
		B string
	}
	type listBetween struct {
		A string
		N []int64
		B string
	}
	for name, texts := range map[string]int{"one": sharing[word](t), "apart": sharing[apart](t), "a list between": sharing[listBetween](t)} {
		if texts != 0 {
			t.Errorf("%s: %d instructions share", name, texts)
		}
	}
}
