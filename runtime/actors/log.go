package actors

import (
	"context"
	"log/slog"
)

// demoted takes protoactor's warnings and errors as words for debugging, and drops the rest: it calls each failed try to reach a process an error, and
// tells of every message to an actor that has ended.
type demoted struct{ slog.Handler }

func (h demoted) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, slog.LevelDebug)
}

func (h demoted) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return h.Handler.Handle(ctx, r)
}

func (h demoted) WithAttrs(attrs []slog.Attr) slog.Handler {
	return demoted{h.Handler.WithAttrs(attrs)}
}

func (h demoted) WithGroup(name string) slog.Handler { return demoted{h.Handler.WithGroup(name)} }
