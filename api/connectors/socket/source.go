// Package socket has a source that reads lines of text from a TCP connection, for trying things out: what a failed job had
// received and not processed is lost.
package socket

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
)

// Source connects to an address and emits what comes from there, cut at a delimiter (Flink's socketTextStream). One subtask
// reads. It is an unbounded source, but it ends when the other side closes the connection and no retry is left.
type Source struct {
	address    string
	delimiter  string
	maxRetries int
	pause      time.Duration
	longest    int
}

// Lines reads lines from address, as in "localhost:9999". They end at "\n"; a "\r" before that is no part of them.
func Lines(address string) Source {
	return Source{address: address, delimiter: "\n", pause: 500 * time.Millisecond, longest: 64 << 20}
}

// Delimiter returns the source with another end of records than "\n".
func (s Source) Delimiter(delimiter string) Source {
	s.delimiter = delimiter
	return s
}

// MaxRetries returns the source with so many attempts to connect again, half a second apart, when the address does not answer
// or the connection ends; a connection that delivers something starts the count anew. -1 means no limit. The default is 0.
func (s Source) MaxRetries(n int) Source {
	s.maxRetries = n
	return s
}

// RetryInterval returns the source with another pause between attempts to connect than half a second.
func (s Source) RetryInterval(pause time.Duration) Source {
	s.pause = pause
	return s
}

// LongestLine returns the source with a limit on the length of a line, in bytes. A longer line fails the job. The default is 64 MiB.
func (s Source) LongestLine(bytes int) Source {
	s.longest = bytes
	return s
}

// Name is Flink's.
func (s Source) Name() string { return "Socket Stream" }

// Kind names the connector.
func (s Source) Kind() string { return "socket" }

// Bounded is false.
func (s Source) Bounded() bool { return false }

// MaxReaders is 1.
func (s Source) MaxReaders() int { return 1 }

// NewEnumerator makes the enumerator of the one split, which is the address.
func (s Source) NewEnumerator(ctx connector.EnumeratorContext) (connector.Enumerator, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return splits.NewEnumerator(ctx, splits.Plan{
		List: func() ([]connector.Split, error) { return []connector.Split{s.split()}, nil },
		Weigh: func(split connector.Split) (int64, error) {
			return 1, s.checkSplit(split)
		},
	}), nil
}

// NewReader makes the reader.
func (s Source) NewReader(ctx connector.ReaderContext) (connector.Reader[string], error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return &reader{source: s, ctx: ctx, queue: splits.NewQueue(ctx)}, nil
}

func (s Source) check() error {
	if _, _, err := net.SplitHostPort(s.address); err != nil {
		return fmt.Errorf("socket source: %w: give an address as in \"localhost:9999\"", err)
	}
	switch {
	case s.delimiter == "":
		return errors.New("socket source: the delimiter is empty")
	case s.maxRetries < -1:
		return fmt.Errorf("socket source: %d retries: give a number, or -1 for no limit", s.maxRetries)
	case s.longest <= 0:
		return errors.New("socket source: the longest line has to have a positive length")
	}
	return nil
}

const splitID = "socket"

func (s Source) split() connector.Split {
	return connector.Split{ID: splitID, State: []byte(s.address)}
}

// checkSplit refuses what is not this source's split. A restored job may read from another address than before.
func (s Source) checkSplit(split connector.Split) error {
	if split.ID != splitID {
		return fmt.Errorf("split %q is not that of a socket source", split.ID)
	}
	return nil
}

// Error says that a connection failed.
type Error struct {
	Address  string
	Attempts int
	Cause    error
}

// Error names the address and what to do.
func (e *Error) Error() string {
	attempts := ""
	if e.Attempts > 1 {
		attempts = fmt.Sprintf(" (%d attempts)", e.Attempts)
	}
	return fmt.Sprintf("socket source: cannot read from %s%s: %v: check that a server listens there, or allow more attempts with MaxRetries", e.Address, attempts, e.Cause)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Environmental is true: the program is not at fault.
func (e *Error) Environmental() bool { return true }
