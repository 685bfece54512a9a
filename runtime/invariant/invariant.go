// Package invariant has assertions that exist only in builds with the tag "invariants" (tests and simulations use it). They state what the
// code around them takes for granted; a failed one is a bug of the runtime, never a user's mistake or a fault of the environment.
package invariant

// Violation is the value of the panic of a failed [Check].
type Violation struct {
	// Text says which invariant is broken, with the values that break it.
	Text string
}

// Error returns the text; a Violation is an error, so that whoever recovers from it can report it as one.
func (v *Violation) Error() string { return "invariant violated (a bug in Weir): " + v.Text }
