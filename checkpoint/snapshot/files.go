package snapshot

import (
	"cmp"
	"slices"
	"strings"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/state/keygroup"
)

// File names a file for good: by the root as FileRef has it, seen from the job's folder, and its name below that.
type File struct {
	// Root is empty for the job's own folder.
	Root, Name string
}

// Compare orders files by root and name.
func (f File) Compare(other File) int {
	return cmp.Or(strings.Compare(f.Root, other.Root), strings.Compare(f.Name, other.Name))
}

func (t *Table) groups() keygroup.Range {
	return keygroup.Range{First: uint16(t.FirstGroup), Last: uint16(t.LastGroup)}
}

// EachFile calls f with every reference of the snapshot, inline ones among them.
func (m *Metadata) EachFile(f func(*FileRef)) {
	for _, op := range m.Operators {
		if op.Coordinator != nil {
			f(op.Coordinator)
		}
		for _, s := range op.Subtasks {
			s.EachFile(f)
		}
	}
}

// EachFile calls f with every reference of the subtask's state, inline ones among them.
func (s *SubtaskState) EachFile(f func(*FileRef)) {
	for _, p := range s.Parts {
		for _, t := range p.Tables {
			f(t.File)
		}
	}
	for _, l := range s.Lists {
		if l.Elements != nil {
			f(l.Elements)
		}
	}
	for _, channels := range [][]*ChannelState{s.Inputs, s.Outputs} {
		for _, c := range channels {
			for _, r := range c.Records {
				f(r)
			}
		}
	}
}

// Files returns the files that the snapshot needs, without its metadata, each once, in order. Own is the root that stands for
// an empty one: empty if the snapshot lies in the job's folder.
func (m *Metadata) Files(own string) []File {
	var files []File
	m.EachFile(func(r *FileRef) {
		if r.Name != "" {
			files = append(files, File{cmp.Or(r.Root, own), r.Name})
		}
	})
	slices.SortFunc(files, File.Compare)
	return slices.Compact(files)
}

// Rebase fills in the root of every reference that has none, so that a job which goes on from another's snapshot can name
// the same files in its own.
func (m *Metadata) Rebase(own string) {
	m.EachFile(func(r *FileRef) {
		if r.Name != "" && r.Root == "" {
			r.Root = own
		}
	})
}

// Root returns the root that stands for an empty one in the snapshot's references, seen from the job that has it in its log:
// empty for a checkpoint in the job's own folder.
func (c *Completed) Root() string {
	if _, own := ParseCheckpointFolder(c.Path); own {
		return ""
	}
	folder := FolderOf(c.Path)
	if c.Kind == Kind_SAVEPOINT {
		return folder
	}
	return folder[:max(0, strings.LastIndexByte(folder, '/'))]
}

// MetadataFile returns the file of the snapshot's metadata.
func (c *Completed) MetadataFile() File {
	root := c.Root()
	if root == "" {
		return File{"", MetadataPath(c.Path)}
	}
	return File{root, strings.TrimPrefix(strings.TrimPrefix(MetadataPath(FolderOf(c.Path)), root), "/")}
}

// Held is a snapshot with the files that it needs, its metadata among them.
type Held struct {
	Completed *Completed
	Files     []File
}

// Hold returns a snapshot with its files.
func Hold(c *Completed, m *Metadata) Held {
	return Held{c, append(m.Files(c.Root()), c.MetadataFile())}
}

// ID is the checkpoint's number.
func (h Held) ID() ident.CheckpointID { return ident.CheckpointID(h.Completed.Checkpoint) }

// Releasable returns, in order, the files that nobody needs once the subsumed snapshots are given up:
//
//	union of files(s), s in subsumed and owned  -  union of files(k), k in kept
//
// Kept must have all snapshots that remain: the retained ones and those in the job's folder that are not owned.
// What belongs to a snapshot that is not owned is released neither with that snapshot nor while it is kept.
func Releasable(subsumed, kept []Held) []File {
	needed := fileSet(kept)
	var released []File
	for _, s := range subsumed {
		if !s.Completed.Owned {
			for _, f := range s.Files {
				needed[f] = true
			}
		}
	}
	for _, s := range subsumed {
		for _, f := range s.Files {
			if s.Completed.Owned && !needed[f] {
				needed[f] = true // so that it is named once
				released = append(released, f)
			}
		}
	}
	slices.SortFunc(released, File.Compare)
	return released
}

func fileSet(held []Held) map[File]bool {
	set := map[File]bool{}
	for _, h := range held {
		for _, f := range h.Files {
			set[f] = true
		}
	}
	return set
}

// Garbage returns which of the paths listed below the job's folder nobody needs: files of state that an older term than epoch
// wrote, and metadata of checkpoints before next, that none of the kept snapshots has. What it does not know by its name
// is left alone. A leader asks right after its first claim, with that claim's epoch and next checkpoint, before it has made a
// checkpoint; kept must have all snapshots of its history.
func Garbage(listed []string, kept []Held, epoch ident.LeaderEpoch, next ident.CheckpointID) []string {
	needed := fileSet(kept)
	var garbage []string
	for _, path := range listed {
		if !needed[File{"", path}] && abandoned(path, epoch, next) {
			garbage = append(garbage, path)
		}
	}
	return garbage
}

func abandoned(path string, epoch ident.LeaderEpoch, next ident.CheckpointID) bool {
	folder, name, ok := strings.Cut(path, "/")
	if !ok {
		return false
	}
	id, ofCheckpoint := ParseCheckpointFolder(folder)
	if ofCheckpoint && name == MetadataName {
		return id < next
	}
	file, ok := ParseDataFile(name)
	return ok && (ofCheckpoint || folder == SharedFolder) && file.Epoch < epoch
}
