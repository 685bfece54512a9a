package state

import "fmt"

// Failure is the panic of a backend or handle that could not read or write state: a failed disk, bytes that do not
// decode. State is touched in the middle of user code, so the failure is not an error for the user to handle at each
// call: the task recovers it and fails.
type Failure struct {
	// State is the name of the state, empty if the failure concerns all.
	State string
	// Action is what was attempted, as a verb ("read", "append to").
	Action string
	Cause  error
}

// Error names the state, what was attempted and the cause.
func (f *Failure) Error() string {
	if f.State == "" {
		return fmt.Sprintf("cannot %s keyed state: %v", f.Action, f.Cause)
	}
	return fmt.Sprintf("cannot %s state %q: %v", f.Action, f.State, f.Cause)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// Environmental says that neither the program nor the engine is at fault.
func (f *Failure) Environmental() bool { return true }
