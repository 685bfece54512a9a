package graph

import (
	"errors"
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/state/keygroup"
)

// Bounds of a description, so that one that was damaged or forged costs little.
const (
	maxDescribedOperators = 100_000
	maxDescribedEdges     = 1_000_000
	maxDescribedSubtasks  = 1 << 20
	maxInputs             = 1 << 16
)

// FromDescription rebuilds a graph without its program. It checks everything that others rely on: each position and
// number is in its range, each chain is a tree, vertices are in topological order, ids are unique, and the
// fingerprint is that of the graph. Its error names the place.
func FromDescription(d *Description) (*JobGraph, error) {
	r := rebuild{graph: &JobGraph{ID: d.JobID, Name: d.Name, Build: d.Build}, ids: map[ident.OperatorID]string{}, inputs: map[*JobVertex]int{}}
	if err := r.run(d); err != nil {
		return nil, fmt.Errorf("description of job %q: %w", d.Name, err)
	}
	return r.graph, nil
}

// rebuild is a graph in the making.
type rebuild struct {
	graph *JobGraph
	// ids has the names of the operators so far, by id.
	ids      map[ident.OperatorID]string
	subtasks int
	// inputs counts the edges that lead to a vertex; listed says which edges a vertex lists among its inputs.
	inputs map[*JobVertex]int
	listed []bool
}

func (r *rebuild) run(d *Description) error {
	if d.Format != DescriptionFormat {
		return fmt.Errorf("format %d: this version of Weir reads format %d", d.Format, DescriptionFormat)
	}
	if len(d.Vertices) == 0 {
		return errors.New("no vertices")
	}
	if len(d.Edges) > maxDescribedEdges {
		return fmt.Errorf("%d edges, at most %d are possible", len(d.Edges), maxDescribedEdges)
	}
	for i := range d.Vertices {
		if err := r.vertex(&d.Vertices[i]); err != nil {
			return fmt.Errorf("vertex %d: %w", i, err)
		}
	}
	for i := range d.Edges {
		if err := r.edge(&d.Edges[i]); err != nil {
			return fmt.Errorf("edge %d: %w", i, err)
		}
	}
	r.listed = make([]bool, len(d.Edges))
	for i, v := range r.graph.Vertices {
		if err := r.inputsOf(v, d.Vertices[i].Inputs); err != nil {
			return fmt.Errorf("vertex %d: %w", i, err)
		}
	}
	if have := Fingerprint(r.graph); have != d.Fingerprint {
		return fmt.Errorf("its fingerprint is %s, but it says %s: it was changed on its way", have, d.Fingerprint)
	}
	return nil
}

func (r *rebuild) vertex(d *VertexDescription) error {
	if err := keygroup.CheckMaxParallelism(d.MaxParallelism, d.Parallelism); err != nil {
		return err
	}
	if r.subtasks += d.Parallelism; r.subtasks > maxDescribedSubtasks {
		return fmt.Errorf("the job has more than %d subtasks", maxDescribedSubtasks)
	}
	if len(d.Operators) == 0 || len(r.ids)+len(d.Operators) > maxDescribedOperators {
		return fmt.Errorf("%d operators: a vertex has at least one, a job at most %d", len(d.Operators), maxDescribedOperators)
	}
	if d.SlotSharingGroup == "" {
		return errors.New("no slot sharing group")
	}
	if d.ParallelismLimit != 0 && d.ParallelismLimit < d.Parallelism {
		return fmt.Errorf("parallelism %d is above its limit %d", d.Parallelism, d.ParallelismLimit)
	}
	v := &JobVertex{
		Parallelism: d.Parallelism, MaxParallelism: d.MaxParallelism, MaxParallelismSet: d.MaxParallelismSet,
		ParallelismLimit: d.ParallelismLimit, SlotSharingGroup: d.SlotSharingGroup,
	}
	for i := range d.Operators {
		op, err := rebuildOperator(&d.Operators[i])
		if err != nil {
			return fmt.Errorf("operator %q: %w", d.Operators[i].Name, err)
		}
		if other, taken := r.ids[op.ID]; taken || op.ID.IsZero() {
			return fmt.Errorf("operator %q: its id %s is that of %q or zero", op.Name, op.ID, other)
		}
		r.ids[op.ID] = op.Name
		v.Operators = append(v.Operators, op)
	}
	if err := rebuildChain(v, d); err != nil {
		return err
	}
	v.ID, v.Name = v.Head().ID, chainName(v.Head())
	r.graph.Vertices = append(r.graph.Vertices, v)
	return nil
}

func rebuildOperator(d *OperatorDescription) (*ChainedOperator, error) {
	role, err := parseRole(d.Role)
	if err != nil {
		return nil, err
	}
	op := &ChainedOperator{
		ID: d.ID, Name: d.Name, UID: d.UID, Description: d.Description, Kind: d.Kind, Role: role,
		Bounded: d.Bounded, Coordinated: d.Coordinated, InTypes: d.InTypes, OutType: d.OutType, KeyType: d.KeyType,
	}
	if op.Description == "" {
		op.Description = op.Name
	}
	for _, s := range d.State {
		if s.TTLMillis < 0 {
			return nil, fmt.Errorf("state %q: its TTL is negative", s.Name)
		}
		op.State = append(op.State, snapshot.State{Name: s.Name, Kind: s.Kind, TTLMillis: s.TTLMillis, Key: s.Key, MapKey: s.MapKey, Value: s.Value})
	}
	for _, l := range d.Lists {
		redistribution, err := snapshot.ParseRedistribution(l.Redistribution)
		if err != nil {
			return nil, fmt.Errorf("operator state %q: %w", l.Name, err)
		}
		op.Lists = append(op.Lists, snapshot.List{Name: l.Name, Redistribution: redistribution, Key: l.Key, Element: l.Element})
	}
	return op, nil
}

// rebuildChain connects the links. Each but the head is fed once, by one that comes before it: the chain is a tree.
func rebuildChain(v *JobVertex, d *VertexDescription) error {
	fed := make([]bool, len(v.Operators))
	for i, op := range v.Operators {
		if i > 0 && !fed[i] {
			return fmt.Errorf("operator %q: nothing in its chain feeds it", op.Name)
		}
		for _, c := range d.Operators[i].Chained {
			if c.To <= i || c.To >= len(v.Operators) || fed[c.To] || c.Input < 0 || c.Input > maxInputs {
				return fmt.Errorf("operator %q: it cannot feed input %d of operator %d of its chain", op.Name, c.Input, c.To)
			}
			fed[c.To] = true
			op.Chained = append(op.Chained, ChainedEdge{SideOutput: c.SideOutput, To: v.Operators[c.To], Input: c.Input})
		}
	}
	return nil
}

func (r *rebuild) edge(d *EdgeDescription) error {
	g := r.graph
	if d.From < 0 || d.To <= d.From || d.To >= len(g.Vertices) {
		return fmt.Errorf("it leads from vertex %d to vertex %d: edges lead forward among %d vertices", d.From, d.To, len(g.Vertices))
	}
	from, to := g.Vertices[d.From], g.Vertices[d.To]
	if d.Producer < 0 || d.Producer >= len(from.Operators) || d.Input < 0 || d.Input > maxInputs {
		return fmt.Errorf("it leads from operator %d of %q to input %d of %q: one of these does not exist", d.Producer, from.Name, d.Input, to.Name)
	}
	partitioning, err := parsePartitioning(d.Partitioning)
	if err != nil {
		return err
	}
	if partitioning == Forward && from.Parallelism != to.Parallelism {
		return fmt.Errorf("it forwards from parallelism %d to %d", from.Parallelism, to.Parallelism)
	}
	e := &JobEdge{
		Index: len(g.Edges), From: from, To: to, Producer: from.Operators[d.Producer],
		SideOutput: d.SideOutput, Input: d.Input, Partitioning: partitioning,
	}
	g.Edges = append(g.Edges, e)
	e.Producer.Edges = append(e.Producer.Edges, e)
	from.Outputs = append(from.Outputs, e)
	r.inputs[to]++
	return nil
}

// inputsOf puts the edges that lead to v into the order of its description, which must list each of them once.
func (r *rebuild) inputsOf(v *JobVertex, indexes []int) error {
	edges := r.graph.Edges
	for _, index := range indexes {
		if index < 0 || index >= len(edges) || edges[index].To != v || r.listed[index] {
			return fmt.Errorf("edge %d is not one of its inputs, or is listed twice", index)
		}
		if last := len(v.Inputs) - 1; last >= 0 && v.Inputs[last].Input > edges[index].Input {
			return fmt.Errorf("edge %d of input %d comes after one of input %d", index, edges[index].Input, v.Inputs[last].Input)
		}
		r.listed[index] = true
		v.Inputs = append(v.Inputs, edges[index])
	}
	if r.inputs[v] != len(v.Inputs) {
		return fmt.Errorf("%d edges lead to it, but it lists %d", r.inputs[v], len(v.Inputs))
	}
	if (v.Head().Role == Source) != (len(v.Inputs) == 0) {
		return fmt.Errorf("its head is a %s and has %d inputs", v.Head().Role, len(v.Inputs))
	}
	return nil
}
