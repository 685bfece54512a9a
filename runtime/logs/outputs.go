package logs

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Outputs keeps what the workers of many jobs write, in files of a folder that begin alike, and bounds them together: when there are too many bytes,
// the files of workers that have ended go, those first that were written to longest ago. Its methods may be called from any goroutine.
type Outputs struct {
	Folder Folder
	// Prefix begins the names of all files.
	Prefix string
	// Most is how many bytes all of them may have; 0 is no bound.
	Most int64

	mu sync.Mutex
	// open counts who writes to a file, by what its name and those of its rotated ones begin with.
	open map[string]int
}

// Open opens the file of Prefix and a name to append to.
func (o *Outputs) Open(name string) (io.WriteCloser, error) {
	name = o.Prefix + name
	file, err := o.Folder.Open(name)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open == nil {
		o.open = map[string]int{}
	}
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	o.open[stem]++
	o.bound()
	return &output{WriteCloser: file, of: o, stem: stem}, nil
}

// bound removes files until the rest are few enough.
func (o *Outputs) bound() {
	if o.Most <= 0 {
		return
	}
	files, err := o.Folder.List()
	if err != nil {
		return // there are none yet
	}
	files = slices.DeleteFunc(files, func(f File) bool { return !strings.HasPrefix(f.Name, o.Prefix) })
	slices.SortStableFunc(files, func(a, b File) int { return a.Modified.Compare(b.Modified) })
	total := int64(0)
	for _, f := range files {
		total += f.Size
	}
	for _, f := range files {
		if total <= o.Most {
			return
		}
		if !o.written(f.Name) && os.Remove(filepath.Join(o.Folder.Path, f.Name)) == nil {
			total -= f.Size
		}
	}
}

// written reports whether a file, or the one that it was rotated from, is open.
func (o *Outputs) written(name string) bool {
	for stem := range o.open {
		if strings.HasPrefix(name, stem) {
			return true
		}
	}
	return false
}

// output is an open file.
type output struct {
	io.WriteCloser
	of     *Outputs
	stem   string
	closed bool // guarded by of.mu
}

func (f *output) Close() error {
	f.of.mu.Lock()
	if !f.closed {
		f.closed = true
		if f.of.open[f.stem]--; f.of.open[f.stem] == 0 {
			delete(f.of.open, f.stem)
		}
	}
	f.of.mu.Unlock()
	return f.WriteCloser.Close()
}
