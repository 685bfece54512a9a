package graph

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-stream/weir/runtime/ident"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

func TestGoldenWordCountPlan(t *testing.T) {
	o := chaining
	o.JobID = ident.Derive("golden")
	g := compile(t, &wordCount().StreamGraph, o)
	golden(t, "wordcount_plan.json", append(PlanJSON(g), '\n'))
	golden(t, "wordcount_plan.txt", []byte(PlanText(g)))
}

func TestPlanTextOfABranchingProgram(t *testing.T) {
	s := &sketch{}
	s.Name = "branches"
	in := s.source("in", parallelism(1))
	a := s.op("a", one(in))
	late := s.op("late", one(a), strategy(ChainHead), group("slow"))
	late.Inputs[0].SideOutput = "too late"
	both := s.add(Transformation, "both", parallelism(3))
	feed(a, both, 0)
	feed(in, both, 1)
	s.sink("out", s.op("b", one(a)))
	s.sink("archive", late)
	s.sink("joined", both)
	golden(t, "branches_plan.txt", []byte(PlanText(compile(t, &s.StreamGraph, chaining))))
}

// The recorded answers of a Flink cluster, and the programs that were running there.
func TestPlanIsWhatFlinkServes(t *testing.T) {
	window := &sketch{}
	window.Name = "rest-steady"
	pair := window.op("Pair", one(window.op("Counting", one(window.source("Numbers")))))
	sum := window.op("Count per Key", one(pair), partition(Hash))
	sum.Description = "Window(TumblingEventTimeWindows(1000), EventTimeTrigger, SumAggregator, PassThroughWindowFunction)"
	window.sink("Discard", sum)

	slow := &sketch{}
	slow.Name = "rest-slow"
	slow.sink("Discard", slow.op("Slow Map", one(slow.op("Counting", one(slow.source("Numbers")))), partition(Rebalance)))

	for file, s := range map[string]*sketch{"flink_plan_window.json": window, "flink_plan_rebalance.json": slow} {
		recorded, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		var theirs struct {
			Plan struct {
				JobID string `json:"jid"`
				Nodes []struct {
					ID string `json:"id"`
				} `json:"nodes"`
			} `json:"plan"`
		}
		if err := json.Unmarshal(recorded, &theirs); err != nil {
			t.Fatal(err)
		}
		o := chaining
		if o.JobID, err = ident.ParseID(theirs.Plan.JobID); err != nil {
			t.Fatal(err)
		}
		g := compile(t, &s.StreamGraph, o)
		// Ids are hashes of another kind; all else is equal to the byte.
		want := string(recorded)
		for i, v := range planOrder(g) {
			want = strings.ReplaceAll(want, theirs.Plan.Nodes[i].ID, v.ID.String())
		}
		if got := string(PlanJSON(g)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
		}
	}
}

func TestPlanDescriptionIsHTML(t *testing.T) {
	s := &sketch{}
	s.sink("out", s.op(`a<b & "c" \ d`, one(s.source("in"))))
	g := compile(t, &s.StreamGraph, chaining)
	if want := `Source: in<br/>+- a&lt;b &amp; &quot;c&quot; &#92; d<br/>   +- out: Writer<br/>`; planDescription(g.Vertices[0]) != want {
		t.Errorf("got %s, want %s", planDescription(g.Vertices[0]), want)
	}
	if !json.Valid(PlanJSON(g)) || !bytes.Contains(PlanJSON(g), PlanObject(g)) {
		t.Errorf("not JSON: %s", PlanJSON(g))
	}
}

func TestPlanNodesStandBehindAllTheyFeed(t *testing.T) {
	s := &sketch{}
	a, b := s.source("a"), s.source("b")
	s.sink("out", s.op("join", []*StreamNode{a, b}))
	var got []string
	for _, v := range planOrder(compile(t, &s.StreamGraph, chaining)) {
		got = append(got, v.Name)
	}
	if want := "join -> out: Writer|Source: a|Source: b"; strings.Join(got, "|") != want {
		t.Errorf("order %q, want %s", got, want)
	}
}
