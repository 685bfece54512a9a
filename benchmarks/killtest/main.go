// Command killtest kills a job, again and again, and compares what it has committed with what an undisturbed run commits.
//
//	go run ./benchmarks/killtest --duration 7m --seed 1 [--storage DIR|s3://bucket/path] [--state-backend hashmap|pebble] [--switch-backend=false] [--inside | --cluster]
//
// The job is a process of its own: a generator, two shuffles, event-time windows, a keyed process function with timers, an interval join
// and the exactly-once file sink. How many records it has is fixed before it starts: the duration times the rate of its source, so that it
// cannot end while it is being killed, since every kill throws it back. It is killed by SIGKILL at random instants, starts again under the
// same job id, and goes on from its last checkpoint; every few kills with another parallelism, and on the other state backend unless
// --switch-backend=false. When the duration is over it goes on as fast as it can, is killed a few times at its end, during the last checkpoints
// and commits, and then ends by itself.
//
// Both outputs are also compared with what the job's definition asks for, worked out without the engine.
//
// With --inside it also harms itself: it dies at a given point of a checkpoint, a subtask panics, what is done at a point fails, a commit
// pauses, and with local storage the newest checkpoint is torn that no task has been told of.
//
// With --cluster the job runs on a cluster of processes, which are killed, frozen and woken, and cut off from each other (see faults.go).
//
// The exit code is 0 if nothing was lost and nothing duplicated; 1 if something was, if the job did what it should not do, or if too little has
// happened for that to mean anything (see enough.go); and 2 for a wrong flag.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/weir-stream/weir/benchmarks/killtest/internal/victim"
)

// options are the flags.
type options struct {
	duration      time.Duration
	seed          uint64
	storage       string
	backend       string
	switchBackend bool
	inside        bool
	rate          float64
	interval      time.Duration
	every         time.Duration
	properties    []string
	keep, smoke   bool
	// cluster has the job run on a cluster of so many TaskManagers, of the binary weir, with that heartbeat timeout.
	cluster      bool
	taskManagers int
	weir         string
	timeout      time.Duration
}

// On a cluster it takes longer until each fault has come.
const (
	clusterDuration = 2 * time.Minute
	clusterEvery    = 3 * time.Second
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == victim.Role {
		os.Args = append(os.Args[:1], os.Args[2:]...)
		victim.Main()
		return
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "killtest:", err)
		}
		os.Exit(2)
	}
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "killtest:", err)
		os.Exit(1)
	}
}

func parse(arguments []string) (o options, err error) {
	set := flag.NewFlagSet("killtest", flag.ContinueOnError)
	set.DurationVar(&o.duration, "duration", time.Minute, "how long the job is killed")
	set.Uint64Var(&o.seed, "seed", 1, "of when and how it is killed")
	set.StringVar(&o.storage, "storage", "", "where checkpoints are kept: a `folder`, or s3://bucket/path; a temporary folder by default")
	set.StringVar(&o.backend, "state-backend", "hashmap", "hashmap or pebble; the first one if it is switched")
	set.BoolVar(&o.switchBackend, "switch-backend", true, "change the state backend every few kills")
	set.BoolVar(&o.inside, "inside", false, "the job also harms itself at points of its checkpoints")
	set.Float64Var(&o.rate, "rate", 5000, "records a second of the source")
	set.DurationVar(&o.interval, "interval", 150*time.Millisecond, "between checkpoints")
	set.DurationVar(&o.every, "every", 1300*time.Millisecond, "between kills, on average")
	set.BoolVar(&o.smoke, "smoke", false, "a short run that shows that everything works: too few kills are a warning, not a failure")
	set.BoolVar(&o.keep, "keep", false, "keep the working folder, which is otherwise kept only if something went wrong")
	set.Func("D", "key=value: an option of the job's configuration, such as s3.endpoint; may be repeated", func(property string) error {
		o.properties = append(o.properties, property)
		return nil
	})
	set.BoolVar(&o.cluster, "cluster", false, "run the job on a cluster of processes, and harm these")
	set.IntVar(&o.taskManagers, "taskmanagers", 4, "TaskManagers of the cluster, of 1 slot each")
	set.StringVar(&o.weir, "weir", "", "the weir `binary` that the cluster runs; it is built by default")
	set.DurationVar(&o.timeout, "heartbeat-timeout", 2*time.Second, "of the cluster")
	if err := set.Parse(arguments); err != nil {
		return o, err
	}
	given := map[string]bool{}
	set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if o.cluster && !given["duration"] {
		o.duration = clusterDuration
	}
	if o.cluster && !given["every"] {
		o.every = clusterEvery
	}
	switch {
	case o.cluster && (o.inside || o.taskManagers < 4 || o.timeout < 500*time.Millisecond):
		return o, errors.New("--cluster: not together with --inside, --taskmanagers at least 4, --heartbeat-timeout at least 500ms")
	case set.NArg() > 0:
		return o, fmt.Errorf("%s: there are only flags", strings.Join(set.Args(), " "))
	case o.backend != "hashmap" && o.backend != "pebble":
		return o, fmt.Errorf("--state-backend %s: it is hashmap or pebble", o.backend)
	case o.duration <= 0 || o.rate <= 0 || o.interval <= 0 || o.every < 200*time.Millisecond:
		return o, errors.New("--duration, --rate and --interval must be above 0, --every at least 200ms")
	}
	return o, nil
}
