package console

import (
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator"
)

var wordCount = []Operator{
	{ID: "a", Name: "Source: lines", Parallelism: 2, Task: "a", Head: true, Source: true},
	{ID: "b", Name: "Split", Parallelism: 2, Task: "a"},
	{ID: "c", Name: "Count", Parallelism: 4, Task: "c", Head: true},
	{ID: "d", Name: "counts: Writer", Parallelism: 4, Task: "c", Sink: true},
}

func at(d time.Duration, operators ...OperatorFigures) Figures {
	return Figures{Nanos: int64(d), Operators: operators}
}

var (
	before = at(time.Second, OperatorFigures{Out: 1_000_000}, OperatorFigures{In: 1_000_000, Out: 5_000_000},
		OperatorFigures{In: 4_900_000}, OperatorFigures{})
	after = at(2*time.Second, OperatorFigures{Out: 2_234_567, Busy: 1999, BackPressured: 1}, OperatorFigures{In: 2_234_567, Out: 11_000_000},
		OperatorFigures{In: 10_950_000, Out: 950, Busy: 1234, BackPressured: 0, Idle: 2766}, OperatorFigures{In: 950})
)

func TestLiveLine(t *testing.T) {
	view := View{Job: "wordcount", State: "RUNNING", Operators: wordCount, Started: int64(-10 * time.Second)}
	for _, c := range []struct {
		name          string
		verbose       bool
		width, height int
		want          string
	}{
		{"a wide terminal", false, 120, 40, "wordcount RUNNING 12.0 s | read 2,234,567 (1.23 M/s) | written 950 (950 /s)"},
		{"a narrow one", false, 40, 40, "wordcount RUNNING 12.0 s | read 2,234,5…"},
		{"no room at all", false, 1, 1, "…"},
		{"by operator", true, 120, 40, `
wordcount RUNNING 12.0 s | read 2,234,567 (1.23 M/s) | written 950 (950 /s)

operator         subtasks         in        out   busy backpr   idle
Source: lines           2          -   1.23 M/s   100%     0%     0%
  Split                 2   1.23 M/s   6.00 M/s
Count                   4   6.05 M/s     950 /s    31%     0%    69%
  counts: Writer        4     950 /s          -`},
		{"by operator on a small terminal", true, 60, 5, `
wordcount RUNNING 12.0 s | read 2,234,567 (1.23 M/s) | writ…

operator     subtasks         in        out   busy backpr  …
Source: lin…        2          -   1.23 M/s   100%     0%  …
  Split             2   1.23 M/s   6.00 M/s`},
	} {
		view.Verbose = c.verbose
		got := strings.Join(Live(view, before, after, c.width, c.height), "\n")
		if want := strings.TrimPrefix(c.want, "\n"); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.name, got, want)
		}
	}
}

// Whatever names and figures are, no line is wider than the terminal, and nothing in it moves the cursor.
func TestLiveLinesFitWhateverTheyHold(t *testing.T) {
	names := []string{"", "a\x1b[2Jb\nc\t", "日本語のジョブ名前はとても長い", "e\u0301e\u0301e\u0301", strings.Repeat("long ", 60), "\xff\xfe", "👍👍👍"}
	for _, name := range names {
		operators := []Operator{{Name: name, Parallelism: 1, Head: true, Source: true}}
		v := View{Job: name, State: "RUNNING", Operators: operators, Verbose: true}
		for width := range 130 {
			for _, line := range Live(v, at(0, OperatorFigures{}), at(1, OperatorFigures{Out: 1 << 62, Busy: 1 << 40}), width, 99) {
				if places(line) > max(width, 1) {
					t.Errorf("%q takes %d places of %d", line, places(line), width)
				}
				if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
					t.Errorf("%q has control characters", line)
				}
			}
		}
	}
}

// places counts on its own what the strings of the test above take.
func places(line string) (n int) {
	for _, r := range line {
		switch {
		case r == '\u0301':
		case r >= 0x3000 && r < 0xA000 || r == '👍':
			n += 2
		default:
			n++
		}
	}
	return n
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{count(0), "0"}, {count(999), "999"}, {count(1000), "1,000"}, {count(1234567), "1,234,567"}, {count(-1234), "-1,234"}, {count(-123), "-123"},
		{rate(0), "0 /s"}, {rate(999.4), "999 /s"}, {rate(999.6), "1.00 k/s"}, {rate(9_994), "9.99 k/s"}, {rate(9_996), "10.0 k/s"},
		{rate(99_960), "100 k/s"}, {rate(999_700), "1.00 M/s"}, {rate(12.3e6), "12.3 M/s"}, {rate(4.5e9), "4.50 G/s"}, {rate(4.5e13), "45000 G/s"},
		{elapsed(0), "0.0 s"}, {elapsed(59_940 * time.Millisecond), "59.9 s"}, {elapsed(59_960 * time.Millisecond), "1 min 00 s"},
		{elapsed(3_599_400 * time.Millisecond), "59 min 59 s"}, {elapsed(3_599_600 * time.Millisecond), "1 h 00 min"}, {elapsed(49 * time.Hour), "49 h 00 min"},
		{precisely(1234567 * time.Microsecond), "1.235 s"}, {precisely(83 * time.Second), "1 min 23 s"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

// After a restart figures are lower than before: the rate is 0 then, not negative.
func TestRateOfFiguresThatWentDown(t *testing.T) {
	view := View{Job: "j", State: "RUNNING", Operators: wordCount}
	got := Live(view, after, before, 120, 1)[0]
	if want := "j RUNNING 1.0 s | read 1,000,000 (0 /s) | written 0 (0 /s)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if !before.LessThan(after) || after.LessThan(before) || after.LessThan(after) {
		t.Error("LessThan does not tell which figures are lower")
	}
}

func TestFiguresAreReadFromMetrics(t *testing.T) {
	registry := metrics.NewRegistry(nil, nil)
	job := registry.Root(metrics.LevelTaskManagerJob)
	for subtask := range int64(2) {
		task := job.Child(metrics.LevelTask, metrics.Variable{Name: metrics.TaskID, Value: "a"}, metrics.Variable{Name: metrics.SubtaskIndex, Value: count(subtask)})
		metrics.Gauge(task, "busyTimeMsPerSecond", func() int64 { return 300 + subtask })
		metrics.Gauge(task, "backPressuredTimeMsPerSecond", func() int64 { return 200 })
		metrics.Gauge(task, "idleTimeMsPerSecond", func() int64 { return 100 })
		for _, id := range []string{"a", "b", "of another job"} {
			op := task.Child(metrics.LevelOperator, metrics.Variable{Name: metrics.OperatorID, Value: id})
			op.Counter("numRecordsIn").Add(10)
			op.Counter("numRecordsOut").Add(uint64(100 + subtask))
			op.Add("mine").Counter("numRecordsOut").Add(7) // a user's metric of the same name
			metrics.Gauge(op, "text", func() string { return "x" })
		}
	}
	got := Read(wordCount, registry.Snapshot(), 42)
	want := OperatorFigures{In: 20, Out: 201, Busy: 601, BackPressured: 400, Idle: 200}
	if got.Nanos != 42 || got.Operators[0] != want || got.Operators[1] != want || got.Operators[2] != (OperatorFigures{}) {
		t.Errorf("read %+v, want %+v for the first two operators", got, want)
	}
}

func TestSummary(t *testing.T) {
	lines := accumulator.IntCounter()
	lines.Add(12)
	end := End{Job: "wordcount", State: "FINISHED", Duration: 2 * time.Second}
	full := end
	full.Accumulators = accumulator.Snapshot{"lines": lines.Value()}
	failed := End{Job: "wordcount", State: "FAILED", Duration: 83 * time.Second, Failure: &Failure{
		Message: `job "wordcount": operator "Split" (subtask 1) panicked: boom`, Stack: "goroutine 7 [running]:\nmain.split()\n", Class: operator.User}}
	bug := End{Job: "wordcount", State: "FAILED", Failure: &Failure{Message: "broken", Class: operator.Bug}}
	for _, c := range []struct {
		name    string
		end     End
		verbose bool
		want    string
	}{
		{"finished", end, false, `
wordcount: FINISHED after 2.000 s
  read     2,234,567 records, 1.12 M/s
  written        950 records, 475 /s
`},
		{"verbose", full, true, `
wordcount: FINISHED after 2.000 s
  read     2,234,567 records, 1.12 M/s
  written        950 records, 475 /s

  operator         subtasks              in                        out
  Source: lines           2               -                  2,234,567   1.12 M/s
    Split                 2       2,234,567   1.12 M/s      11,000,000   5.50 M/s
  Count                   4      10,950,000   5.47 M/s             950     475 /s
    counts: Writer        4             950     475 /s               -

  accumulators
  lines = 12
`},
		{"panicked", failed, false, `
wordcount: FAILED after 1 min 23 s
  read     2,234,567 records, 26.9 k/s
  written        950 records, 11 /s

job "wordcount": operator "Split" (subtask 1) panicked: boom

goroutine 7 [running]:
main.split()
`},
		{"a bug of the engine", bug, false, `
wordcount: FAILED after 0.000 s
  read     2,234,567 records, 0 /s
  written        950 records, 0 /s

broken

This is a bug in Weir, not in your program. Please report it with the message and the stack.
`},
	} {
		if got := Summary(c.end, wordCount, after, c.verbose); got != strings.TrimPrefix(c.want, "\n") {
			t.Errorf("%s:\n%s\nwant:%s", c.name, got, c.want)
		}
	}
}
