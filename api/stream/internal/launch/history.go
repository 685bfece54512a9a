package launch

import (
	"cmp"
	"log/slog"
	"slices"
	"time"

	"github.com/weir-stream/weir/runtime/graph"
)

// history turns what a job's status says into records of a log, each change once.
type history struct {
	told     map[graph.JobState]time.Time
	restarts int
}

// news are the records of what has happened since the last call, in its order and with its time.
func (h *history) news(now time.Time, s Status) []slog.Record {
	if h.told == nil {
		h.told = make(map[graph.JobState]time.Time)
	}
	var news []slog.Record
	if s.Restarts > h.restarts {
		h.restarts = s.Restarts
		at, ok := s.Since[graph.JobRestarting]
		if !ok {
			at = now
		}
		record := slog.NewRecord(at, slog.LevelWarn, "job restarts", 0)
		record.Add("restart", s.Restarts, "cause", s.Cause)
		news = append(news, record)
	}
	states := make([]graph.JobState, 0, len(s.Since))
	for state, since := range s.Since {
		if since.After(h.told[state]) {
			h.told[state] = since
			states = append(states, state)
		}
	}
	slices.Sort(states) // for those of one moment: each job enters them in this order at first
	for _, state := range states {
		record := slog.NewRecord(s.Since[state], slog.LevelInfo, "job is "+state.String(), 0)
		news = append(news, record)
	}
	slices.SortStableFunc(news, func(a, b slog.Record) int { return cmp.Compare(a.Time.UnixNano(), b.Time.UnixNano()) })
	return news
}
