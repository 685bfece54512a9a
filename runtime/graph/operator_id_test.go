package graph

import (
	"testing"

	"github.com/weir-stream/weir/runtime/ident"
)

// ids returns the operator ids of a program by operator name.
func ids(t *testing.T, s *sketch, o Options) map[string]ident.OperatorID {
	t.Helper()
	all := map[string]ident.OperatorID{}
	for _, v := range compile(t, &s.StreamGraph, o).Vertices {
		for _, op := range v.Operators {
			all[op.Name] = op.ID
		}
	}
	return all
}

// Snapshots find state by these ids: they may never change.
func TestGoldenIDs(t *testing.T) {
	s := wordCount()
	s.Nodes[3].UID = "sink"
	want := map[string]string{
		"Source: lines":   "f2f4a8fd8dcf9893b7d09626594e46bf",
		"Split":           "d051a735d8f7821e0bc4032d2dbf5a4b",
		"Count":           "722c9dfe2e96d4987f309ebe1216d29c",
		"results: Writer": "a5a6bfe99982954fb21acde2ccb0c3fa",
	}
	for name, id := range ids(t, s, chaining) {
		if want[name] != id.String() {
			t.Errorf("%s: %s, want %s", name, id, want[name])
		}
	}
}

func TestIDsStayWhereTheyAre(t *testing.T) {
	base := ids(t, wordCount(), chaining)
	cases := []struct {
		name    string
		change  func(*sketch)
		options Options
	}{
		{name: "parallelism", options: Options{Chaining: true, DefaultParallelism: 9}},
		{name: "chaining", options: Options{DefaultParallelism: 2}},
		{name: "a part's parallelism", change: func(s *sketch) { s.Nodes[1].Parallelism = 3 }},
		{name: "partitioning", change: func(s *sketch) { partition(Rebalance)(s.Nodes[1]) }},
		{name: "types", change: func(s *sketch) { s.Nodes[2].KeyType = "int" }},
		{name: "slot sharing group", change: func(s *sketch) { s.Nodes[2].SlotSharingGroup = "x" }},
		{name: "an operator behind", change: func(s *sketch) { s.sink("more", s.op("map", one(s.Nodes[2]))) }},
		{name: "a branch from the middle", change: func(s *sketch) { s.sink("more", s.op("map", one(s.Nodes[1]))) }},
		{name: "an unrelated branch", change: func(s *sketch) { s.sink("more", s.source("other")) }},
		{name: "an unrelated branch, first in the program", change: func(s *sketch) {
			for _, n := range s.Nodes {
				n.ID += 10
			}
			other := s.source("other", func(n *StreamNode) { n.ID = 1 })
			s.sink("more", other, func(n *StreamNode) { n.ID = 2 })
		}},
		{name: "node numbers", change: func(s *sketch) {
			for _, n := range s.Nodes {
				n.ID = n.ID*7 + 3
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, o := wordCount(), c.options
			if c.change != nil {
				c.change(s)
				o = chaining
			}
			changed := ids(t, s, o)
			for name, id := range base {
				if changed[name] != id {
					t.Errorf("%s: id %s became %s", name, id, changed[name])
				}
			}
		})
	}
}

func TestNamesDoNotCount(t *testing.T) {
	s := wordCount()
	s.Nodes[2].Name = "renamed"
	if base, changed := ids(t, wordCount(), chaining), ids(t, s, chaining); base["Count"] != changed["renamed"] {
		t.Error("a name changed an id")
	}
}

func TestIDsSayWhatAnOperatorReads(t *testing.T) {
	base := ids(t, wordCount(), chaining)
	cases := []struct {
		name   string
		change func(*sketch)
	}{
		{"kind upstream", func(s *sketch) { s.Nodes[1].Kind = "map" }},
		{"uid upstream", func(s *sketch) { s.Nodes[1].UID = "split" }},
		{"operator upstream", func(s *sketch) {
			between := s.op("between", one(s.Nodes[1]))
			s.Nodes[2].Inputs[0].From = between
		}},
		{"another input", func(s *sketch) { feed(s.source("more"), s.Nodes[2], 0) }},
		{"side output", func(s *sketch) { s.Nodes[2].Inputs[0].SideOutput = "late" }},
	}
	for _, c := range cases {
		s := wordCount()
		c.change(s)
		if ids(t, s, chaining)["Count"] == base["Count"] {
			t.Errorf("%s: the id of what reads it stayed", c.name)
		}
	}
}

func TestUIDMovesWithItsOperator(t *testing.T) {
	s := wordCount()
	s.Nodes[2].UID = "count"
	before := ids(t, s, chaining)["Count"]
	moved := &sketch{}
	count := moved.op("Other name", []*StreamNode{moved.source("a"), moved.source("b")}, uid("count"), kind("process"), parallelism(5))
	moved.sink("out", moved.op("map", one(count)))
	after := ids(t, moved, Options{})
	if after["Other name"] != before || before != UIDOperatorID("count") {
		t.Errorf("id %s became %s, and the uid's is %s", before, after["Other name"], UIDOperatorID("count"))
	}
}

func TestTwinsAreToldApart(t *testing.T) {
	build := func(unionSwapped bool) *sketch {
		s := &sketch{}
		a, b := s.source("a", kind("numbers")), s.source("b", kind("numbers"))
		parts := []*StreamNode{a, b}
		if unionSwapped {
			parts = []*StreamNode{b, a}
		}
		u := s.op("union", parts)
		s.sink("left", s.op("x", one(u), kind("map")), kind("print"))
		s.sink("right", s.op("y", one(u), kind("map")), kind("print"))
		return s
	}
	all := ids(t, build(false), chaining)
	seen := map[ident.OperatorID]string{}
	for name, id := range all {
		if other, taken := seen[id]; taken {
			t.Errorf("%q and %q have the same id", name, other)
		}
		seen[id] = name
	}
	if len(all) != 7 {
		t.Errorf("%d operators", len(all))
	}
	if ids(t, build(true), chaining)["union"] != all["union"] {
		t.Error("the order of a union's parts changed an id")
	}
	// A third twin behind the two does not disturb them.
	s := build(false)
	s.sink("third", s.op("z", one(s.Nodes[2]), kind("map")), kind("print"))
	if more := ids(t, s, chaining); more["x"] != all["x"] || more["right: Writer"] != all["right: Writer"] {
		t.Error("a later twin changed the ids of the earlier ones")
	}
}
