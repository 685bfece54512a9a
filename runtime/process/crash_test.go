package process

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/weir-stream/weir/runtime/clock"
)

func TestCrash(t *testing.T) {
	for text, want := range map[string]Crash{
		"": {},
		"panic: boom\n\ngoroutine 7 [running]:\nmain.f()\n\t/x.go:1\nexit status 2": {
			"panic: boom", "goroutine 7 [running]:\nmain.f()\n\t/x.go:1\nexit status 2"},
		"panic: two\nlines\n[signal SIGSEGV: x]\n\ngoroutine 7 [running]:\n": {"panic: two\nlines\n[signal SIGSEGV: x]", "goroutine 7 [running]:"},
		"fatal error: all is lost": {"fatal error: all is lost", ""},
		"panic: \xff":              {"panic: \uFFFD", ""},
	} {
		if got := parseCrash([]byte(text)); got != want {
			t.Errorf("%q is %+v", text, got)
		}
	}
	long := parseCrash([]byte("panic: " + strings.Repeat("é", 10_000) + "\n\ngoroutine 1 [" + strings.Repeat("è", 20_000)))
	if len(long.Reason) > mostReason+10 || len(long.Stack) > mostStack+10 {
		t.Errorf("a reason of %d bytes with a stack of %d", len(long.Reason), len(long.Stack))
	}
}

func FuzzCrash(f *testing.F) {
	f.Add([]byte("panic: boom\n\ngoroutine 7 [running]:\n"))
	f.Add([]byte("\xff\n\ngoroutine \n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := parseCrash(text)
		if !utf8.ValidString(c.Reason) || !utf8.ValidString(c.Stack) || len(c.Reason) > mostReason+10 || len(c.Stack) > mostStack+10 {
			t.Errorf("%q, %q", c.Reason, c.Stack)
		}
	})
}

// TestAReportIsBounded: whoever writes without end into the pipe neither fills the memory nor waits.
func TestAReportIsBounded(t *testing.T) {
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close() // some descendant keeps it open
	r := &report{pipe: from, read: make(chan struct{})}
	go r.take()
	for range 100 {
		if _, err := to.Write(bytes.Repeat([]byte("x"), 10_000)); err != nil {
			t.Fatal(err)
		}
	}
	r.finish()
	if len(r.text) != mostCrash {
		t.Errorf("%d bytes are kept", len(r.text))
	}
}

// TestTheEndOfAReportIsRead, also when the reader had not come to it before the process ended.
func TestTheEndOfAReportIsRead(t *testing.T) {
	for range 200 {
		from, to, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r := &report{pipe: from, read: make(chan struct{})}
		go r.take()
		if _, err := to.Write([]byte("panic: boom")); err != nil {
			t.Fatal(err)
		}
		r.finish()
		to.Close()
		if string(r.text) != "panic: boom" {
			t.Fatalf("the report is %q", r.text)
		}
	}
}

func TestTail(t *testing.T) {
	var all bytes.Buffer
	tail := NewTail(&all)
	var want []byte
	for i, size := range []int{0, 10, 2000, 100, 2047, 1, 5000, 3} {
		part := bytes.Repeat([]byte{byte('a' + i)}, size)
		want = append(want, part...)
		if n, err := tail.Write(part); n != size || err != nil {
			t.Fatal(n, err)
		}
		if end := string(want[max(0, len(want)-mostTail):]); tail.String() != end {
			t.Errorf("after part %d: %d bytes are kept, %d are due", i, len(tail.String()), len(end))
		}
	}
	if !bytes.Equal(all.Bytes(), want) {
		t.Error("what was handed on is not what was written")
	}
}

// TestPaced: what a second allows passes at once, and more waits as long as the rate says.
func TestPaced(t *testing.T) {
	c := clock.NewManual(time.UnixMilli(0))
	var all bytes.Buffer
	if Paced(&all, c, 0) != &all {
		t.Error("0 is a bound")
	}
	p := Paced(&all, c, 1000)
	for range 10 {
		p.Write(make([]byte, 100)) // would hang if it waited
	}
	passed := make(chan struct{})
	go func() {
		p.Write(make([]byte, 500))
		close(passed)
	}()
	c.WaitTimers(t.Context(), 1)
	c.Advance(499 * time.Millisecond)
	select {
	case <-passed:
		t.Error("500 bytes more have passed before their time")
	default:
	}
	c.Advance(time.Millisecond)
	<-passed
	c.Advance(time.Hour)
	p.Write(make([]byte, 1000)) // a second's worth has gathered, not an hour's
	go p.Write(make([]byte, 1))
	c.WaitTimers(t.Context(), 1)
}
