package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/weir-stream/weir/api/codec/schema"
)

// GraphFingerprint identifies what a graph does and how. Graphs of the same program, arguments and options have the
// same one.
type GraphFingerprint [16]byte

// String returns 32 hexadecimal digits.
func (f GraphFingerprint) String() string { return hex.EncodeToString(f[:]) }

// MarshalText writes the fingerprint as hex.
func (f GraphFingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (f *GraphFingerprint) UnmarshalText(text []byte) error {
	if len(text) != 2*len(f) {
		return fmt.Errorf("fingerprint %q: want %d hexadecimal digits", text, 2*len(f))
	}
	if _, err := hex.Decode(f[:], text); err != nil {
		return fmt.Errorf("fingerprint %q: %w", text, err)
	}
	return nil
}

// Fingerprint returns the first half of the SHA-256 of all facts of the graph: its vertices with parallelism and
// groups, their operators with ids, names, kinds, types, keys and states, and all connections. The job's id and name
// are no part of it: they are given at submission. A graph and what is rebuilt from its description have the same
// fingerprint.
func Fingerprint(g *JobGraph) GraphFingerprint {
	h := sha256.New()
	write := func(text string) {
		h.Write(strconv.AppendInt(nil, int64(len(text)), 10))
		h.Write([]byte{':'})
		h.Write([]byte(text))
	}
	for _, about := range factsOf(g) {
		write(about.operator)
		write(strconv.Itoa(len(about.facts)))
		for _, f := range about.facts {
			write(f.what)
			write(f.value)
		}
	}
	return GraphFingerprint(h.Sum(nil)[:16])
}

// fact is one thing that a graph says of one of its operators.
type fact struct{ what, value string }

// factSheet has facts about one operator.
type factSheet struct {
	operator string
	facts    []fact
}

func (s *factSheet) add(what string, value ...any) {
	s.facts = append(s.facts, fact{what, strings.TrimSuffix(fmt.Sprintln(value...), "\n")})
}

// factsOf lists all that makes up a graph in the order of its vertices: first what each operator is, what its id
// follows from before its id, so that Diff finds where a difference begins; then how they are connected.
func factsOf(g *JobGraph) []factSheet {
	var are, connected []factSheet
	place := map[*ChainedOperator]string{}
	for i, v := range g.Vertices {
		for j, op := range v.Operators {
			place[op] = fmt.Sprintf("%s (operator %d of vertex %d)", op.Name, j, i)
			is := factSheet{operator: op.Name}
			is.addOperator(v, op)
			are = append(are, is)
		}
	}
	for _, v := range g.Vertices {
		for _, op := range v.Operators {
			sheet := factSheet{operator: op.Name}
			sheet.addConnections(v, op, place)
			connected = append(connected, sheet)
		}
	}
	return append(are, connected...)
}

func (s *factSheet) addOperator(v *JobVertex, op *ChainedOperator) {
	s.add("uid", op.UID)
	s.add("kind", op.Kind)
	s.add("role", op.Role)
	s.add("boundedness", op.Bounded)
	s.add("coordinator", op.Coordinated)
	for i, t := range op.InTypes {
		s.add("type of input "+strconv.Itoa(i), t)
	}
	s.add("output type", op.OutType)
	s.add("key type", op.KeyType)
	for _, declared := range op.State {
		s.add("state", declared.Name)
		s.add("kind of state "+declared.Name, declared.Kind)
		s.add("TTL of state "+declared.Name, declared.TTLMillis)
		s.add("schema of state "+declared.Name, schemaFact(declared.Value))
		s.add("schema of the map keys of state "+declared.Name, schemaFact(declared.MapKey))
		s.add("schema of the keys of state "+declared.Name, schemaFact(declared.Key))
	}
	for _, list := range op.Lists {
		s.add("operator state", list.Name)
		s.add("redistribution of operator state "+list.Name, list.Redistribution)
		s.add("schema of operator state "+list.Name, schemaFact(list.Element))
		s.add("schema of the keys of operator state "+list.Name, schemaFact(list.Key))
	}
	s.add("parallelism", v.Parallelism)
	s.add("max parallelism", v.MaxParallelism)
	s.add("choice of max parallelism", v.MaxParallelismSet)
	if v.ParallelismLimit > 0 {
		s.add("limit of parallelism", v.ParallelismLimit)
	}
	s.add("slot sharing group", v.SlotSharingGroup)
	s.add("id", op.ID)
}

func (s *factSheet) addConnections(v *JobVertex, op *ChainedOperator, place map[*ChainedOperator]string) {
	s.add("place", place[op])
	for _, c := range op.Chained {
		s.add("chained operator", place[c.To]+detail(c.Input, c.SideOutput))
	}
	for _, e := range op.Edges {
		s.add("output edge", e.Index, e.Partitioning, "to", place[e.To.Head()]+detail(e.Input, e.SideOutput))
	}
	if op == v.Head() {
		for _, e := range v.Inputs {
			s.add("input edge", e.Index)
		}
	}
}

// detail says of an edge what is not plain.
func detail(input int, sideOutput string) string {
	var text string
	if input > 0 {
		text += fmt.Sprintf(", input %d", input)
	}
	if sideOutput != "" {
		text += fmt.Sprintf(", side output %s", sideOutput)
	}
	return text
}

// schemaFact shows a schema as a reader would write it, with its fingerprint, which tells all schemas apart.
func schemaFact(s *schema.Schema) string {
	if s == nil {
		return ""
	}
	return s.String() + " " + s.Fingerprint().String()
}
