//go:build !invariants

package invariant

// Enabled reports whether Check checks. Guard with it what is costly to compute only for a check.
const Enabled = false

// Check does nothing in this build. Calls in the condition and the arguments still happen: if they cost, guard them with Enabled.
func Check(cond bool, format string, args ...any) {}
