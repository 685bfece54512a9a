package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-stream/weir/benchmarks/internal/cable"
	"github.com/weir-stream/weir/benchmarks/internal/fleet"
	"github.com/weir-stream/weir/benchmarks/killtest/internal/victim"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/client"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// campaign harms a cluster that runs the job, until the duration is over; then the job goes on to its end as fast as it can, on a cluster that is
// harmed for a while more.
type campaign struct {
	*killing
	fleet *fleet.Fleet
	rest  *client.Client
	deck  deck
	// later is what is to be done at a time, the next first.
	later []later
	// deaf says that the JobManager is frozen.
	deaf bool
	// parallelism and state backend of the job's next submission, and whether its source is paced then.
	parallelism int
	stateIn     string
	paced       bool
	// orphans are the workers of TaskManagers that were killed; they must end.
	orphans []int
	failed  error
	// counted is what the running JobManager has last told of the job's checkpoints; the tally has what earlier ones have.
	counted answer.CheckpointCounts
	last    int // parallelism of the last submission
}

type later struct {
	at time.Time
	do func()
}

const (
	// slotsEach are those of a TaskManager: with one, the job always runs on several of them.
	slotsEach = 1
	// startup is how long the cluster, or a submission, may take.
	startup = time.Minute
	// reply is how long a question may take.
	reply = 2 * time.Second
)

// runCluster is the part of a run in which the job is harmed.
func (k *killing) runCluster() (err error) {
	runtime.LockOSThread() // the processes die with the thread that has started them
	ctx := context.Background()
	weir := k.weir
	if weir == "" {
		if weir, err = fleet.Build(ctx, k.folder); err != nil {
			return err
		}
	}
	k.tally.faults = map[fault]int{}
	c := &campaign{
		killing: k, deck: deck{random: k.random}, parallelism: 3, stateIn: k.backend, paced: true,
	}
	c.fleet, err = fleet.New(fleet.Options{
		Weir: weir, Folder: k.path("cluster"), TaskManagers: k.taskManagers, Properties: []string{
			"taskmanager.numberOfTaskSlots=" + strconv.Itoa(slotsEach),
			"heartbeat.interval=" + (k.timeout / 10).String(), "heartbeat.timeout=" + k.timeout.String(),
		},
	})
	if err != nil {
		return err
	}
	defer c.fleet.Close()
	c.rest = c.fleet.REST()
	for node := range cable.Node(1 + k.taskManagers) {
		if err := c.fleet.Start(node); err != nil {
			return err
		}
	}
	if err := c.submit(); err != nil {
		return err
	}
	if err := c.harm(time.Now().Add(k.duration)); err != nil {
		return err
	}
	if k.tally.underFire, err = progressOf(k.path("killed")); err != nil {
		return err
	}
	k.say("the cluster was harmed for %v; now the job goes on to its end as fast as it can, on a cluster that is harmed a little longer", k.duration)
	if err := c.finish(); err != nil {
		return fmt.Errorf("the run to the end: %w", err)
	}
	c.print(k.out)
	return nil
}

// submit has the job run, from its newest checkpoint if there is one.
func (c *campaign) submit() error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), startup, fmt.Errorf("not within %v", startup))
	defer cancel()
	if err := c.fleet.Await(ctx, 0); err != nil {
		return err
	}
	id, err := c.rest.Upload(ctx, c.binary, "killtest.jar")
	if err != nil {
		return fmt.Errorf("upload the job: %w", err)
	}
	arguments := []string{victim.Role, "--records", strconv.FormatInt(c.records, 10), "--output", c.path("killed")}
	if c.paced {
		arguments = append(arguments, "--rate", strconv.FormatFloat(c.rate, 'f', -1, 64))
	}
	configuration := map[string]string{
		"$internal.pipeline.job-id":                     c.job.String(),
		"execution.checkpointing.dir":                   c.storage,
		"execution.checkpointing.interval":              c.interval.String(),
		"execution.checkpointing.num-retained":          "2",
		"execution.checkpointing.data-inline-threshold": "1kb",
		"state.backend.type":                            c.stateIn,
		"restart-strategy.type":                         "fixed-delay",
		"restart-strategy.fixed-delay.attempts":         strconv.Itoa(1<<31 - 1),
		"restart-strategy.fixed-delay.delay":            "20ms",
	}
	for _, p := range c.properties {
		key, text, _ := strings.Cut(p, "=")
		configuration[key] = text
	}
	_, err = c.rest.Run(ctx, id, client.Run{Arguments: arguments, Parallelism: c.parallelism, Configuration: configuration})
	if err != nil {
		return fmt.Errorf("submit the job: %w", err)
	}
	if c.last != 0 && c.last != c.parallelism {
		c.tally.rescales++
	}
	c.last = c.parallelism
	return nil
}

// harm deals out faults until the end.
func (c *campaign) harm(end time.Time) error {
	next := time.Now().Add(c.pause())
	for {
		c.undoDue(time.Now())
		if now := time.Now(); now.After(end) {
			break
		} else if now.After(next) {
			c.strike(c.deck.next())
			next = time.Now().Add(c.pause())
		}
		state, err := c.look()
		if err != nil {
			return err
		}
		if state == view.JobFinished {
			return errors.New("the job has ended while it was being harmed: it was to last longer")
		}
		c.sleep(next, end)
	}
	c.undoDue(end.Add(time.Hour))
	return c.failed
}

// pause is how long the cluster is left alone.
func (c *campaign) pause() time.Duration {
	return c.every/4 + time.Duration(c.random.Int64N(int64(c.every*3/2)))
}

func (c *campaign) sleep(until ...time.Time) {
	wait := 100 * time.Millisecond
	if len(c.later) > 0 {
		until = append(until, c.later[0].at)
	}
	for _, t := range until {
		wait = min(wait, time.Until(t))
	}
	time.Sleep(max(wait, time.Millisecond))
}

// strike has a fault come, and be undone when its time is over. A fault that finds nothing to harm is not counted, and comes again.
func (c *campaign) strike(f fault) {
	lasts := f.lasts(c.timeout, c.random)
	undo, done := c.suffer(f)
	if !done {
		c.deck.left = append(c.deck.left, f)
		return
	}
	c.tally.faults[f]++
	if c.keep {
		c.say("%s  %s, for %v", time.Now().Format("15:04:05.000"), f, lasts.Round(time.Millisecond))
	}
	if undo != nil {
		c.later = append(c.later, later{time.Now().Add(lasts), undo})
		slices.SortFunc(c.later, func(a, b later) int { return a.at.Compare(b.at) })
	}
}

func (c *campaign) undoDue(now time.Time) {
	for len(c.later) > 0 && !c.later[0].at.After(now) {
		next := c.later[0]
		c.later = c.later[1:]
		next.do()
	}
}

func (c *campaign) note(err error) { c.failed = cmp.Or(c.failed, err) }

// look asks how the job is. A JobManager that does not answer is left alone: it may be frozen, or ending what came in.
func (c *campaign) look() (view.JobState, error) {
	if c.failed != nil {
		return "", c.failed
	}
	if err := c.fleet.Check(); err != nil || c.deaf {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), reply)
	defer cancel()
	state, err := c.rest.State(ctx, c.job)
	if err != nil {
		return "", nil
	}
	if state == view.JobFailed || state == view.JobCanceled {
		cause, _ := c.rest.Failure(ctx, c.job)
		return state, fmt.Errorf("the job is %s: %s", state, cause)
	}
	var checkpoints answer.Checkpoints
	if c.rest.Do(ctx, "GET", "/jobs/"+c.job.String()+"/checkpoints", nil, &checkpoints) == nil {
		c.counted = checkpoints.Counts
	}
	return state, nil
}

// killJobManager kills the JobManager, unless it is frozen, and starts the next, to which the job is submitted: now and then with another parallelism
// and state backend.
func (c *campaign) killJobManager() bool {
	if c.deaf {
		return false
	}
	c.fleet.Kill(fleet.Master)
	c.rest.HTTP.CloseIdleConnections()
	c.tallyUp()
	if c.random.IntN(3) > 0 {
		c.parallelism = c.someParallelism()
		if c.switchBackend {
			c.stateIn = map[string]string{"hashmap": "pebble", "pebble": "hashmap"}[c.stateIn]
		}
	}
	time.Sleep(time.Duration(c.random.Int64N(int64(c.timeout))))
	if err := c.fleet.Start(fleet.Master); err != nil {
		c.note(err)
		return true
	}
	c.note(c.submit())
	return true
}

// someParallelism is another one than before, such that one TaskManager is left when all goes well.
func (c *campaign) someParallelism() int {
	most := c.taskManagers*slotsEach - 1
	return 1 + (c.parallelism+c.random.IntN(most-1))%most
}

// tallyUp adds what a JobManager has told, which is no longer there.
func (c *campaign) tallyUp() {
	c.tally.checkpoints += uint64(c.counted.Completed)
	c.tally.restores += c.counted.Restored
	c.counted = answer.CheckpointCounts{}
}

// endings are the faults that come when the job is about to end: those that leave the cluster with something to do at once.
var endings = []fault{killWorker, killTaskManager, killWorker, killJobManager, freezeAllLong, resetMaster, killJobManager, killWorker}

// finish lets the job run to its end.
func (c *campaign) finish() error {
	c.paced, c.parallelism = false, c.someParallelism()
	c.strike(killJobManager)
	ends := time.Now().Add(patience)
	next, left := time.Now(), endings
	for {
		c.undoDue(time.Now())
		if len(left) > 0 && time.Now().After(next) {
			c.strike(left[0])
			left = left[1:]
			next = time.Now().Add(300*time.Millisecond + time.Duration(c.random.Int64N(int64(1500*time.Millisecond))))
		}
		state, err := c.look()
		switch {
		case err != nil:
			return err
		case state == view.JobFinished:
			c.undoDue(time.Now().Add(time.Hour))
			c.tallyUp()
			return c.clean()
		case time.Now().After(ends):
			return fmt.Errorf("the job has not ended within %v: it is %s", patience, state)
		}
		c.sleep(ends)
	}
}

// clean waits until no worker is left.
func (c *campaign) clean() error {
	ends := time.Now().Add(startup)
	for {
		left := 0
		for _, node := range c.fleet.TaskManagers() {
			left += len(c.fleet.Process(node).Children())
		}
		for _, pid := range c.orphans {
			if fleet.Alive(pid) {
				left++
			}
		}
		if left == 0 {
			return c.failed
		}
		if time.Now().After(ends) {
			return fmt.Errorf("%d workers are left %v after the end of the job", left, startup)
		}
		c.sleep(ends)
	}
}

func (c *campaign) print(out io.Writer) {
	fmt.Fprintln(out, "faults:")
	for _, f := range faults {
		fmt.Fprintf(out, "%6d  %s\n", c.tally.faults[f], f)
	}
	fmt.Fprintf(out, "%6d  connections through the network that can be cut were of unknown processes, and refused\n", c.fleet.Network.Strangers())
	for _, n := range c.tally.faults {
		c.tally.kills += n
	}
	c.say("%d records were in visible results before the paced job was harmed for the last time (%.0f %%)", c.tally.underFire.records,
		100*float64(c.tally.underFire.records)/float64(c.records))
}
