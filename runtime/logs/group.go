package logs

import (
	"io"
	"io/fs"
	"slices"
	"strings"
)

// Group is the files of one process in a folder that it shares with others: those whose names are the process's own, or begin with that and a dot or a hyphen.
// Its methods may be called from any goroutine.
type Group struct {
	Folder Folder
	// Process is how the names of its files begin.
	Process string
}

// Main is the name of the process's log.
func (g Group) Main() string { return g.Process + ".log" }

// Output is the name of the file that has what the process writes to its standard output and standard error.
func (g Group) Output() string { return g.Process + ".out" }

func (g Group) has(name string) bool {
	rest, ok := strings.CutPrefix(name, g.Process)
	return ok && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "-"))
}

// List returns the group's files, sorted by their names.
func (g Group) List() ([]File, error) {
	files, err := g.Folder.List()
	return slices.DeleteFunc(files, func(f File) bool { return !g.has(f.Name) }), err
}

// Read opens one of the group's files by its name, which may come from outside. The error wraps fs.ErrNotExist if there is no such file.
func (g Group) Read(name string) (io.ReadSeekCloser, error) {
	if !g.has(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return g.Folder.Read(name)
}
