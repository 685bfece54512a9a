package launch

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/graph"
)

func TestHistoryTellsEachChangeOnce(t *testing.T) {
	at := func(ms int64) time.Time { return time.UnixMilli(ms) }
	var h history
	expect := func(s Status, want ...string) {
		t.Helper()
		var got []string
		for _, record := range h.news(at(1000), s) {
			line := fmt.Sprintf("%d %v %s", record.Time.UnixMilli(), record.Level, record.Message)
			record.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
			got = append(got, line)
		}
		if !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	since := map[graph.JobState]time.Time{graph.JobInitializing: at(5), graph.JobCreated: at(5), graph.JobRunning: at(7)}
	expect(Status{State: graph.JobRunning, Since: since}, "5 INFO job is INITIALIZING", "5 INFO job is CREATED", "7 INFO job is RUNNING")
	expect(Status{State: graph.JobRunning, Since: since})
	since[graph.JobRestarting], since[graph.JobRunning] = at(20), at(30)
	expect(Status{State: graph.JobRunning, Since: since, Restarts: 2, Cause: "boom"},
		"20 WARN job restarts restart=2 cause=boom", "20 INFO job is RESTARTING", "30 INFO job is RUNNING")
	expect(Status{State: graph.JobRunning, Since: since, Restarts: 2, Cause: "boom"})
	since[graph.JobFinished] = at(40)
	expect(Status{State: graph.JobFinished, Since: since, Restarts: 2, Cause: "boom"}, "40 INFO job is FINISHED")
	var other history
	h = other
	expect(Status{Restarts: 1, Cause: "early"}, "1000 WARN job restarts restart=1 cause=early")
}
