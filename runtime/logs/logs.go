// Package logs keeps the logs of a process, and what jobs write, in files of a folder that are bounded and rotated.
package logs

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/DeRuina/timberjack"
)

// Folder is where files are kept. Its methods may be called from any goroutine.
type Folder struct {
	Path string
	// Megabytes is how large a file becomes before it is rotated, and Backups how many rotated ones of each are kept.
	Megabytes, Backups int
}

// Open returns a file to append to, which is made with the first write. Its Write may be called from any goroutine.
func (f Folder) Open(name string) (io.WriteCloser, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(f.Path, 0o750); err != nil {
		return nil, fmt.Errorf("folder of logs: %w", err)
	}
	return &whole{&timberjack.Logger{Filename: filepath.Join(f.Path, name), MaxSize: f.Megabytes, MaxBackups: f.Backups, FileMode: 0o640}, f.Megabytes << 20}, nil
}

// whole cuts writes that are larger than a file may be, which timberjack refuses.
type whole struct {
	*timberjack.Logger
	most int
}

func (w *whole) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		var written int
		written, err = w.Logger.Write(p[:min(len(p), w.most)])
		n += written
		p = p[written:]
	}
	return n, err
}

// File is a file of the folder.
type File struct {
	Name     string
	Size     int64
	Modified time.Time
}

// List returns the files, sorted by their names.
func (f Folder) List() ([]File, error) {
	entries, err := os.ReadDir(f.Path)
	if err != nil {
		return nil, fmt.Errorf("folder of logs: %w", err)
	}
	var files []File
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue // it was rotated away, or is none of ours
		}
		files = append(files, File{e.Name(), info.Size(), info.ModTime()})
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return files, nil
}

// Read opens a file by its name, which may come from outside. The error wraps fs.ErrNotExist if there is no such file.
func (f Folder) Read(name string) (io.ReadSeekCloser, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(f.Path)
	if err != nil {
		return nil, fmt.Errorf("folder of logs: %w", err)
	}
	defer root.Close()
	return root.Open(name)
}

// checkName refuses names that lead out of the folder.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || filepath.Base(name) != name {
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return nil
}
