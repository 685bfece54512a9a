package file

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
)

const (
	// patience is how many files are opened and blocks read in one Poll, for a batch that is not full.
	patience = 8
	// ahead is how many bytes before the end of its last split a reader asks for more.
	ahead = 1 << 20
)

// reader reads one split at a time:
//
//	idle --begin--> reading --load reached the end--> read --emit reached the last line--> idle
type reader struct {
	queue  splits.Queue
	opener opener
	blocks blocks
	id     string
	span   span // path is empty while idle
	read   bool
	// text has the lines of the block that are not emitted, their number, and where in the file it ends.
	text    string
	lines   int
	textEnd int64
}

func (r *reader) Open() error {
	r.queue.Request()
	return nil
}

func (r *reader) AddSplits(splits []connector.Split) error {
	r.queue.Add(splits)
	return nil
}

func (r *reader) NoMoreSplits() { r.queue.NoMore() }

func (r *reader) Poll(out *connector.Output[string]) (connector.Status, error) {
	for range patience {
		if err := r.emit(out); err != nil {
			return connector.More, err
		}
		switch {
		case out.Room() == 0:
			return connector.More, nil
		case r.span.path == "":
			split, ok := r.queue.Next()
			if !ok {
				return r.queue.Status(), nil
			}
			if err := r.begin(split); err != nil {
				return connector.More, err
			}
		default:
			if err := r.load(out); err != nil {
				return connector.More, err
			}
		}
	}
	return connector.More, nil
}

// begin opens the file of a split at its position. A plain file whose position may be in a line is read from the byte before it:
// if that is a line end, then a line begins at the position.
func (r *reader) begin(split connector.Split) error {
	s, err := decodeSpan(split.State)
	if err != nil {
		return fmt.Errorf("split %q: %w", split.ID, err)
	}
	offset, skip := s.position, int64(0)
	switch {
	case compressionOf(s.path) != plain:
		offset, skip = 0, s.position
	case s.inLine:
		offset--
	}
	in, err := r.opener.open(s.path, offset)
	if err != nil {
		return err
	}
	r.id, r.span, r.read = split.ID, s, false
	r.blocks.start(in, offset, skip, s.inLine)
	return nil
}

// load reads a block, and keeps of its lines those that the split owns.
func (r *reader) load(out *connector.Output[string]) error {
	text, ended, err := r.blocks.next()
	if err != nil {
		return r.failure(err)
	}
	from := r.blocks.offset - int64(len(text))
	if compressionOf(r.span.path) == plain {
		if ended && r.blocks.offset < r.span.end {
			return r.shrunk()
		}
		text = owned(text, r.span.end-from)
		if from+int64(len(text)) >= r.span.end-ahead {
			r.queue.Request()
		}
		ended = ended || from+int64(len(text)) >= r.span.end
	}
	r.text, r.textEnd = text, from+int64(len(text))
	r.lines = strings.Count(text, "\n")
	if n := len(text); n > 0 && text[n-1] != '\n' {
		r.lines++
	}
	if ended {
		r.read = true
		r.opener.close()
		r.queue.Request()
	}
	r.finish(out)
	return nil
}

// owned is what of the lines of text begins within the first n bytes.
func owned(text string, n int64) string {
	switch {
	case n <= 0:
		return ""
	case n >= int64(len(text)):
		return text
	}
	if end := strings.IndexByte(text[n-1:], '\n'); end >= 0 {
		return text[:int(n)+end]
	}
	return text
}

// emit emits lines of the block while there is room.
func (r *reader) emit(out *connector.Output[string]) error {
	if r.lines == 0 {
		return nil
	}
	out.Split(r.id)
	lines := out.Extend(r.lines)
	text := r.text
	for i := range lines {
		end := strings.IndexByte(text, '\n')
		line, rest := text, ""
		if end >= 0 {
			line, rest = text[:end], text[end+1:]
		}
		if n := len(line) - 1; n >= 0 && line[n] == '\r' {
			line = line[:n]
		}
		if len(line) > r.blocks.longest {
			return r.failure(tooLong(r.textEnd-int64(len(text)), r.blocks.longest))
		}
		lines[i], text = line, rest
	}
	r.text, r.lines = text, r.lines-len(lines)
	r.finish(out)
	return nil
}

// finish is done with the split when its last line is emitted.
func (r *reader) finish(out *connector.Output[string]) {
	if r.read && r.lines == 0 {
		r.span, r.text = span{}, ""
		out.FinishSplit(r.id)
	}
}

func (r *reader) Snapshot() ([]connector.Split, error) {
	left := append([]connector.Split(nil), r.queue.Waiting()...)
	if r.span.path != "" {
		left = append(left, connector.Split{ID: r.id, State: r.rest().encode()})
	}
	return left, nil
}

// rest is what of the split is not emitted.
func (r *reader) rest() span {
	s := r.span
	switch {
	case r.lines > 0:
		s.position, s.inLine = r.textEnd-int64(len(r.text)), false
	case r.blocks.skip > 0: // on the way there
	case r.blocks.offset > s.position:
		s.position = r.blocks.offset
	}
	return s
}

func (r *reader) Close() error {
	r.opener.release()
	return nil
}

func (r *reader) failure(cause error) error {
	e := readFailure(r.span.path, cause)
	if errors.Is(cause, errTooLong) {
		e.Advice = "if that is right, allow longer lines with LongestLine"
	}
	return e
}

func (r *reader) shrunk() error {
	return &Error{
		Path:   r.span.path,
		Doing:  "cannot read it to its end",
		Cause:  fmt.Errorf("it ends at byte %d, but had at least %d when the job listed it", r.blocks.offset, r.span.end),
		Advice: "input must not change while a job reads it, nor between a snapshot and its restore",
	}
}
