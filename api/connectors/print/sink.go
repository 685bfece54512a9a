// Package print has a sink that writes records to the standard output for a person to read.
package print

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"syscall"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
)

// Printing writes each record as fmt.Print does, in a line of its own, with a prefix in Flink's form: "identifier:2> " where there
// is an identifier and more than one subtask (which count from 1 here), "identifier> " or "2> " where there is one of
// the two, and none otherwise. The lines of a batch are one write, so that those of different subtasks do not mix.
//
// Writing waits where the reader of the output does; that holds up the subtask.
type Printing[T any] struct {
	name, identifier string
	to               *target
}

// target is an output that the subtasks of a process share.
type target struct {
	mu   sync.Mutex
	to   io.Writer
	name string
}

var stdout, stderr = &target{to: os.Stdout, name: "standard output"}, &target{to: os.Stderr, name: "standard error"}

// Sink prints to the standard output.
func Sink[T any]() Printing[T] {
	return Printing[T]{name: "Print to Std. Out", to: stdout}
}

// Identifier returns the sink with a prefix that tells its lines from others.
func (p Printing[T]) Identifier(identifier string) Printing[T] {
	p.identifier = identifier
	return p
}

// ToStderr returns the sink for the standard error.
func (p Printing[T]) ToStderr() Printing[T] {
	p.name, p.to = "Print to Std. Err", stderr
	return p
}

// To returns the sink for another writer, which only one goroutine at a time will use.
func (p Printing[T]) To(w io.Writer) Printing[T] {
	p.name, p.to = "Print", &target{to: w, name: "output"}
	return p
}

// Name is Flink's.
func (p Printing[T]) Name() string { return p.name }

// Kind names the connector.
func (p Printing[T]) Kind() string { return "print" }

// NewWriter makes the writer of one subtask.
func (p Printing[T]) NewWriter(ctx connector.WriterContext) (connector.Writer[T], error) {
	return &writer[T]{prefix: prefix(p.identifier, ctx.Subtask(), ctx.Parallelism()), to: p.to}, nil
}

func prefix(identifier string, subtask, parallelism int) string {
	number := ""
	if parallelism > 1 {
		number = strconv.Itoa(subtask + 1)
	}
	switch {
	case identifier != "" && number != "":
		return identifier + ":" + number + "> "
	case identifier != "" || number != "":
		return identifier + number + "> "
	}
	return ""
}

type writer[T any] struct {
	prefix string
	to     *target
	lines  []byte
}

func (w *writer[T]) Open() error { return nil }

func (w *writer[T]) Write(batch *element.Batch[T]) error {
	w.lines = w.lines[:0]
	for _, record := range batch.Values {
		w.lines = append(w.lines, w.prefix...)
		w.lines = fmt.Append(w.lines, record)
		w.lines = append(w.lines, '\n')
	}
	return w.to.write(w.lines)
}

func (t *target) write(lines []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := t.to.Write(lines); err != nil {
		return &Error{To: t.name, Bytes: len(lines), Cause: err}
	}
	return nil
}

func (w *writer[T]) Flush(bool) error { return nil }
func (w *writer[T]) Close() error     { return nil }

// Error says that printing failed.
type Error struct {
	// To is what was written to, Bytes how much at once.
	To    string
	Bytes int
	Cause error
}

// Error names the output and what to do.
func (e *Error) Error() string {
	advice := "check what it is directed to"
	switch {
	case errors.Is(e.Cause, syscall.EPIPE):
		advice = "the program that read it has ended"
	case errors.Is(e.Cause, syscall.ENOSPC):
		advice = "free space where it is directed to"
	}
	return fmt.Sprintf("cannot print %d bytes to the %s: %v: %s", e.Bytes, e.To, e.Cause, advice)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Environmental is true: the program is not at fault.
func (e *Error) Environmental() bool { return true }
