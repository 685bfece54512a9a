package logs

import (
	"log/slog"
	"sync"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
)

// Sparse warns of each kind of thing once a second at most, and says then how much it has left out: nobody can fill the log from outside. It may be used
// from any goroutine.
type Sparse struct {
	clock clock.Clock
	log   *slog.Logger

	mu    sync.Mutex
	kinds map[string]*sparseKind
}

// sparseKind is when a kind was last warned of, and how often not since.
type sparseKind struct {
	last    time.Time
	skipped int
}

// NewSparse returns what warns to a log.
func NewSparse(c clock.Clock, log *slog.Logger) *Sparse {
	return &Sparse{clock: c, log: log, kinds: map[string]*sparseKind{}}
}

const pause = time.Second

// Warn writes a line, unless the last one of its kind was just before. Kinds are few words of the caller's, none from outside.
func (l *Sparse) Warn(kind, message string, attributes ...any) {
	l.mu.Lock()
	now := l.clock.Now()
	k := l.kinds[kind]
	if k == nil {
		k = &sparseKind{}
		l.kinds[kind] = k
	} else if now.Sub(k.last) < pause && !now.Before(k.last) {
		k.skipped++
		l.mu.Unlock()
		return
	}
	if k.skipped > 0 {
		attributes = append(attributes, "likeItNotLogged", k.skipped)
	}
	k.last, k.skipped = now, 0
	l.mu.Unlock()
	l.log.Warn(message, attributes...)
}
