package launch

// Exit codes of a program.
const (
	// ExitFinished says that the job has finished, or that help was asked for.
	ExitFinished = 0
	// ExitFailed says that the job has failed, or that its graph could not be built.
	ExitFailed = 1
	// ExitUsage says that the command line or the configuration is wrong: nothing ran.
	ExitUsage = 2
	// ExitInterrupted says that Ctrl-C canceled the job: 128 and the number of SIGINT, as shells have it.
	ExitInterrupted = 130
	// ExitKilled says that a second Ctrl-C ended the process at once: 128 and the number of SIGKILL.
	ExitKilled = 137
	// ExitTerminated says that SIGTERM drained and canceled the job: 128 and the number of SIGTERM.
	ExitTerminated = 143
)

// UsageError is an error of whoever wrote the command line: it is shown with a pointer to --help.
type UsageError struct{ Cause error }

// Error returns the cause alone.
func (e *UsageError) Error() string { return e.Cause.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Cause }
