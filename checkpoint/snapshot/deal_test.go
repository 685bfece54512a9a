package snapshot

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/state/keygroup"
)

// TestListsAreDealtOut compares shares with what the former subtasks had, some of which had nothing.
func TestListsAreDealtOut(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for range 500 {
		var before []*Operator
		var had [][]string
		for subtask := range 1 + random.Intn(5) {
			var elements []string
			op := &Operator{Lists: []List{{Name: "other", Elements: [][]byte{[]byte("x")}}}}
			if random.Intn(3) > 0 || subtask == 0 {
				list := List{Name: "queue"}
				for n := range random.Intn(5) {
					elements = append(elements, fmt.Sprint(subtask, "-", n))
					list.Elements = append(list.Elements, []byte(elements[n]))
				}
				op.Lists = append(op.Lists, list)
			}
			before, had = append(before, op), append(had, elements)
		}
		for _, kind := range []Redistribution{Split, Union, Broadcast} {
			var live [][]string
			for i, op := range before {
				for l := range op.Lists {
					if op.Lists[l].Name == "queue" {
						op.Lists[l].Redistribution = kind
						live = append(live, had[i])
					}
				}
			}
			parallelism := 1 + random.Intn(5)
			for subtask := range parallelism {
				dealt, err := DealList(before, "queue", kind, subtask, parallelism)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, e := range dealt.Elements {
					got = append(got, string(e))
				}
				want := map[Redistribution][]string{
					Split: keygroup.Split(had, parallelism)[subtask], Union: slices.Concat(had...), Broadcast: live[subtask%len(live)],
				}[kind]
				if !slices.Equal(got, want) {
					t.Fatalf("%s: subtask %d of %d gets %v of %v, want %v", kind, subtask, parallelism, got, had, want)
				}
				if parallelism == len(before) && kind == Split && !slices.Equal(got, had[subtask]) {
					t.Fatalf("subtask %d gets %v with the parallelism of before, and had %v", subtask, got, had[subtask])
				}
			}
		}
	}
}

func TestAListOfAnotherKindIsNotDealt(t *testing.T) {
	before := []*Operator{{}, {Lists: []List{{Name: "queue", Redistribution: Union}}}}
	if _, err := DealList(before, "queue", Split, 0, 2); err == nil || !strings.Contains(err.Error(), `"queue" was redistributed as UNION`) {
		t.Errorf("the error is %v", err)
	}
	if list, err := DealList(before, "others", Split, 0, 2); list != nil || err != nil {
		t.Errorf("%v, %v", list, err)
	}
}
