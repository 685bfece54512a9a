package snapshot

import (
	"fmt"
	"io/fs"
	"math"
	"strings"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/state/keygroup"
)

const idSize = len(ident.ID{})

// maxName is the length that a file's name and a root may have.
const maxName = 4096

// Validate reports what is impossible in a snapshot. It looks at every field but not at the files that are named.
func (m *Metadata) Validate() error {
	switch {
	case m.GetCheckpoint() == 0:
		return fmt.Errorf("it has no checkpoint id")
	case len(m.Job) != idSize:
		return fmt.Errorf("its job id has %d bytes", len(m.Job))
	case m.Kind < Kind_CHECKPOINT || m.Kind > Kind_SAVEPOINT:
		return fmt.Errorf("it is of unknown kind %d", m.Kind)
	}
	seen := map[string]bool{}
	for i, op := range m.Operators {
		if len(op.GetId()) != idSize {
			return fmt.Errorf("the id of operator %d has %d bytes", i, len(op.GetId()))
		}
		if seen[string(op.Id)] {
			return fmt.Errorf("operator %q (%x) is there twice", op.Name, op.Id)
		}
		seen[string(op.Id)] = true
		v := validator{op, m.Kind == Kind_SAVEPOINT}
		if err := v.operator(); err != nil {
			return fmt.Errorf("operator %q (%x): %w", op.Name, op.Id, err)
		}
	}
	return nil
}

// validator looks at one operator.
type validator struct {
	*OperatorState
	// selfContained forbids roots.
	selfContained bool
}

func (v validator) operator() error {
	if err := keygroup.CheckMaxParallelism(int(v.MaxParallelism), int(v.Parallelism)); err != nil {
		return err
	}
	if err := v.schemas(); err != nil {
		return err
	}
	if err := v.file(v.Coordinator); v.Coordinator != nil && err != nil {
		return fmt.Errorf("state of the coordinator: %w", err)
	}
	last := int32(-1)
	for _, s := range v.Subtasks {
		if s.GetSubtask() <= last || s.GetSubtask() >= v.Parallelism {
			return fmt.Errorf("subtask %d of %d follows subtask %d", s.GetSubtask(), v.Parallelism, last)
		}
		last = s.Subtask
		if err := v.subtask(s); err != nil {
			return fmt.Errorf("subtask %d: %w", s.Subtask, err)
		}
	}
	return nil
}

func (v validator) schemas() error {
	names, last := map[string]bool{}, -1
	for _, st := range v.States {
		if int(st.GetNumber()) <= last || st.GetNumber() > math.MaxUint16 {
			return fmt.Errorf("state %q has number %d and follows %d", st.GetName(), st.GetNumber(), last)
		}
		last = int(st.Number)
		if names[st.Name] {
			return fmt.Errorf("state %q is there twice", st.Name)
		}
		names[st.Name] = true
		if st.TtlMillis < 0 {
			return fmt.Errorf("state %q lives %d ms", st.Name, st.TtlMillis)
		}
		if err := checkSchemas(st.Key, st.MapKey, st.Value); err != nil {
			return fmt.Errorf("state %q: %w", st.Name, err)
		}
	}
	clear(names)
	for _, list := range v.Lists {
		if names[list.GetName()] {
			return fmt.Errorf("operator state %q is there twice", list.GetName())
		}
		names[list.GetName()] = true
		if list.GetKind() < ListKind_SPLIT_DISTRIBUTE || list.GetKind() > ListKind_BROADCAST {
			return fmt.Errorf("operator state %q is of unknown kind %d", list.GetName(), list.GetKind())
		}
		if err := checkSchemas(list.Key, list.Element); err != nil {
			return fmt.Errorf("operator state %q: %w", list.Name, err)
		}
	}
	return nil
}

func checkSchemas(all ...[]byte) error {
	for _, s := range all {
		if _, err := parseSchema(s); err != nil {
			return err
		}
	}
	return nil
}

func parseSchema(binary []byte) (*schema.Schema, error) {
	if len(binary) == 0 {
		return nil, nil
	}
	return schema.ParseBinary(binary)
}

func (v validator) subtask(s *SubtaskState) error {
	if s.Finished && len(s.Parts)+len(s.Lists)+len(s.Inputs)+len(s.Outputs) > 0 {
		return fmt.Errorf("it has finished and has state all the same")
	}
	own := keygroup.RangeOf(int(v.MaxParallelism), int(v.Parallelism), int(s.Subtask))
	parts := map[uint32]bool{}
	for _, p := range s.Parts {
		if parts[p.GetPart()] {
			return fmt.Errorf("part %d is there twice", p.GetPart())
		}
		parts[p.GetPart()] = true
		if err := v.part(p, own); err != nil {
			return fmt.Errorf("part %d: %w", p.GetPart(), err)
		}
	}
	lists := map[uint32]bool{}
	for _, l := range s.Lists {
		if int64(l.GetList()) >= int64(len(v.Lists)) || lists[l.GetList()] {
			return fmt.Errorf("operator state %d of %d is unknown or there twice", l.GetList(), len(v.Lists))
		}
		lists[l.GetList()] = true
		if err := v.list(l); err != nil {
			return fmt.Errorf("operator state %q: %w", v.Lists[l.List].Name, err)
		}
	}
	for _, channels := range [][]*ChannelState{s.Inputs, s.Outputs} {
		if err := v.channels(channels); err != nil {
			return err
		}
	}
	return nil
}

func (v validator) part(p *KeyedPart, own keygroup.Range) error {
	groups, err := rangeWithin(p.GetFirstGroup(), p.GetLastGroup(), own)
	if err != nil {
		return err
	}
	for i, t := range p.Tables {
		covered, err := rangeWithin(t.GetFirstGroup(), t.GetLastGroup(), groups)
		if err != nil {
			return fmt.Errorf("table %d: %w", i, err)
		}
		if err := v.file(t.GetFile()); err != nil {
			return fmt.Errorf("table %d: %w", i, err)
		}
		if t.Changes {
			continue
		}
		for j, earlier := range p.Tables[:i] {
			if _, both := covered.Intersect(earlier.groups()); both {
				return fmt.Errorf("table %d has all entries of key groups %v, but table %d before it has some too", i, covered, j)
			}
		}
	}
	return nil
}

func rangeWithin(first, last uint32, outer keygroup.Range) (keygroup.Range, error) {
	if first > last || first < uint32(outer.First) || last > uint32(outer.Last) {
		return keygroup.Range{}, fmt.Errorf("key groups %d-%d are not within %v", first, last, outer)
	}
	return keygroup.Range{First: uint16(first), Last: uint16(last)}, nil
}

// list checks the number of elements against the bytes: every element takes at least its length's one byte.
func (v validator) list(l *ListPart) error {
	if l.Elements == nil {
		if l.Count > 0 {
			return fmt.Errorf("its %d elements are missing", l.Count)
		}
		return nil
	}
	if err := v.file(l.Elements); err != nil {
		return err
	}
	if uint64(l.Count) > l.Elements.Length {
		return fmt.Errorf("%d elements cannot be in %d bytes", l.Count, l.Elements.Length)
	}
	if l.Elements.Name == "" {
		_, err := ParseElements(l.Elements.Inline, int(l.Count))
		return err
	}
	return nil
}

func (v validator) channels(all []*ChannelState) error {
	for _, c := range all {
		if c.GetEdge() < 0 || c.GetChannel() < 0 {
			return fmt.Errorf("records in flight of edge %d, channel %d", c.GetEdge(), c.GetChannel())
		}
		for _, f := range c.Records {
			if err := v.file(f); err != nil {
				return fmt.Errorf("records in flight of edge %d, channel %d: %w", c.Edge, c.Channel, err)
			}
		}
	}
	return nil
}

func (v validator) file(f *FileRef) error {
	if err := f.Validate(); err != nil {
		return err
	}
	if v.selfContained && f.Root != "" {
		return fmt.Errorf("file %q of the savepoint lies outside its folder, in %q", f.Name, f.Root)
	}
	return nil
}

// Validate reports what is impossible in a reference, above all a name that leads out of its folder.
func (f *FileRef) Validate() error {
	if f == nil {
		return fmt.Errorf("the reference to its bytes is missing")
	}
	if f.Name == "" {
		if f.Root != "" || f.Offset != 0 || f.Crc32C != nil || len(f.Sha256) > 0 || f.Length != uint64(len(f.Inline)) {
			return fmt.Errorf("%d bytes of a file are named, but not the file", f.Length)
		}
		return nil
	}
	if err := checkFile(File{f.Root, f.Name}); err != nil {
		return err
	}
	switch {
	case len(f.Inline) > 0:
		return fmt.Errorf("file %q is named and its bytes are there too", f.Name)
	case f.Offset > math.MaxInt64 || f.Length > math.MaxInt64-f.Offset:
		return fmt.Errorf("file %q cannot have %d bytes from %d on", f.Name, f.Length, f.Offset)
	case f.Crc32C == nil && len(f.Sha256) == 0:
		return fmt.Errorf("file %q has no checksum", f.Name)
	case len(f.Sha256) != 0 && len(f.Sha256) != 32:
		return fmt.Errorf("file %q has a SHA-256 of %d bytes", f.Name, len(f.Sha256))
	}
	return nil
}

func checkFile(f File) error {
	if !fs.ValidPath(f.Name) || f.Name == "." || len(f.Name) > maxName || hasControl(f.Name) {
		return fmt.Errorf("file name %q leads out of the snapshot's folder or is no name at all", f.Name)
	}
	if len(f.Root) > maxName || hasControl(f.Root) {
		return fmt.Errorf("folder %q of file %q is no location", f.Root, f.Name)
	}
	return nil
}

// hasControl looks for what has a meaning of its own to some storage: control characters and the other slash.
func hasControl(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' || r == '\uFFFD' })
}
