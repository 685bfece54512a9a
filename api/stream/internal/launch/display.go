package launch

import (
	"io"
	"log"
	"log/slog"
	"os"

	"golang.org/x/term"

	"github.com/weir-stream/weir/api/stream/internal/console"
)

// display is where a run writes what a person sees.
type display struct {
	log *slog.Logger
	// screen is nil where there is no live display.
	screen *console.Screen
	size   func() (width, height int)
	undo   []func()
}

func (h *host) open(o Options) *display {
	if h.terminal == nil || o.NoProgress || o.LogFormat != LogText {
		return &display{log: newLog(o, h.stderr, false, false)}
	}
	d := &display{screen: console.NewScreen(h.terminal), size: func() (int, int) { return size(h.terminal) }}
	stderr := d.screen.Above(h.terminal)
	d.log = newLog(o, stderr, true, h.getenv("NO_COLOR") == "")
	d.take(stderr)
	return d
}

func size(terminal *os.File) (width, height int) {
	width, height, err := term.GetSize(int(terminal.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// take leads what else writes to the terminal above the display: the standard log, and os.Stdout if it is a terminal too.
func (d *display) take(stderr io.Writer) {
	logged := log.Writer()
	log.SetOutput(stderr)
	d.undo = append(d.undo, func() { log.SetOutput(logged) })
	if !term.IsTerminal(int(os.Stdout.Fd())) {
		return
	}
	if giveBack, err := d.screen.TakeStdout(); err == nil { // else it shows where the display is, and is soon overwritten
		d.undo = append(d.undo, giveBack)
	}
}

// show replaces the live display, if there is one.
func (d *display) show(v console.View, before, after console.Figures) {
	if d.screen != nil {
		width, height := d.size()
		d.screen.Show(console.Live(v, before, after, width-1, height-1))
	}
}

// close leaves the terminal as it was.
func (d *display) close() {
	for _, undo := range d.undo {
		undo()
	}
	d.undo = nil
	if d.screen != nil {
		d.screen.Close()
	}
}
