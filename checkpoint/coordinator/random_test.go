package coordinator

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// TestRandomRuns drives coordinators through everything at once: answers in any order, failures of tasks and storage, answers of the log that
// get lost, restarts, savepoints, leaders that come while their predecessors go on. The world checks the rules all the time:
// numbers ascend, at most so many are in flight, the pause is kept, completed numbers ascend, tasks are told only of what the log has and
// says, no file of a retained checkpoint is deleted, restores are from the newest. In the end every request has one answer.
func TestRandomRuns(t *testing.T) {
	seen := map[string]int{}
	for seed := range int64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewSource(seed))
			w := newWorld(t, random, func(c *Config) {
				r := rand.New(rand.NewSource(seed))
				c.Interval = time.Duration(1+r.Intn(5)) * time.Second
				c.MinPause = time.Duration(r.Intn(4)) * time.Second
				c.Timeout = time.Duration(2+r.Intn(20)) * time.Second
				c.MaxConcurrent, c.Retained, c.TolerableFailed = 1+r.Intn(3), 1+r.Intn(3), r.Intn(3)
				c.Retention, c.LogLength, c.History = Retention(r.Intn(3)), uint64(4+r.Intn(20)), 3
			})
			w.unreliable = random.Intn(3) * 7
			l, asked := w.lead(), 0
			for range 1500 {
				switch n := random.Intn(1000); {
				case n < 800:
					w.arrive()
				case n < 950:
					w.now = w.now.Add(time.Duration(random.Intn(800)) * time.Millisecond)
					for _, each := range w.leaders {
						w.step(each, Tick{})
					}
				case n < 970:
					asked++
					if random.Intn(2) == 0 {
						w.step(l, RequestCheckpoint{Request: fmt.Sprint(asked), Full: random.Intn(2) == 0})
					} else {
						stop := random.Intn(4) == 0
						w.step(l, RequestSavepoint{Request: fmt.Sprint(asked), Directory: "s3://s", Stop: stop, Drain: stop && random.Intn(2) == 0})
					}
				case n < 980:
					task := w.tasks[random.Intn(len(w.tasks))]
					w.step(l, Gone{task.e})
					w.step(l, Restart{1})
				case n < 984 && len(w.leaders) < 5:
					w.Logf("leader %d", len(w.leaders)+1)
					l = w.lead()
				case n < 988:
					w.step(l, InputEnded{w.tasks[random.Intn(len(w.tasks))].e})
				case n < 990:
					task := w.tasks[random.Intn(len(w.tasks))]
					task.finished = true
					w.step(l, Finished{task.e})
				case n < 995:
					stale := w.tasks[0].e
					stale.Attempt--
					w.step(l, Ack{Checkpoint: ident.CheckpointID(random.Intn(30)), Execution: stale})
				}
			}
			for _, each := range w.leaders {
				w.step(each, End{[]graph.JobState{graph.JobFinished, graph.JobCanceled, graph.JobFailed}[random.Intn(3)]})
			}
			for range 300 {
				w.settle()
				w.pass(time.Second)
			}
			for i, each := range w.leaders {
				if !each.over {
					t.Fatalf("leader %d has not come to its end", i+1)
				}
			}
			for n := 1; n <= asked; n++ {
				if w.requests[fmt.Sprint(n)] != 1 {
					t.Fatalf("request %d has %d answers", n, w.requests[fmt.Sprint(n)])
				}
			}
			if h := w.fold(); h.Ended == "" {
				t.Fatal("the log has no end")
			}
			if len(w.leaders) == 1 {
				h := w.fold()
				for _, path := range w.listed() {
					if f := (snapshot.File{Name: path}); !w.named(h, f) {
						t.Errorf("%s is left of a job that is over", path)
					}
				}
			}
			for command, times := range w.seen {
				seen[command] += times
			}
			seen["completed"] += int(w.completed)
		})
	}
	t.Log(seen)
	for _, command := range []string{"Notify", "Delete", "Restore", "Fenced", "Closed", "Trim", "FailJob", "Discard", "Abort", "Clean"} {
		if seen["coordinator."+command] < 10 {
			t.Errorf("%s came %d times: the test is too weak", command, seen["coordinator."+command])
		}
	}
}
