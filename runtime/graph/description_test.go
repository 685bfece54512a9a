package graph

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

func TestDescriptionRoundTrip(t *testing.T) {
	random := rand.New(rand.NewSource(2))
	programs := []*sketch{wordCount()}
	for range 200 {
		programs = append(programs, randomProgram(random))
	}
	for _, s := range programs {
		g := compile(t, &s.StreamGraph, chaining)
		encoded, err := Describe(g).Encode()
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := DecodeDescription(encoded)
		if err != nil {
			t.Fatal(err)
		}
		rebuilt, err := FromDescription(decoded)
		if err != nil {
			t.Fatalf("%v\n%s", err, PlanText(g))
		}
		checkInvariants(t, rebuilt)
		if diff := Diff(g, rebuilt, "the graph", "its copy"); diff != "" {
			t.Fatal(diff)
		}
		if !bytes.Equal(PlanJSON(g), PlanJSON(rebuilt)) || PlanText(g) != PlanText(rebuilt) {
			t.Fatalf("plan\n%s\nbecame\n%s", PlanText(g), PlanText(rebuilt))
		}
		again, _ := Describe(rebuilt).Encode()
		if !bytes.Equal(again, encoded) {
			t.Fatalf("description\n%s\nbecame\n%s", encoded, again)
		}
		for i, v := range rebuilt.Vertices {
			if v.Name != g.Vertices[i].Name || v.ID != g.Vertices[i].ID {
				t.Fatalf("vertex %q became %q", g.Vertices[i].Name, v.Name)
			}
		}
	}
}

func TestDescriptionIsChecked(t *testing.T) {
	cases := []struct {
		name   string
		change func(*Description)
		want   string
	}{
		{"format", func(d *Description) { d.Format = 2 }, "format 2"},
		{"no vertices", func(d *Description) { d.Vertices = nil }, "no vertices"},
		{"parallelism", func(d *Description) { d.Vertices[0].Parallelism = 0 }, "vertex 0: parallelism 0"},
		{"max parallelism", func(d *Description) { d.Vertices[1].MaxParallelism = 1 << 30 }, "vertex 1: max parallelism"},
		{"too many subtasks", func(d *Description) {
			for len(d.Vertices) < 40 {
				d.Vertices = append(d.Vertices, d.Vertices[0])
			}
			for i := range d.Vertices {
				id := d.Vertices[0].Operators[0]
				id.ID[0], id.Chained = byte(i), nil
				d.Vertices[i].Operators = []OperatorDescription{id}
				d.Vertices[i].Parallelism, d.Vertices[i].MaxParallelism = 1<<15, 1<<15
			}
		}, "more than 1048576 subtasks"},
		{"no operators", func(d *Description) { d.Vertices[0].Operators = nil }, "vertex 0: 0 operators"},
		{"no group", func(d *Description) { d.Vertices[0].SlotSharingGroup = "" }, "slot sharing group"},
		{"role", func(d *Description) { d.Vertices[0].Operators[1].Role = "boss" }, `operator "Split": unknown role "boss"`},
		{"id twice", func(d *Description) { d.Vertices[1].Operators[0].ID = d.Vertices[0].Operators[0].ID }, `that of "Source: lines"`},
		{"id zero", func(d *Description) { d.Vertices[1].Operators[0].ID = [16]byte{} }, "zero"},
		{"negative TTL", func(d *Description) { d.Vertices[1].Operators[0].State[0].TTLMillis = -1 }, `state "count"`},
		{"chained to itself", func(d *Description) { d.Vertices[0].Operators[0].Chained[0].To = 0 }, `"Source: lines": it cannot feed`},
		{"chained to nowhere", func(d *Description) { d.Vertices[0].Operators[0].Chained[0].To = 2 }, "cannot feed"},
		{"chained twice", func(d *Description) {
			head := &d.Vertices[0].Operators[0]
			head.Chained = append(head.Chained, head.Chained[0])
		}, "cannot feed"},
		{"unfed", func(d *Description) { d.Vertices[0].Operators[0].Chained = nil }, `operator "Split": nothing in its chain feeds it`},
		{"edge back", func(d *Description) { d.Edges[0].From, d.Edges[0].To = 1, 0 }, "edge 0: it leads from vertex 1 to vertex 0"},
		{"edge to nowhere", func(d *Description) { d.Edges[0].To = 2 }, "edge 0"},
		{"edge of nobody", func(d *Description) { d.Edges[0].Producer = 2 }, "edge 0: it leads from operator 2"},
		{"negative input", func(d *Description) { d.Edges[0].Input = -1 }, "input -1"},
		{"partitioning", func(d *Description) { d.Edges[0].Partitioning = "MAGIC" }, `unknown partitioning "MAGIC"`},
		{"forward between unequal", func(d *Description) { d.Edges[0].Partitioning = "FORWARD"; d.Vertices[1].Parallelism = 5 }, "forwards from parallelism 2 to 5"},
		{"input not listed", func(d *Description) { d.Vertices[1].Inputs = nil }, "1 edges lead to it, but it lists 0"},
		{"input listed twice", func(d *Description) { d.Vertices[1].Inputs = []int{0, 0} }, "listed twice"},
		{"input of another", func(d *Description) { d.Vertices[0].Inputs = []int{0} }, "not one of its inputs"},
		{"source with inputs", func(d *Description) { d.Vertices[1].Operators[0].Role = "source" }, "its head is a source and has 1 inputs"},
		{"fingerprint", func(d *Description) { d.Vertices[0].Operators[0].KeyType = "int" }, "it was changed on its way"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := Describe(compile(t, &wordCount().StreamGraph, chaining))
			c.change(d)
			_, err := FromDescription(d)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestDecodeDescriptionIsStrict(t *testing.T) {
	encoded, _ := Describe(compile(t, &wordCount().StreamGraph, chaining)).Encode()
	text := string(encoded)
	for _, broken := range []string{
		"", "null x", "[]", text + "{}", text[:len(text)-1], strings.Replace(text, `"name"`, `"nome"`, 1),
		strings.Replace(text, `"parallelism":2`, `"parallelism":"2"`, 1), strings.Replace(text, `"fingerprint":"`, `"fingerprint":"0`, 1),
		strings.Replace(text, `"encoding":"value"`, `"encoding":"magic"`, 1),
	} {
		if _, err := DecodeDescription([]byte(broken)); err == nil {
			t.Errorf("accepted %q", broken)
		}
	}
}

// Numbers and lists of valid descriptions are changed at random: what still passes must be a graph that others can
// rely on.
func TestDamagedDescriptions(t *testing.T) {
	random := rand.New(rand.NewSource(6))
	passed := 0
	for range 1000 {
		encoded, _ := Describe(compile(t, &randomProgram(random).StreamGraph, chaining)).Encode()
		var tree any
		if err := json.Unmarshal(encoded, &tree); err != nil {
			t.Fatal(err)
		}
		for range 1 + random.Intn(2) {
			tree = damage(random, tree)
		}
		damaged, _ := json.Marshal(tree)
		if checkDescription(t, damaged) {
			passed++
		}
	}
	if passed < 50 {
		t.Errorf("only %d damaged descriptions passed: the checks behind the decoder were hardly tested", passed)
	}
}

// damage changes one number, drops or doubles one element of a list, or swaps two.
func damage(random *rand.Rand, tree any) any {
	switch node := tree.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(node))
		key := keys[random.Intn(len(keys))]
		node[key] = damage(random, node[key])
	case []any:
		if len(node) == 0 {
			return node
		}
		i, j := random.Intn(len(node)), random.Intn(len(node))
		switch random.Intn(6) {
		case 0:
			return append(node[:i:i], node[i+1:]...)
		case 1:
			return append(node, node[i])
		case 2:
			node[i], node[j] = node[j], node[i]
		default:
			node[i] = damage(random, node[i])
		}
	case float64:
		return node + float64(random.Intn(5)-2)
	}
	return tree
}

// checkDescription reads a description, with the fingerprint that it should have: what a forger would send. It
// reports whether the description passed.
func checkDescription(t *testing.T, encoded []byte) bool {
	d, err := DecodeDescription(encoded)
	if err != nil {
		return false
	}
	g, err := FromDescription(d)
	if err != nil && strings.Contains(err.Error(), "changed on its way") {
		d.Fingerprint = fingerprintSaid(err.Error())
		g, err = FromDescription(d)
	}
	if err != nil {
		return false
	}
	checkInvariants(t, g)
	if !json.Valid(PlanJSON(g)) || PlanText(g) == "" || len(Regions(g)) == 0 {
		t.Error("no plan or no regions")
	}
	again, err := FromDescription(Describe(g))
	if err != nil || Fingerprint(again) != Fingerprint(g) {
		t.Errorf("the description of what was read cannot be read: %v", err)
	}
	if t.Failed() {
		t.Fatalf("description %s\n%s", encoded, PlanText(g))
	}
	return true
}

// FuzzDescription looks for bytes that crash the decoder, or that pass and yield a graph that others cannot rely on.
func FuzzDescription(f *testing.F) {
	s := &sketch{}
	s.sink("o", s.source("i"), partition(Hash))
	small, _ := Describe(compile(f, &s.StreamGraph, chaining)).Encode()
	f.Add(small)
	encoded, _ := Describe(compile(f, &wordCount().StreamGraph, chaining)).Encode()
	f.Add(encoded)
	f.Fuzz(func(t *testing.T, input []byte) { checkDescription(t, input) })
}

// fingerprintSaid reads the fingerprint that a graph has from the error that it is another than said.
func fingerprintSaid(text string) (f GraphFingerprint) {
	_, after, _ := strings.Cut(text, "its fingerprint is ")
	after, _, _ = strings.Cut(after, ",")
	_ = f.UnmarshalText([]byte(after))
	return f
}
