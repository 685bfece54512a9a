package master

import (
	"fmt"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/schedule"
	"github.com/weir-stream/weir/runtime/schedule/adaptive"
)

// TestEveryRunEndsAndKeepsTheInvariants drives clusters through all faults at once. Whatever happens, no subtask has two
// live attempts, no slot is booked twice, and the job ends with nothing left on any TaskExecutor.
func TestEveryRunEndsAndKeepsTheInvariants(t *testing.T) {
	jobs := []func() *graph.JobGraph{
		func() *graph.JobGraph { return sourceAndSinks(2, 2, graph.Hash) },
		func() *graph.JobGraph { return sourceAndSinks(3, 3, graph.Forward) },
		func() *graph.JobGraph { return sourceAndSinks(1, 4, graph.Rebalance) },
		twoPipelines,
	}
	kinds := map[string]faults{
		"calm":       {},
		"network":    {lose: 0.1, double: 0.2},
		"tasks":      {failTask: 0.03},
		"workers":    {crashWorker: 0.01, failCoordinator: 0.01},
		"nodes":      {killNode: 0.002},
		"stubborn":   {failTask: 0.05, stubborn: 0.2},
		"everything": {lose: 0.05, double: 0.1, failTask: 0.01, crashWorker: 0.005, failCoordinator: 0.005, killNode: 0.001, cancel: 0.0005, stubborn: 0.05},
	}
	ends := map[graph.JobState]int{}
	restarted := 0
	const seeds = 12
	for name, f := range kinds {
		for seed := range int64(seeds) {
			job := jobs[seed%int64(len(jobs))]()
			ran := t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				s := newSimulation(t, seed, job, f, fixedDelay(t, 6, time.Second))
				s.addNode(2)
				s.addNode(2)
				s.run(60_000)
				ends[s.master.State()]++
				restarted += s.master.restarts
				if name == "calm" && s.master.State() != graph.JobFinished {
					t.Fatalf("the job is %s", s.master.State())
				}
			})
			if !ran {
				return
			}
		}
	}
	t.Logf("ends: %v, restarts: %d", ends, restarted)
	for _, state := range []graph.JobState{graph.JobFinished, graph.JobFailed, graph.JobCanceled} {
		if ends[state] == 0 {
			t.Errorf("no run has ended %s: the faults are too weak or too strong", state)
		}
	}
	if restarted == 0 {
		t.Error("no run has restarted anything")
	}
}

// TestTheAdaptiveSchedulerKeepsTheInvariants drives clusters whose TaskManagers come and go, and jobs whose parallelism is changed meanwhile.
func TestTheAdaptiveSchedulerKeepsTheInvariants(t *testing.T) {
	kinds := map[string]faults{
		"calm":       {},
		"nodes":      {loseNode: 0.002, joinNode: 0.01},
		"bounds":     {require: 0.01},
		"everything": {lose: 0.05, double: 0.1, failTask: 0.01, crashWorker: 0.005, failCoordinator: 0.005, killNode: 0.001, cancel: 0.0002, stubborn: 0.05, loseNode: 0.001, joinNode: 0.005, require: 0.005},
	}
	ends, seen := map[graph.JobState]int{}, map[int]int{}
	rescales := 0
	for name, f := range kinds {
		for seed := range int64(16) {
			job := sourceAndSinks(3, 3, graph.Hash)
			if seed%3 == 1 {
				job = twoPipelines()
			}
			ran := t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				s := newSimulation(t, seed, job, f, fixedDelay(t, 40, 100*time.Millisecond))
				s.adapt()
				s.addNode(2)
				s.run(60_000)
				ends[s.master.State()]++
				rescales += s.master.adaptive.Rescales()
				for n, count := range s.parallelisms {
					seen[n] += count
				}
				if s.master.adaptive.State() != adaptive.Finished {
					t.Errorf("the scheduler is %s", s.master.adaptive.State())
				}
				if name != "everything" && s.master.State() != graph.JobFinished {
					t.Fatalf("the job is %s: %v", s.master.State(), s.master.Result().Failure)
				}
			})
			if !ran {
				return
			}
		}
	}
	t.Logf("ends: %v, rescales: %d, deployments by parallelism: %v", ends, rescales, seen)
	if rescales < 10 || seen[1] == 0 || seen[2] == 0 || seen[3] == 0 || seen[5] == 0 {
		t.Error("too little was tried")
	}
}

func fixedDelay(t *testing.T, attempts int, delay time.Duration) schedule.RestartStrategy {
	t.Helper()
	c := schedule.RestartConfig{Strategy: config.RestartFixedDelay}
	c.FixedDelay.Attempts, c.FixedDelay.Delay = attempts, delay
	s, err := schedule.NewRestartStrategy(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
