package console

import (
	"fmt"
	"time"
)

// View is what a live display is made from.
type View struct {
	// Job is the job's name, and State what it does: "RUNNING".
	Job, State string
	Operators  []Operator
	// Started is the clock's reading when the job was submitted.
	Started int64
	// Verbose asks for a line for each operator.
	Verbose bool
}

// Live returns the lines of the live display: rates are those between two readings of the figures. No line is longer than width, nor
// are there more than height.
func Live(v View, before, after Figures, width, height int) []string {
	lines := []string{fit(overview(v, before, after), width)}
	if v.Verbose {
		for _, line := range append([]string{""}, operatorRates(v.Operators, before, after, width)...) {
			lines = append(lines, fit(line, width))
		}
	}
	if height = max(height, 1); len(lines) > height {
		lines = lines[:height]
	}
	return lines
}

func overview(v View, before, after Figures) string {
	read, written := after.totals(v.Operators)
	readBefore, writtenBefore := before.totals(v.Operators)
	nanos := after.Nanos - before.Nanos
	return fmt.Sprintf("%s %s %s | read %s (%s) | written %s (%s)",
		fit(v.Job, longestJob), v.State, elapsed(time.Duration(after.Nanos-v.Started)),
		count(read), rate(between(readBefore, read, nanos)), count(written), rate(between(writtenBefore, written, nanos)))
}

// longestJob is how much of a job's name the live line shows, so that the figures are in sight too.
const longestJob = 24

// Widths of the columns of a table of operators.
const (
	subtasksWidth = 9
	numberWidth   = 11
	shareWidth    = 7
)

func operatorRates(operators []Operator, before, after Figures, width int) []string {
	name := nameWidth(operators, width-subtasksWidth-2*numberWidth-3*shareWidth)
	lines := []string{padded("operator", name) + right("subtasks", subtasksWidth) + right("in", numberWidth) + right("out", numberWidth) +
		right("busy", shareWidth) + right("backpr", shareWidth) + right("idle", shareWidth)}
	nanos := after.Nanos - before.Nanos
	for i, op := range operators {
		was, is := before.Operators[i], after.Operators[i]
		line := padded(chained(op), name) + right(count(int64(op.Parallelism)), subtasksWidth) +
			right(unless(op.Source, rate(between(was.In, is.In, nanos))), numberWidth) +
			right(unless(op.Sink, rate(between(was.Out, is.Out, nanos))), numberWidth)
		if op.Head { // the chain is busy as one
			line += right(share(is.Busy, op), shareWidth) + right(share(is.BackPressured, op), shareWidth) + right(share(is.Idle, op), shareWidth)
		}
		lines = append(lines, line)
	}
	return lines
}

// chained is the operator's name, set in if the operator runs in the task of the one above it.
func chained(op Operator) string {
	if op.Head {
		return op.Name
	}
	return "  " + op.Name
}

func nameWidth(operators []Operator, room int) int {
	const least, most = 12, 48
	longest := least
	for _, op := range operators {
		longest = max(longest, width(chained(op)))
	}
	return max(least, min(longest, room, most))
}

func unless(absent bool, figure string) string {
	if absent {
		return "-"
	}
	return figure
}

// share turns milliseconds of each second, summed over the subtasks, into percent.
func share(millis int64, op Operator) string {
	return fmt.Sprintf("%d%%", (millis+int64(op.Parallelism)*5)/(int64(op.Parallelism)*10))
}
