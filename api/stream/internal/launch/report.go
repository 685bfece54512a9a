package launch

import (
	"context"
	"io"
	"log/slog"

	"github.com/weir-stream/weir/api/stream/internal/console"
)

// report says how the job ended: as text or, where all else is JSON, as a record.
func (r *run) report() {
	end := console.End{
		Job: r.program.Job, State: r.outcome.State.String(), Duration: r.took, Failure: r.outcome.Failure, Accumulators: r.outcome.Accumulators,
	}
	if r.options.LogFormat == LogJSON {
		r.display.log.LogAttrs(context.Background(), level(end), "job ended", attributes(end, r.program.Operators, r.latest())...)
		return
	}
	io.WriteString(r.stderr, console.Summary(end, r.program.Operators, r.latest(), r.options.Verbose))
}

func level(end console.End) slog.Level {
	if end.Failure != nil {
		return slog.LevelError
	}
	return slog.LevelInfo
}

func attributes(end console.End, operators []console.Operator, f console.Figures) []slog.Attr {
	totals := console.TotalsOf(operators, f, end.Duration)
	all := []slog.Attr{
		slog.String("job", end.Job), slog.String("state", end.State), slog.Float64("seconds", end.Duration.Seconds()),
		slog.Int64("records_read", totals.Read), slog.Int64("records_written", totals.Written),
		slog.Float64("records_read_per_second", totals.ReadPerSecond), slog.Float64("records_written_per_second", totals.WrittenPerSecond),
	}
	if len(end.Accumulators) > 0 {
		all = append(all, slog.Any("accumulators", end.Accumulators))
	}
	if f := end.Failure; f != nil {
		all = append(all, slog.String("cause", f.Message))
		if f.Stack != "" {
			all = append(all, slog.String("stack", f.Stack))
		}
		if hint := f.Hint(); hint != "" {
			all = append(all, slog.String("hint", hint))
		}
	}
	return all
}
