package streamtest

import (
	"github.com/weir-stream/weir/api/stream"
)

// T is what a harness needs of a test; a *testing.T, *testing.B or *testing.F is one.
type T interface {
	Helper()
	// Fatalf reports a failure and does not return.
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// NewEnvironment returns an empty program to build the operators under test with. Properties are Flink's keys with their
// values, each as key=value.
func NewEnvironment(t T, properties ...string) *stream.Environment {
	t.Helper()
	env, err := stream.NewEnvironment("test", properties...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return env
}

// Option changes how a harness runs a program.
type Option func(*options)

type options struct {
	parallelism    int
	maxParallelism int
	backend        string
	objectReuse    bool
	unchained      bool
	start          int64
	dueTimersWait  bool
	bareInputs     bool
	restored       *Snapshot
}

// Parallelism is the number of subtasks of all operators that do not set their own; inputs and outputs keep theirs. It is
// what the program or its configuration says unless given, or else 1.
func Parallelism(subtasks int) Option { return func(o *options) { o.parallelism = subtasks } }

// MaxParallelism is the number of key groups of all operators that do not set their own, instead of 128.
func MaxParallelism(keyGroups int) Option { return func(o *options) { o.maxParallelism = keyGroups } }

// StateBackend chooses the state backend, "hashmap" or "pebble", instead of what the program's configuration says.
func StateBackend(name string) Option { return func(o *options) { o.backend = name } }

// ObjectReuse has operators hand the same records to several others, as production does, instead of copies.
func ObjectReuse() Option { return func(o *options) { o.objectReuse = true } }

// Unchained gives each operator a task of its own, so that records between any two go through an exchange.
func Unchained() Option { return func(o *options) { o.unchained = true } }

// StartAt is what the clock shows at first, in milliseconds since the epoch, instead of 0.
func StartAt(millis int64) Option { return func(o *options) { o.start = millis } }

// DueTimersWait has processing-time timers that are registered for the present or the past wait for the next
// SetProcessingTime or Restore, as they do in Flink's test harness; otherwise they fire at once, as in a running job.
func DueTimersWait() Option { return func(o *options) { o.dueTimersWait = true } }

// BareInputs gives the events of an input to the operators behind it as they are sent, as Flink's test harness does. Otherwise they go
// through what combines the channels of an operator in a job: there, for instance, a watermark of an idle channel counts for
// nothing. Inputs of several channels always do.
func BareInputs() Option { return func(o *options) { o.bareInputs = true } }

// StartFrom begins with the state of a snapshot, perhaps of an older version of the program: operators find their state
// by their UID.
func StartFrom(s *Snapshot) Option { return func(o *options) { o.restored = s } }
