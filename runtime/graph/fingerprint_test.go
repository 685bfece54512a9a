package graph

import (
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
)

// variants are changes of the word count program, and what Diff says of each.
var variants = []struct {
	name    string
	change  func(*sketch)
	options func(*Options)
	diff    string
}{
	{name: "name", change: func(s *sketch) { s.Nodes[1].Name = "Cut" },
		diff: `the plan has operator "Split" where the worker has operator "Cut"`},
	{name: "kind", change: func(s *sketch) { s.Nodes[3].Kind = "print" },
		diff: `operator "results: Writer": its kind is "file" in the plan and "print" in the worker`},
	{name: "uid", change: func(s *sketch) { s.Nodes[3].UID = "u" },
		diff: `operator "results: Writer": its uid is "" in the plan and "u" in the worker`},
	{name: "an operator before", change: func(s *sketch) { s.Nodes[2].Inputs[0].From = s.op("between", one(s.Nodes[1])) },
		diff: `the plan has operator "Count" where the worker has operator "between"`},
	{name: "parallelism", change: func(s *sketch) { s.Nodes[2].Parallelism = 3; s.Nodes[3].Parallelism = 3 },
		diff: `operator "Count": its parallelism is "2" in the plan and "3" in the worker`},
	{name: "max parallelism", options: func(o *Options) { o.DefaultMaxParallelism = 64 },
		diff: `operator "Source: lines": its max parallelism is "128" in the plan and "64" in the worker`},
	{name: "slot sharing group", change: func(s *sketch) { s.Nodes[2].SlotSharingGroup = "x" },
		diff: `operator "Count": its slot sharing group is "default" in the plan and "x" in the worker`},
	{name: "input type", change: func(s *sketch) { s.Nodes[2].InTypes = []string{"int"} },
		diff: `operator "Count": its type of input 0 is "string" in the plan and "int" in the worker`},
	{name: "output type", change: func(s *sketch) { s.Nodes[2].OutType = "int" },
		diff: `operator "Count": its output type is "main.Count" in the plan and "int" in the worker`},
	{name: "key type", change: func(s *sketch) { s.Nodes[2].KeyType = "int64" },
		diff: `operator "Count": its key type is "string" in the plan and "int64" in the worker`},
	{name: "boundedness", change: func(s *sketch) { s.Nodes[0].Bounded = true },
		diff: `operator "Source: lines": its boundedness is "false" in the plan and "true" in the worker`},
	{name: "coordinator", change: func(s *sketch) { s.Nodes[0].NewEnumerator = 1 },
		diff: `operator "Source: lines": its coordinator is "false" in the plan and "true" in the worker`},
	{name: "state name", change: func(s *sketch) { s.Nodes[2].State[0].Name = "n" },
		diff: `operator "Count": its state is "count" in the plan and "n" in the worker`},
	{name: "state kind", change: func(s *sketch) { s.Nodes[2].State[0].Kind = "ReducingState" },
		diff: `its kind of state count is "ValueState" in the plan and "ReducingState"`},
	{name: "state TTL", change: func(s *sketch) { s.Nodes[2].State[1].TTLMillis = time.Minute.Milliseconds() },
		diff: `its TTL of state seen is "3600000" in the plan and "60000"`},
	{name: "state schema", change: func(s *sketch) { s.Nodes[2].State[0].Value = stringSchema() },
		diff: `its schema of state count is "int64 `},
	{name: "map keys", change: func(s *sketch) { s.Nodes[2].State[1].MapKey = int64Schema() },
		diff: `its schema of the map keys of state seen is "string `},
	{name: "keys", change: func(s *sketch) { s.Nodes[2].State[1].Key = int64Schema() },
		diff: `its schema of the keys of state seen is "string `},
	{name: "operator state", change: func(s *sketch) { s.Nodes[2].Lists[0].Redistribution = snapshot.Union },
		diff: `its redistribution of operator state rules is "BROADCAST" in the plan and "UNION"`},
	{name: "elements of operator state", change: func(s *sketch) { s.Nodes[2].Lists[0].Element = stringSchema() },
		diff: `its schema of operator state rules is "int64 `},
	{name: "max parallelism chosen", options: func(o *Options) { o.DefaultMaxParallelism = 128 },
		diff: `operator "Source: lines": its choice of max parallelism is "false" in the plan and "true"`},
	{name: "state more", change: func(s *sketch) {
		s.Nodes[2].State = append(s.Nodes[2].State, snapshot.State{Name: "more", Kind: "ValueState"})
	}, diff: `operator "Count": the plan has operator state "rules" where the worker has state "more"`},
	{name: "partitioning", change: func(s *sketch) { partition(Rebalance)(s.Nodes[2]) },
		diff: `operator "Split": its output edge is "0 HASH to Count (operator 0 of vertex 1)" in the plan and "0 REBALANCE to`},
	{name: "chaining", options: func(o *Options) { o.Chaining = false },
		diff: `operator "Source: lines": the plan has chained operator "Split (operator 1 of vertex 0)" where the worker has output edge "0 FORWARD to`},
	{name: "operator more", change: func(s *sketch) { s.sink("more", s.Nodes[2]) },
		diff: `the plan has no operator "more: Writer", which the worker has`},
}

func TestFingerprintAndDiff(t *testing.T) {
	plan := compile(t, &wordCount().StreamGraph, chaining)
	seen := map[GraphFingerprint]string{Fingerprint(plan): "unchanged"}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			s, o := wordCount(), chaining
			if v.change != nil {
				v.change(s)
			}
			if v.options != nil {
				v.options(&o)
			}
			g := compile(t, &s.StreamGraph, o)
			if other, taken := seen[Fingerprint(g)]; taken {
				t.Errorf("same fingerprint as %q", other)
			}
			seen[Fingerprint(g)] = v.name
			if diff := Diff(plan, g, "the plan", "the worker"); !strings.Contains(diff, v.diff) {
				t.Errorf("diff %q, want %q", diff, v.diff)
			}
		})
	}
}

func TestFingerprintLeavesOutWhatSubmissionGives(t *testing.T) {
	s := wordCount()
	o := chaining
	o.Name, o.JobID = "another name", ident.Derive("some job")
	a, b := compile(t, &s.StreamGraph, chaining), compile(t, &s.StreamGraph, o)
	if Fingerprint(a) != Fingerprint(b) || Diff(a, b, "a", "b") != "" {
		t.Errorf("the job's id or name counts: %s", Diff(a, b, "a", "b"))
	}
	if b.Name != "another name" || b.ID != o.JobID {
		t.Errorf("name %q, id %s", b.Name, b.ID)
	}
}
