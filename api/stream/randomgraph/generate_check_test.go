package randomgraph

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// TestPlansAreVaried asserts that no operator, partitioning or type is left out, and that enough plans have what is hard: a fan-out,
// a union and two keyed steps.
func TestPlansAreVaried(t *testing.T) {
	const plans = 600
	var rich, sinks, ordered, total, manyRecords int
	ofOp, ofPartitioning, ofKind, ofKey := map[op]int{}, map[partitioning]int{}, map[kind]int{}, map[keyKind]int{}
	for seed := range uint64(plans) {
		p := generate(seed + 1)
		of, err := promises(p)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", p.seed, err, p)
		}
		if isRich(p) {
			rich++
		}
		for _, n := range p.nodes {
			ofOp[n.op]++
			ofKind[n.kind]++
			if n.isKeyed() {
				ofKey[n.key]++
			}
			for _, input := range n.inputs {
				for _, e := range input {
					ofPartitioning[e.by]++
				}
			}
			if len(n.records) > 4096 {
				manyRecords++
			}
		}
		for _, n := range p.sinks() {
			sinks++
			if of[n].total {
				total++
			} else if of[n].ordered {
				ordered++
			}
		}
	}
	atLeast(t, "plans with a fan-out, a union and two keyed steps", rich, plans*30/100)
	atLeast(t, "sinks whose records have one order", total, sinks*5/100)
	atLeast(t, "sinks whose records are ordered by key", ordered, sinks*15/100)
	atLeast(t, "plans with many keys", manyRecords, plans/100)
	for o := range ops {
		atLeast(t, "steps "+o.String(), ofOp[o], 8)
	}
	for p := range partitionings {
		atLeast(t, "edges "+p.String(), ofPartitioning[p], plans/10)
	}
	for k := range kinds {
		atLeast(t, "streams of "+k.String(), ofKind[k], plans)
	}
	for k := range keyKinds {
		atLeast(t, "steps keyed by "+k.String(), ofKey[k], plans/10)
	}
}

func atLeast(t *testing.T, what string, have, want int) {
	t.Helper()
	t.Logf("%s: %d", what, have)
	if have < want {
		t.Errorf("%s: %d, want at least %d", what, have, want)
	}
}

func isRich(p *plan) bool {
	fanOut, union, keyed := false, false, 0
	for _, readers := range p.readers() {
		fanOut = fanOut || readers > 1
	}
	for _, n := range p.nodes {
		for _, input := range n.inputs {
			union = union || len(input) > 1
		}
		if n.isKeyed() {
			keyed++
		}
	}
	return fanOut && union && keyed >= 2
}

// TestInterpretationIsIndependent asserts that what tells right from wrong uses nothing of the engine.
func TestInterpretationIsIndependent(t *testing.T) {
	for _, file := range []string{
		"record_test.go", "plan_test.go", "ops_test.go", "functions_test.go", "promise_test.go", "interpret_test.go", "interpret_keyed_test.go",
		"generate_test.go", "verdict_test.go", "shrink_test.go",
	} {
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range syntax.Imports {
			if strings.Contains(spec.Path.Value, "weir") {
				t.Errorf("%s imports %s", file, spec.Path.Value)
			}
		}
	}
}
