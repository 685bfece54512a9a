package console

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// Screen is a terminal whose last lines are a live display; what is written through it goes above them. Its methods may be
// called from any goroutine.
//
// Between calls the cursor stands where the display begins, so that whatever writes to the terminal on its own is soon
// overwritten, and erasing needs no memory of how many lines there were.
type Screen struct {
	mu       sync.Mutex
	terminal io.Writer
	display  string // as it is drawn, with the way back to its beginning; empty if there is none
	writers  []*above
}

// NewScreen returns a screen without a display. The terminal must understand the control sequences of ECMA-48.
func NewScreen(terminal io.Writer) *Screen { return &Screen{terminal: terminal} }

// eraseBelow erases from the line that the cursor is in to the end of the terminal (ED, "erase in display"); the driver may have
// echoed a ^C there.
const eraseBelow = "\r\x1b[J"

// Show replaces the display. Lines must fit into the width of the terminal, and there must not be more than it has rows.
func (s *Screen) Show(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	erased := s.erased()
	s.display = ""
	if len(lines) > 0 {
		s.display = strings.Join(lines, "\n") + "\r" + strings.Repeat("\x1b[A", len(lines)-1)
	}
	io.WriteString(s.terminal, erased+s.display) // a terminal that is gone is nobody's loss
}

// Close takes the display away and writes what is left of incomplete lines. Writers keep working.
func (s *Screen) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	io.WriteString(s.terminal, s.erased())
	s.display = ""
	for _, w := range s.writers {
		w.target.Write(w.partial)
		w.partial = nil
	}
}

func (s *Screen) erased() string {
	if s.display == "" {
		return ""
	}
	return eraseBelow
}

// Above returns a writer to target, which shows on the same terminal: its lines go above the display. A line that is not complete
// waits for its end as long as there is a display.
func (s *Screen) Above(target io.Writer) io.Writer {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &above{screen: s, target: target}
	s.writers = append(s.writers, w)
	return w
}

type above struct {
	screen  *Screen
	target  io.Writer
	partial []byte
}

// longestPartial is how much of an incomplete line is kept back.
const longestPartial = 64 << 10

func (w *above) Write(text []byte) (int, error) {
	w.screen.mu.Lock()
	defer w.screen.mu.Unlock()
	w.partial = append(w.partial, text...)
	complete := bytes.LastIndexByte(w.partial, '\n') + 1
	if w.screen.display == "" || len(w.partial)-complete > longestPartial {
		complete = len(w.partial)
	}
	if complete == 0 {
		return len(text), nil
	}
	io.WriteString(w.screen.terminal, w.screen.erased())
	_, err := w.target.Write(w.partial[:complete])
	w.partial = append(w.partial[:0], w.partial[complete:]...)
	io.WriteString(w.screen.terminal, w.screen.display)
	return len(text), err
}
