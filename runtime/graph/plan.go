package graph

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// PlanJSON returns the plan in the form in which Flink's REST API serves it (jobs/:jobid/plan): an object with the one
// key "plan". Nodes are vertices, sinks first.
func PlanJSON(g *JobGraph) []byte {
	return encodePlan(struct {
		Plan jsonPlan `json:"plan"`
	}{planOf(g)})
}

// PlanObject is the object inside PlanJSON, as it is part of the answer to jobs/:jobid.
func PlanObject(g *JobGraph) []byte { return encodePlan(planOf(g)) }

func encodePlan(plan any) []byte {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false) // as Flink: "<br/>" stands as it is
	if err := encoder.Encode(plan); err != nil {
		panic(err) // strings and numbers always encode
	}
	return bytes.TrimSuffix(encoded.Bytes(), []byte("\n"))
}

type jsonPlan struct {
	JobID string     `json:"jid"`
	Name  string     `json:"name"`
	Type  string     `json:"type"`
	Nodes []planNode `json:"nodes"`
}

type planNode struct {
	ID                  string      `json:"id"`
	Operator            string      `json:"operator"`
	Parallelism         int         `json:"parallelism"`
	OperatorStrategy    string      `json:"operator_strategy"`
	Description         string      `json:"description"`
	OptimizerProperties struct{}    `json:"optimizer_properties"`
	Inputs              []planInput `json:"inputs,omitempty"`
}

type planInput struct {
	ID           string `json:"id"`
	Number       int    `json:"num"`
	Exchange     string `json:"exchange"`
	ShipStrategy string `json:"ship_strategy"`
}

func planOf(g *JobGraph) jsonPlan {
	plan := jsonPlan{JobID: g.ID.String(), Name: g.Name, Type: "STREAMING", Nodes: []planNode{}}
	for _, v := range planOrder(g) {
		node := planNode{ID: v.ID.String(), Parallelism: v.Parallelism, Description: planDescription(v)}
		for number, e := range v.Inputs {
			node.Inputs = append(node.Inputs, planInput{
				ID: e.From.ID.String(), Number: number, Exchange: "pipelined_bounded", ShipStrategy: e.Partitioning.String(),
			})
		}
		plan.Nodes = append(plan.Nodes, node)
	}
	return plan
}

// planOrder lists vertices as Flink's generator makes them: depth first from each source, a vertex after all that it
// feeds.
func planOrder(g *JobGraph) []*JobVertex {
	order := make([]*JobVertex, 0, len(g.Vertices))
	visited := map[*JobVertex]bool{}
	var visit func(v *JobVertex)
	var follow func(op *ChainedOperator)
	visit = func(v *JobVertex) {
		if !visited[v] {
			visited[v] = true
			follow(v.Head())
			order = append(order, v)
		}
	}
	follow = func(op *ChainedOperator) {
		for _, next := range op.Chained {
			follow(next.To)
		}
		for _, e := range op.Edges {
			visit(e.To)
		}
	}
	for _, v := range g.Vertices {
		visit(v)
	}
	return order
}

// htmlText escapes what Flink escapes in descriptions, which its dashboard shows as HTML.
var htmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", `\`, "&#92;", "\n", "<br/>")

// planDescription is the chain's tree as HTML, every line ended by <br/>.
func planDescription(v *JobVertex) string {
	return htmlText.Replace(strings.Join(append(slices.Clip(chainTree(v.Head())), ""), "\n"))
}
