package console

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// terminal understands the little that Screen asks of one, and fails on anything else.
type terminal struct {
	t        *testing.T
	rows     [][]rune
	row, col int
}

func (m *terminal) Write(text []byte) (int, error) {
	rest := string(text)
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, "\x1b[J"):
			m.here()
			m.rows = m.rows[:m.row+1]
			m.rows[m.row] = m.rows[m.row][:min(m.col, len(m.rows[m.row]))]
			rest = rest[3:]
			continue
		case strings.HasPrefix(rest, "\x1b[A"):
			m.row--
			rest = rest[3:]
			continue
		}
		r := []rune(rest)[0]
		rest = rest[len(string(r)):]
		switch {
		case r == '\n': // the terminal's driver returns the carriage
			m.row, m.col = m.row+1, 0
		case r == '\r':
			m.col = 0
		case r < ' ':
			m.t.Errorf("unexpected control character %q", r)
		default:
			m.here()
			m.rows[m.row][m.col] = r
			m.col++
		}
		m.here()
	}
	return len(text), nil
}

func (m *terminal) here() {
	for len(m.rows) <= m.row {
		m.rows = append(m.rows, nil)
	}
	for len(m.rows[m.row]) <= m.col {
		m.rows[m.row] = append(m.rows[m.row], ' ')
	}
}

func (m *terminal) shows() string {
	lines := make([]string, len(m.rows))
	for i, row := range m.rows {
		lines[i] = strings.TrimRight(string(row), " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func TestScreenKeepsTheDisplayBelowWhatIsWritten(t *testing.T) {
	m := &terminal{t: t}
	s := NewScreen(m)
	log, out := s.Above(m), s.Above(m)
	expect := func(want string) {
		t.Helper()
		if got := m.shows(); got != want {
			t.Errorf("the terminal shows\n%s\nwant\n%s", got, want)
		}
	}
	io.WriteString(log, "early\n")
	expect("early")
	s.Show([]string{"a long first line", "second", "third"})
	expect("early\na long first line\nsecond\nthird")
	io.WriteString(log, "warning\n")
	expect("early\nwarning\na long first line\nsecond\nthird")
	s.Show([]string{"short"})
	expect("early\nwarning\nshort")
	io.WriteString(out, "half a ")
	io.WriteString(log, "error 1\nerror 2\n")
	expect("early\nwarning\nerror 1\nerror 2\nshort")
	io.WriteString(out, "line\nand ")
	expect("early\nwarning\nerror 1\nerror 2\nhalf a line\nshort")
	io.WriteString(m, "^C") // the terminal's driver does that
	s.Show([]string{"short", "again"})
	expect("early\nwarning\nerror 1\nerror 2\nhalf a line\nshort\nagain")
	s.Close()
	expect("early\nwarning\nerror 1\nerror 2\nhalf a line\nand")
	io.WriteString(out, "more")
	expect("early\nwarning\nerror 1\nerror 2\nhalf a line\nand more")
}

func TestLongIncompleteLineIsNotKeptForEver(t *testing.T) {
	var written strings.Builder
	s := NewScreen(io.Discard)
	w := s.Above(&written)
	s.Show([]string{"display"})
	for range 100 {
		io.WriteString(w, strings.Repeat("x", 1000))
	}
	if kept := 100_000 - written.Len(); kept > longestPartial {
		t.Errorf("%d bytes are kept back", kept)
	}
}

func TestTakeStdout(t *testing.T) {
	real := os.Stdout // as a sink has it that was made before
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	saved := *os.Stdout
	*os.Stdout = *file
	defer func() { *os.Stdout = saved }()

	m := &terminal{t: t}
	s := NewScreen(m)
	giveBack, err := s.TakeStdout()
	if err != nil {
		t.Fatal(err)
	}
	s.Show([]string{"display"})
	for i := range 1000 {
		fmt.Fprintln(real, i)
	}
	fmt.Print("partial")
	giveBack()
	s.Close()
	fmt.Println(" and after")
	content, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(string(content), "\n"); len(lines) != 1002 || lines[999] != "999" || lines[1000] != "partial and after" {
		t.Errorf("%d lines reached the standard output, the last are %q", len(lines), lines[max(0, len(lines)-3):])
	}
	if got := m.shows(); got != "" {
		t.Errorf("the terminal still shows %q", got)
	}
}
