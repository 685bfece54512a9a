package snapshot

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/state/keygroup"
)

// Target is an operator of the program that is to go on from a snapshot.
type Target struct {
	ID                          ident.OperatorID
	UID, Name                   string
	Parallelism, MaxParallelism int
	// MaxParallelismSet says that the user has set it; otherwise that of the snapshot is taken.
	MaxParallelismSet bool
	// States are the keyed states and Lists those without keys, as far as they are known before the program runs; Number and elements do not
	// count.
	States []State
	Lists  []List
}

// Plan is how a program takes up a snapshot.
type Plan struct {
	// Operators has, for each target in order, its state in the snapshot, nil if there is none.
	Operators []*OperatorState
	// MaxParallelism is what each target must have.
	MaxParallelism []int
	// Dropped are operators of the snapshot whose state is left behind, as was allowed.
	Dropped []*OperatorState
}

// Check reports, before anything is stopped or started, whether a program can go on from a snapshot. Its error joins all that
// is in the way, each a sentence for the user. AllowNonRestored lets state behind whose operator the program does not have
// (execution.state-recovery.ignore-unclaimed-state).
func Check(m *Metadata, program []Target, allowNonRestored bool) (*Plan, error) {
	plan, problems := &Plan{}, []error(nil)
	byID := map[ident.OperatorID]*OperatorState{}
	for _, op := range m.Operators {
		byID[ident.OperatorID(op.Id)] = op
	}
	for _, target := range program {
		op := byID[target.ID]
		delete(byID, target.ID)
		maxParallelism := target.MaxParallelism
		if op != nil {
			var err error
			maxParallelism, err = target.settle(op)
			problems = append(problems, err, target.checkStates(op))
		}
		plan.Operators = append(plan.Operators, op)
		plan.MaxParallelism = append(plan.MaxParallelism, maxParallelism)
	}
	for _, op := range m.Operators {
		if byID[ident.OperatorID(op.Id)] == nil || op.stateless() {
			continue
		}
		plan.Dropped = append(plan.Dropped, op)
		if !allowNonRestored {
			problems = append(problems, leftOver(op, program, plan))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return plan, nil
}

// settle returns the max parallelism that the operator must have.
func (t Target) settle(op *OperatorState) (int, error) {
	before := int(op.MaxParallelism)
	switch {
	case before == t.MaxParallelism || !op.Keyed():
		return t.MaxParallelism, nil
	case t.MaxParallelismSet:
		return 0, fmt.Errorf("operator %q: its max parallelism was %d in the snapshot and is set to %d now; keyed state cannot be moved to another: set it to %d again",
			t.Name, before, t.MaxParallelism, before)
	}
	if err := keygroup.CheckMaxParallelism(before, t.Parallelism); err != nil {
		return 0, fmt.Errorf("operator %q: the snapshot fixes its max parallelism: %w", t.Name, err)
	}
	return before, nil
}

// checkStates compares the types of the states that both have.
func (t Target) checkStates(op *OperatorState) error {
	var problems []error
	for _, old := range op.States {
		at := slices.IndexFunc(t.States, func(s State) bool { return s.Name == old.Name })
		if at < 0 {
			continue
		}
		if err := compatible(old, t.States[at]); err != nil {
			problems = append(problems, fmt.Errorf("operator %q, state %q: %w", t.Name, old.Name, err))
		}
	}
	for _, old := range op.Lists {
		at := slices.IndexFunc(t.Lists, func(l List) bool { return l.Name == old.Name })
		if at < 0 {
			continue
		}
		if err := compatibleLists(old, t.Lists[at]); err != nil {
			problems = append(problems, fmt.Errorf("operator %q, state %q: %w", t.Name, old.Name, err))
		}
	}
	return errors.Join(problems...)
}

func compatibleLists(old *ListSchema, today List) error {
	before, err := old.List()
	if err != nil {
		return err
	}
	if before.Redistribution != today.Redistribution {
		return fmt.Errorf("it was redistributed as %s and is now as %s: give the new one another name", before.Redistribution, today.Redistribution)
	}
	return errors.Join(compatibleSchemas("keys", before.Key, today.Key), compatibleSchemas("elements", before.Element, today.Element))
}

func compatible(old *StateSchema, today State) error {
	before, err := old.State()
	if err != nil {
		return err
	}
	if before.Kind != today.Kind {
		return fmt.Errorf("it was %s and is now %s: give the new one another name", before.Kind, today.Kind)
	}
	return cmp.Or(compatibleSchemas("keys", before.Key, today.Key), compatibleSchemas("keys of its maps", before.MapKey, today.MapKey),
		compatibleSchemas("values", before.Value, today.Value))
}

// compatibleSchemas compares what is known on both sides.
func compatibleSchemas(what string, old, today *schema.Schema) error {
	if old == nil || today == nil {
		return nil
	}
	if _, err := schema.Compatible(old, today); err != nil {
		return fmt.Errorf("its %s were %s and are now %s: %w", what, old, today, err)
	}
	return nil
}

func (op *OperatorState) stateless() bool {
	if op.Coordinator != nil {
		return false
	}
	for _, s := range op.Subtasks {
		if len(s.Parts)+len(s.Lists)+len(s.Inputs)+len(s.Outputs) > 0 {
			return false
		}
	}
	return true
}

// leftOver says that the program lacks an operator, with those that may be the same one under another id.
func leftOver(op *OperatorState, program []Target, plan *Plan) error {
	var alike []string
	for i, t := range program {
		if plan.Operators[i] == nil && t.Name == op.Name {
			alike = append(alike, fmt.Sprintf("%q (%s)", t.Name, t.ID))
		}
	}
	hint := ""
	if len(alike) > 0 {
		hint = fmt.Sprintf("; the program has %s of that name without state: has its place changed? Give it the UID that it had", strings.Join(alike, " and "))
	}
	uid := ""
	if op.Uid != "" {
		uid = fmt.Sprintf(", UID %q", op.Uid)
	}
	return fmt.Errorf("the snapshot has state of operator %q (%x%s), which the program does not have%s; to leave that state behind, use --allowNonRestoredState",
		op.Name, op.Id, uid, hint)
}
