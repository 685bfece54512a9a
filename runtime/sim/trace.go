package sim

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
)

// trace is what has happened, as a hash of its lines, which two runs of a seed have in common.
type trace struct {
	digest *xxhash.Digest
	lines  int
	// to takes the lines, nil for nobody.
	to   io.Writer
	line []byte
}

// mark adds that an event happens, and when, which tells more runs apart than lines do.
func (t *trace) mark(nanos int64, event uint64) {
	t.line = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(t.line[:0], uint64(nanos)), event)
	t.digest.Write(t.line)
}

func (t *trace) add(nanos int64, format string, args ...any) {
	t.line = fmt.Appendf(t.line[:0], "%12.6fs ", float64(nanos)/1e9)
	t.line = fmt.Appendf(t.line, format, args...)
	t.line = append(t.line, '\n')
	t.digest.Write(t.line)
	t.lines++
	if t.to != nil {
		t.to.Write(t.line)
	}
}
