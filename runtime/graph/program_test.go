package graph

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/network/transport"
)

// edgeTypeStub is an EdgeType whose records leave a process, or do not for the reason given.
type edgeTypeStub struct{ refusal error }

func (edgeTypeStub) NewChannel(int) any { panic("not wired in these tests") }
func (edgeTypeStub) NewSendingChannel(*transport.Sender, string) (any, error) {
	panic("not wired in these tests")
}
func (edgeTypeStub) NewReceivingChannel(*transport.Receiver, string) (any, error) {
	panic("not wired in these tests")
}
func (edgeTypeStub) NewWriter(WriterConfig, []any) (exchange.Output, any, error) {
	panic("not wired in these tests")
}
func (edgeTypeStub) NewReaders([]any, any) []exchange.InputChannel { panic("not wired in these tests") }
func (t edgeTypeStub) CheckRemote() error                          { return t.refusal }

// sketch builds StreamGraphs for tests.
type sketch struct{ StreamGraph }

// change is applied to a node that was just added.
type change func(*StreamNode)

func parallelism(p int) change           { return func(n *StreamNode) { n.Parallelism = p } }
func maxParallelism(p int) change        { return func(n *StreamNode) { n.MaxParallelism = p } }
func uid(u string) change                { return func(n *StreamNode) { n.UID = u } }
func kind(k string) change               { return func(n *StreamNode) { n.Kind = k } }
func group(g string) change              { return func(n *StreamNode) { n.SlotSharingGroup = g } }
func strategy(s ChainingStrategy) change { return func(n *StreamNode) { n.Chaining = s } }

// partition sets the partitioning of all edges that lead to the node.
func partition(p Partitioning) change {
	return func(n *StreamNode) {
		for _, e := range n.Inputs {
			e.Partitioning, e.Unset = p, false
		}
	}
}

func (s *sketch) add(role Role, name string, changes ...change) *StreamNode {
	n := &StreamNode{ID: len(s.Nodes) + 1, Name: name, Kind: name, Role: role}
	s.Nodes = append(s.Nodes, n)
	for _, c := range changes {
		c(n)
	}
	return n
}

func (s *sketch) source(name string, changes ...change) *StreamNode {
	return s.add(Source, name, changes...)
}

// op adds a transformation behind the union of some nodes.
func (s *sketch) op(name string, from []*StreamNode, changes ...change) *StreamNode {
	n := s.add(Transformation, name)
	for _, f := range from {
		feed(f, n, 0)
	}
	for _, c := range changes {
		c(n)
	}
	return n
}

func (s *sketch) sink(name string, from *StreamNode, changes ...change) *StreamNode {
	n := s.op(name, one(from))
	n.Role = Sink
	for _, c := range changes {
		c(n)
	}
	return n
}

func one(n *StreamNode) []*StreamNode { return []*StreamNode{n} }

// feed adds an edge whose partitioning is left open.
func feed(from, to *StreamNode, input int) *StreamEdge {
	e := &StreamEdge{From: from, To: to, Input: input, Unset: true, Type: edgeTypeStub{}}
	to.Inputs = append(to.Inputs, e)
	return e
}

func compile(t testing.TB, g *StreamGraph, o Options) *JobGraph {
	t.Helper()
	compiled, err := Compile(g, o)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

var chaining = Options{Chaining: true, DefaultParallelism: 2}

// wordCount is lines -> split -> (by word) count -> file.
func wordCount() *sketch {
	s := &sketch{}
	s.Name = "word count"
	lines := s.source("lines", kind("file"))
	split := s.op("Split", one(lines), kind("flatMap"))
	count := s.op("Count", one(split), kind("aggregate"), partition(Hash), withState())
	s.sink("results", count, kind("file"))
	return s
}

// randomProgram draws a program with fan-outs, unions, operators of two inputs and side outputs. It always compiles.
func randomProgram(random *rand.Rand) *sketch {
	s := &sketch{}
	s.Name = "random"
	for range 1 + random.Intn(3) {
		s.source(fmt.Sprintf("s%d", random.Intn(3)), parallelism(random.Intn(4)))
	}
	for range 1 + random.Intn(8) {
		n := s.add(Transformation, fmt.Sprintf("t%d", random.Intn(4)), parallelism(random.Intn(4)), strategy(ChainingStrategy(random.Intn(3))))
		if random.Intn(4) == 0 {
			n.SlotSharingGroup = "other"
		}
		if random.Intn(5) == 0 {
			n.UID = fmt.Sprintf("uid %d", n.ID)
		}
		for input := range 1 + random.Intn(2) {
			for range 1 + random.Intn(2) {
				e := feed(s.Nodes[random.Intn(n.ID-1)], n, input)
				if random.Intn(2) == 0 {
					e.Partitioning, e.Unset = Hash+Partitioning(random.Intn(int(Custom))), false
				}
				if random.Intn(6) == 0 {
					e.SideOutput = "late"
				}
			}
		}
	}
	for _, n := range s.Nodes[:len(s.Nodes):len(s.Nodes)] {
		if n.ID == len(s.Nodes) || random.Intn(3) == 0 {
			s.sink("sink", n)
		}
	}
	return s
}
