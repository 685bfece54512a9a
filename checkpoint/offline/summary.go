package offline

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/state/keygroup"
)

// Summary is what a snapshot consists of, without the entries of its keyed state.
type Summary struct {
	Path   string `json:"path"`
	Format uint32 `json:"format"`
	// Checkpoint is its number.
	Checkpoint uint64    `json:"checkpoint"`
	Kind       string    `json:"kind"`
	Triggered  time.Time `json:"triggered"`
	Job        string    `json:"job"`
	// Build is the revision of the program, empty if unknown.
	Build string `json:"build,omitempty"`
	// Bytes counts metadata and all that is named, also what is a part of a file; Files are the files beside the metadata.
	Bytes     uint64     `json:"bytes"`
	Metadata  int        `json:"metadataBytes"`
	Files     []File     `json:"files"`
	Operators []Operator `json:"operators"`
}

// File is a file of a snapshot.
type File struct {
	// Root is empty for files of the snapshot's own, or its job's, folder.
	Root string `json:"root,omitempty"`
	Name string `json:"name"`
	// Bytes are those that the snapshot uses.
	Bytes uint64 `json:"bytes"`
}

// Operator is the state of an operator.
type Operator struct {
	ID             string  `json:"id"`
	UID            string  `json:"uid,omitempty"`
	Name           string  `json:"name"`
	Parallelism    int32   `json:"parallelism"`
	MaxParallelism int32   `json:"maxParallelism"`
	Bytes          uint64  `json:"bytes"`
	Entries        uint64  `json:"entries"`
	States         []State `json:"states,omitempty"`
	Lists          []List  `json:"operatorStates,omitempty"`
	// Coordinator is what the coordinator wrote, nil if there is none.
	Coordinator *Coordinator `json:"coordinator,omitempty"`
	// Positions are the splits of a source that its readers were at work on.
	Positions []Split `json:"positions,omitempty"`
	// Committables are what a sink had not committed.
	Committables []Committable `json:"committables,omitempty"`
	Subtasks     []Subtask     `json:"subtasks,omitempty"`
}

// State is a keyed state.
type State struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Key  *Type  `json:"key,omitempty"`
	// MapKey is nil but for a map.
	MapKey    *Type `json:"mapKey,omitempty"`
	Value     *Type `json:"value,omitempty"`
	TTLMillis int64 `json:"ttlMillis,omitempty"`
}

// List is a state without keys.
type List struct {
	Name           string `json:"name"`
	Redistribution string `json:"redistribution"`
	Key            *Type  `json:"key,omitempty"`
	Element        *Type  `json:"element,omitempty"`
	Elements       uint64 `json:"elements"`
	Bytes          uint64 `json:"bytes"`
}

// Type is the type of keys or values.
type Type struct {
	// Text is the type as a reader would write it.
	Text   string         `json:"type"`
	Schema *schema.Schema `json:"schema"`
}

// Subtask is the state of a subtask.
type Subtask struct {
	Index int32 `json:"subtask"`
	// Finished says that it had come to its end and has no state, InputEnded that it waited for this snapshot to end.
	Finished   bool `json:"finished,omitempty"`
	InputEnded bool `json:"inputEnded,omitempty"`
	// FirstGroup and LastGroup are its key groups.
	FirstGroup uint16 `json:"firstKeyGroup"`
	LastGroup  uint16 `json:"lastKeyGroup"`
	// Tables hold Entries of keyed state, changes and deletions of the same key each counted.
	Tables  int    `json:"tables"`
	Entries uint64 `json:"entries"`
	Bytes   uint64 `json:"bytes"`
	// InFlight are bytes of records that a barrier has overtaken.
	InFlight uint64 `json:"inFlightBytes,omitempty"`
}

// kinds are the names of snapshots in Flink's words.
var kinds = map[snapshot.Kind]string{snapshot.Kind_CHECKPOINT: "checkpoint", snapshot.Kind_FULL: "full checkpoint", snapshot.Kind_SAVEPOINT: "savepoint"}

// Summarize says what the snapshot consists of. Of its files it reads those with operator state only.
func (s *Snapshot) Summarize(ctx context.Context) (*Summary, error) {
	m := s.metadata
	sum := &Summary{
		Path: s.folder, Format: s.format, Checkpoint: m.Checkpoint, Kind: kinds[m.Kind], Triggered: time.UnixMilli(m.TriggerMillis).UTC(),
		Job: hex.EncodeToString(m.Job), Build: m.Build, Metadata: s.size, Bytes: uint64(s.size), Files: s.files(), Operators: []Operator{},
	}
	for _, f := range sum.Files {
		sum.Bytes += f.Bytes
	}
	for _, op := range m.Operators {
		described, err := s.summarize(ctx, op)
		if err != nil {
			return nil, fmt.Errorf("operator %q: %w", op.Name, err)
		}
		sum.Operators = append(sum.Operators, described)
	}
	return sum, nil
}

// files lists the files of the snapshot, each once.
func (s *Snapshot) files() []File {
	type part struct {
		file           snapshot.File
		offset, length uint64
	}
	bytes, seen := map[snapshot.File]uint64{}, map[part]bool{}
	s.metadata.EachFile(func(f *snapshot.FileRef) {
		p := part{snapshot.File{Root: f.Root, Name: f.Name}, f.Offset, f.Length}
		if !seen[p] {
			seen[p] = true
			bytes[p.file] += f.Length
		}
	})
	files := []File{}
	for _, f := range s.metadata.Files("") {
		files = append(files, File{Root: f.Root, Name: f.Name, Bytes: bytes[f]})
	}
	return files
}

func (s *Snapshot) summarize(ctx context.Context, op *snapshot.OperatorState) (Operator, error) {
	o := Operator{
		ID: hex.EncodeToString(op.Id), UID: op.Uid, Name: op.Name, Parallelism: op.Parallelism, MaxParallelism: op.MaxParallelism,
	}
	for _, described := range op.States {
		st, err := described.State()
		if err != nil {
			return o, err
		}
		o.States = append(o.States, State{
			Name: st.Name, Kind: st.Kind, Key: typeOf(st.Key), MapKey: typeOf(st.MapKey), Value: typeOf(st.Value), TTLMillis: st.TTLMillis,
		})
	}
	for _, described := range op.Lists {
		l, err := described.List()
		if err != nil {
			return o, err
		}
		o.Lists = append(o.Lists, List{Name: l.Name, Redistribution: l.Redistribution.String(), Key: typeOf(l.Key), Element: typeOf(l.Element)})
	}
	for _, part := range op.Subtasks {
		subtask := summarizeSubtask(op, part)
		for _, l := range part.Lists {
			o.Lists[l.List].Elements += uint64(l.Count)
			o.Lists[l.List].Bytes += l.GetElements().GetLength()
		}
		o.Subtasks = append(o.Subtasks, subtask)
		o.Bytes += subtask.Bytes
		o.Entries += subtask.Entries
	}
	return o, s.explain(ctx, op, &o)
}

func summarizeSubtask(op *snapshot.OperatorState, part *snapshot.SubtaskState) Subtask {
	groups := keygroup.RangeOf(int(op.MaxParallelism), int(op.Parallelism), int(part.Subtask))
	st := Subtask{Index: part.Subtask, Finished: part.Finished, InputEnded: part.InputEnded, FirstGroup: groups.First, LastGroup: groups.Last}
	for _, p := range part.Parts {
		st.Tables += len(p.Tables)
		for _, t := range p.Tables {
			st.Entries += t.Entries
		}
	}
	part.EachFile(func(f *snapshot.FileRef) { st.Bytes += f.Length })
	for _, channels := range [][]*snapshot.ChannelState{part.Inputs, part.Outputs} {
		for _, c := range channels {
			for _, r := range c.Records {
				st.InFlight += r.Length
			}
		}
	}
	return st
}
