package graph

import (
	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/runtime/ident"
)

// DescriptionFormat is the version of Description that this code writes and reads.
const DescriptionFormat = 1

// Description is a JobGraph as plain data, for those who have no program: the control plane holds it, sends it and
// stores it. [Describe] and [FromDescription] convert, Encode and [DecodeDescription] turn it into bytes and back.
type Description struct {
	Format int         `json:"format"`
	JobID  ident.JobID `json:"jobId"`
	Name   string      `json:"name"`
	Build  string      `json:"build,omitempty"`
	// Fingerprint is that of the graph; FromDescription refuses a description that does not have it.
	Fingerprint GraphFingerprint    `json:"fingerprint"`
	Vertices    []VertexDescription `json:"vertices"`
	Edges       []EdgeDescription   `json:"edges,omitempty"`
}

// VertexDescription is a JobVertex.
type VertexDescription struct {
	Parallelism    int `json:"parallelism"`
	MaxParallelism int `json:"maxParallelism"`
	// MaxParallelismSet is that of JobVertex.
	MaxParallelismSet bool                  `json:"maxParallelismSet,omitempty"`
	ParallelismLimit  int                   `json:"parallelismLimit,omitempty"`
	SlotSharingGroup  string                `json:"slotSharingGroup"`
	Operators         []OperatorDescription `json:"operators"`
	// Inputs are the indexes of the edges that lead here.
	Inputs []int `json:"inputs,omitempty"`
}

// OperatorDescription is a ChainedOperator.
type OperatorDescription struct {
	ID          ident.OperatorID   `json:"id"`
	Name        string             `json:"name"`
	UID         string             `json:"uid,omitempty"`
	Description string             `json:"description,omitempty"` // empty where it is the name
	Kind        string             `json:"kind"`
	Role        string             `json:"role"`
	Bounded     bool               `json:"bounded,omitempty"`
	Coordinated bool               `json:"coordinated,omitempty"`
	InTypes     []string           `json:"inTypes,omitempty"`
	OutType     string             `json:"outType,omitempty"`
	KeyType     string             `json:"keyType,omitempty"`
	State       []StateDescription `json:"state,omitempty"`
	Lists       []ListDescription  `json:"lists,omitempty"`
	// Chained are the links behind this one in its chain.
	Chained []ChainedDescription `json:"chained,omitempty"`
}

// StateDescription is a snapshot.State without its number.
type StateDescription struct {
	Name      string         `json:"name"`
	Kind      string         `json:"kind"`
	TTLMillis int64          `json:"ttlMillis,omitempty"`
	Key       *schema.Schema `json:"key,omitempty"`
	MapKey    *schema.Schema `json:"mapKey,omitempty"`
	Value     *schema.Schema `json:"value,omitempty"`
}

// ListDescription is a snapshot.List without elements.
type ListDescription struct {
	Name           string         `json:"name"`
	Redistribution string         `json:"redistribution"`
	Key            *schema.Schema `json:"key,omitempty"`
	Element        *schema.Schema `json:"element,omitempty"`
}

// ChainedDescription is a ChainedEdge.
type ChainedDescription struct {
	// To is the position of the link in its vertex.
	To         int    `json:"to"`
	Input      int    `json:"input,omitempty"`
	SideOutput string `json:"sideOutput,omitempty"`
}

// EdgeDescription is a JobEdge; its position in Description.Edges is the edge's index.
type EdgeDescription struct {
	// From and To are positions of vertices, Producer is that of an operator in From.
	From         int    `json:"from"`
	Producer     int    `json:"producer"`
	To           int    `json:"to"`
	Input        int    `json:"input,omitempty"`
	SideOutput   string `json:"sideOutput,omitempty"`
	Partitioning string `json:"partitioning"`
}

// Describe returns the graph as plain data.
func Describe(g *JobGraph) *Description {
	d := &Description{Format: DescriptionFormat, JobID: g.ID, Name: g.Name, Build: g.Build, Fingerprint: Fingerprint(g)}
	vertexAt := make(map[*JobVertex]int, len(g.Vertices))
	operatorAt := map[*ChainedOperator]int{}
	for i, v := range g.Vertices {
		vertexAt[v] = i
		for j, op := range v.Operators {
			operatorAt[op] = j
		}
	}
	for _, v := range g.Vertices {
		described := VertexDescription{
			Parallelism: v.Parallelism, MaxParallelism: v.MaxParallelism, MaxParallelismSet: v.MaxParallelismSet,
			ParallelismLimit: v.ParallelismLimit, SlotSharingGroup: v.SlotSharingGroup,
		}
		for _, op := range v.Operators {
			described.Operators = append(described.Operators, describeOperator(op, operatorAt))
		}
		for _, e := range v.Inputs {
			described.Inputs = append(described.Inputs, e.Index)
		}
		d.Vertices = append(d.Vertices, described)
	}
	for _, e := range g.Edges {
		d.Edges = append(d.Edges, EdgeDescription{
			From: vertexAt[e.From], Producer: operatorAt[e.Producer], To: vertexAt[e.To],
			Input: e.Input, SideOutput: e.SideOutput, Partitioning: e.Partitioning.String(),
		})
	}
	return d
}

func describeOperator(op *ChainedOperator, at map[*ChainedOperator]int) OperatorDescription {
	d := OperatorDescription{
		ID: op.ID, Name: op.Name, UID: op.UID, Kind: op.Kind, Role: op.Role.String(),
		Bounded: op.Bounded, Coordinated: op.Coordinated, InTypes: op.InTypes, OutType: op.OutType, KeyType: op.KeyType,
	}
	if op.Description != op.Name {
		d.Description = op.Description
	}
	for _, s := range op.State {
		d.State = append(d.State, StateDescription{Name: s.Name, Kind: s.Kind, TTLMillis: s.TTLMillis, Key: s.Key, MapKey: s.MapKey, Value: s.Value})
	}
	for _, l := range op.Lists {
		d.Lists = append(d.Lists, ListDescription{Name: l.Name, Redistribution: l.Redistribution.String(), Key: l.Key, Element: l.Element})
	}
	for _, next := range op.Chained {
		d.Chained = append(d.Chained, ChainedDescription{To: at[next.To], Input: next.Input, SideOutput: next.SideOutput})
	}
	return d
}
