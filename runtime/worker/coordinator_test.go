package worker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator/source"
)

// alone is a master whose readers exist on paper only.
func alone(t *testing.T, src *testSource) *master {
	m := newMaster(t, pipeline(src, same, &testSink{}), 2)
	m.relay = false
	return m
}

// assigned returns, once there are n, the events for readers: "subtask/attempt: splits".
func (m *master) assigned(n int) (all []string) {
	m.t.Helper()
	within(m.t, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for {
			all = nil
			for _, from := range m.got {
				if e := from.GetToSubtask(); e != nil {
					all = append(all, readable(e))
				}
			}
			if len(all) >= n {
				return
			}
			m.come.Wait()
		}
	})
	return all
}

func readable(e *message.CoordinatorToSubtask) string {
	splits, more, err := source.DecodeAssign(e.Event)
	what := "no more"
	if more {
		what = ""
		for _, s := range splits {
			what += s.ID
		}
	}
	if err != nil {
		what = err.Error()
	}
	return fmt.Sprintf("%d/%d: %s", e.Execution.Subtask, e.Execution.Attempt, what)
}

func (m *master) wantAssigned(want ...string) {
	m.t.Helper()
	if got := m.assigned(len(want)); !slices.Equal(got, want) {
		m.t.Errorf("readers were sent %q, want %q", got, want)
	}
}

func (m *master) reader(subtask, attempt int) ident.ExecutionID {
	return m.execution("numbers", subtask, attempt)
}

func TestARequestBeforeTheReaderIsKnownWaits(t *testing.T) {
	m := alone(t, &testSource{splits: 3})
	m.startCoordinator("numbers", 0)
	m.request(m.reader(1, 0), 0)
	m.request(m.reader(0, 0), 0)
	m.ready("numbers", 0, 0)
	m.wantAssigned("0/0: 0")
	m.ready("numbers", 1, 0)
	m.ready("numbers", 1, 0)
	m.request(m.reader(1, 0), 0)
	m.request(m.reader(1, 0), 0)
	m.wantAssigned("0/0: 0", "1/0: 1", "1/0: 2", "1/0: no more")
}

func TestSplitsOfAFailedReaderComeBack(t *testing.T) {
	src := &testSource{splits: 4}
	m := alone(t, src)
	m.startCoordinator("numbers", 0)
	for s := range int32(2) {
		m.ready("numbers", s, 0)
	}
	m.request(m.reader(0, 0), 0)
	m.request(m.reader(1, 0), 0)
	m.request(m.reader(0, 0), 0)
	m.gone("numbers", 0, 0)
	m.request(m.reader(0, 0), 0) // of the attempt that is gone
	m.request(m.reader(0, 1), 0) // early
	m.ready("numbers", 0, 1)
	m.request(m.reader(0, 0), 0)
	m.request(m.reader(0, 1), 0)
	m.request(m.reader(0, 1), 0)
	m.request(m.reader(0, 1), 0)
	m.wantAssigned("0/0: 0", "1/0: 1", "0/0: 2", "0/1: 0", "0/1: 2", "0/1: 3", "0/1: no more")
	if want := []string{"0", "2"}; !slices.Equal(src.back, want) {
		t.Errorf("splits %v came back, want %v", src.back, want)
	}
	// The new attempt fails too: what was assigned to it comes back, and nothing twice.
	src.back = nil
	m.gone("numbers", 0, 1)
	m.ready("numbers", 0, 2)
	m.request(m.reader(0, 2), 0)
	m.assigned(8)
	if want := []string{"0", "2", "3"}; !slices.Equal(src.back, want) {
		t.Errorf("splits %v came back, want %v", src.back, want)
	}
}

// TestWhatIsAssignedBeforeAReaderComesIsNotLost has an enumerator that does not wait to be asked.
func TestWhatIsAssignedBeforeAReaderComesIsNotLost(t *testing.T) {
	src := &testSource{splits: 1}
	src.at = func(method string, ctx connector.EnumeratorContext) error {
		if method == "start" {
			ctx.Assign(0, connector.Split{ID: "a"})
			ctx.Assign(1, connector.Split{ID: "b"}, connector.Split{ID: "c"})
			ctx.NoMoreSplits(0)
		}
		return nil
	}
	m := alone(t, src)
	m.startCoordinator("numbers", 0)
	m.ready("numbers", 0, 0)
	m.ready("numbers", 1, 0)
	m.wantAssigned("0/0: a", "0/0: no more", "1/0: bc")
	m.gone("numbers", 1, 0)
	m.ready("numbers", 1, 1)
	m.request(m.reader(1, 1), 0)
	m.wantAssigned("0/0: a", "0/0: no more", "1/0: bc", "1/1: b")
}

func TestAnOldCoordinatorIsNotAskedAnyMore(t *testing.T) {
	src := &testSource{splits: 2}
	m := alone(t, src)
	m.startCoordinator("numbers", 0)
	m.startCoordinator("numbers", 0) // repeated
	m.ready("numbers", 0, 0)
	m.request(m.reader(0, 0), 0)
	m.wantAssigned("0/0: 0")
	m.startCoordinator("numbers", 1)
	m.startCoordinator("numbers", 0)
	m.ready("numbers", 0, 0) // for the old one
	m.request(m.reader(0, 0), 0)
	m.stopCoordinator("numbers", 0)
	op := message.IDBytes(m.vertex("numbers").Head().ID)
	m.send(&message.ToWorker{Body: &message.ToWorker_SubtaskReady{SubtaskReady: &message.SubtaskReady{Operator: op, CoordinatorAttempt: 1, Attempt: 1}}})
	m.request(m.reader(0, 1), 1)
	m.wantAssigned("0/0: 0", "0/1: 0")
	m.stopCoordinator("numbers", 1)
	m.stopCoordinator("numbers", 1)
	m.host.Close()
	within(t, func() { <-m.host.Closed() })
	if src.starts != 2 || src.closes != 2 {
		t.Errorf("%d enumerators started, %d closed; want 2 and 2", src.starts, src.closes)
	}
}

func TestAnEnumeratorsFailureIsReportedOnce(t *testing.T) {
	for _, method := range []string{"new", "start", "add reader", "request"} {
		for _, panics := range []bool{false, true} {
			t.Run(fmt.Sprint(method, panics), func(t *testing.T) {
				var mu sync.Mutex
				calls := 0
				src := &testSource{splits: 1}
				src.at = func(at string, _ connector.EnumeratorContext) error {
					mu.Lock()
					defer mu.Unlock()
					if at == "close" {
						return nil
					}
					if at != method {
						return nil
					}
					if calls++; panics {
						panic("broken")
					}
					return errors.New("broken")
				}
				m := alone(t, src)
				m.startCoordinator("numbers", 0)
				m.ready("numbers", 0, 0)
				m.request(m.reader(0, 0), 0)
				m.request(m.reader(0, 0), 0)
				body, _ := await(m, 0, func(*message.FromWorker_CoordinatorFailed) bool { return true })
				f := body.CoordinatorFailed.Failure
				if !strings.Contains(f.Message, "broken") || !strings.Contains(f.Message, "numbers") || f.Subtask != -1 || (f.Stack != "") != panics {
					t.Errorf("failure %v", f)
				}
				m.host.Close()
				within(t, func() { <-m.host.Closed() })
				reports := 0
				for _, from := range m.got {
					if from.GetCoordinatorFailed() != nil {
						reports++
					}
				}
				if reports != 1 || calls != 1 {
					t.Errorf("%d reports, %d calls after the first failure", reports, calls-1)
				}
				if want := map[bool]int{true: 0, false: 1}[method == "new"]; src.closes != want {
					t.Errorf("closed %d times, want %d", src.closes, want)
				}
			})
		}
	}
}

func TestACoordinatorThatCannotBeIsReported(t *testing.T) {
	m := alone(t, &testSource{})
	unknown := m.vertex("numbers").Head().ID
	unknown[0]++
	for _, op := range []ident.OperatorID{unknown, m.vertex("map").Head().ID} {
		from := len(m.got)
		m.send(&message.ToWorker{Body: &message.ToWorker_StartCoordinator{StartCoordinator: &message.StartCoordinator{Operator: message.IDBytes(op), Attempt: 3}}})
		body, _ := await(m, from, func(*message.FromWorker_CoordinatorFailed) bool { return true })
		if c := body.CoordinatorFailed; c.Attempt != 3 || c.Failure.GetMessage() == "" {
			t.Errorf("reported %v", c)
		}
		m.settle()
	}
}
