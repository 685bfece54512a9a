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
// just that name, a pattern (filepath.Match). Folders are searched to their depths, in the order of names; files and folders
// in them whose names begin with "." or "_" are passed over, and so are devices, pipes and sockets.
func find(paths []string) ([]found, error) {
	if len(paths) == 0 {
		return nil, &Error{Doing: "nothing to read", Cause: errors.New("the source was given no path"), Advice: "name a file, a folder or a pattern"}
	}
	var all []found
	for _, path := range paths {
		named, err := expand(path)
		if err != nil {
			return nil, err
		}
		before := len(all)
		for _, name := range named {
			if all, err = search(all, name, nil); err != nil {
				return nil, err
			}
		}
		if len(all) == before {
			return nil, &Error{Path: path, Doing: "nothing to read", Cause: errors.New("it has no files"), Advice: `names that begin with "." or "_" do not count; check the path`}
		}
	}
	return all, nil
}

// expand turns a pattern into the paths that match it.
func expand(path string) ([]string, error) {
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
		if meant(path, match) {
			named = append(named, match)
		}
	}
	if len(named) == 0 {
		return nil, &Error{Path: path, Doing: "nothing to read", Cause: errors.New("nothing matches the pattern"), Advice: "check it; a pattern in quotes is matched by the job, not by the shell"}
	}
	return named, nil
}

// meant reports whether a match is no hidden file, or the pattern says that it wants those.
func meant(pattern, match string) bool {
	patterns := strings.Split(filepath.Clean(pattern), string(filepath.Separator))
	for i, name := range strings.Split(filepath.Clean(match), string(filepath.Separator)) {
		if i < len(patterns) && hidden(name) && !hidden(patterns[i]) {
			return false
		}
	}
	return true
}

// hidden is Flink's rule, which is Hadoop's.
func hidden(name string) bool {
	return (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) && name != "." && name != ".."
}

// search appends the file, or the files of the folder. above are the folders it stands in: a symbolic link back to one of
// them is passed over.
func search(all []found, path string, above []fs.FileInfo) ([]found, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, failure(path, "cannot look at it", err)
	case info.IsDir():
		return searchFolder(all, path, info, above)
	case info.Mode().IsRegular():
		return append(all, found{path, info.Size()}), nil
	case len(above) > 0:
		return all, nil
	}
	return nil, &Error{Path: path, Doing: "cannot read it", Cause: errors.New("it is neither a file nor a folder"), Advice: "a job that restarts has to read its input again; copy it to a file"}
}

func searchFolder(all []found, path string, info fs.FileInfo, above []fs.FileInfo) ([]found, error) {
	for _, folder := range above {
		if os.SameFile(folder, info) {
			return all, nil
		}
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, failure(path, "cannot list the folder", err)
	}
	above = append(above[:len(above):len(above)], info)
	for _, entry := range entries {
		if hidden(entry.Name()) {
			continue
		}
		if all, err = search(all, filepath.Join(path, entry.Name()), above); err != nil {
			return nil, err
		}
	}
	return all, nil
}
