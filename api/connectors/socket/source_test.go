package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// subtask drives a reader as the runtime does.
type subtask struct {
	t      *testing.T
	reader connector.Reader[string]
	woken  chan struct{}
	status connector.Status
}

func start(t *testing.T, source Source, clock clock.Clock) *subtask {
	t.Helper()
	s := &subtask{t: t, woken: make(chan struct{}, 1)}
	reader, err := source.NewReader(connector.ReaderContext{
		RuntimeContext: (&operator.Context{Go: t.Context()}).Runtime(), Clock: clock, RequestSplit: func() {},
		Wake: func() {
			select {
			case s.woken <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.reader = reader
	if err := errors.Join(reader.Open(), reader.AddSplits([]connector.Split{source.split()})); err != nil {
		t.Fatal(err)
	}
	reader.NoMoreSplits()
	t.Cleanup(func() { reader.Close() })
	return s
}

// read polls until n records came, or the end or an error.
func (s *subtask) read(n int) (got []string, err error) {
	for len(got) < n {
		var batch element.Batch[string]
		out := connector.NewOutput(&batch, 2)
		s.status, err = s.reader.Poll(&out)
		got = append(got, batch.Values...)
		if err != nil || s.status == connector.Ended {
			return got, err
		}
		if s.status == connector.Waiting && len(got) < n {
			select {
			case <-s.woken:
			case <-s.t.Context().Done():
				return got, s.t.Context().Err()
			}
		}
	}
	return got, nil
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// serve answers one connection after the other with the given texts, and then closes the listener.
func serve(l net.Listener, texts ...string) {
	go func() {
		for _, text := range texts {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, text)
			c.Close()
		}
		l.Close()
	}()
}

func TestLinesUntilTheServerCloses(t *testing.T) {
	l := listen(t)
	serve(l, "one\r\n\ntwo\xff\nlast")
	s := start(t, Lines(l.Addr().String()), clock.System())
	got, err := s.read(100)
	if err != nil || s.status != connector.Ended || !slices.Equal(got, []string{"one", "", "two\xff", "last"}) {
		t.Errorf("%q, %v", got, err)
	}
	if splits, _ := s.reader.Snapshot(); len(splits) > 0 {
		t.Errorf("after the end a snapshot has %v", splits)
	}
}

func TestRetries(t *testing.T) {
	l := listen(t)
	serve(l, "one\n", "", "two\n")
	manual := clock.NewManual(time.Unix(0, 0))
	s := start(t, Lines(l.Addr().String()).MaxRetries(2), manual)
	go func() {
		for manual.WaitTimers(t.Context(), 1) == nil {
			manual.Advance(500 * time.Millisecond)
		}
	}()
	got, err := s.read(100)
	var failed *Error
	if !slices.Equal(got, []string{"one", "two"}) || !errors.As(err, &failed) || !failed.Environmental() || failed.Attempts != 3 {
		t.Fatalf("%q, %v", got, err)
	}
	for _, part := range []string{l.Addr().String(), "3 attempts", "connection refused", "check that a server listens"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

func TestCloseWhileConnectedAndFull(t *testing.T) {
	l := listen(t)
	gone := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		for err == nil {
			_, err = io.WriteString(c, strings.Repeat("a line\n", 10_000))
		}
		gone <- err
	}()
	s := start(t, Lines(l.Addr().String()), clock.System())
	if _, err := s.read(10); err != nil {
		t.Fatal(err)
	}
	if splits, _ := s.reader.Snapshot(); len(splits) != 1 {
		t.Errorf("a snapshot has %v", splits)
	}
	if err := s.reader.Close(); err != nil {
		t.Error(err)
	}
	<-gone // the connection is closed
}

func TestCancellationEndsTheWaitForARetry(t *testing.T) {
	l := listen(t)
	address := l.Addr().String()
	l.Close()
	manual := clock.NewManual(time.Unix(0, 0))
	s := start(t, Lines(address).MaxRetries(-1), manual)
	var batch element.Batch[string]
	out := connector.NewOutput(&batch, 2)
	if status, err := s.reader.Poll(&out); status != connector.Waiting || err != nil {
		t.Fatalf("%v, %v", status, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := manual.WaitTimers(ctx, 1); err != nil {
		t.Fatal(err)
	}
	s.reader.Close()
	if manual.Timers() != 0 {
		t.Error("a timer is left")
	}
}

func TestTooLongALine(t *testing.T) {
	l := listen(t)
	serve(l, "short\nmuch too long\n", "again\n")
	s := start(t, Lines(l.Addr().String()).LongestLine(5).MaxRetries(-1), clock.System())
	got, err := s.read(100)
	if err == nil || !slices.Equal(got, []string{"short"}) || !strings.Contains(err.Error(), "more than 5 bytes") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestBadSettings(t *testing.T) {
	for _, source := range []Source{Lines("localhost"), Lines("localhost:1").Delimiter(""), Lines("localhost:1").MaxRetries(-2), Lines("localhost:1").LongestLine(0)} {
		if _, err := source.NewEnumerator(nil); err == nil || !strings.HasPrefix(err.Error(), "socket source: ") {
			t.Errorf("%+v: %v", source, err)
		}
	}
}

func FuzzCutter(f *testing.F) {
	f.Add("a||b|||c", "||", 3)
	f.Add("aXbX", "X", 1)
	f.Add("a||b", "||", 1)
	f.Add("aaaaa", "aa", 2)
	f.Fuzz(func(t *testing.T, text, delimiter string, size int) {
		if delimiter == "" || delimiter == "\n" || size < 1 {
			return
		}
		c := cutter{delimiter: delimiter, longest: len(text)}
		var got []string
		for rest := []byte(text); len(rest) > 0; {
			n := min(size, len(rest))
			records, err := c.add(rest[:n])
			if err != nil {
				t.Fatal(err)
			}
			got, rest = append(got, records...), rest[n:]
		}
		got = append(got, c.end()...)
		want := strings.Split(text, delimiter)
		if want[len(want)-1] == "" {
			want = want[:len(want)-1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q by %q in pieces of %d: %q, want %q", text, delimiter, size, got, want)
		}
	})
}
