package snapshot

import (
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/state/keygroup"
)

// entry is where an entry of a model's state lies: which table of which subtask has the newest one of a key group.
type cell struct {
	subtask int32
	part    uint32
	file    string
}

// randomOperator makes an operator with a random chain of tables in each part.
func randomOperator(random *rand.Rand, parallelism, maxParallelism int) *OperatorState {
	op := &OperatorState{Id: id("op"), Name: "op", Parallelism: int32(parallelism), MaxParallelism: int32(maxParallelism), Lists: []*ListSchema{
		{Name: "split", Kind: ListKind_SPLIT_DISTRIBUTE}, {Name: "union", Kind: ListKind_UNION}, {Name: "broadcast", Kind: ListKind_BROADCAST},
	}}
	for i := range parallelism {
		groups := keygroup.RangeOf(maxParallelism, parallelism, i)
		s := &SubtaskState{Subtask: int32(i)}
		for part := range uint32(2) {
			p := &KeyedPart{Part: part, FirstGroup: uint32(groups.First), LastGroup: uint32(groups.Last)}
			for n := range random.Intn(4) {
				first := int(groups.First) + random.Intn(groups.Size())
				last := first + random.Intn(int(groups.Last)-first+1)
				p.Tables = append(p.Tables, &Table{File: named("", fmt.Sprintf("shared/%d-%d-%d", i, part, n)), FirstGroup: uint32(first), LastGroup: uint32(last), Changes: true})
			}
			s.Parts = append(s.Parts, p)
		}
		for list := range uint32(3) {
			elements := make([][]byte, 1)
			if list < 2 {
				elements = make([][]byte, random.Intn(5))
			}
			for e := range elements {
				elements[e] = fmt.Append(nil, i, ".", e)
			}
			s.Lists = append(s.Lists, &ListPart{List: list, Count: uint32(len(elements)), Elements: Inline(AppendElements(nil, elements))})
		}
		op.Subtasks = append(op.Subtasks, s)
	}
	return op
}

// elements reads the elements of a share.
// TestStateIsDealtOutWhole compares what new subtasks read, group by group and element by element, with what the former ones had.
func TestStateIsDealtOutWhole(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for range 300 {
		maxParallelism := 1 + random.Intn(20)
		before, after := 1+random.Intn(maxParallelism), 1+random.Intn(maxParallelism)
		op := randomOperator(random, before, maxParallelism)
		if err := (&Metadata{Checkpoint: 1, Job: id("job"), Kind: Kind_CHECKPOINT, Operators: []*OperatorState{op}}).Validate(); err != nil {
			t.Fatal(err)
		}
		shares, err := Assign(op, after, maxParallelism)
		if err != nil {
			t.Fatal(err)
		}
		for group := range uint16(maxParallelism) {
			var had, have []cell
			for _, s := range op.Subtasks {
				for _, p := range s.Parts {
					for _, table := range p.Tables {
						if table.groups().Contains(group) {
							had = append(had, cell{s.Subtask, p.Part, table.File.Name})
						}
					}
				}
			}
			for i, share := range shares {
				for _, k := range share.Keyed {
					for _, table := range k.Tables {
						if !table.groups().Contains(group) {
							continue
						}
						if keygroup.SubtaskOf(group, after, maxParallelism) != i {
							t.Fatalf("subtask %d reads group %d of another", i, group)
						}
						have = append(have, cell{k.Subtask, k.Part, table.File.Name})
					}
				}
			}
			if !slices.Equal(had, have) {
				t.Fatalf("%d to %d of %d: group %d: %v, had %v", before, after, maxParallelism, group, have, had)
			}
		}
	}
}

func TestAssignRefuses(t *testing.T) {
	op := sample().Operators[0]
	if _, err := Assign(op, 2, 128); err == nil || !strings.Contains(err.Error(), "in flight") {
		t.Errorf("records in flight: %v", err)
	}
	op.Subtasks[0].Inputs, op.Subtasks[0].Outputs = nil, nil
	if _, err := Assign(op, 2, 64); err == nil || !strings.Contains(err.Error(), "was 128 and is now 64") {
		t.Errorf("another max parallelism: %v", err)
	}
	shares, err := Assign(op, 2, 128)
	if err != nil || !shares[0].Keyed[0].Whole || len(shares[1].Keyed) != 0 {
		t.Errorf("%+v, %v", shares, err)
	}
	if shares, _ = Assign(op, 4, 128); shares[0].Keyed[0].Whole || len(shares[0].Keyed[0].Tables) != 2 {
		t.Errorf("%+v", shares[0].Keyed)
	}
}

func TestCheck(t *testing.T) {
	count := Target{ID: ident.Derive("count"), Name: "Count", Parallelism: 4, MaxParallelism: 256}
	with := func(change func(*Target)) []Target { c := count; change(&c); return []Target{c} }
	for name, c := range map[string]struct {
		program []Target
		allow   bool
		message string
	}{
		"fits":           {with(func(*Target) {}), false, ""},
		"new operator":   {append(with(func(*Target) {}), Target{ID: ident.Derive("new"), Name: "New", Parallelism: 1, MaxParallelism: 1}), false, ""},
		"set and other":  {with(func(c *Target) { c.MaxParallelismSet = true }), false, `"Count": its max parallelism was 128 in the snapshot and is set to 256`},
		"too many":       {with(func(c *Target) { c.Parallelism = 200 }), false, "parallelism 200 is higher than max parallelism 128"},
		"gone":           {nil, false, `has state of operator "Count"`},
		"gone and allow": {nil, true, ""},
		"moved":          {with(func(c *Target) { c.ID = ident.Derive("x") }), false, "Give it the UID that it had"},
		"another kind":   {with(func(c *Target) { c.States = []State{{Name: "sum", Kind: "ListState"}} }), false, `operator "Count", state "sum": it was ValueState and is now ListState`},
		"another type": {with(func(c *Target) {
			c.States = []State{{Name: "sum", Kind: "ValueState", Value: schema.Custom("text", 1)}}
		}), false, `operator "Count", state "sum": its values were`},
		"same type": {with(func(c *Target) {
			c.States = []State{{Name: "sum", Kind: "ValueState", Value: schema.Custom("number", 1)}, {Name: "new"}}
		}), false, ""},
	} {
		plan, err := Check(sample(), c.program, c.allow)
		if (err == nil) != (c.message == "") || err != nil && !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && len(c.program) > 0 && (plan.MaxParallelism[0] != 128 || plan.Operators[0].GetName() != "Count" || len(plan.Dropped) != 0) {
			t.Errorf("%s: %+v", name, plan)
		}
		if err == nil && len(c.program) == 0 && (len(plan.Dropped) != 1 || plan.Dropped[0].Name != "Count") {
			t.Errorf("%s: %+v", name, plan)
		}
	}
}

func TestOperatorsComeBack(t *testing.T) {
	number := schema.Custom("number", 1)
	before := &Operator{
		Groups: keygroup.RangeOf(128, 2, 1),
		States: []State{{Number: 2, Name: "sum", Kind: "ValueState", Key: number, Value: number, TTLMillis: 7}, {Number: 3, Name: "timers", Kind: "timers"}},
		Chains: []Chain{{Groups: keygroup.RangeOf(128, 2, 1), Tables: []LocalTable{
			{Ref: Inline([]byte("table")), Groups: keygroup.RangeOf(128, 2, 1), Entries: 7},
			{Ref: Inline([]byte("other")), Groups: keygroup.Range{First: 70, Last: 71}, Changes: true},
		}}},
		Lists: []List{{Name: "l", Redistribution: Union, Element: number, Elements: [][]byte{{1}, {}, {2, 3}}},
			{Name: "b", Redistribution: Broadcast, Key: number, Element: number}},
	}
	packed, states, lists, err := before.Pack(1)
	if err != nil {
		t.Fatal(err)
	}
	op := &OperatorState{Id: id("op"), Parallelism: 2, MaxParallelism: 128, States: states, Lists: lists, Subtasks: []*SubtaskState{packed}}
	data, err := Encode(&Metadata{Checkpoint: 1, Job: id("job"), Kind: Kind_SAVEPOINT, Operators: []*OperatorState{op}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := Decode("p", data)
	if err != nil {
		t.Fatal(err)
	}
	after, err := m.Operators[0].Unpack(m.Operators[0].Subtasks[0], ReadInline, RefuseFiles)
	if err != nil || fmt.Sprintf("%+v", after) != fmt.Sprintf("%+v", before) {
		t.Errorf("%v:\n%+v, want\n%+v", err, after, before)
	}
	packed.Parts[0].Tables[1].File = &FileRef{Name: "shared/f", Length: 5}
	if _, err := op.Unpack(packed, ReadInline, RefuseFiles); err == nil || !strings.Contains(err.Error(), "shared/f") {
		t.Errorf("a file that nobody fetches: %v", err)
	}
	after, err = op.Unpack(packed, ReadInline, func(f *FileRef) (string, error) { return "here/" + f.Name, nil })
	if err != nil || after.Chains[0].Tables[0].Path != "" || after.Chains[0].Tables[1].Path != "here/shared/f" {
		t.Errorf("%v: %+v", err, after)
	}
}

func TestVerify(t *testing.T) {
	data := []byte("bytes of a table")
	sum := CRC32C(data)
	ref := &FileRef{Name: "f", Length: uint64(len(data)), Crc32C: &sum}
	if err := ref.Verify("s3://f", data); err != nil {
		t.Error(err)
	}
	data[3] ^= 1
	var damaged *DamagedError
	if err := ref.Verify("s3://f", data); !errors.As(err, &damaged) || damaged.Path != "s3://f" {
		t.Errorf("%v", err)
	}
	if err := ref.Verify("s3://f", data[1:]); !IsDamaged(err) {
		t.Errorf("%v", err)
	}
	ref.Crc32C, ref.Sha256 = nil, make([]byte, 32)
	if err := ref.Verify("s3://f", data); !IsDamaged(err) {
		t.Errorf("%v", err)
	}
}
