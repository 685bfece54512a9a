package cable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// newTest returns a network of two nodes, of which the second repeats the lines that it gets. This process is the first one, if it is known.
func newTest(t *testing.T, known bool) (*Network, string) {
	t.Helper()
	n := New(2, func() []int { return []int{os.Getpid()} }, func(int) (Node, bool) { return 0, known })
	t.Cleanup(n.Close)
	l, err := net.Listen("tcp", n.Hidden(1)+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	return n, fmt.Sprint(n.Announced(1), ":", l.Addr().(*net.TCPAddr).Port)
}

type line struct {
	net.Conn
	read *bufio.Reader
}

// dial waits until the port is mirrored.
func dial(t *testing.T, address string) *line {
	t.Helper()
	for ends := time.Now().Add(10 * time.Second); ; {
		c, err := net.Dial("tcp", address)
		if err == nil {
			t.Cleanup(func() { c.Close() })
			return &line{c, bufio.NewReader(c)}
		}
		if time.Now().After(ends) {
			t.Fatal(err)
		}
	}
}

func (l *line) say(t *testing.T, text string) {
	t.Helper()
	if _, err := fmt.Fprintln(l, text); err != nil {
		t.Fatal(err)
	}
}

func (l *line) hear(within time.Duration) (string, error) {
	_ = l.SetReadDeadline(time.Now().Add(within))
	return l.read.ReadString('\n')
}

func TestWhatIsHeldComesLate(t *testing.T) {
	n, address := newTest(t, true)
	c := dial(t, address)
	c.say(t, "one")
	if text, err := c.hear(10 * time.Second); err != nil || text != "one\n" {
		t.Fatalf("%q, %v", text, err)
	}
	for _, way := range [][2]Node{{0, 1}, {1, 0}} {
		n.Set(way[0], way[1], Held)
		c.say(t, "two")
		if text, err := c.hear(50 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%v is held: %q, %v", way, text, err)
		}
		n.Set(way[0], way[1], Open)
		if text, err := c.hear(10 * time.Second); err != nil || text != "two\n" {
			t.Fatalf("%v is open again: %q, %v", way, text, err)
		}
	}
}

func TestWhatIsBrokenEnds(t *testing.T) {
	n, address := newTest(t, true)
	for name, end := range map[string]func(){"broken": func() { n.Set(1, 0, Broken) }, "reset": func() { n.Reset(0, 1) }} {
		c := dial(t, address)
		c.say(t, "one")
		if _, err := c.hear(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		end()
		if _, err := c.hear(10 * time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: it ends with %v", name, err)
		}
		next := dial(t, address)
		_, _ = fmt.Fprintln(next, "two")
		if _, err := next.hear(10 * time.Second); (err != nil) != (name == "broken") || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the next one: %v", name, err)
		}
		n.Set(1, 0, Open)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	n, address := newTest(t, false)
	c := dial(t, address)
	if _, err := c.hear(10 * time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) || n.Strangers() == 0 {
		t.Errorf("%v, %d strangers", err, n.Strangers())
	}
}
