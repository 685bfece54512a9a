package graph

import (
	"github.com/weir-stream/weir/runtime/ident"
)

// SharedSlot is one slot's worth of a job: subtasks that run in the same slot (Flink's ExecutionSlotSharingGroup).
type SharedSlot struct {
	// Group is the name of the slot sharing group, Index numbers its slots from 0.
	Group string
	Index int
	// Subtasks are at most one of each vertex of the group, in the order of the vertices.
	Subtasks []SubtaskID
}

// SharedSlots returns the slots that a job needs: in every slot sharing group as many as its highest parallelism, the
// i-th of which holds the i-th subtask of each vertex that has so many. Groups are in the order of their first
// vertices.
func SharedSlots(g *JobGraph) []SharedSlot {
	var groups []string
	slots := map[string][]SharedSlot{}
	for _, v := range g.Vertices {
		group, known := slots[v.SlotSharingGroup]
		if !known {
			groups = append(groups, v.SlotSharingGroup)
		}
		for len(group) < v.Parallelism {
			group = append(group, SharedSlot{Group: v.SlotSharingGroup, Index: len(group)})
		}
		for i := range v.Parallelism {
			group[i].Subtasks = append(group[i].Subtasks, SubtaskID{Vertex: v.ID, Subtask: ident.SubtaskIndex(i)})
		}
		slots[v.SlotSharingGroup] = group
	}
	var all []SharedSlot
	for _, name := range groups {
		all = append(all, slots[name]...)
	}
	return all
}

// SlotsNeeded is the number of slots without which the job cannot run.
func SlotsNeeded(g *JobGraph) int {
	highest := map[string]int{}
	for _, v := range g.Vertices {
		highest[v.SlotSharingGroup] = max(highest[v.SlotSharingGroup], v.Parallelism)
	}
	total := 0
	for _, n := range highest {
		total += n
	}
	return total
}

// SlotSharingGroupID is the id under which REST shows a slot sharing group of a job.
func SlotSharingGroupID(job ident.JobID, group string) ident.ID {
	return ident.Derive("slot sharing group", job.String(), group)
}
