package jobmanager

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// broken is a JobMaster with a bug.
type broken struct{ dispatcher }

func (b *broken) Event(time.Time, any) { panic("index out of range") }

// withBroken is a Dispatcher that has a job with such a JobMaster.
type withBroken struct {
	*dispatcher
	job    ident.JobID
	master chan *actors.Ref
}

func (w *withBroken) Start(c *actors.Context) {
	w.dispatcher.Start(c)
	ref, err := c.Spawn(actors.UniqueName("jobmaster"), &broken{})
	if err != nil {
		panic(err)
	}
	j := &submitted{id: w.job, name: "unlucky", master: ref, summary: &message.JobSummary{Job: message.IDBytes(w.job), Name: "unlucky"}}
	w.jobs[w.job], w.order = j, []*submitted{j}
	w.master <- ref
}

func newSystem(t *testing.T) *actors.System {
	s := actors.NewSystem(actors.Options{
		Clock: clock.System(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Panicked: func(p *actors.Panic) { t.Errorf("%v\n%s", p, p.Stack) },
	})
	t.Cleanup(s.Shutdown)
	return s
}

var testTiming = message.Timing{Interval: time.Second, Timeout: 10 * time.Second}

func TestABugInAJobMasterFailsItsJobByName(t *testing.T) {
	s := newSystem(t)
	w := &withBroken{dispatcher: &dispatcher{options: Options{LeaderEpoch: 1}}, job: ident.Derive("x"), master: make(chan *actors.Ref, 1)}
	d, err := s.Spawn(actors.UniqueName("dispatcher"), w)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { d.Stop(); <-d.Ended() }()
	(<-w.master).Post(nil)
	response, err := s.Ask(t.Context(), d.Address(), testTiming, &message.ClientRequest{Body: &message.ClientRequest_Result{
		Result: &message.RequestJobResult{Job: message.IDBytes(w.job)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := response.GetResult()
	if f := r.GetFailure(); r.GetState() != message.JobState_JOB_FAILED || !strings.Contains(f.GetMessage(), `job "unlucky": a bug in the JobMaster`) ||
		!strings.Contains(f.GetMessage(), "index out of range") || !strings.Contains(f.GetStack(), "dispatcher_test.go") {
		t.Errorf("the job ended %s: %v", r.GetState(), f)
	}
}

func TestRequestsThatCannotBeServedAreRefused(t *testing.T) {
	s := newSystem(t)
	j, err := Start(s, Options{LeaderEpoch: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Stop()
	job := func(m func(id []byte) *message.ClientRequest) *message.ClientRequest {
		return m(message.IDBytes(ident.Derive("x")))
	}
	for want, request := range map[string]*message.ClientRequest{
		"leader epoch 2": {LeaderEpoch: 2, Body: &message.ClientRequest_List{}},
		"unknown kind":   {},
		"is not known here": job(func(id []byte) *message.ClientRequest {
			return &message.ClientRequest{Body: &message.ClientRequest_Result{Result: &message.RequestJobResult{Job: id}}}
		}),
		"not known here: it": job(func(id []byte) *message.ClientRequest {
			return &message.ClientRequest{Body: &message.ClientRequest_Details{Details: &message.RequestJobDetails{Job: id}}}
		}),
		"an id of 1 bytes": {Body: &message.ClientRequest_Cancel{Cancel: &message.CancelJob{Job: []byte("x")}}},
		"job description":  {Body: &message.ClientRequest_Submit{Submit: &message.SubmitJob{Description: []byte("{")}}},
		"parallelism.defualt": {Body: &message.ClientRequest_Submit{Submit: &message.SubmitJob{
			Description: described(t), Configuration: map[string]string{"parallelism.defualt": "1"},
		}}},
	} {
		if _, err := s.Ask(t.Context(), j.Dispatcher.Address(), testTiming, request); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the answer is %v, want %q", err, want)
		}
	}
}

func described(t *testing.T) []byte {
	t.Helper()
	op := &graph.ChainedOperator{ID: ident.Derive("op"), Name: "op", Description: "op", Kind: "op", Role: graph.Source}
	g := &graph.JobGraph{ID: ident.NewID(), Name: "job", Vertices: []*graph.JobVertex{{
		ID: op.ID, Name: "op", Parallelism: 1, MaxParallelism: 128, SlotSharingGroup: "default", Operators: []*graph.ChainedOperator{op},
	}}}
	encoded, err := graph.Describe(g).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// scripted is a Dispatcher that carries out what a test posts.
type scripted struct{ *dispatcher }

func (s scripted) Event(_ time.Time, do any) { do.(func())() }

// TestAJobIsKnownUntilItsJobMasterHasEnded has many jobs end while the JobMaster of an early one still closes its log.
func TestAJobIsKnownUntilItsJobMasterHasEnded(t *testing.T) {
	s := newSystem(t)
	d := &dispatcher{options: Options{LeaderEpoch: 1}}
	actor, err := s.Spawn(actors.UniqueName("dispatcher"), scripted{d})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { actor.Stop(); <-actor.Ended() }()
	slow, kept := make(chan *actors.Ref, 1), make(chan int, 1)
	actor.Post(func() {
		for i := range archiveSize + 3 {
			master, err := d.context.Spawn(actors.UniqueName("jobmaster"), &broken{})
			if err != nil {
				panic(err)
			}
			id := ident.NewID()
			j := &submitted{id: id, master: master, summary: &message.JobSummary{Job: message.IDBytes(id)}}
			d.jobs[id], d.order = j, append(d.order, j)
			if i == 0 {
				slow <- master
			}
			d.onJobChanged(&message.JobChanged{LeaderEpoch: 1, Summary: j.summary, Result: &message.JobResult{Job: j.summary.Job}, Dismissed: i > 0})
		}
		d.onJobChanged(&message.JobChanged{LeaderEpoch: 1, Summary: d.order[0].summary, Dismissed: true})
		kept <- len(d.jobs)
	})
	<-(<-slow).Ended()
	if n := <-kept; n != archiveSize {
		t.Errorf("%d jobs are kept", n)
	}
}

func TestOnlySoManyEndedJobsAreKept(t *testing.T) {
	s := newSystem(t)
	c, err := config.New()
	if err != nil {
		t.Fatal(err)
	}
	ended := 0
	j, err := Start(s, Options{Configuration: c, LeaderEpoch: 1, Ended: func(*message.JobResult) { ended++ }})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(request *message.ClientRequest) *message.ClientResponse {
		response, err := s.Ask(t.Context(), j.Dispatcher.Address(), testTiming, request)
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
	for range archiveSize + 3 {
		description := described(t)
		decoded, err := graph.DecodeDescription(description)
		if err != nil {
			t.Fatal(err)
		}
		id := message.IDBytes(decoded.JobID)
		ask(&message.ClientRequest{Body: &message.ClientRequest_Submit{Submit: &message.SubmitJob{Description: description}}})
		ask(&message.ClientRequest{Body: &message.ClientRequest_Cancel{Cancel: &message.CancelJob{Job: id}}})
		if r := ask(&message.ClientRequest{Body: &message.ClientRequest_Result{Result: &message.RequestJobResult{Job: id}}}); r.GetResult().GetState() != message.JobState_JOB_CANCELED {
			t.Fatalf("a job that waits for slots is %v after its cancellation", r)
		}
	}
	if n := len(ask(&message.ClientRequest{Body: &message.ClientRequest_List{}}).GetList().GetJobs()); n != archiveSize {
		t.Errorf("%d jobs are kept", n)
	}
	j.Stop()
	if ended != archiveSize+3 {
		t.Errorf("%d ends were told", ended)
	}
}
