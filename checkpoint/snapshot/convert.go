package snapshot

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/state/keygroup"
)

// Schema returns the state's description as metadata has it.
func (s State) Schema() (*StateSchema, error) {
	made := &StateSchema{Number: uint32(s.Number), Name: s.Name, Kind: s.Kind, TtlMillis: s.TTLMillis}
	for _, c := range []struct {
		from *schema.Schema
		to   *[]byte
	}{{s.Key, &made.Key}, {s.MapKey, &made.MapKey}, {s.Value, &made.Value}} {
		if err := marshalSchema(c.from, c.to); err != nil {
			return nil, fmt.Errorf("state %q: %w", s.Name, err)
		}
	}
	return made, nil
}

func marshalSchema(from *schema.Schema, to *[]byte) (err error) {
	if from != nil {
		*to, err = from.MarshalBinary()
	}
	return err
}

// State returns the state that is described.
func (s *StateSchema) State() (State, error) {
	made := State{Number: uint16(s.Number), Name: s.Name, Kind: s.Kind, TTLMillis: s.TtlMillis}
	for _, c := range []struct {
		from []byte
		to   **schema.Schema
	}{{s.Key, &made.Key}, {s.MapKey, &made.MapKey}, {s.Value, &made.Value}} {
		var err error
		if *c.to, err = parseSchema(c.from); err != nil {
			return State{}, fmt.Errorf("state %q: %w", s.Name, err)
		}
	}
	return made, nil
}

// ListSchemas returns the descriptions of operator states as metadata has them.
func ListSchemas(lists []List) ([]*ListSchema, error) {
	made := make([]*ListSchema, len(lists))
	for i, l := range lists {
		made[i] = &ListSchema{Name: l.Name, Kind: ListKind(l.Redistribution) + ListKind_SPLIT_DISTRIBUTE}
		if err := marshalSchema(l.Key, &made[i].Key); err != nil {
			return nil, fmt.Errorf("operator state %q: %w", l.Name, err)
		}
		if err := marshalSchema(l.Element, &made[i].Element); err != nil {
			return nil, fmt.Errorf("operator state %q: %w", l.Name, err)
		}
	}
	return made, nil
}

// ListParts returns the elements of operator states, inline.
func ListParts(lists []List) []*ListPart {
	parts := make([]*ListPart, len(lists))
	for i, l := range lists {
		parts[i] = &ListPart{List: uint32(i), Count: uint32(len(l.Elements)), Elements: Inline(AppendElements(nil, l.Elements))}
	}
	return parts
}

// Inline returns a reference that has the bytes themselves.
func Inline(data []byte) *FileRef { return &FileRef{Length: uint64(len(data)), Inline: data} }

// KeepInline is an Upload that keeps every byte in the snapshot itself.
func KeepInline(ctx context.Context, content storage.Source) (*FileRef, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	opened, err := content.Open()
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	data := make([]byte, opened.Size())
	if _, err := io.ReadFull(opened.Section(0, opened.Size()), data); err != nil {
		return nil, fmt.Errorf("read %s: %w", content, err)
	}
	return Inline(data), nil
}

// Pack returns the state of a subtask as metadata has it, and what describes it: the keyed states, their numbers ascending, and
// the lists. Each chain is a part.
func (o *Operator) Pack(subtask int32) (*SubtaskState, []*StateSchema, []*ListSchema, error) {
	packed := &SubtaskState{Subtask: subtask, Lists: ListParts(o.Lists)}
	for i, chain := range o.Chains {
		part := &KeyedPart{Part: uint32(i), FirstGroup: uint32(chain.Groups.First), LastGroup: uint32(chain.Groups.Last)}
		for _, t := range chain.Tables {
			part.Tables = append(part.Tables, &Table{
				File: t.Ref, FirstGroup: uint32(t.Groups.First), LastGroup: uint32(t.Groups.Last), Entries: t.Entries, Changes: t.Changes,
			})
		}
		packed.Parts = append(packed.Parts, part)
	}
	states := make([]*StateSchema, len(o.States))
	for i, st := range o.States {
		var err error
		if states[i], err = st.Schema(); err != nil {
			return nil, nil, nil, err
		}
	}
	lists, err := ListSchemas(o.Lists)
	return packed, states, lists, err
}

// Read returns the bytes of a reference.
type Read func(*FileRef) ([]byte, error)

// Fetch makes a local file with the bytes of a reference that are not inline, and returns its path.
type Fetch func(*FileRef) (path string, err error)

// Local returns a table of metadata as one that can be read here.
func (t *Table) Local(fetch Fetch) (LocalTable, error) {
	made := LocalTable{Ref: t.File, Groups: t.groups(), Changes: t.Changes, Entries: t.Entries}
	if t.File.GetName() == "" {
		return made, nil
	}
	var err error
	made.Path, err = fetch(t.File)
	return made, err
}

// Local returns what a new subtask reads of a former one's part.
func (k KeyedShare) Local(fetch Fetch) (Chain, error) {
	chain := Chain{Groups: k.Groups, Whole: k.Whole}
	for _, t := range k.Tables {
		local, err := t.Local(fetch)
		if err != nil {
			return Chain{}, err
		}
		chain.Tables = append(chain.Tables, local)
	}
	return chain, nil
}

// RefuseFiles is a Fetch for snapshots that have everything inline.
func RefuseFiles(f *FileRef) (string, error) { return "", fmt.Errorf("file %q is not inline", f.Name) }

// Unpack turns a subtask's state back into an Operator that has all of it, whose chains nobody carries on.
func (op *OperatorState) Unpack(s *SubtaskState, read Read, fetch Fetch) (*Operator, error) {
	made := &Operator{Groups: keygroup.RangeOf(int(op.MaxParallelism), int(op.Parallelism), int(s.Subtask))}
	for _, schema := range op.States {
		st, err := schema.State()
		if err != nil {
			return nil, err
		}
		made.States = append(made.States, st)
	}
	for _, p := range s.Parts {
		share := KeyedShare{Subtask: s.Subtask, Part: p.Part, Groups: keygroup.Range{First: uint16(p.FirstGroup), Last: uint16(p.LastGroup)}, Tables: p.Tables}
		chain, err := share.Local(fetch)
		if err != nil {
			return nil, fmt.Errorf("operator %q, subtask %d: %w", op.Name, s.Subtask, err)
		}
		made.Chains = append(made.Chains, chain)
	}
	for _, part := range s.Lists {
		list, err := op.unpackList(part, read)
		if err != nil {
			return nil, err
		}
		made.Lists = append(made.Lists, list)
	}
	return made, nil
}

func (op *OperatorState) unpackList(part *ListPart, read Read) (list List, err error) {
	if list, err = op.Lists[part.List].List(); err != nil {
		return list, err
	}
	if part.Elements == nil {
		return list, nil
	}
	data, err := read(part.Elements)
	if err != nil {
		return list, err
	}
	list.Elements, err = ParseElements(data, int(part.Count))
	return list, err
}

// ReadInline is a Read for snapshots that have everything inline.
func ReadInline(f *FileRef) ([]byte, error) {
	if f.GetName() != "" {
		return nil, fmt.Errorf("file %q is not inline", f.Name)
	}
	return slices.Clone(f.GetInline()), nil
}
