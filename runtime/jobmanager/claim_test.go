package jobmanager

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/fault"
	"github.com/weir-stream/weir/checkpoint/storage/mem"
	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/jobmanager/master"
	"github.com/weir-stream/weir/runtime/message"
)

// claims is a JobManager with a job whose checkpoints lie in a store that fails.
type claims struct {
	t      *testing.T
	clock  *clock.Manual
	store  *fault.Store
	jobs   *JobManager
	job    []byte
	system *actors.System

	mu  sync.Mutex
	log bytes.Buffer
}

func (c *claims) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.Write(p)
}

func (c *claims) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.String()
}

func startClaims(t *testing.T, rules ...fault.Rule) *claims {
	c := &claims{t: t, clock: clock.NewManual(time.Unix(1000, 0))}
	c.store = fault.New(mem.New("checkpoints", c.clock), fault.Script(rules...), c.clock)
	system := actors.NewSystem(actors.Options{Clock: c.clock, Log: slog.New(slog.NewTextHandler(c, nil)), Panicked: func(p *actors.Panic) { t.Errorf("%v\n%s", p, p.Stack) }})
	t.Cleanup(system.Shutdown)
	configuration, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	c.jobs, err = Start(system, Options{Configuration: configuration, LeaderEpoch: 1, Stores: func(location string) (storage.Store, error) {
		return storage.Below(c.store, strings.TrimPrefix(location, "memory://checkpoints/")), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.jobs.Stop)
	description := described(t)
	decoded, err := graph.DecodeDescription(description)
	if err != nil {
		t.Fatal(err)
	}
	c.job = message.IDBytes(decoded.JobID)
	c.system = system
	c.ask(&message.ClientRequest{Body: &message.ClientRequest_Submit{Submit: &message.SubmitJob{
		Description: description, Configuration: map[string]string{"execution.checkpointing.dir": "memory://checkpoints/a"},
	}}})
	return c
}

func (c *claims) ask(request *message.ClientRequest) *message.ClientResponse {
	c.t.Helper()
	for {
		// Time stands still: a request that meets a JobMaster as it ends is repeated here.
		ctx, cancel := context.WithTimeout(c.t.Context(), 100*time.Millisecond)
		response, err := c.system.Ask(ctx, c.jobs.Dispatcher.Address(), testTiming, request)
		cancel()
		if err == nil {
			return response
		}
		if !errors.Is(err, context.DeadlineExceeded) || c.t.Context().Err() != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *claims) state() message.JobState {
	c.t.Helper()
	return c.ask(&message.ClientRequest{Body: &message.ClientRequest_Details{Details: &message.RequestJobDetails{Job: c.job}}}).GetDetails().GetSummary().GetState()
}

// failed waits until so many tries have failed, and time is what the next one waits for.
func (c *claims) failed(tries int) {
	c.t.Helper()
	for strings.Count(c.said(), "it is tried again") < tries {
		if c.t.Context().Err() != nil {
			c.t.Fatal(c.said())
		}
		c.state() // has the actors go on
	}
}

func (c *claims) result() *message.JobResult {
	c.t.Helper()
	return c.ask(&message.ClientRequest{Body: &message.ClientRequest_Result{Result: &message.RequestJobResult{Job: c.job}}}).GetResult()
}

var always = fault.Rule{Op: fault.List, Times: -1, Fault: fault.Fault{Kind: fault.Throttle}}

func TestAClaimThatFailsForNowIsTriedAgain(t *testing.T) {
	c := startClaims(t, fault.Rule{Op: fault.List, Times: 2, Fault: fault.Fault{Kind: fault.Throttle}})
	c.failed(1)
	if s := c.state(); s != message.JobState_JOB_INITIALIZING {
		t.Errorf("meanwhile the job is %s", s)
	}
	c.clock.Advance(time.Second)
	c.failed(2)
	c.clock.Advance(time.Second)
	for c.state() != message.JobState_JOB_RUNNING {
		if c.state() == message.JobState_JOB_FAILED {
			t.Fatal(c.said())
		}
	}
	if _, err := c.store.Read(t.Context(), "a/"+jobFolder(c)+"/log/000001"); err != nil {
		t.Errorf("the log is not claimed: %v", err)
	}
	if said := c.said(); !strings.Contains(said, "memory") || !strings.Contains(said, "503 SlowDown") {
		t.Error(said)
	}
}

func jobFolder(c *claims) string {
	id, err := message.ID(c.job)
	if err != nil {
		c.t.Fatal(err)
	}
	return id.String()
}

// longestPause is longer than the pause between two tries.
const longestPause = 20 * time.Second

func TestAClaimThatFailsForTooLongFailsTheJob(t *testing.T) {
	c := startClaims(t, always)
	// The pauses are over sooner than that.
	for n := 1; c.clock.Now().Add(2*longestPause).Sub(time.Unix(1000, 0)) < master.ClaimPatience; n++ {
		c.failed(n)
		c.clock.Advance(longestPause)
	}
	for c.state() != message.JobState_JOB_FAILED {
		c.clock.Advance(longestPause)
	}
	r := c.result()
	if f := r.GetFailure().GetMessage(); r.GetState() != message.JobState_JOB_FAILED || !strings.Contains(f, `job "job"`) || !strings.Contains(f, jobFolder(c)) || !strings.Contains(f, "503 SlowDown") {
		t.Errorf("%s: %s", r.GetState(), f)
	}
}

func TestAClaimThatIsRefusedFailsTheJobAtOnce(t *testing.T) {
	c := startClaims(t, fault.Rule{Op: fault.List, Fault: fault.Fault{Kind: fault.Deny}})
	if r := c.result(); r.GetState() != message.JobState_JOB_FAILED || !strings.Contains(r.GetFailure().GetMessage(), "403 AccessDenied") {
		t.Errorf("%v", r)
	}
}

func TestAJobIsCanceledWhoseClaimFails(t *testing.T) {
	c := startClaims(t, always)
	c.failed(1)
	c.ask(&message.ClientRequest{Body: &message.ClientRequest_Cancel{Cancel: &message.CancelJob{Job: c.job}}})
	if r := c.result(); r.GetState() != message.JobState_JOB_CANCELED {
		t.Errorf("%v: %s", r, c.said())
	}
}

// A job that is canceled while its storage does not answer ends all the same.
func TestAJobIsCanceledWhoseClaimHangs(t *testing.T) {
	c := startClaims(t, fault.Rule{Op: fault.List, Times: -1, Fault: fault.Fault{Kind: fault.Hang}})
	request := func() *message.ClientRequest {
		return &message.ClientRequest{ReplyTo: c.jobs.ResourceManager.Address(), Body: &message.ClientRequest_Cancel{Cancel: &message.CancelJob{Job: c.job}}}
	}
	c.system.Send(c.jobs.Dispatcher.Address(), request()) // the answer comes when the job has ended, to somebody who does not mind it
	for c.state() != message.JobState_JOB_CANCELED {
		c.clock.Advance(time.Second)
	}
	c.ask(request())
}
