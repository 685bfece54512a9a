package file

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
)

// Sink writes records to files of a folder, a line each. Subtask i writes part-i-0, or nothing if it has no records.
//
// A file has a hidden name until its subtask has written its last record; then it is made durable and gets its own. So what
// has a name that begins with "part-" is complete. What a failed attempt of a subtask left is removed by the next.
//
// A folder that has part files of another run is refused, unless Overwrite was called: mixed with those of this run
// they would be a wrong result that looks right. (To know its own after a restart, a job leaves an empty file
// .part-of-JOBID there.) Files with other names are never touched.
//
// A restart begins from the start of the input; what the sink wrote before it is replaced.
type Sink[T any] struct {
	folder     string
	newEncoder func() encoder[T]
	overwrite  bool
	create     func(path string) (partFile, error)
}

// encoder appends a record and its line end.
type encoder[T any] func(to []byte, record T) ([]byte, error)

// Text writes what format returns for each record. That should have no line end: one is added.
func Text[T any](folder string, format func(record T) string) Sink[T] {
	return newSink(folder, func() encoder[T] {
		return func(to []byte, record T) ([]byte, error) {
			return append(append(to, format(record)...), '\n'), nil
		}
	})
}

// TextAppend is Text with a function that appends to a buffer and returns the longer one, which allocates nothing per record.
func TextAppend[T any](folder string, appendTo func(to []byte, record T) []byte) Sink[T] {
	return newSink(folder, func() encoder[T] {
		return func(to []byte, record T) ([]byte, error) { return append(appendTo(to, record), '\n'), nil }
	})
}

// JSON writes each record as encoding/json does, in one line (JSON Lines). The characters <, > and & stay as they are.
func JSON[T any](folder string) Sink[T] {
	return newSink(folder, func() encoder[T] {
		var line lineBuffer
		to := json.NewEncoder(&line)
		to.SetEscapeHTML(false)
		return func(buffer []byte, record T) ([]byte, error) {
			line.bytes = buffer
			if err := to.Encode(record); err != nil {
				return buffer, fmt.Errorf("a record of type %T cannot be written as JSON: %w", record, err)
			}
			return line.bytes, nil
		}
	})
}

// lineBuffer is an io.Writer that appends.
type lineBuffer struct{ bytes []byte }

func (b *lineBuffer) Write(p []byte) (int, error) {
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

func newSink[T any](folder string, newEncoder func() encoder[T]) Sink[T] {
	return Sink[T]{folder: folder, newEncoder: newEncoder, create: createFile}
}

// Overwrite returns the sink that removes the part files of other runs from the folder when the job starts.
func (s Sink[T]) Overwrite() Sink[T] {
	s.overwrite = true
	return s
}

// Name is the name of the operator.
func (s Sink[T]) Name() string { return "File Sink" }

// Kind names the connector.
func (s Sink[T]) Kind() string { return "file" }

// NewWriter makes the writer of one subtask.
func (s Sink[T]) NewWriter(ctx connector.WriterContext) (connector.Writer[T], error) {
	if s.folder == "" {
		return nil, errors.New("file sink: it was given no folder")
	}
	return &writer[T]{
		folder: folder{path: s.folder, job: ctx.JobID().String(), subtask: ctx.Subtask(), parallelism: ctx.Parallelism()},
		part:   part{attempt: ctx.Attempt(), create: s.create}, overwrite: s.overwrite, encode: s.newEncoder(),
	}, nil
}

// flushAt is how many bytes are gathered before they are written to the file.
const flushAt = 128 << 10

type writer[T any] struct {
	folder    folder
	overwrite bool
	part      part
	encode    encoder[T]
	buffer    []byte
}

func (w *writer[T]) Open() error {
	w.part.folder, w.part.subtask = w.folder.path, w.folder.subtask
	return w.folder.claim(w.overwrite)
}

func (w *writer[T]) Write(batch *element.Batch[T]) error {
	for _, record := range batch.Values {
		var err error
		if w.buffer, err = w.encode(w.buffer, record); err != nil {
			return err
		}
		if len(w.buffer) >= flushAt {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer[T]) flush() error {
	if len(w.buffer) == 0 {
		return nil
	}
	err := w.part.write(w.buffer)
	w.buffer = w.buffer[:0]
	return err
}

func (w *writer[T]) Flush(endOfInput bool) error {
	if err := w.flush(); err != nil || !endOfInput {
		return err
	}
	return w.part.publish()
}

func (w *writer[T]) Close() error { return w.part.abandon() }
