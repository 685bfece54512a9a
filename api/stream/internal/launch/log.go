package launch

import (
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// newLog writes records as the command line says. Beside a live display they are for a person to read.
func newLog(o Options, to io.Writer, display, color bool) *slog.Logger {
	level := slog.LevelInfo
	if display {
		level = slog.LevelWarn
	}
	if o.LogLevel != nil {
		level = *o.LogLevel
	}
	switch {
	case o.LogFormat == LogJSON:
		return slog.New(slog.NewJSONHandler(to, &slog.HandlerOptions{Level: level}))
	case display:
		return slog.New(tint.NewHandler(to, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: !color}))
	}
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: level}))
}
