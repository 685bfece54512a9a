//go:build invariants

package invariant

import "fmt"

// Enabled reports whether Check checks. Guard with it what is costly to compute only for a check.
const Enabled = true

// Check panics with a [*Violation] if cond is false. The text is formatted as by fmt.Sprintf.
func Check(cond bool, format string, args ...any) {
	if !cond {
		panic(&Violation{Text: fmt.Sprintf(format, args...)})
	}
}
