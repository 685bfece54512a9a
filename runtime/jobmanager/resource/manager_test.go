package resource

import (
	"encoding/binary"
	"fmt"
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
	timing = message.Timing{Interval: 10 * time.Second, Timeout: 50 * time.Second}
	begin  = time.UnixMilli(0)
)

func newManager() *Manager {
	n := uint64(0)
	return New(Config{LeaderEpoch: epoch, Timing: timing, NewAllocation: func() ident.AllocationID {
		n++
		var id ident.AllocationID
		binary.BigEndian.PutUint64(id[:], n)
		return id
	}})
}

func register(id string, slots int32) *message.RegisterTaskExecutor {
	return &message.RegisterTaskExecutor{LeaderEpoch: epoch, Id: id, Address: &message.Address{Id: id}, Slots: slots}
}

func declare(job string, version uint64, slots int32) *message.DeclareResources {
	return &message.DeclareResources{
		LeaderEpoch: epoch, Job: idOf(job), JobName: job, JobMaster: &message.Address{Id: "jm-" + job}, Version: version, Slots: slots,
	}
}

func idOf(name string) []byte { return message.IDBytes(ident.Derive(name)) }

// requests returns the slot requests among the commands, and the rest by type.
func requests(commands []Command) (asked []*message.RequestSlot, wants []int, answers []*message.ResourcesDeclared) {
	for _, c := range commands {
		switch c := c.(type) {
		case Want:
			wants = append(wants, c.Slots)
		case Send:
			switch m := c.Body.(type) {
			case *message.RequestSlot:
				asked = append(asked, m)
			case *message.ResourcesDeclared:
				answers = append(answers, m)
			}
		}
	}
	return asked, wants, answers
}

func granted(r *message.RequestSlot, version uint64) *message.SlotRequested {
	return &message.SlotRequested{LeaderEpoch: epoch, Id: r.Id, Allocation: r.Allocation, Accepted: true, Version: version}
}

func TestSlotsAreRequestedWhereTheJobIsAlready(t *testing.T) {
	m := newManager()
	m.Receive(begin, register("a", 2))
	m.Receive(begin, register("b", 3))
	m.Receive(begin, declare("one", 1, 1))
	m.Receive(begin, declare("two", 1, 3))
	asked, wants, _ := requests(m.Take())
	var where []string
	for _, r := range asked {
		where = append(where, r.JobName+"@"+r.Id)
	}
	// "one" fills up the smaller one; "two" begins there, and goes on there before it spreads.
	if want := []string{"one@a", "two@a", "two@b", "two@b"}; !slices.Equal(where, want) {
		t.Errorf("requested %v, want %v", where, want)
	}
	if len(wants) != 0 {
		t.Errorf("more was wanted than there is: %v", wants)
	}
}

func TestMissingSlotsAreWantedOnce(t *testing.T) {
	m := newManager()
	m.Receive(begin, register("a", 1))
	m.Receive(begin, declare("one", 1, 3))
	m.Receive(begin, declare("one", 1, 3))
	if _, wants, _ := requests(m.Take()); !slices.Equal(wants, []int{3}) {
		t.Errorf("wanted %v", wants)
	}
	m.Receive(begin, register("a", 3))
	asked, wants, answers := requests(m.Take())
	if len(asked) != 2 || len(wants) != 0 {
		t.Errorf("%d slots requested, %v wanted", len(asked), wants)
	}
	if last := answers[len(answers)-1]; last.Allocated != 3 || last.SlotsTotal != 3 {
		t.Errorf("the JobMaster is told %v", last)
	}
}

func TestARequestIsRepeatedUntilAnswered(t *testing.T) {
	m := newManager()
	m.Receive(begin, register("a", 1))
	m.Receive(begin, declare("one", 1, 1))
	first, _, _ := requests(m.Take())
	m.Tick(m.Deadline())
	again, _, _ := requests(m.Take())
	if len(first) != 1 || len(again) != 1 || string(first[0].Allocation) != string(again[0].Allocation) {
		t.Fatalf("first %v, then %v", first, again)
	}
	m.Receive(begin, granted(first[0], 1))
	m.Receive(begin, granted(first[0], 1))
	now := begin.Add(timing.Interval)
	m.Tick(now)
	if asked, _, _ := requests(m.Take()); len(asked) != 0 {
		t.Errorf("requested again: %v", asked)
	}
}

// TestARefusalIsForOneJob has another job get the slot that a TaskManager does not give to the first.
func TestARefusalIsForOneJob(t *testing.T) {
	m := newManager()
	m.Receive(begin, register("a", 1))
	m.Receive(begin, declare("one", 1, 1))
	asked, _, _ := requests(m.Take())
	m.Receive(begin, &message.SlotRequested{LeaderEpoch: epoch, Id: "a", Allocation: asked[0].Allocation, Version: 5})
	m.Receive(begin, declare("two", 1, 1))
	if asked := askedFor(m.Take()); asked["one"] != 0 || asked["two"] != 1 {
		t.Errorf("asked for %v", asked)
	}
}

// TestNothingIsRequestedForAJobThatIsGone has a request not be answered before the job is.
func TestNothingIsRequestedForAJobThatIsGone(t *testing.T) {
	m := newManager()
	m.Receive(begin, register("a", 1))
	m.Receive(begin, declare("one", 1, 1))
	if asked, _, _ := requests(m.Take()); len(asked) != 1 {
		t.Fatalf("asked for %v", asked)
	}
	m.Gone(begin, m.jobs[0].master.Key())
	m.Tick(begin.Add(timing.Interval))
	if asked, _, _ := requests(m.Take()); len(asked) != 0 {
		t.Errorf("asked again for %v", asked)
	}
}

func TestARefusalWaitsForTheNextReport(t *testing.T) {
	m := newManager()
	m.Receive(begin, register("a", 1))
	m.Receive(begin, declare("one", 1, 1))
	asked, _, _ := requests(m.Take())
	m.Receive(begin, &message.SlotRequested{LeaderEpoch: epoch, Id: "a", Allocation: asked[0].Allocation, Version: 5})
	if asked, _, _ := requests(m.Take()); len(asked) != 0 {
		t.Fatalf("asked again at once: %v", asked)
	}
	m.Receive(begin, &message.TaskExecutorHeartbeat{LeaderEpoch: epoch, Id: "a", Version: 6})
	if asked, _, _ := requests(m.Take()); len(asked) != 1 {
		t.Errorf("not asked again: %v", asked)
	}
}

func TestLateReportsDoNotFreeASlot(t *testing.T) {
	m := newManager()
	m.Receive(begin, register("a", 1))
	m.Receive(begin, declare("one", 1, 1))
	asked, _, _ := requests(m.Take())
	m.Receive(begin, granted(asked[0], 2))
	m.Receive(begin, &message.TaskExecutorHeartbeat{LeaderEpoch: epoch, Id: "a", Version: 1})
	m.Receive(begin, declare("two", 1, 1))
	if asked, _, _ := requests(m.Take()); len(asked) != 0 {
		t.Errorf("the slot was requested twice: %v", asked)
	}
	m.Receive(begin, &message.TaskExecutorHeartbeat{LeaderEpoch: epoch, Id: "a", Version: 3})
	m.Receive(begin, declare("one", 2, 0))
	if asked, _, _ := requests(m.Take()); len(asked) != 1 {
		t.Errorf("the free slot was not requested: %v", asked)
	}
}

func TestOldDeclarationsAndEpochsAreRefused(t *testing.T) {
	m := newManager()
	m.Receive(begin, register("a", 4))
	m.Receive(begin, declare("one", 2, 1))
	m.Receive(begin, declare("one", 1, 4))
	if asked, _, _ := requests(m.Take()); len(asked) != 1 {
		t.Errorf("%d slots requested for a need of 1", len(asked))
	}
	old := declare("one", 3, 4)
	old.LeaderEpoch--
	m.Receive(begin, old)
	other := register("b", 4)
	other.LeaderEpoch++
	m.Receive(begin, other)
	m.Receive(begin, &message.ListJobs{})
	if asked, _, _ := requests(m.Take()); len(asked) != 0 || m.Stale() != 3 || m.Overview().TaskExecutors != 1 {
		t.Errorf("requested %v, %d stale, %v", asked, m.Stale(), m.Overview())
	}
}

func TestTheSilentAreForgotten(t *testing.T) {
	m := newManager()
	m.Receive(begin, register("a", 1))
	m.Receive(begin, declare("one", 1, 1))
	m.Take()
	m.Tick(begin.Add(timing.Timeout))
	if o := m.Overview(); o.TaskExecutors != 0 || len(m.jobs) != 0 {
		t.Errorf("still there: %v and %d jobs", o, len(m.jobs))
	}
	reset, left := false, false
	for _, c := range m.Take() {
		switch c := c.(type) {
		case Reset:
			reset = c.Address.GetId() == "a"
		case Left:
			left = c.ID == "a"
		}
	}
	if !reset || !left {
		t.Errorf("its connection was reset: %t; it was said to be lost: %t", reset, left)
	}
	m.Receive(begin, &message.TaskExecutorHeartbeat{LeaderEpoch: epoch, Id: "a", Address: &message.Address{Id: "a"}})
	send, ok := m.Take()[0].(Send)
	if beat, _ := send.Body.(*message.ResourceManagerHeartbeat); !ok || !beat.GetUnknown() {
		t.Errorf("one that is forgotten is told %v", send)
	}
	if !m.Deadline().IsZero() {
		t.Errorf("nothing is left, but the deadline is %v", m.Deadline())
	}
}

func TestTheGoneAreForgottenAtOnce(t *testing.T) {
	m := newManager()
	m.Receive(begin, register("a", 1))
	m.Receive(begin, declare("one", 1, 1))
	m.Take()
	m.Gone(begin, message.AddressKey{ID: "a"})
	_, _, answers := requests(m.Take())
	if len(answers) != 1 || answers[0].Allocated != 0 || answers[0].TaskExecutors != 0 {
		t.Errorf("the JobMaster is told %v", answers)
	}
	m.Receive(begin, register("b", 1))
	m.Take()
	m.Gone(begin, message.AddressKey{ID: "jm-one"})
	m.Receive(begin, register("c", 1))
	if asked, _, _ := requests(m.Take()); len(asked) != 0 {
		t.Errorf("requested for a job that is gone: %v", asked)
	}
}

// TestNoTaskExecutorIsAskedForMoreThanItHas gives random answers and reports, late ones too.
func TestNoTaskExecutorIsAskedForMoreThanItHas(t *testing.T) {
	for seed := range int64(100) {
		random := rand.New(rand.NewSource(seed))
		m := newManager()
		now := begin
		var asked []*message.RequestSlot
		for range 300 {
			switch random.Intn(5) {
			case 0:
				m.Receive(now, register(string(rune('a'+random.Intn(3))), int32(1+random.Intn(4))))
			case 1:
				m.Receive(now, declare(string(rune('j'+random.Intn(3))), uint64(1+random.Intn(50)), int32(random.Intn(6))))
			case 2, 3:
				if len(asked) > 0 {
					r := granted(asked[random.Intn(len(asked))], uint64(random.Intn(20)))
					r.Accepted = random.Intn(3) > 0
					m.Receive(now, r)
				}
			case 4:
				now = now.Add(time.Duration(random.Intn(3000)) * time.Millisecond)
				m.Tick(now)
			}
			more, _, _ := requests(m.Take())
			asked = append(asked, more...)
			for _, e := range m.executors {
				if used := len(e.occupied) + len(e.pending); used > e.slots {
					t.Fatalf("seed %d: %s has %d slots, and %d are given or asked for", seed, e.id, e.slots, used)
				}
			}
		}
	}
}

// fill has a TaskExecutor say what its slots hold: names of jobs.
func fill(id string, version uint64, jobs ...string) *message.TaskExecutorHeartbeat {
	h := &message.TaskExecutorHeartbeat{LeaderEpoch: epoch, Id: id, Version: version, Address: &message.Address{Id: id}}
	for i, job := range jobs {
		h.Occupied = append(h.Occupied, &message.SlotStatus{Allocation: message.IDBytes(ident.Derive(id, fmt.Sprint(version, i))), Job: idOf(job)})
	}
	return h
}

// askedFor counts the slot requests by job.
func askedFor(commands []Command) map[string]int {
	asked, _, _ := requests(commands)
	n := map[string]int{}
	for _, r := range asked {
		n[r.JobName]++
	}
	return n
}

// answersTo returns the last answer to each job's master.
func answersTo(commands []Command) map[string]*message.ResourcesDeclared {
	last := map[string]*message.ResourcesDeclared{}
	for _, c := range commands {
		if send, ok := c.(Send); ok {
			if a, ok := send.Body.(*message.ResourcesDeclared); ok {
				last[strings.TrimPrefix(send.To.Id, "jm-")] = a
			}
		}
	}
	return last
}

func TestASmallJobDoesNotStarveALargerOneBeforeIt(t *testing.T) {
	m := newManager()
	m.Receive(begin, register("a", 2))
	m.Receive(begin, declare("large", 1, 3))
	m.Receive(begin, declare("small", 1, 1))
	if asked := askedFor(m.Take()); asked["large"] != 2 || asked["small"] != 0 {
		t.Fatalf("requested %v", asked)
	}
	m.Receive(begin, register("b", 1))
	commands := m.Take()
	if asked := askedFor(commands); asked["large"] != 1 || asked["small"] != 0 {
		t.Fatalf("requested %v of the new one", asked)
	}
	if a := answersTo(commands)["small"]; a.Before != 0 || len(a.Executors) != 2 {
		t.Errorf("the small job is told %v", a)
	}
	m.Receive(begin, register("c", 1))
	if asked := askedFor(m.Take()); asked["small"] != 1 {
		t.Errorf("requested %v", asked)
	}
}

// TestTwoHalvesDoNotWaitForEachOther has two jobs hold half of what they need, as after the loss of a TaskManager.
func TestTwoHalvesDoNotWaitForEachOther(t *testing.T) {
	m := newManager()
	m.Receive(begin, declare("first", 1, 4))
	m.Receive(begin, declare("second", 1, 4))
	a := register("a", 2)
	a.Occupied = fill("a", 0, "first", "first").Occupied
	m.Receive(begin, a)
	m.Take()
	b := register("b", 2)
	b.Version, b.Occupied = 1, fill("b", 1, "second", "second").Occupied
	m.Receive(begin, b)
	answers := answersTo(m.Take())
	if !answers["second"].GetYield() || answers["first"].GetYield() || answers["second"].GetBefore() != 2 {
		t.Fatalf("told %v", answers)
	}
	m.Receive(begin, fill("b", 2))
	commands := m.Take()
	if asked := askedFor(commands); asked["first"] != 2 || asked["second"] != 0 {
		t.Errorf("what was given back was requested for %v", asked)
	}
	if a := answersTo(commands)["second"]; a.GetYield() {
		t.Error("it is still to give something back")
	}
}

// TestNobodyYieldsInVain: the first could not run even with the slots of the second.
func TestNobodyYieldsInVain(t *testing.T) {
	m := newManager()
	m.Receive(begin, declare("first", 1, 9))
	m.Receive(begin, declare("second", 1, 4))
	b := register("b", 2)
	b.Occupied = fill("b", 0, "second", "second").Occupied
	m.Receive(begin, b)
	if a := answersTo(m.Take())["second"]; a.GetYield() {
		t.Error("the second is to give back what helps nobody")
	}
}

func TestWhatJobsNeedComesBeforeWhatTheyWish(t *testing.T) {
	m := newManager()
	m.Receive(begin, register("a", 3))
	adaptive := declare("adaptive", 1, 8)
	adaptive.Minimum = 1
	m.executors[0].slots = 0 // nothing yet
	m.Receive(begin, adaptive)
	m.Receive(begin, declare("plain", 1, 2))
	m.executors[0].slots = 3
	m.Tick(begin)
	if asked := askedFor(m.Take()); asked["adaptive"] != 1 || asked["plain"] != 2 {
		t.Errorf("requested %v", asked)
	}
}

func TestAJobThatGaveUpWaitsBehindTheOthers(t *testing.T) {
	m := newManager()
	m.Receive(begin, declare("large", 1, 3))
	m.Receive(begin, declare("small", 1, 2))
	m.Receive(begin, declare("large", 2, 0))
	m.Receive(begin, declare("large", 3, 3))
	m.Take()
	m.Receive(begin, register("a", 2))
	if asked := askedFor(m.Take()); asked["small"] != 2 || asked["large"] != 0 {
		t.Errorf("requested %v", asked)
	}
}
