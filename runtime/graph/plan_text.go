package graph

import (
	"fmt"
	"strings"
)

// PlanText returns the plan for people: vertices in order, the chain of each as a tree, and where its records come
// from.
//
//	Job "word count": 2 vertices, 8 subtasks, 4 slots
//
//	1  parallelism 4 of 128
//	   Source: lines
//	   +- Split
//	2  parallelism 4 of 128
//	   <- 1 HASH
//	   Count
//	   +- results: Writer
func PlanText(g *JobGraph) string {
	number := make(map[*JobVertex]int, len(g.Vertices))
	total := 0
	for i, v := range g.Vertices {
		number[v] = i + 1
		total += v.Parallelism
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Job %q: %s, %s, %s\n\n", g.Name, count(len(g.Vertices), "vertex", "vertices"), count(total, "subtask", "subtasks"),
		count(SlotsNeeded(g), "slot", "slots"))
	width := len(fmt.Sprint(len(g.Vertices)))
	indent := strings.Repeat(" ", width+2)
	for _, v := range g.Vertices {
		fmt.Fprintf(&text, "%-*d  parallelism %d of %d", width, number[v], v.Parallelism, v.MaxParallelism)
		if v.SlotSharingGroup != DefaultSlotSharingGroup {
			fmt.Fprintf(&text, ", slot sharing group %q", v.SlotSharingGroup)
		}
		text.WriteByte('\n')
		for _, e := range v.Inputs {
			fmt.Fprintf(&text, "%s<- %d %s%s\n", indent, number[e.From], e.Partitioning, edgeDetails(e))
		}
		for _, line := range chainTree(v.Head()) {
			fmt.Fprintf(&text, "%s%s\n", indent, line)
		}
	}
	return text.String()
}

// edgeDetails says what is not plain of an edge.
func edgeDetails(e *JobEdge) string {
	var details string
	if e.SideOutput != "" {
		details += fmt.Sprintf(", side output %q of %q", e.SideOutput, e.Producer.Name)
	}
	if e.Input > 0 {
		details += fmt.Sprintf(", input %d", e.Input)
	}
	return details
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
