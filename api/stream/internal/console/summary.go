package console

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/runtime/operator"
)

// End is how a job ended.
type End struct {
	Job string
	// State is a final one, in Flink's words: "FINISHED".
	State    string
	Duration time.Duration
	// Failure is why it failed, or nil.
	Failure      *Failure
	Accumulators accumulator.Snapshot
}

// Failure is the cause of a job's end.
type Failure struct {
	// Message names job, operator, subtask and cause; Stack is that of a panic, or empty.
	Message, Stack string
	Class          operator.Class
}

// Hint says what to do about the failure, or nothing where its message does.
func (f *Failure) Hint() string {
	if f.Class == operator.Bug {
		return "This is a bug in Weir, not in your program. Please report it with the message and the stack."
	}
	return ""
}

// Totals are what a job has moved as a whole.
type Totals struct {
	Read, Written                   int64
	ReadPerSecond, WrittenPerSecond float64
}

// TotalsOf adds up what the operators have moved in a time.
func TotalsOf(operators []Operator, f Figures, d time.Duration) Totals {
	read, written := f.totals(operators)
	return Totals{read, written, between(0, read, d.Nanoseconds()), between(0, written, d.Nanoseconds())}
}

// Summary is the last that a person reads of a job, with a line for each operator if it is verbose.
func Summary(end End, operators []Operator, f Figures, verbose bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s after %s\n", end.Job, end.State, precisely(end.Duration))
	t := TotalsOf(operators, f, end.Duration)
	read, written := count(t.Read), count(t.Written)
	places := max(len(read), len(written))
	fmt.Fprintf(&b, "  read     %s records, %s\n", right(read, places), rate(t.ReadPerSecond))
	fmt.Fprintf(&b, "  written  %s records, %s\n", right(written, places), rate(t.WrittenPerSecond))
	if verbose {
		b.WriteByte('\n')
		for _, line := range operatorTotals(operators, f, end.Duration) {
			b.WriteString("  " + strings.TrimRight(line, " ") + "\n")
		}
	}
	if len(end.Accumulators) > 0 {
		b.WriteString("\n  accumulators\n")
		for _, name := range slices.Sorted(maps.Keys(end.Accumulators)) {
			fmt.Fprintf(&b, "  %s = %s\n", name, fit(end.Accumulators[name].String(), longestValue))
		}
	}
	if end.Failure != nil {
		b.WriteString("\n" + end.Failure.text())
	}
	return b.String()
}

// longestValue is how much of an accumulator is shown: one may be a list of thousands.
const longestValue = 200

func (f *Failure) text() string {
	text := strings.TrimRight(f.Message, "\n") + "\n"
	if f.Stack != "" {
		text += "\n" + strings.TrimRight(f.Stack, "\n") + "\n"
	}
	if hint := f.Hint(); hint != "" {
		text += "\n" + hint + "\n"
	}
	return text
}

func operatorTotals(operators []Operator, f Figures, d time.Duration) []string {
	const total = 16
	name := nameWidth(operators, math.MaxInt)
	lines := []string{padded("operator", name) + right("subtasks", subtasksWidth) +
		right("in", total) + right("", numberWidth) + right("out", total) + right("", numberWidth)}
	for i, op := range operators {
		moved := f.Operators[i]
		in := right(count(moved.In), total) + right(rate(between(0, moved.In, d.Nanoseconds())), numberWidth)
		out := right(count(moved.Out), total) + right(rate(between(0, moved.Out, d.Nanoseconds())), numberWidth)
		if op.Source {
			in = right("-", total) + right("", numberWidth)
		}
		if op.Sink {
			out = right("-", total)
		}
		lines = append(lines, padded(chained(op), name)+right(count(int64(op.Parallelism)), subtasksWidth)+in+out)
	}
	return lines
}
