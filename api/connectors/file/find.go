package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// found is a file to be read.
type found struct {
	path string
	size int64
}

// find returns the files that the given paths name, each path's in turn. A path is a file, a folder, or, where nothing has
// just that name, a pattern (filepath.Match). Folders are searched to their depths, in the order of names. Unless all is
// set, files and folders in them whose names begin with "." or "_" are passed over. Devices, pipes and sockets always are.
func find(paths []string, all bool) ([]found, error) {
	s := search{all: all}
	return s.paths(paths)
}

// search gathers files.
type search struct {
	all   bool
	files []found
}

func (s *search) paths(paths []string) ([]found, error) {
	if len(paths) == 0 {
		return nil, &Error{Doing: "nothing to read", Cause: errors.New("the source was given no path"), Advice: "name a file, a folder or a pattern"}
	}
	for _, path := range paths {
		named, err := s.expand(path)
		if err != nil {
			return nil, err
		}
		before := len(s.files)
		for _, name := range named {
			if err := s.visit(name, nil); err != nil {
				return nil, err
			}
		}
		if len(s.files) == before {
			advice := "check the path"
			if !s.all {
				advice = `names that begin with "." or "_" do not count (see Hidden); check the path`
			}
			return nil, &Error{Path: path, Doing: "nothing to read", Cause: errors.New("it has no files"), Advice: advice}
		}
	}
	return s.files, nil
}

// expand turns a pattern into the paths that match it.
func (s *search) expand(path string) ([]string, error) {
	_, err := os.Lstat(path)
	if err == nil || !strings.ContainsAny(path, `*?[\`) {
		return []string{path}, nil
	}
	matches, err := filepath.Glob(path)
	if err != nil {
		return nil, &Error{Path: path, Doing: "cannot understand the pattern", Cause: err, Advice: "see the documentation of path/filepath.Match"}
	}
	var named []string
	for _, match := range matches {
		if s.meant(path, match) {
			named = append(named, match)
		}
	}
	if len(named) == 0 {
		return nil, &Error{Path: path, Doing: "nothing to read", Cause: errors.New("nothing matches the pattern"), Advice: "check it; a pattern in quotes is matched by the job, not by the shell"}
	}
	return named, nil
}

// meant reports whether a match is no hidden file, or the pattern says that it wants those.
func (s *search) meant(pattern, match string) bool {
	patterns := strings.Split(filepath.Clean(pattern), string(filepath.Separator))
	for i, name := range strings.Split(filepath.Clean(match), string(filepath.Separator)) {
		if i < len(patterns) && s.hidden(name) && !s.hidden(patterns[i]) {
			return false
		}
	}
	return true
}

// hidden is Flink's rule, which is Hadoop's; where all files are wanted it is the shell's, which is for patterns only.
func (s *search) hidden(name string) bool {
	return (strings.HasPrefix(name, ".") || !s.all && strings.HasPrefix(name, "_")) && name != "." && name != ".."
}

// visit adds the file, or the files of the folder. above are the folders it stands in: a symbolic link back to one of them is
// passed over.
func (s *search) visit(path string, above []fs.FileInfo) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return failure(path, "cannot look at it", err)
	case info.IsDir():
		return s.visitFolder(path, info, above)
	case info.Mode().IsRegular():
		s.files = append(s.files, found{path, info.Size()})
		return nil
	case len(above) > 0:
		return nil
	}
	return &Error{Path: path, Doing: "cannot read it", Cause: errors.New("it is neither a file nor a folder"), Advice: "a job that restarts has to read its input again; copy it to a file"}
}

func (s *search) visitFolder(path string, info fs.FileInfo, above []fs.FileInfo) error {
	for _, folder := range above {
		if os.SameFile(folder, info) {
			return nil
		}
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return failure(path, "cannot list the folder", err)
	}
	above = append(above[:len(above):len(above)], info)
	for _, entry := range entries {
		if !s.all && s.hidden(entry.Name()) {
			continue
		}
		if err := s.visit(filepath.Join(path, entry.Name()), above); err != nil {
			return err
		}
	}
	return nil
}
