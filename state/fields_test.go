package state

import (
	"strings"
	"testing"
	"time"
)

type inner struct {
	Deep Value[int64]
}

type embedded struct {
	Above List[string] `state:"above"`
}

type declared struct {
	embedded
	Seen   Value[bool] `state:"seen,ttl=24h"`
	Counts Map[string, int32]
	Sum    Reducing[int64]
	Mean   Aggregating[int64, [2]int64, float64]
	Parts  inner
	Big    Value[[9]int64]
	other  int
}

type average struct{}

func (average) Create() [2]int64                 { return [2]int64{} }
func (average) Add(a [2]int64, v int64) [2]int64 { return [2]int64{a[0] + v, a[1] + 1} }
func (average) Result(a [2]int64) float64        { return float64(a[0]) / float64(a[1]) }

func TestFields(t *testing.T) {
	f := &declared{Sum: NewReducing(func(a, b int64) int64 { return a + b }), Mean: NewAggregating(average{}), other: 1}
	fields, err := Fields(f)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name   string
		kind   Kind
		inline int
		ttl    time.Duration
	}{
		{"above", KindList, 0, 0},
		{"seen", KindValue, 9, 24 * time.Hour},
		{"Counts", KindMap, 0, 0},
		{"Sum", KindReducing, 8, 0},
		{"Mean", KindAggregating, 16, 0},
		{"Deep", KindValue, 8, 0},
		{"Big", KindValue, 0, 0},
	}
	if len(fields) != len(want) {
		t.Fatalf("%d fields, want %d", len(fields), len(want))
	}
	for i, w := range want {
		d := fields[i].Descriptor
		if d.Name != w.name || d.Kind != w.kind || d.Inline != w.inline || d.TTL.Duration != w.ttl || d.Schema == nil || (d.KeySchema != nil) != (w.kind == KindMap) {
			t.Errorf("field %d is %+v, want %+v", i, d, w)
		}
	}
	for _, stateless := range []any{nil, 7, average{}, func() {}, (*declared)(nil), new(int)} {
		if fields, err := Fields(stateless); len(fields) != 0 || err != nil {
			t.Errorf("%T: %d fields, %v", stateless, len(fields), err)
		}
	}
}

func TestFieldsRefuses(t *testing.T) {
	for _, test := range []struct {
		fn   any
		want []string
	}{
		{&struct{ hidden Value[int64] }{}, []string{"hidden", "not exported"}},
		{&struct{ P *Value[int64] }{}, []string{"P", "pointer"}},
		{&struct {
			A Value[int64] `state:"x"`
			B List[int64]  `state:"x"`
		}{}, []string{".B", `"x"`, "taken by the field A"}},
		{&struct {
			A Value[int64] `state:"x,tll=24h"`
		}{}, []string{".A", `"tll=24h"`, "ttl=DURATION"}},
		{&struct {
			A Value[int64] `state:",ttl=-1s"`
		}{}, []string{".A", "ttl=-1s"}},
		{&struct{ A Value[chan int] }{}, []string{".A", "chan"}},
		{&struct{ A Map[*int, int] }{}, []string{".A", "int"}},
		{&struct{ A Reducing[int64] }{}, []string{".A", "NewReducing"}},
		{&struct {
			A Aggregating[int64, int64, int64]
		}{}, []string{".A", "NewAggregating"}},
		{&struct{ A [3]inner }{}, []string{".A", "array"}},
		{declared{}, []string{"state.declared.embedded.Above", "not a pointer", "*state.declared"}},
		{struct{ Parts struct{ inner } }{}, []string{".Parts.inner.Deep", "not a pointer"}},
	} {
		_, err := Fields(test.fn)
		if err == nil {
			t.Errorf("%T: no error", test.fn)
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%T: %q lacks %q", test.fn, err, part)
			}
		}
	}
}

func TestUnboundHandlesPanic(t *testing.T) {
	var f declared
	for name, use := range map[string]func(){
		"Value[bool]":          func() { f.Seen.Get() },
		"Value[bool] ":         func() { f.Seen.Set(true) },
		"List[string]":         func() { f.Above.Add("x") },
		"Map[map[string]int32": func() { f.Counts.Len() },
		"Value[int64]":         func() { f.Sum.Add(1) },
	} {
		func() {
			defer func() {
				text, _ := recover().(string)
				if !strings.Contains(text, strings.TrimSpace(name)) || !strings.Contains(text, "declare it") {
					t.Errorf("%s: panic %q", name, text)
				}
			}()
			use()
		}()
	}
}
