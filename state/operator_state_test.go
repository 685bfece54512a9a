package state

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/snapshot"
)

type buffering struct {
	Pending OperatorList[string] `state:"pending"`
	Seen    UnionList[int64]
	Rules   Broadcast[string, rule]
	Keyed   Value[int64] // none of these
}

type rule struct {
	Limit int64
	Text  string
}

func open(t *testing.T, fn any) []OperatorField {
	t.Helper()
	fields, err := OperatorFields(fn)
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

// take makes the snapshot of a subtask.
func take(fields []OperatorField) *snapshot.Operator {
	taken := &snapshot.Operator{}
	for _, f := range fields {
		taken.Lists = append(taken.Lists, f.Export())
	}
	return taken
}

func TestOperatorStateIsRedistributed(t *testing.T) {
	var taken []*snapshot.Operator
	for subtask := range 3 {
		var f buffering
		fields := open(t, &f)
		if len(fields) != 3 || fields[0].Name != "pending" || fields[1].Name != "Seen" || fields[2].Name != "Rules" {
			t.Fatalf("fields %v", fields)
		}
		for i := range 2 + subtask {
			f.Pending.Add(fmt.Sprint(subtask, i))
		}
		f.Seen.AddAll([]int64{int64(subtask), -1})
		for _, name := range []string{"z", "m", "a"} {
			f.Rules.Put(name, rule{int64(len(name)), name})
		}
		f.Rules.Remove("m")
		taken = append(taken, take(fields))
		f.Pending.Add("after the snapshot")
	}
	for parallelism, pending := range map[int][]string{
		1: {"[0 0 0 1 1 0 1 1 1 2 2 0 2 1 2 2 2 3]"},
		2: {"[0 0 0 1 1 0 1 1 1 2]", "[2 0 2 1 2 2 2 3]"},
		3: {"[0 0 0 1]", "[1 0 1 1 1 2]", "[2 0 2 1 2 2 2 3]"},
	} {
		for subtask, want := range pending {
			var f buffering
			for _, field := range open(t, &f) {
				if err := field.Restore(taken, subtask, parallelism); err != nil {
					t.Fatal(err)
				}
			}
			if got := fmt.Sprint(f.Pending.Slice()); got != want {
				t.Errorf("subtask %d of %d has %s pending, want %s", subtask, parallelism, got, want)
			}
			if got := f.Seen.Slice(); !slices.Equal(got, []int64{0, -1, 1, -1, 2, -1}) {
				t.Errorf("subtask %d of %d has seen %v", subtask, parallelism, got)
			}
			if got := slices.Collect(f.Rules.Values()); !slices.Equal(got, []rule{{1, "z"}, {1, "a"}}) {
				t.Errorf("subtask %d of %d has rules %v", subtask, parallelism, got)
			}
		}
	}
}

func TestOperatorStateEvolves(t *testing.T) {
	var f buffering
	fields := open(t, &f)
	f.Rules.Put("a", rule{7, "seven"})
	f.Pending.Add("x")
	taken := []*snapshot.Operator{take(fields)}
	var fewer struct {
		Rules Broadcast[string, struct{ Limit, More int64 }]
	}
	if err := open(t, &fewer)[0].Restore(taken, 0, 1); err != nil {
		t.Fatal(err)
	}
	if got, ok := fewer.Rules.Get("a"); !ok || got.Limit != 7 || got.More != 0 {
		t.Errorf("the rule became %v", got)
	}
	for _, c := range []struct {
		function any
		part     string
	}{
		{&struct {
			Pending OperatorList[int64] `state:"pending"`
		}{}, "string"},
		{&struct {
			Pending UnionList[string] `state:"pending"`
		}{}, "SPLIT_DISTRIBUTE"},
		{&struct{ Rules Broadcast[int64, rule] }{}, "int64"},
	} {
		err := open(t, c.function)[0].Restore(taken, 0, 1)
		if err == nil || !strings.Contains(err.Error(), c.part) || !strings.Contains(err.Error(), `state "`) {
			t.Errorf("%T: %v", c.function, err)
		}
	}
	for _, l := range taken[0].Lists {
		for i, e := range l.Elements {
			l.Elements[i] = e[:len(e)-1]
		}
	}
	var again buffering
	if err := open(t, &again)[0].Restore(taken, 0, 1); err == nil {
		t.Error("a cut element is read")
	}
}

func TestBroadcastKeepsOrderAndCanBeReadOnly(t *testing.T) {
	var f buffering
	fields := open(t, &f)
	var want []string
	for i := range 200 {
		name := fmt.Sprint(i * 7 % 200)
		f.Rules.Put(name, rule{Limit: int64(i)})
		want = append(want, name)
	}
	for i := range 180 {
		f.Rules.Remove(fmt.Sprint(i))
		want = slices.DeleteFunc(want, func(s string) bool { return s == fmt.Sprint(i) })
	}
	f.Rules.Put("185", rule{Limit: -1}) // in its place
	f.Rules.Put("0", rule{})
	want = append(want, "0")
	if got := slices.Collect(f.Rules.Keys()); !slices.Equal(got, want) || f.Rules.Len() != 21 {
		t.Errorf("keys %v, want %v", got, want)
	}
	if r, _ := f.Rules.Get("185"); r.Limit != -1 || f.Rules.Contains("3") {
		t.Error("a change is lost")
	}
	fields[2].ReadOnly(true)
	for name, change := range map[string]func(){
		"Put": func() { f.Rules.Put("x", rule{}) }, "Remove": func() { f.Rules.Remove("185") }, "Clear": f.Rules.Clear,
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s while it is read only", name)
				}
			}()
			change()
		}()
	}
	fields[2].ReadOnly(false)
	for name := range f.Rules.All() {
		f.Rules.Remove(name)
	}
	if f.Rules.Len() != 0 {
		t.Errorf("%d rules are left", f.Rules.Len())
	}
}

func TestOperatorFieldsRefuse(t *testing.T) {
	for _, c := range []struct {
		function any
		part     string
	}{
		{&struct {
			A OperatorList[int64] `state:"x,ttl=1h"`
		}{}, "ttl=1h"},
		{&struct {
			A OperatorList[int64] `state:"x"`
			B UnionList[int64]    `state:"x"`
		}{}, `"x"`},
		{&struct{ A Broadcast[*int, int64] }{}, ".A"},
		{&struct{ A *OperatorList[int64] }{}, ".A"},
		{&struct{ A OperatorList[chan int] }{}, ".A"},
		{struct{ A UnionList[int64] }{}, "not a pointer"},
	} {
		if _, err := OperatorFields(c.function); err == nil || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%T: %v, want %q in it", c.function, err, c.part)
		}
	}
}

func TestOptionsOfATimeToLive(t *testing.T) {
	fields, err := Fields(&struct {
		A Value[int64] `state:",ttl=1m,ttl-update=onReadAndWrite,ttl-visibility=returnExpiredIfNotCleanedUp,ttl-cleanup=onRead"`
		B List[int64]  `state:"b,ttl=1s,ttl-update=onCreateAndWrite,ttl-visibility=neverReturnExpired"`
	}{})
	if err != nil {
		t.Fatal(err)
	}
	a, b := fields[0].Descriptor.TTL, fields[1].Descriptor.TTL
	if a.Update != OnReadAndWrite || a.Visibility != ReturnExpiredIfNotCleanedUp || !a.NoCleanup || b.Update != OnCreateAndWrite || b.Visibility != NeverReturnExpired || b.NoCleanup {
		t.Errorf("options %+v, %+v", a, b)
	}
	for _, c := range []struct {
		function any
		part     string
	}{
		{&struct {
			A Value[int64] `state:",ttl-update=onReadAndWrite"`
		}{}, "no ttl=DURATION"},
		{&struct {
			A Value[int64] `state:",ttl=1s,ttl-update=always"`
		}{}, "onReadAndWrite"},
		{&struct {
			A Value[int64] `state:",ttl=1s,ttl-visibility=x"`
		}{}, "neverReturnExpired"},
		{&struct {
			A Value[int64] `state:",ttl=1us"`
		}{}, "millisecond"},
	} {
		if _, err := Fields(c.function); err == nil || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%T: %v, want %q in it", c.function, err, c.part)
		}
	}
}
