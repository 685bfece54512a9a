package message

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
)

var timing = Timing{Interval: 10 * time.Second, Timeout: 50 * time.Second}

func newPair(now time.Time) (a, b *Link) {
	head := Header{LeaderEpoch: 3, Job: make([]byte, 16), TaskExecutor: "tm", Session: 1}
	return NewLink(head, timing, now), NewLink(head, timing, now)
}

func progress(n uint64) Body {
	return &Frame_FromWorker{FromWorker: &FromWorker{LeaderEpoch: n}}
}

// TestLinkDeliversInOrderAndOnce sends both ways over a network that loses, doubles and reorders.
func TestLinkDeliversInOrderAndOnce(t *testing.T) {
	for seed := range int64(50) {
		random := rand.New(rand.NewSource(seed))
		now := time.UnixMilli(0)
		a, b := newPair(now)
		ends := map[*Link]*Link{a: b, b: a}
		flying := map[*Link][]*Frame{} // by receiver
		sent, got := map[*Link]uint64{}, map[*Link]uint64{}
		const total = 40
		for step := 0; got[a] < total || got[b] < total || !a.Settled() || !b.Settled(); step++ {
			if step > 100_000 {
				t.Fatalf("seed %d: after %d steps %d and %d of %d have come", seed, step, got[a], got[b], total)
			}
			from := []*Link{a, b}[random.Intn(2)]
			to := ends[from]
			if sent[from] < total && random.Intn(3) == 0 {
				sent[from]++
				flying[to] = append(flying[to], from.Send(now, progress(sent[from])))
			}
			if n := len(flying[to]); n > 0 {
				i := random.Intn(n)
				f := proto.Clone(flying[to][i]).(*Frame)
				if random.Intn(5) > 0 {
					flying[to] = append(flying[to][:i], flying[to][i+1:]...)
				}
				if random.Intn(4) > 0 && to.Receive(now, f) {
					got[to]++
					if f.GetFromWorker().LeaderEpoch != got[to] {
						t.Fatalf("seed %d: %d came as number %d", seed, f.GetFromWorker().LeaderEpoch, got[to])
					}
				}
			}
			now = now.Add(time.Duration(random.Intn(100)) * time.Millisecond)
			flying[to] = append(flying[to], from.Due(now)...)
			if len(flying[to]) > 200 {
				flying[to] = flying[to][100:]
			}
		}
	}
}

func TestLinkSpeaksOnlyWhenItMust(t *testing.T) {
	now := time.UnixMilli(0)
	a, b := newPair(now)
	f := a.Send(now, progress(1))
	if !b.Receive(now, f) || b.Receive(now, f) {
		t.Error("a frame is delivered once")
	}
	due := b.Due(now)
	if len(due) != 1 || due[0].Seq != 0 || due[0].Ack != 1 {
		t.Fatalf("the answer is %v", due)
	}
	if len(b.Due(now)) != 0 {
		t.Error("one acknowledgement is enough")
	}
	a.Receive(now, due[0])
	if !a.Settled() || len(a.Due(now)) != 0 {
		t.Error("an acknowledgement needs no answer")
	}
	if later := now.Add(timing.Interval); !a.Deadline().Equal(later) || len(a.Due(later)) != 1 {
		t.Errorf("the next heartbeat is due at %v", a.Deadline())
	}
}

func TestLinkRepeatsLessAndLessOften(t *testing.T) {
	now := time.UnixMilli(0)
	a, _ := newPair(now)
	first := a.Send(now, progress(1))
	var pauses []time.Duration
	for range 8 {
		before := now
		for {
			now = a.Deadline()
			if due := a.Due(now); len(due) > 0 && due[0].Seq == 1 {
				if due[0] != first {
					t.Fatal("a repetition says what was known when it was first sent")
				}
				break
			}
		}
		pauses = append(pauses, now.Sub(before))
	}
	for i, want := range []time.Duration{200, 400, 800, 1600, 3200, 6400, 10000, 10000} {
		if pauses[i] != want*time.Millisecond {
			t.Errorf("pauses %v", pauses)
			break
		}
	}
}

// TestLinkRepeatsLittleAtOnce has large frames lost: they are not repeated all together, which would be too much for the connection that others use.
func TestLinkRepeatsLittleAtOnce(t *testing.T) {
	now := time.UnixMilli(0)
	l := NewLink(Header{}, Timing{Interval: time.Second, Timeout: time.Minute}, now)
	large := strings.Repeat("x", repeatBytes-100)
	for range 3 {
		l.Send(now, &Frame_Offer{Offer: &OfferSlots{Data: large}})
	}
	due := l.Due(now.Add(firstRepeat))
	if len(due) != 1 || due[0].Seq != 1 {
		t.Errorf("%d frames are repeated", len(due))
	}
}

func TestLinkNoticesSilence(t *testing.T) {
	now := time.UnixMilli(0)
	a, b := newPair(now)
	now = now.Add(timing.Timeout - 1)
	if a.Silent(now) || !a.Silent(now.Add(1)) {
		t.Error("silence begins with the timeout")
	}
	a.Receive(now, b.Due(now)[0])
	if a.Silent(now.Add(timing.Timeout - 1)) {
		t.Error("a heartbeat ends the silence")
	}
}

func TestCleanMakesAnyTextSendable(t *testing.T) {
	dirty := &Failure{Message: "bad \xff byte", Stack: strings.Repeat("é", 100_000)}
	for _, m := range []*FromWorker{
		{Body: &FromWorker_TaskState{TaskState: &TaskStateChanged{Failure: dirty}}},
		{Body: &FromWorker_CoordinatorFailed{CoordinatorFailed: &CoordinatorFailed{Failure: dirty}}},
		{Body: &FromWorker_Stopped{Stopped: &WorkerStopped{Failure: dirty}}},
	} {
		encoded, err := proto.Marshal(Clean(m))
		if err != nil || len(encoded) > 3*maxText {
			t.Errorf("%d bytes: %v", len(encoded), err)
		}
	}
	if dirty.Message != "bad \xff byte" {
		t.Error("the sender's message was changed")
	}
	fine := &FromWorker{Body: &FromWorker_TaskState{TaskState: &TaskStateChanged{}}}
	if Clean(fine) != fine {
		t.Error("what is clean is not copied")
	}
}

func TestStatesAndIDsFromOutside(t *testing.T) {
	for s := range TaskState(20) {
		g, ok := s.Graph()
		if want := s >= 1 && s <= 9; ok != want {
			t.Errorf("task state %d is known: %v", s, ok)
		} else if ok && (TaskStateOf(g) != s || g.String() != s.String()) {
			t.Errorf("%s is %s", s, g)
		}
	}
	for s := range JobState(20) {
		g, ok := s.Graph()
		if want := s >= 1 && s <= 11; ok != want {
			t.Errorf("job state %d is known: %v", s, ok)
		} else if ok && (JobStateOf(g) != s || "JOB_"+g.String() != s.String()) {
			t.Errorf("%s is %s", s, g)
		}
	}
	for _, n := range []int{0, 15, 17} {
		if _, err := ID(make([]byte, n)); err == nil || !strings.Contains(err.Error(), fmt.Sprint(n)) {
			t.Errorf("an id of %d bytes: %v", n, err)
		}
	}
	if _, err := (*ExecutionID)(nil).Ident(); err == nil {
		t.Error("no execution has an id")
	}
}
