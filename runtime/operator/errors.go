package operator

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
)

// Class says whose fault a failure is, so that the one who reads it knows where to look.
type Class uint8

// The classes of failure.
const (
	// User is an error or panic of the program's own functions, or data they refuse.
	User Class = iota + 1
	// Environment is a failure of files, disks, networks or services.
	Environment
	// Bug is a broken invariant of the engine.
	Bug
	// Lost is the environment's failure to keep what a job goes on from: no restart mends that.
	Lost
)

// String names the class as it stands in messages.
func (c Class) String() string {
	switch c {
	case User:
		return "user code"
	case Environment:
		return "environment"
	case Bug:
		return "engine bug"
	case Lost:
		return "lost state"
	}
	return "failure"
}

// Failure is what ends a subtask: a cause with the place where it happened.
type Failure struct {
	Job      string
	Operator string
	// Subtask is -1 where the operator's coordinator failed.
	Subtask int
	Class   Class
	Cause   error
	// Stack is the stack of a panic, empty otherwise.
	Stack string
}

// Error names job, operator, subtask and cause; the stack is separate.
func (f *Failure) Error() string {
	verb := "failed"
	if f.Stack != "" {
		verb = "panicked"
	}
	if f.Subtask < 0 {
		return fmt.Sprintf("job %q: operator %q (its coordinator) %s: %v", f.Job, f.Operator, verb, f.Cause)
	}
	return fmt.Sprintf("job %q: operator %q (subtask %d) %s: %v", f.Job, f.Operator, f.Subtask, verb, f.Cause)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// environmental is implemented by errors that are the environment's fault (a source's unreadable file, a full disk).
type environmental interface{ Environmental() bool }

// Fail wraps a cause with the place of this operator; a Failure from further down the chain stays as it is.
func (c *Context) Fail(cause error) error {
	if cause == nil {
		return nil
	}
	var placed *Failure
	if errors.As(cause, &placed) || errors.Is(cause, ErrCanceled) {
		return cause
	}
	return c.failure(ClassOf(cause), cause, "")
}

// ClassOf tells whose fault an error is that user code or a connector returned.
func ClassOf(cause error) Class {
	if e := environmental(nil); errors.As(cause, &e) && e.Environmental() {
		return Environment
	}
	return User
}

// RestoreFailure returns the class of an error that was met when state was read to go on from, and the error with what to do about it.
func RestoreFailure(err error) (Class, error) {
	if !snapshot.IsDamaged(err) && !errors.Is(err, storage.Damaged) && !errors.Is(err, storage.NotFound) {
		return Environment, err
	}
	if errors.Is(err, storage.NotFound) {
		err = fmt.Errorf("%w (unless another leader has taken over this job and deleted it)", err)
	}
	return Lost, fmt.Errorf("%w; results up to this checkpoint were already committed, so that to go on from an older one would repeat them: "+
		"restore its files from a copy, or start anew from a snapshot of your choice with -s", err)
}

func (c *Context) failure(class Class, cause error, stack string) *Failure {
	return &Failure{Job: c.JobName, Operator: c.Name, Subtask: c.Subtask, Class: class, Cause: cause, Stack: stack}
}

// ErrCanceled ends a subtask whose cancellation was asked for; it is no failure.
var ErrCanceled = errors.New("canceled")

// Guard is deferred around calls of user code: it turns a panic into a Failure of this operator. It costs a few
// nanoseconds a batch.
func (c *Context) Guard(err *error) {
	switch r := recover().(type) {
	case nil:
		*err = c.Fail(*err)
	case error:
		var placed *Failure
		if errors.As(r, &placed) {
			*err = r
			return
		}
		*err = c.failure(ClassOf(r), r, string(debug.Stack()))
	default:
		*err = c.failure(User, fmt.Errorf("%v", r), string(debug.Stack()))
	}
}
