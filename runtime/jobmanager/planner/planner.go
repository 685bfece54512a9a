// Package planner learns the graph of a job from its binary, which it runs in the role plan.
package planner

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/process"
)

// Planner runs binaries. Its methods may be called from any goroutine.
type Planner struct {
	Starter *process.Starter
	Clock   clock.Clock
	// Limit is how long a binary may take.
	Limit time.Duration
	// OutputRate is how many bytes it may write to its outputs in a second; 0 is no bound.
	OutputRate int64
	// Memory is how many bytes it may take; 0 is no bound.
	Memory int64

	once  sync.Once
	turns chan struct{}
}

// atOnce is how many binaries run at a time; others wait for their turn.
const atOnce = 2

// turn waits for one, which done ends.
func (p *Planner) turn(ctx context.Context) (done func(), err error) {
	p.once.Do(func() { p.turns = make(chan struct{}, atOnce) })
	select {
	case p.turns <- struct{}{}:
		return func() { <-p.turns }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("plan the job: %w", context.Cause(ctx))
	}
}

// Job is what is to be planned.
type Job struct {
	ID        ident.JobID
	Binary    string
	Arguments []string
	// Configuration has key and text of each option of the cluster and of the submission; Environment is that of the binary.
	Configuration map[string]string
	Environment   []string
	Folder        string
}

// Plan is what a binary has answered.
type Plan struct {
	*message.Planned
	// Build is the revision of the binary's source, Go the version that it was built with.
	Build, Go string
	// Output is what the program wrote meanwhile, the beginning of it if it was much.
	Output string
}

// Refused says that the program does not build a graph: because of its arguments or configuration if Usage is set.
type Refused struct {
	Reason, Stack string
	Usage         bool
}

func (e *Refused) Error() string { return e.Reason }

// Plan runs the binary and returns its answer. The error is a [*Refused] if the program gives one itself.
func (p *Planner) Plan(ctx context.Context, job Job) (*Plan, error) {
	done, err := p.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	ctx, cancel := context.WithTimeoutCause(ctx, p.Limit, fmt.Errorf("its main function, or the one that declares the graph, took longer than %v (weir.plan.timeout)", p.Limit))
	defer cancel()
	output := &head{}
	words := process.NewTail(output)
	to := process.Paced(words, p.Clock, p.OutputRate)
	child, err := p.Starter.Start(process.Command{
		Binary: job.Binary, Arguments: job.Arguments, Role: process.Plan, Environment: job.Environment, Folder: job.Folder, Output: to, Errors: to,
	})
	if err != nil {
		return nil, err
	}
	defer child.Conn.Close()
	beyond := p.hold(child)
	defer context.AfterFunc(ctx, child.Kill)()
	hello, answer, err := process.Greet(child, process.NewWriter(child.Conn), &message.ProcessStart{Job: message.IDBytes(job.ID), Configuration: job.Configuration})
	child.Kill() // it has nothing more to say
	<-child.Ended()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("plan the job: %w", context.Cause(ctx))
	case beyond():
		return nil, &Refused{Reason: fmt.Sprintf("its main function, or the one that declares the graph, took more than %d MiB of memory (weir.plan.memory)", p.Memory>>20)}
	case err != nil && child.Crash().Reason != "":
		crash := child.Crash()
		return nil, &Refused{Reason: "the program has crashed before it had declared its graph: " + crash.Reason, Stack: crash.Stack}
	case err != nil:
		return nil, fmt.Errorf("plan the job: %w%s", err, appendix(output, words))
	case answer.GetRefused() != nil:
		r := answer.GetRefused()
		return nil, &Refused{Reason: r.GetReason(), Stack: r.GetStack(), Usage: r.GetUsage()}
	case answer.GetPlanned() == nil:
		return nil, fmt.Errorf("plan the job: the binary answers with %T", answer.GetBody())
	}
	return &Plan{Planned: answer.GetPlanned(), Build: hello.GetBuild(), Go: hello.GetRuntime(), Output: output.String()}, nil
}

// head keeps the beginning of what is written to it. It is read when nothing is written any more.
type head struct{ text []byte }

// much is how many bytes of output are kept.
const much = 16 << 10

func (h *head) Write(p []byte) (int, error) {
	h.text = append(h.text, p[:min(len(p), much-len(h.text))]...)
	return len(p), nil
}

func (h *head) String() string { return strings.ToValidUTF8(string(h.text), "\uFFFD") }

// appendix is the output as it is put behind an error: whole, or its end if it is long.
func appendix(output *head, words *process.Tail) string {
	text := strings.TrimSpace(output.String())
	switch {
	case text == "":
		return ""
	case len(text) > mostShown:
		return "; the last that it wrote is:\n" + words.String()
	}
	return "; it wrote:\n" + text
}

// mostShown is how many bytes of output stand in an error.
const mostShown = 4 << 10
