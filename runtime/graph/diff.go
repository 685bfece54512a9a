package graph

import "fmt"

// Diff says where two graphs begin to differ, naming the operator, or returns "" if their fingerprints are equal. The
// sentence calls the graphs by the names given, such as "the plan" and "the worker".
func Diff(a, b *JobGraph, nameA, nameB string) string {
	as, bs := operators(a), operators(b)
	for i := range max(len(as), len(bs)) {
		switch {
		case i >= len(as):
			return fmt.Sprintf("%s has no operator %q, which %s has", nameA, bs[i].Name, nameB)
		case i >= len(bs):
			return fmt.Sprintf("%s has no operator %q, which %s has", nameB, as[i].Name, nameA)
		case as[i].Name != bs[i].Name:
			return fmt.Sprintf("%s has operator %q where %s has operator %q", nameA, as[i].Name, nameB, bs[i].Name)
		}
	}
	// Both have the same operators in the same order, hence as many fact sheets.
	sheetsA, sheetsB := factsOf(a), factsOf(b)
	for i, sheet := range sheetsA {
		if difference := diffFacts(sheet.facts, sheetsB[i].facts, nameA, nameB); difference != "" {
			return fmt.Sprintf("operator %q: %s", sheet.operator, difference)
		}
	}
	return ""
}

func diffFacts(as, bs []fact, nameA, nameB string) string {
	for i := range max(len(as), len(bs)) {
		switch {
		case i >= len(as):
			return fmt.Sprintf("%s has no %s %q, which %s has", nameA, bs[i].what, bs[i].value, nameB)
		case i >= len(bs):
			return fmt.Sprintf("%s has no %s %q, which %s has", nameB, as[i].what, as[i].value, nameA)
		case as[i].what != bs[i].what:
			return fmt.Sprintf("%s has %s %q where %s has %s %q", nameA, as[i].what, as[i].value, nameB, bs[i].what, bs[i].value)
		case as[i].value != bs[i].value:
			return fmt.Sprintf("its %s is %q in %s and %q in %s", as[i].what, as[i].value, nameA, bs[i].value, nameB)
		}
	}
	return ""
}

func operators(g *JobGraph) []*ChainedOperator {
	var all []*ChainedOperator
	for _, v := range g.Vertices {
		all = append(all, v.Operators...)
	}
	return all
}
