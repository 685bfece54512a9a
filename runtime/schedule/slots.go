package schedule

import (
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// Offer is a slot that a TaskManager offers to a job.
type Offer struct {
	Allocation ident.AllocationID
	// Location is the id of the TaskManager.
	Location string
}

// SlotKey names a shared slot of a job over restarts.
type SlotKey struct {
	Group string
	Index int
}

// KeyOf returns the name of a shared slot.
func KeyOf(s graph.SharedSlot) SlotKey { return SlotKey{Group: s.Group, Index: s.Index} }

// Assignment puts the subtasks of a shared slot into an offered one.
type Assignment struct {
	Slot  graph.SharedSlot
	Offer Offer
}

// Matching is the outcome of Match.
type Matching struct {
	// Assigned is in the order of the needs.
	Assigned []Assignment
	// Missing are the needs for which no offer was left; the job can run when there are none.
	Missing []graph.SharedSlot
	// Spare are the offers that nothing needs, to be given back.
	Spare []Offer
}

// Match gives every shared slot an offered one, if there are enough. Whoever had a slot before (previous, by shared
// slot) gets the same again if it is on offer, or else one on the same TaskManager, where its state may still lie;
// needs without such a claim come after those with one and take offers in their order.
func Match(needs []graph.SharedSlot, offers []Offer, previous map[SlotKey]Offer) Matching {
	m := matcher{needs: needs, offers: offers, given: make([]int, len(needs)), taken: make([]bool, len(offers))}
	for i := range m.given {
		m.given[i] = -1
	}
	m.give(func(need graph.SharedSlot, o Offer) bool {
		before, had := previous[KeyOf(need)]
		return had && before.Allocation == o.Allocation
	})
	m.give(func(need graph.SharedSlot, o Offer) bool {
		before, had := previous[KeyOf(need)]
		return had && before.Location == o.Location
	})
	m.give(func(graph.SharedSlot, Offer) bool { return true })
	return m.matching()
}

type matcher struct {
	needs  []graph.SharedSlot
	offers []Offer
	// given is for each need the offer that it got, or -1.
	given []int
	taken []bool
}

// give lets every need that has none take the first free offer that fits it.
func (m *matcher) give(fits func(graph.SharedSlot, Offer) bool) {
	for i, need := range m.needs {
		for j, o := range m.offers {
			if m.given[i] < 0 && !m.taken[j] && fits(need, o) {
				m.given[i], m.taken[j] = j, true
				break
			}
		}
	}
}

func (m *matcher) matching() Matching {
	var result Matching
	for i, need := range m.needs {
		if j := m.given[i]; j >= 0 {
			result.Assigned = append(result.Assigned, Assignment{Slot: need, Offer: m.offers[j]})
		} else {
			result.Missing = append(result.Missing, need)
		}
	}
	for j, o := range m.offers {
		if !m.taken[j] {
			result.Spare = append(result.Spare, o)
		}
	}
	return result
}
