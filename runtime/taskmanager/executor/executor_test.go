package executor

import (
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

const epoch = 4

var (
	timing  = message.Timing{Interval: 10 * time.Second, Timeout: 50 * time.Second}
	begin   = time.UnixMilli(0)
	self    = &message.Address{Id: "tm"}
	manager = &message.Address{Id: "rm"}
	master  = &message.Address{Id: "jm"}
	theJob  = ident.Derive("job")
)

// bench is an Executor with a JobMaster's end of its link.
type bench struct {
	*testing.T
	x    *Executor
	link *message.Link
	now  time.Time
	// sent and done are what came out and was not looked at.
	sent []message.Envelope
	done []Command
}

func newBench(t *testing.T, slots int, canKill bool) *bench {
	b := &bench{T: t, now: begin, x: New(Config{
		ID: "tm", Address: self, Slots: slots, Timing: timing, ResourceManager: manager, LeaderEpoch: epoch,
		CancellationTimeout: func(map[string]string) time.Duration { return time.Minute }, CanKill: canKill,
	}, begin)}
	b.x.Tick(begin)
	b.x.Receive(begin, &message.TaskExecutorRegistered{LeaderEpoch: epoch, Id: "tm", Slots: int32(slots)})
	b.take()
	return b
}

func (b *bench) take() {
	for _, c := range b.x.Take() {
		if s, ok := c.(Send); ok {
			b.sent = append(b.sent, message.Envelope(s))
		} else if _, watch := c.(Watch); !watch {
			b.done = append(b.done, c)
		}
	}
}

// request has the ResourceManager ask for a slot, and returns the answer.
func (b *bench) request(name string) *message.SlotRequested {
	b.sent = nil
	b.x.Receive(b.now, &message.RequestSlot{
		LeaderEpoch: epoch, Id: "tm", Allocation: idOf(name), Job: message.IDBytes(theJob), JobName: "a job", JobMaster: master,
	})
	b.take()
	for _, e := range b.sent {
		if a, ok := e.Body.(*message.SlotRequested); ok {
			return a
		}
	}
	b.Fatal("the request was not answered")
	return nil
}

func idOf(name string) []byte { return message.IDBytes(ident.Derive(name)) }

// connect opens the JobMaster's end and takes the slot that is offered.
func (b *bench) connect() {
	b.request("s")
	frames := b.frames()
	offer := frames[0].GetOffer()
	b.link = message.NewLink(message.Header{
		LeaderEpoch: epoch, Job: message.IDBytes(theJob), TaskExecutor: "tm", Session: frames[0].Session, From: master,
	}, timing, b.now)
	b.link.Receive(b.now, frames[0])
	b.tell(&message.Frame_Answer{Answer: &message.AnswerOffer{Accepted: [][]byte{offer.Slots[0].Allocation}}})
}

func (b *bench) tell(body message.Body) {
	b.x.Receive(b.now, b.link.Send(b.now, body))
	b.take()
}

func (b *bench) toWorker(m *message.ToWorker) {
	m.LeaderEpoch = epoch
	b.tell(&message.Frame_ToWorker{ToWorker: m})
}

// frames returns the frames that were sent to the JobMaster and not looked at.
func (b *bench) frames() []*message.Frame {
	var all []*message.Frame
	for _, e := range b.sent {
		if f, ok := e.Body.(*message.Frame); ok {
			all = append(all, f)
		}
	}
	b.sent = nil
	return all
}

func execution(subtask, attempt int32) *message.ExecutionID {
	return &message.ExecutionID{Job: message.IDBytes(theJob), Vertex: idOf("v"), Subtask: subtask, Attempt: attempt}
}

func deploy(subtask int32) *message.ToWorker {
	return &message.ToWorker{Body: &message.ToWorker_Deploy{Deploy: &message.Deploy{Execution: execution(subtask, 0)}}}
}

func cancel(subtask int32) *message.ToWorker {
	return &message.ToWorker{Body: &message.ToWorker_CancelTask{CancelTask: &message.CancelTask{Execution: execution(subtask, 0)}}}
}

// incarnation is that of the worker launched last.
func (b *bench) incarnation() uint64 {
	for i := len(b.done) - 1; i >= 0; i-- {
		if l, ok := b.done[i].(Launch); ok {
			return l.Incarnation
		}
	}
	b.Fatal("no worker was launched")
	return 0
}

func count[C Command](b *bench) int {
	n := 0
	for _, c := range b.done {
		if _, ok := c.(C); ok {
			n++
		}
	}
	return n
}

func TestSlotsAreGivenOnceEach(t *testing.T) {
	b := newBench(t, 2, true)
	if a := b.request("one"); !a.Accepted {
		t.Error("a free slot was refused")
	}
	if a := b.request("one"); !a.Accepted || b.x.Given() != 1 {
		t.Error("a repeated request takes a second slot")
	}
	b.request("two")
	if a := b.request("three"); a.Accepted {
		t.Error("there is no third slot")
	}
}

func TestSlotTable(t *testing.T) {
	for seed := range int64(50) {
		random := rand.New(rand.NewSource(seed))
		table := slotTable{capacity: 5}
		for range 200 {
			version, given := table.version, len(table.given)
			id := ident.Derive(string(rune('a' + random.Intn(8))))
			switch random.Intn(3) {
			case 0:
				table.release(id)
			case 1:
				table.releaseJob(ident.Derive(string(rune('0' + random.Intn(2)))))
			default:
				table.allocate(id, ident.Derive(string(rune('0'+random.Intn(2)))))
			}
			if changed := given != len(table.given); changed != (version != table.version) {
				t.Fatalf("seed %d: the version does not count the changes", seed)
			}
			for i, s := range table.given {
				if s.index >= table.capacity || i > 0 && s.index <= table.given[i-1].index {
					t.Fatalf("seed %d: %v", seed, table.given)
				}
			}
		}
	}
}

func TestAWorkerIsLaunchedWithTheFirstDeployment(t *testing.T) {
	b := newBench(t, 2, true)
	b.connect()
	if count[Launch](b) != 0 {
		t.Error("a worker was launched for nothing")
	}
	b.toWorker(deploy(0))
	b.toWorker(deploy(1))
	if count[Launch](b) != 1 || count[Tell](b) != 2 {
		t.Errorf("%v", b.done)
	}
}

func TestReportsAreRelayedWithTheirEpochAndIncarnation(t *testing.T) {
	b := newBench(t, 2, true)
	b.connect()
	b.toWorker(deploy(0))
	b.frames()
	running := &message.FromWorker{LeaderEpoch: epoch, Body: &message.FromWorker_TaskState{TaskState: &message.TaskStateChanged{
		Execution: execution(0, 0), State: message.TaskState_RUNNING,
	}}}
	old := &message.FromWorker{LeaderEpoch: epoch - 1, Body: running.Body}
	b.x.Report(b.now, theJob, b.incarnation(), old)
	b.x.Report(b.now, theJob, b.incarnation()+1, running)
	b.x.Report(b.now, ident.Derive("other"), b.incarnation(), running)
	b.take()
	if frames := b.frames(); len(frames) != 0 || b.x.Stale() != 3 {
		t.Errorf("relayed %v, %d stale", frames, b.x.Stale())
	}
	b.x.Report(b.now, theJob, b.incarnation(), running)
	b.take()
	if frames := b.frames(); len(frames) != 1 || frames[0].GetFromWorker() == nil {
		t.Errorf("relayed %v", frames)
	}
}

func TestWhatWasMeantForALostWorkerIsDropped(t *testing.T) {
	b := newBench(t, 2, true)
	b.connect()
	b.toWorker(deploy(0))
	b.frames()
	late := b.link.Send(b.now, &message.Frame_ToWorker{ToWorker: func() *message.ToWorker { m := deploy(1); m.LeaderEpoch = epoch; return m }()})
	b.x.Report(b.now, theJob, b.incarnation(), &message.FromWorker{LeaderEpoch: epoch, Body: &message.FromWorker_Stopped{Stopped: &message.WorkerStopped{}}})
	b.take()
	lost := b.frames()
	b.x.Receive(b.now, late)
	b.take()
	if count[Launch](b) != 1 {
		t.Fatal("a worker was launched for an attempt that its JobMaster will count as lost")
	}
	for _, f := range lost {
		b.link.Receive(b.now, f)
	}
	b.toWorker(deploy(2))
	if count[Launch](b) != 2 {
		t.Error("no worker was launched for what came after the loss was known")
	}
}

func TestAStuckTaskHasItsWorkerKilled(t *testing.T) {
	for _, canKill := range []bool{true, false} {
		b := newBench(t, 2, canKill)
		b.connect()
		b.toWorker(deploy(0))
		b.toWorker(deploy(1))
		b.toWorker(cancel(0))
		b.toWorker(cancel(1))
		b.x.Report(b.now, theJob, b.incarnation(), &message.FromWorker{LeaderEpoch: epoch, Body: &message.FromWorker_TaskState{TaskState: &message.TaskStateChanged{
			Execution: execution(0, 0), State: message.TaskState_CANCELED,
		}}})
		b.frames()
		b.now = b.now.Add(30 * time.Second)
		b.x.Receive(b.now, b.link.Due(b.now)[0])
		b.now = begin.Add(time.Minute)
		b.x.Tick(b.now)
		b.take()
		var lost *message.WorkerLost
		for _, f := range b.frames() {
			if f.GetWorkerLost() != nil {
				lost = f.GetWorkerLost()
			}
		}
		if count[Close](b) != 1 || lost == nil || lost.Fatal == canKill || (count[Abandon](b) == 0) != canKill {
			t.Fatalf("the worker was closed %d times, lost: %v", count[Close](b), lost)
		}
		if text := lost.Failure.Message; !strings.Contains(text, `job "a job"`) || !strings.Contains(text, "subtask 1") || !strings.Contains(text, "task.cancellation.timeout (1m0s)") {
			t.Errorf("it says %q", text)
		}
	}
}

func TestALostJobMasterTakesItsJobAlong(t *testing.T) {
	lose := map[string]func(*bench){
		"gone":     func(b *bench) { b.x.Gone(b.now, master.Key()) },
		"silent":   func(b *bench) { b.x.Tick(b.now.Add(timing.Timeout)) },
		"released": func(b *bench) { b.tell(&message.Frame_Release{Release: &message.ReleaseJob{}}) },
		"refused": func(b *bench) {
			b.x.Receive(b.now, &message.Frame{
				LeaderEpoch: epoch, Job: message.IDBytes(theJob), TaskExecutor: "tm", Session: b.link.Session(), From: master,
				Body: &message.Frame_Release{Release: &message.ReleaseJob{}},
			})
		},
	}
	for name, do := range lose {
		b := newBench(t, 2, true)
		b.connect()
		b.toWorker(deploy(0))
		do(b)
		b.take()
		if b.x.Given() != 0 || count[Close](b) != 1 || b.x.SessionOf(theJob) != 0 {
			t.Errorf("%s: %d slots are given, the worker was closed %d times", name, b.x.Given(), count[Close](b))
		}
		told := slices.ContainsFunc(b.sent, func(e message.Envelope) bool {
			h, ok := e.Body.(*message.TaskExecutorHeartbeat)
			return ok && len(h.Occupied) == 0
		})
		// The connection is given up since the ResourceManager of the same process is silent as well, not for the job.
		if want := map[string]int{"silent": 1}[name]; count[Reset](b) != want {
			t.Errorf("%s: %d connections were reset, not %d", name, count[Reset](b), want)
		}
		if name != "silent" && !told {
			t.Errorf("%s: the ResourceManager was not told at once", name)
		}
	}
}

// TestASilentJobMasterCostsOnlyItsJob has the ResourceManager be heard: the process and its connection are well, whatever has become of one JobMaster.
func TestASilentJobMasterCostsOnlyItsJob(t *testing.T) {
	b := newBench(t, 2, true)
	b.connect()
	for range int(timing.Timeout/timing.Interval) + 1 {
		b.now = b.now.Add(timing.Interval)
		b.x.Receive(b.now, &message.ResourceManagerHeartbeat{LeaderEpoch: epoch, Id: "tm"})
		b.x.Tick(b.now)
	}
	b.take()
	if count[Reset](b) != 0 || b.x.SessionOf(theJob) != 0 {
		t.Errorf("%d connections were reset; the job's session is %d", count[Reset](b), b.x.SessionOf(theJob))
	}
}

// TestAJobWithoutAPortIsNotTriedWithoutEnd has slots requested for a job whose workers could not be reached here.
func TestAJobWithoutAPortIsNotTriedWithoutEnd(t *testing.T) {
	b := newBench(t, 2, true)
	b.x.config.Apart = true
	if !b.request("first").Accepted || count[Prepare](b) != 1 {
		t.Fatal("the first request prepares nothing")
	}
	b.x.Prepared(b.now, theJob, "")
	b.take()
	if b.request("second").Accepted || count[Prepare](b) != 1 {
		t.Error("it is tried again at once")
	}
	b.now = b.now.Add(timing.Timeout)
	if !b.request("third").Accepted || count[Prepare](b) != 2 {
		t.Error("it is not tried again later")
	}
}

func TestARepeatedReleaseIsAcknowledged(t *testing.T) {
	b := newBench(t, 1, true)
	b.connect()
	release := b.link.Send(b.now, &message.Frame_Release{Release: &message.ReleaseJob{}})
	for range 2 {
		b.frames()
		b.x.Receive(b.now, release)
		b.take()
		frames := b.frames()
		if len(frames) != 1 || frames[0].Ack != release.Seq {
			t.Fatalf("the release is answered with %v", frames)
		}
	}
}

func TestAnOfferIsRepeatedUntilItIsReceived(t *testing.T) {
	b := newBench(t, 1, true)
	b.request("s")
	first := b.frames()[0]
	b.x.Tick(b.x.Deadline())
	b.take()
	if again := b.frames(); len(again) == 0 || again[0].Seq != first.Seq || again[0].GetOffer() == nil {
		t.Errorf("repeated: %v", again)
	}
}

func TestMessagesForAnotherLeaderOrProcessAreRefused(t *testing.T) {
	b := newBench(t, 1, true)
	for _, m := range []message.Message{
		&message.RequestSlot{LeaderEpoch: epoch - 1, Id: "tm", Allocation: idOf("x"), Job: message.IDBytes(theJob), JobMaster: master},
		&message.RequestSlot{LeaderEpoch: epoch, Id: "tm-before", Allocation: idOf("x"), Job: message.IDBytes(theJob), JobMaster: master},
		&message.RequestSlot{LeaderEpoch: epoch, Id: "tm", Allocation: []byte("x"), Job: message.IDBytes(theJob), JobMaster: master},
		&message.RequestSlot{LeaderEpoch: epoch, Id: "tm", Allocation: idOf("x"), Job: message.IDBytes(theJob)},
		&message.ResourceManagerHeartbeat{LeaderEpoch: epoch + 1, Id: "tm", Unknown: true},
		&message.Frame{LeaderEpoch: epoch, TaskExecutor: "tm", Job: []byte("x")},
		&message.ListJobs{},
	} {
		before := b.x.Stale()
		b.x.Receive(b.now, m)
		if b.x.Stale() != before+1 || len(b.x.Take()) != 0 {
			t.Errorf("%v was not refused", m)
		}
	}
}

func TestRegistrationIsRepeatedAndRenewed(t *testing.T) {
	x := New(Config{ID: "tm", Address: self, Slots: 1, Timing: timing, ResourceManager: manager, LeaderEpoch: epoch}, begin)
	registrations := func() int {
		n := 0
		for _, c := range x.Take() {
			if s, ok := c.(Send); ok {
				if _, ok := s.Body.(*message.RegisterTaskExecutor); ok {
					n++
				}
			}
		}
		return n
	}
	x.Tick(begin)
	x.Tick(x.Deadline())
	if n := registrations(); n != 2 {
		t.Errorf("registered %d times without an answer", n)
	}
	welcome := &message.TaskExecutorRegistered{LeaderEpoch: epoch, Id: "tm", Slots: 1}
	x.Receive(begin, welcome)
	x.Tick(begin.Add(timing.Interval))
	if n := registrations(); n != 0 {
		t.Errorf("registered %d times after the answer", n)
	}
	x.Receive(begin, &message.ResourceManagerHeartbeat{LeaderEpoch: epoch, Id: "tm", Unknown: true})
	if n := registrations(); n != 1 {
		t.Errorf("registered %d times with one that knows it no more", n)
	}
	x.Receive(begin, welcome)
	x.Resize(begin, 3)
	if n := registrations(); n != 1 {
		t.Errorf("registered %d times with more slots", n)
	}
	x.Receive(begin, welcome) // of the earlier registration
	x.Tick(x.Deadline())
	if n := registrations(); n != 1 {
		t.Errorf("registered %d times when an answer did not count the new slots", n)
	}
	x.Receive(begin, &message.TaskExecutorRegistered{LeaderEpoch: epoch, Id: "tm", Slots: 3})
	x.Tick(begin.Add(timing.Timeout))
	if n := registrations(); n != 1 {
		t.Errorf("registered %d times with one that is silent", n)
	}
}
