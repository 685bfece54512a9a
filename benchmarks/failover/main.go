// Command failover measures how long a cluster takes until records flow, on processes of this machine:
//
//	go run ./benchmarks/failover [--runs 5] [--weir BINARY] [--only submit,upload,worker,taskmanager,frozen]
//
// submit is from the submission of a trivial job, whose binary the cluster has, to its first output; upload the same with a binary of 50 MB that is
// uploaded first; worker and taskmanager are from the SIGKILL of a worker or of a TaskManager to output, and frozen is from the freeze of a TaskManager
// with its workers. The output is looked at where it is visible at once: each subtask of the job touches a file when a batch of records has come. The
// medians are printed, and what they should be.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/weir-stream/weir/benchmarks/internal/fleet"
)

type options struct {
	runs    int
	weir    string
	only    string
	timeout time.Duration
	keep    bool
}

// figure is one that is measured.
type figure struct {
	name, what string
	// aim is what the median should be at the most.
	aim     time.Duration
	measure func(*bench, context.Context) (time.Duration, error)
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == role {
		os.Args = append(os.Args[:1], os.Args[2:]...)
		job()
		return
	}
	var o options
	flag.IntVar(&o.runs, "runs", 5, "how often each figure is measured")
	flag.StringVar(&o.weir, "weir", "", "the weir `binary` that the cluster runs; it is built by default")
	flag.StringVar(&o.only, "only", "", "names of the figures to measure, separated by commas")
	flag.DurationVar(&o.timeout, "heartbeat-timeout", 5*time.Second, "of the cluster")
	flag.BoolVar(&o.keep, "keep", false, "keep the working folder")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "failover:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	runtime.LockOSThread() // the processes end with the thread that has started them
	folder, err := os.MkdirTemp("", "weir-failover-")
	if err != nil {
		return err
	}
	ctx := context.Background()
	if o.weir == "" {
		if o.weir, err = fleet.Build(ctx, folder); err != nil {
			return err
		}
	}
	b, err := newBench(ctx, o, folder)
	if err != nil {
		return fmt.Errorf("%w\n%s is kept", err, folder)
	}
	defer b.fleet.Close()
	for _, f := range []figure{
		{"submit", "from submit to first output, binary already there", 300 * time.Millisecond, (*bench).submitKnown},
		{"upload", "from submit to first output, with an upload of 50 MB", 2 * time.Second, (*bench).submitLarge},
		{"worker", "from SIGKILL of a worker to output", time.Second, (*bench).killWorker},
		{"taskmanager", "from SIGKILL of a TaskManager to output on another one", time.Second, (*bench).killTaskManager},
		{"frozen", fmt.Sprintf("from the freeze of a TaskManager to output on another one (heartbeat.timeout %v)", o.timeout), o.timeout + time.Second, (*bench).freeze},
	} {
		if o.only != "" && !slices.Contains(strings.Split(o.only, ","), f.name) {
			continue
		}
		var all []time.Duration
		for range o.runs {
			took, err := f.measure(b, ctx)
			if err != nil {
				return fmt.Errorf("%s: %w\n%s is kept", f.name, err, folder)
			}
			all = append(all, took.Round(time.Millisecond))
		}
		slices.Sort(all)
		median := all[len(all)/2]
		verdict := "as it should be"
		if median > f.aim {
			verdict = "too long"
		}
		fmt.Printf("%-12s %s: median %v of %v; at most %v: %s\n", f.name, f.what, median, all, f.aim, verdict)
	}
	if o.keep {
		fmt.Println(folder, "is kept")
		return nil
	}
	return errors.Join(os.RemoveAll(filepath.Clean(folder)))
}
