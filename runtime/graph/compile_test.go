package graph

import (
	"errors"
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func vertexNames(g *JobGraph) []string {
	var names []string
	for _, v := range g.Vertices {
		names = append(names, v.Name)
	}
	return names
}

func TestChainingMatrix(t *testing.T) {
	base := func() (s *sketch, a, b *StreamNode) {
		s = &sketch{}
		a = s.op("a", one(s.source("in", strategy(ChainNever))))
		b = s.op("b", one(a))
		s.sink("out", b, strategy(ChainNever))
		return s, a, b
	}
	cases := []struct {
		name    string
		options func(*Options)
		change  func(s *sketch, a, b *StreamNode)
		chained bool
	}{
		{name: "forward, equal parallelism", chained: true},
		{name: "chaining off", options: func(o *Options) { o.Chaining = false }},
		{name: "explicit forward", change: func(_ *sketch, a, b *StreamNode) { partition(Forward)(b) }, chained: true},
		{name: "rebalance", change: func(_ *sketch, a, b *StreamNode) { partition(Rebalance)(b) }},
		{name: "rescale", change: func(_ *sketch, a, b *StreamNode) { partition(Rescale)(b) }},
		{name: "hash", change: func(_ *sketch, a, b *StreamNode) { partition(Hash)(b) }},
		{name: "other parallelism", change: func(_ *sketch, a, b *StreamNode) { b.Parallelism = 3 }},
		{name: "the default, written out", change: func(_ *sketch, a, b *StreamNode) { b.Parallelism = 2 }, chained: true},
		{name: "consumer in another group", change: func(_ *sketch, a, b *StreamNode) { b.SlotSharingGroup = "x" }},
		{name: "producer in another group, inherited", change: func(_ *sketch, a, b *StreamNode) { a.SlotSharingGroup = "x" }, chained: true},
		{name: "producer never", change: func(_ *sketch, a, b *StreamNode) { a.Chaining = ChainNever }},
		{name: "producer head", change: func(_ *sketch, a, b *StreamNode) { a.Chaining = ChainHead }, chained: true},
		{name: "consumer head", change: func(_ *sketch, a, b *StreamNode) { b.Chaining = ChainHead }},
		{name: "consumer never", change: func(_ *sketch, a, b *StreamNode) { b.Chaining = ChainNever }},
		{name: "consumer of a union", change: func(s *sketch, a, b *StreamNode) { feed(s.source("more"), b, 0) }},
		{name: "consumer of two inputs", change: func(s *sketch, a, b *StreamNode) { feed(s.source("more"), b, 1) }},
		{name: "consumer of the same stream twice", change: func(s *sketch, a, b *StreamNode) { feed(a, b, 0) }},
		{name: "side output", change: func(_ *sketch, a, b *StreamNode) { b.Inputs[0].SideOutput = "late" }, chained: true},
		{name: "other max parallelism", change: func(_ *sketch, a, b *StreamNode) { b.MaxParallelism = 64 }, chained: true},
		{name: "other max parallelism, split", options: func(o *Options) { o.SplitAtMaxParallelism = true },
			change: func(_ *sketch, a, b *StreamNode) { b.MaxParallelism = 64 }},
		{name: "same max parallelism, split", options: func(o *Options) { o.SplitAtMaxParallelism = true },
			change: func(_ *sketch, a, b *StreamNode) { a.MaxParallelism, b.MaxParallelism = 64, 64 }, chained: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, a, b := base()
			o := chaining
			if c.options != nil {
				c.options(&o)
			}
			if c.change != nil {
				c.change(s, a, b)
			}
			names := vertexNames(compile(t, &s.StreamGraph, o))
			if got := slices.Contains(names, "a -> b"); got != c.chained {
				t.Errorf("chained: %v, want %v: %q", got, c.chained, names)
			}
		})
	}
}

func TestSourcesAndSinksChain(t *testing.T) {
	s := wordCount()
	got := vertexNames(compile(t, &s.StreamGraph, chaining))
	if want := []string{"Source: lines -> Split", "Count -> results: Writer"}; !slices.Equal(got, want) {
		t.Errorf("vertices %q, want %q", got, want)
	}
}

func TestCompileRefuses(t *testing.T) {
	refused := errors.New("has a channel in it")
	cases := []struct {
		name    string
		options Options
		build   func(*sketch)
		want    []string
	}{
		{"nothing", chaining, func(*sketch) {}, []string{"the program has no operators: add a source and a sink"}},
		{"no sink", chaining, func(s *sketch) { s.op("a", one(s.source("in"))) }, []string{"no sink: nothing would run, add stream.To, stream.Print"}},
		{"cycle", chaining, func(s *sketch) {
			in := s.source("in")
			a := s.op("a", one(in))
			b := s.op("b", one(a))
			feed(b, a, 0)
			s.sink("out", s.op("c", one(b)))
		}, []string{`"a" -> "b" -> "a"`, "circle"}},
		{"uid twice", chaining, func(s *sketch) {
			s.sink("out", s.op("second", one(s.op("first", one(s.source("in")), uid("u"))), uid("u")))
		}, []string{`uid "u"`, `"first"`, `"second"`}},
		{"forward to other parallelism", chaining, func(s *sketch) {
			s.sink("out", s.op("a", one(s.source("in")), parallelism(3), partition(Forward)))
		}, []string{"Source: in -> a", "2 and 3", "Rescale"}},
		{"max parallelism below parallelism", chaining, func(s *sketch) {
			s.sink("out", s.op("a", one(s.source("in")), parallelism(5), maxParallelism(4)))
		}, []string{`operator "a"`, "parallelism 5 is higher than max parallelism 4"}},
		{"job's max parallelism below parallelism", Options{DefaultParallelism: 9, DefaultMaxParallelism: 8},
			func(s *sketch) { s.sink("out", s.source("in")) }, []string{`operator "Source: in"`, "parallelism 9"}},
		{"max parallelism too high", chaining, func(s *sketch) { s.sink("out", s.source("in"), maxParallelism(1<<15+1)) },
			[]string{`"out: Writer"`, "32769"}},
		{"negative parallelism", chaining, func(s *sketch) { s.sink("out", s.source("in"), parallelism(-1)) }, []string{`"out: Writer"`, "-1"}},
		{"parallel collection", chaining, func(s *sketch) {
			s.sink("out", s.source("in", parallelism(3), func(n *StreamNode) { n.FixedParallelism = true }))
		}, []string{`"Source: in"`, "3", "cannot run in parallel"}},
		{"type that stays in its process", chaining, func(s *sketch) {
			a := s.op("a", one(s.source("in")), parallelism(3), func(n *StreamNode) { n.InTypes = []string{"main.Job"} })
			a.Inputs[0].Type = edgeTypeStub{refused}
			s.sink("out", a)
		}, []string{"Source: in -> a", "main.Job", refused.Error()}},
		{"edge without a type", chaining, func(s *sketch) {
			a := s.op("a", one(s.source("in")), parallelism(3))
			a.Inputs[0].Type = nil
			s.sink("out", a)
		}, []string{"Source: in -> a", "no record type"}},
		{"transformation without input", chaining, func(s *sketch) { s.sink("out", s.add(Transformation, "a")) }, []string{`"a"`, "input"}},
		{"edge from elsewhere", chaining, func(s *sketch) {
			other := &sketch{}
			s.sink("out", s.op("a", one(other.source("in"))))
		}, []string{`"a"`, "this program"}},
		{"all of one kind at once", chaining, func(s *sketch) {
			s.sink("out", s.op("a", one(s.source("in", parallelism(-1))), parallelism(-2)))
		}, []string{"-1", "-2"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &sketch{}
			c.build(s)
			_, err := Compile(&s.StreamGraph, c.options)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error lacks %q: %v", part, err)
				}
			}
		})
	}
}

func TestErrorsOfRecordTypesAreWrapped(t *testing.T) {
	refused := errors.New("no codec")
	s := wordCount()
	s.Nodes[2].Inputs[0].Type = edgeTypeStub{refused}
	if _, err := Compile(&s.StreamGraph, chaining); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	s = wordCount()
	s.Nodes[1].Inputs[0].Type = edgeTypeStub{refused}
	if _, err := Compile(&s.StreamGraph, chaining); err != nil {
		t.Errorf("inside a chain the type does not matter: %v", err)
	}
}

func TestOpenPartitioning(t *testing.T) {
	s := &sketch{}
	in := s.source("in")
	equal := s.op("equal", one(in), strategy(ChainHead))
	s.sink("out", s.op("more", one(equal), parallelism(4)), parallelism(4), partition(Broadcast))
	g := compile(t, &s.StreamGraph, chaining)
	var got []string
	for _, e := range g.Edges {
		got = append(got, fmt.Sprint(e.Index, " ", e, " ", e.Partitioning))
	}
	want := []string{"0 Source: in -> equal FORWARD", "1 equal -> more REBALANCE", "2 more -> out: Writer BROADCAST"}
	if !slices.Equal(got, want) {
		t.Errorf("edges %q, want %q", got, want)
	}
}

func TestParallelismDefaults(t *testing.T) {
	s := &sketch{}
	in := s.source("in", parallelism(1))
	s.sink("out", s.op("a", one(in), parallelism(300), maxParallelism(0)))
	g := compile(t, &s.StreamGraph, Options{DefaultParallelism: 7})
	want := [][2]int{{1, 128}, {300, 512}, {7, 128}}
	for i, v := range g.Vertices {
		if got := [2]int{v.Parallelism, v.MaxParallelism}; got != want[i] {
			t.Errorf("%s: %v, want %v", v.Name, got, want[i])
		}
	}
	g = compile(t, &s.StreamGraph, Options{DefaultMaxParallelism: 400})
	for _, v := range g.Vertices {
		if v.MaxParallelism != 400 {
			t.Errorf("%s: max parallelism %d, want the job's", v.Name, v.MaxParallelism)
		}
	}
	if p := g.Vertices[2].Parallelism; p != 1 {
		t.Errorf("parallelism without any default: %d", p)
	}
	s.Nodes[0].Parallelism, s.Nodes[0].FixedParallelism = 0, true
	if p := compile(t, &s.StreamGraph, Options{DefaultParallelism: 7}).Vertices[0].Parallelism; p != 1 {
		t.Errorf("parallelism of a source that is not parallel: %d", p)
	}
}

func TestSlotSharingGroupsAreInherited(t *testing.T) {
	s := &sketch{}
	a, b := s.source("a", group("x")), s.source("b")
	onlyX := s.op("only x", one(a))
	mixed := s.op("mixed", []*StreamNode{onlyX, b})
	own := s.op("own", one(mixed), group("y"))
	s.sink("out", own)
	groups := map[string]string{}
	for _, v := range compile(t, &s.StreamGraph, Options{}).Vertices {
		groups[v.Name] = v.SlotSharingGroup
	}
	want := map[string]string{"Source: a": "x", "Source: b": "default", "only x": "x", "mixed": "default", "own": "y", "out: Writer": "y"}
	if !reflect.DeepEqual(groups, want) {
		t.Errorf("groups %v, want %v", groups, want)
	}
}

func TestUnreadSourceIsLeftOut(t *testing.T) {
	s := wordCount()
	s.source("unread")
	if got := vertexNames(compile(t, &s.StreamGraph, chaining)); len(got) != 2 {
		t.Errorf("vertices %q", got)
	}
}

func TestShapeOfABranchingChain(t *testing.T) {
	s := &sketch{}
	in := s.source("in")
	a := s.op("a", one(in))
	late := s.op("late", one(a))
	late.Inputs[0].SideOutput = "too late"
	b := s.op("b", one(a))
	both := s.add(Transformation, "both")
	feed(b, both, 1)
	feed(late, both, 0)
	feed(a, both, 1)
	s.sink("out", both)
	g := compile(t, &s.StreamGraph, chaining)

	first, second := g.Vertices[0], g.Vertices[1]
	if first.Name != "Source: in -> a -> (late, b)" || second.Name != "both -> out: Writer" {
		t.Fatalf("vertices %q", vertexNames(g))
	}
	if got, want := chainTree(first.Head()), []string{"Source: in", "+- a", "   :- late", "   +- b"}; !slices.Equal(got, want) {
		t.Errorf("tree %q, want %q", got, want)
	}
	if first.ID != first.Head().ID || len(first.Operators) != 4 {
		t.Errorf("vertex %s with operators %v", first.ID, first.Operators)
	}
	if c := first.Operators[1].Chained[0]; c.SideOutput != "too late" || c.To.Name != "late" {
		t.Errorf("first chained edge of a: %+v", c)
	}
	var inputs []string
	for _, e := range second.Inputs {
		inputs = append(inputs, fmt.Sprintf("%s:%d", e.Producer.Name, e.Input))
	}
	// In the order of inputs, and within one in that of the program.
	if want := []string{"late:0", "b:1", "a:1"}; !slices.Equal(inputs, want) {
		t.Errorf("inputs %q, want %q", inputs, want)
	}
	if first.Operators[2].Edges[0] != second.Inputs[0] || len(first.Outputs) != 3 {
		t.Errorf("outputs %v", first.Outputs)
	}
}

func TestSourcesComeFirst(t *testing.T) {
	s := &sketch{}
	a := s.op("a", one(s.source("one", strategy(ChainNever))))
	s.sink("out", s.op("join", []*StreamNode{a, s.source("two")}))
	got := vertexNames(compile(t, &s.StreamGraph, chaining))
	if want := []string{"Source: one", "Source: two", "a", "join -> out: Writer"}; !slices.Equal(got, want) {
		t.Errorf("vertices %q, want %q", got, want)
	}
}

func TestRandomProgramsKeepTheInvariants(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for range 500 {
		s := randomProgram(random)
		g := compile(t, &s.StreamGraph, chaining)
		checkInvariants(t, g)
		if again := compile(t, &s.StreamGraph, chaining); Fingerprint(again) != Fingerprint(g) {
			t.Fatalf("compiled twice:\n%s", Diff(g, again, "the first", "the second"))
		}
		if t.Failed() {
			t.Fatalf("\n%s", PlanText(g))
		}
	}
}

// checkInvariants says of a graph what others rely on.
func checkInvariants(t *testing.T, g *JobGraph) {
	position := map[*JobVertex]int{}
	fed := map[*ChainedOperator]int{}
	for i, v := range g.Vertices {
		position[v] = i
		for _, op := range v.Operators {
			for _, c := range op.Chained {
				fed[c.To]++
				if slices.Index(v.Operators, c.To) <= slices.Index(v.Operators, op) {
					t.Errorf("%s comes before what feeds it", c.To.Name)
				}
			}
		}
		for j, op := range v.Operators {
			if want := min(j, 1); fed[op] != want {
				t.Errorf("%s is fed by %d links, want %d", op.Name, fed[op], want)
			}
		}
	}
	for i, e := range g.Edges {
		if e.Index != i || position[e.From] >= position[e.To] {
			t.Errorf("edge %d has index %d and leads from vertex %d to %d", i, e.Index, position[e.From], position[e.To])
		}
		if !slices.Contains(e.From.Outputs, e) || !slices.Contains(e.To.Inputs, e) || !slices.Contains(e.Producer.Edges, e) {
			t.Errorf("edge %d is not known at its ends", i)
		}
		if e.Partitioning == Forward && e.From.Parallelism != e.To.Parallelism {
			t.Errorf("edge %d forwards from %d to %d", i, e.From.Parallelism, e.To.Parallelism)
		}
	}
}

func TestCompileLeavesTheProgramAlone(t *testing.T) {
	s := wordCount()
	before := *s.Nodes[1]
	compile(t, &s.StreamGraph, Options{DefaultParallelism: 5, Chaining: true})
	if !reflect.DeepEqual(before, *s.Nodes[1]) {
		t.Errorf("node changed from %+v to %+v", before, *s.Nodes[1])
	}
	if g := compile(t, &s.StreamGraph, chaining); g.Vertices[0].Parallelism != 2 {
		t.Errorf("parallelism %d is that of the compilation before", g.Vertices[0].Parallelism)
	}
}
