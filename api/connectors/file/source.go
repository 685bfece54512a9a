// Package file has a source that reads files of text line by line, and sinks that write them.
package file

import (
	"errors"
	"fmt"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
)

// defaultLongestLine is how long a line may be unless the program says otherwise.
const defaultLongestLine = 64 << 20

// Source reads files line by line. It is bounded, and resumes at the very line.
//
// A line ends at "\n"; a "\r" before that, or before the end of the text, is no part of it. What follows the last "\n" of a file is a line
// unless it is empty. Bytes that are no valid UTF-8 stay as they are. Files whose names end in ".gz" (one or more members) or ".zst"
// are decompressed.
//
// Plain files are cut into splits by size; a split owns the lines that begin in it (Hadoop's rule). A compressed file is one
// split, and after a restore it is decompressed from its start and passed over up to the position. With more than one subtask there is no order
// among the lines of different splits.
//
// The lines are pieces of larger strings: a program that keeps few of many lines for long should keep strings.Clone of them.
type Source struct {
	paths   []string
	all     bool
	size    int64
	longest int
}

// Lines reads the files that the paths name: files, folders, or patterns (filepath.Match), as often as they name them. Folders are
// read with all that is below them, in the order of names, but for what has a name that begins with "." or "_". A path that names no file at
// all is an error when the job starts; an empty file is not.
func Lines(paths ...string) Source {
	return Source{paths: paths, longest: defaultLongestLine}
}

// Hidden returns the source that reads what is below its folders whatever the name. In patterns, "*" and "?" still match
// no "." at the beginning of a name, as in a shell.
func (s Source) Hidden() Source {
	s.all = true
	return s
}

// SplitSize returns the source with splits of about so many bytes. Without it they have what gives each subtask several, but at most 32 MiB.
func (s Source) SplitSize(bytes int64) Source {
	s.size = bytes
	return s
}

// LongestLine returns the source with a limit on the length of a line, in bytes. A longer line fails the job; without a
// limit it could exhaust the memory. The default is 64 MiB.
func (s Source) LongestLine(bytes int) Source {
	s.longest = bytes
	return s
}

// Name is the name of the operator.
func (s Source) Name() string { return "File Source" }

// Kind names the connector.
func (s Source) Kind() string { return "file" }

// Bounded is true: what is read is what is there when the job starts.
func (s Source) Bounded() bool { return true }

// NewEnumerator makes the enumerator, which lists the files when it starts.
func (s Source) NewEnumerator(ctx connector.EnumeratorContext) (connector.Enumerator, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return splits.NewEnumerator(ctx, splits.Plan{
		List:     func() ([]connector.Split, error) { return s.list(ctx.Parallelism()) },
		Weigh:    weigh,
		MaxShare: mostPerSplit,
	}), nil
}

// NewReader makes the reader of one subtask.
func (s Source) NewReader(ctx connector.ReaderContext) (connector.Reader[string], error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return &reader{queue: splits.NewQueue(ctx), blocks: blocks{longest: s.longest}}, nil
}

func (s Source) check() error {
	switch {
	case s.size < 0:
		return fmt.Errorf("file source: a split size of %d bytes is none: give a positive number", s.size)
	case s.longest <= 0:
		return errors.New("file source: the longest line has to have a positive length")
	}
	return nil
}

func (s Source) list(parallelism int) ([]connector.Split, error) {
	files, err := find(s.paths, s.all)
	if err != nil {
		return nil, err
	}
	size := s.size
	if size == 0 {
		total := int64(0)
		for _, file := range files {
			total += file.size
		}
		size = splitSize(total, parallelism)
	}
	return plan(files, size, parallelism), nil
}

func weigh(split connector.Split) (int64, error) {
	s, err := decodeSpan(split.State)
	return s.weight(), err
}
