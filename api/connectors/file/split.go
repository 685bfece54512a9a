package file

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/weir-stream/weir/api/connector"
)

// compression is how a file is compressed, told by the end of its name.
type compression uint8

const (
	plain compression = iota
	gzipped
	zstandard
)

func compressionOf(path string) compression {
	switch {
	case strings.HasSuffix(path, ".gz"):
		return gzipped
	case strings.HasSuffix(path, ".zst"):
		return zstandard
	}
	return plain
}

// span is the state of a split: the part of a file whose lines are still to be read. It owns the lines that begin at
// position or later and before end.
type span struct {
	path string
	// position counts bytes of text: those of the file, or, where it is compressed, of what is in it.
	position int64
	// end is where the split ends in a plain file; of a compressed file it is the size, and the split its whole text.
	end int64
	// inLine says that position may be in the middle of a line, which belongs to the split before this one.
	inLine bool
}

// The first byte of an encoded span says which version it is and whether its position may be in a line.
const (
	versionAtLine = 1
	versionInLine = 2
)

// encode writes the version, position and end as unsigned varints, and the path.
func (s span) encode() []byte {
	to := make([]byte, 0, 1+2*binary.MaxVarintLen64+len(s.path))
	if s.inLine {
		to = append(to, versionInLine)
	} else {
		to = append(to, versionAtLine)
	}
	to = binary.AppendUvarint(to, uint64(s.position))
	to = binary.AppendUvarint(to, uint64(s.end))
	return append(to, s.path...)
}

// decodeSpan reads what encode wrote and nothing else.
func decodeSpan(state []byte) (span, error) {
	s, ok := parseSpan(state)
	if !ok || !s.valid() || !bytes.Equal(s.encode(), state) {
		return span{}, fmt.Errorf("%q is not the position of a file source: it was damaged or written by something else", state)
	}
	return s, nil
}

func parseSpan(state []byte) (s span, ok bool) {
	if len(state) == 0 || state[0] != versionAtLine && state[0] != versionInLine {
		return s, false
	}
	s.inLine = state[0] == versionInLine
	rest := state[1:]
	for _, field := range []*int64{&s.position, &s.end} {
		n, width := binary.Uvarint(rest)
		if width <= 0 {
			return s, false
		}
		*field, rest = int64(n), rest[width:]
	}
	s.path = string(rest)
	return s, true
}

func (s span) valid() bool {
	if s.path == "" || strings.ContainsRune(s.path, 0) || s.position < 0 || s.end <= 0 {
		return false
	}
	if compressionOf(s.path) != plain {
		return !s.inLine
	}
	return s.position < s.end && (s.position > 0 || !s.inLine)
}

// Sizes of splits, in bytes.
const (
	// mostPerSplit and leastPerSplit bound the size that is chosen where the program does not say.
	mostPerSplit  = 32 << 20
	leastPerSplit = 64 << 10
	// splitsPerReader is how many splits each reader should find, so that the fast take some from the slow.
	splitsPerReader = 4
	// openingCost is what opening a file costs, in bytes that could be read in that time.
	openingCost = 16 << 10
	// expansion is how much more text than bytes a compressed file has, roughly.
	expansion = 4
)

// weight is the work that a span is, in bytes.
func (s span) weight() int64 {
	if compressionOf(s.path) != plain {
		return min(s.end, 1<<50)*expansion + openingCost
	}
	return s.end - s.position + openingCost
}

// splitSize is the size of splits for so much text.
func splitSize(total int64, parallelism int) int64 {
	return max(leastPerSplit, min(mostPerSplit, total/int64(splitsPerReader*parallelism)+1))
}

// plan cuts files into splits of about size bytes. What is heavier than a split can be, since it is compressed, comes first
// (unless there is one reader, which may as well keep the order): begun last, it would be finished long after all else.
func plan(files []found, size int64, parallelism int) []connector.Split {
	var spans []span
	for _, file := range files {
		spans = append(spans, cut(file, size)...)
	}
	if parallelism > 1 {
		slices.SortStableFunc(spans, func(a, b span) int {
			return int(min(1, max(-1, max(b.weight(), size+openingCost)-max(a.weight(), size+openingCost))))
		})
	}
	list := make([]connector.Split, len(spans))
	for i, s := range spans {
		list[i] = connector.Split{ID: fmt.Sprintf("%d:%s@%d", i, s.path, s.position), State: s.encode()}
	}
	return list
}

// cut divides a file into splits of nearly equal size; an empty file has none.
func cut(file found, size int64) []span {
	if file.size == 0 {
		return nil
	}
	if compressionOf(file.path) != plain {
		return []span{{path: file.path, end: file.size}}
	}
	n := (file.size + size - 1) / size
	spans := make([]span, 0, n)
	for i := range n {
		from, to := boundary(file.size, i, n), boundary(file.size, i+1, n)
		spans = append(spans, span{path: file.path, position: from, end: to, inLine: from > 0})
	}
	return spans
}

// boundary is where the i-th of n nearly equal parts of size begins.
func boundary(size, i, n int64) int64 { return size/n*i + min(i, size%n) }
