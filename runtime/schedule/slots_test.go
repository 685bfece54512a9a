package schedule

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

func offer(name, location string) Offer {
	return Offer{Allocation: ident.Derive(name), Location: location}
}

func TestMatch(t *testing.T) {
	needs := []graph.SharedSlot{{Group: "default", Index: 0}, {Group: "default", Index: 1}, {Group: "heavy", Index: 0}}
	a, b, c, d := offer("a", "tm1"), offer("b", "tm1"), offer("c", "tm2"), offer("d", "tm2")
	names := map[ident.ID]string{a.Allocation: "a", b.Allocation: "b", c.Allocation: "c", d.Allocation: "d"}
	key := func(i int) SlotKey { return KeyOf(needs[i]) }
	cases := []struct {
		name     string
		offers   []Offer
		previous map[SlotKey]Offer
		want     string
	}{
		{"in order", []Offer{a, b, c, d}, nil, "a b c | missing 0 | spare d"},
		{"too few", []Offer{a}, nil, "a | missing 2 | spare"},
		{"none", nil, nil, " | missing 3 | spare"},
		{"the same slot again", []Offer{a, b, c}, map[SlotKey]Offer{key(0): c, key(2): a}, "c b a | missing 0 | spare"},
		{"the same TaskManager", []Offer{a, c, d}, map[SlotKey]Offer{key(0): offer("gone", "tm2"), key(1): offer("gone too", "tm2")}, "c d a | missing 0 | spare"},
		{"the slot goes before the TaskManager", []Offer{c, a, b}, map[SlotKey]Offer{key(0): offer("gone", "tm2"), key(1): c}, "a c b | missing 0 | spare"},
		{"a claim goes before none", []Offer{c, a}, map[SlotKey]Offer{key(2): c}, "a c | missing 1 | spare"},
		{"a lost TaskManager is forgotten", []Offer{a, b, c}, map[SlotKey]Offer{key(0): offer("gone", "tm9")}, "a b c | missing 0 | spare"},
	}
	for _, c := range cases {
		m := Match(needs, c.offers, c.previous)
		var assigned, spare []string
		for _, x := range m.Assigned {
			assigned = append(assigned, names[x.Offer.Allocation])
		}
		for _, o := range m.Spare {
			spare = append(spare, names[o.Allocation])
		}
		got := strings.TrimSpace(fmt.Sprintf("%s | missing %d | spare %s", strings.Join(assigned, " "), len(m.Missing), strings.Join(spare, " ")))
		if got != strings.TrimSpace(c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if len(m.Assigned)+len(m.Missing) != len(needs) || len(m.Assigned)+len(m.Spare) != len(c.offers) {
			t.Errorf("%s: something was lost or given twice", c.name)
		}
	}
}
