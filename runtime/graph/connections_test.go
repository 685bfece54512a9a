package graph

import (
	"fmt"
	"slices"
	"testing"
)

func edgeOf(p Partitioning, producers, consumers int) *JobEdge {
	return &JobEdge{Partitioning: p, From: &JobVertex{Parallelism: producers}, To: &JobVertex{Parallelism: consumers}}
}

func TestConnections(t *testing.T) {
	cases := []struct {
		edge *JobEdge
		want string
	}{
		{edgeOf(Forward, 3, 3), "[[0] [1] [2]]"},
		{edgeOf(Rescale, 2, 4), "[[0 1] [2 3]]"},
		{edgeOf(Rescale, 2, 3), "[[0 1] [2]]"},
		{edgeOf(Rescale, 3, 7), "[[0 1 2] [3 4] [5 6]]"},
		{edgeOf(Rescale, 4, 2), "[[0] [0] [1] [1]]"},
		{edgeOf(Rescale, 3, 2), "[[0] [1] [1]]"},
		{edgeOf(Rescale, 5, 3), "[[0] [1] [1] [2] [2]]"},
		{edgeOf(Rescale, 2, 2), "[[0] [1]]"},
		{edgeOf(Hash, 2, 3), "[[0 1 2] [0 1 2]]"},
		{edgeOf(Rebalance, 1, 2), "[[0 1]]"},
		{edgeOf(Shuffle, 1, 2), "[[0 1]]"},
		{edgeOf(Broadcast, 2, 1), "[[0] [0]]"},
		{edgeOf(Global, 1, 3), "[[0 1 2]]"},
		{edgeOf(Custom, 1, 3), "[[0 1 2]]"},
	}
	for _, c := range cases {
		var got [][]int
		for p := range c.edge.From.Parallelism {
			got = append(got, Connections(c.edge, p))
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s %d to %d: %v, want %s", c.edge.Partitioning, c.edge.From.Parallelism, c.edge.To.Parallelism, got, c.want)
		}
	}
}

func TestProducersAreTheInverseOfConnections(t *testing.T) {
	for p := range partitionings {
		for producers := 1; producers <= 17; producers++ {
			for consumers := 1; consumers <= 17; consumers++ {
				if p == Forward && producers != consumers {
					continue
				}
				e := edgeOf(p, producers, consumers)
				links := 0
				for c := range consumers {
					from := Producers(e, c)
					links += len(from)
					if len(from) == 0 || !slices.IsSorted(from) {
						t.Fatalf("%s %d to %d: consumer %d has producers %v", p, producers, consumers, c, from)
					}
					for i := range producers {
						if slices.Contains(from, i) != slices.Contains(Connections(e, i), c) {
							t.Fatalf("%s %d to %d: the ends disagree on %d -> %d", p, producers, consumers, i, c)
						}
					}
				}
				if p == Rescale && links != max(producers, consumers) {
					t.Fatalf("rescale %d to %d has %d links: a subtask of the larger side has more than one", producers, consumers, links)
				}
			}
		}
	}
}

func TestRescaleIsEven(t *testing.T) {
	for producers := 1; producers <= 20; producers++ {
		for consumers := producers; consumers <= 20; consumers++ {
			for i := range producers {
				if n := len(Connections(edgeOf(Rescale, producers, consumers), i)); n < consumers/producers || n > ceilDiv(consumers, producers) {
					t.Errorf("%d to %d: producer %d has %d consumers", producers, consumers, i, n)
				}
				if n := len(Producers(edgeOf(Rescale, consumers, producers), i)); n < consumers/producers || n > ceilDiv(consumers, producers) {
					t.Errorf("%d to %d: consumer %d has %d producers", consumers, producers, i, n)
				}
			}
		}
	}
}
