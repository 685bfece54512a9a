package sim

import (
	"fmt"
	"strings"
)

// compareOutput: what was committed is what an undisturbed run commits, once. It is asked at the end.
func (w *World) compareOutput() {
	got, want := strings.Split(tallyOf(w.outside.results), "\n"), strings.Split(w.job.expected(), "\n")
	lost, doubled := difference(want, got), difference(got, want)
	if len(lost)+len(doubled) > 0 {
		w.fail("exactly once", "%d results are lost%s, %d were not to come%s", len(lost), example(lost), len(doubled), example(doubled))
	}
}

func example(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s)", lines[0])
}

// difference returns the lines of a that b has not, or has fewer times. Both are sorted.
func difference(a, b []string) (only []string) {
	for len(a) > 0 {
		switch {
		case len(b) == 0 || a[0] < b[0]:
			only, a = append(only, a[0]), a[1:]
		case a[0] == b[0]:
			a, b = a[1:], b[1:]
		default:
			b = b[1:]
		}
	}
	return only
}
