package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/weir-stream/weir/benchmarks/internal/child"
	"github.com/weir-stream/weir/benchmarks/nexmark/generator"
)

func init() { roles["query"] = child.Role(measure) }

// order says what a process is to measure.
type order struct {
	Query       string
	Backend     string
	Events      int64
	Parallelism int
	// Profile is a file for a CPU profile, or empty.
	Profile string
}

// outcome is what one run was measured at.
type outcome struct {
	// Seconds is the time from the submission of the job, with the start of the embedded cluster, to its result; CPUSeconds is what
	// the process used meanwhile, in user code and in the system.
	Seconds, CPUSeconds float64
}

// eventRate is how many events there are in a second of event time.
const eventRate = 1e6

type benchOptions struct {
	queries     []string
	backends    []string
	parallelism int
	runs        int
	scale       float64
	profile     string
	markdown    bool
}

func runBench(arguments []string, out io.Writer) error {
	flags := pflag.NewFlagSet("nexmark bench", pflag.ContinueOnError)
	var o benchOptions
	flags.StringSliceVar(&o.queries, "queries", nil, "measure only these `queries`, such as q5,q7")
	flags.StringSliceVar(&o.backends, "state-backend", []string{"hashmap", "pebble"}, "`backends` to measure in turn")
	flags.IntVar(&o.parallelism, "parallelism", 2, "subtasks of each operator, generators and processors")
	flags.IntVar(&o.runs, "runs", 3, "repeat each measurement so many `times`")
	flags.Float64Var(&o.scale, "scale", 1, "make so many times the events, such as 0.1: for a look; the aims are for 1")
	flags.StringVar(&o.profile, "profile", "", "write CPU profiles to this `folder`")
	flags.BoolVar(&o.markdown, "markdown", false, "print the table as Markdown, a line for each query")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	if o.runs < 1 || o.parallelism < 1 || !(o.scale > 0) {
		return errors.New("bench: --runs and --parallelism must be at least 1, and --scale more than 0")
	}
	chosen, err := choose(o.queries)
	if err != nil {
		return err
	}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o755); err != nil {
			return err
		}
	}
	var report report
	for _, q := range chosen {
		rows, err := o.measureQuery(q)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		report.rows = append(report.rows, rows...)
	}
	text := report.table(o)
	if o.markdown {
		text = report.markdown(o)
	}
	_, err = fmt.Fprint(out, text)
	return err
}

// measureQuery measures a query with each backend in turn, so often as asked for.
func (o benchOptions) measureQuery(q query) ([]row, error) {
	figures := flink.of(q.name)
	rows := make([]row, len(o.backends))
	for i, backend := range o.backends {
		rows[i] = row{query: q.name, backend: backend, events: max(1, int64(float64(figures.Events)*o.scale)), flink: figures.rate(backend), aim: figures.aim(backend)}
	}
	for run := range o.runs {
		for i := range rows {
			fmt.Fprintf(os.Stderr, "%s, %s: run %d of %d\n", q.name, rows[i].backend, run+1, o.runs)
			order := order{Query: q.name, Backend: rows[i].backend, Events: rows[i].events, Parallelism: o.parallelism}
			if o.profile != "" {
				order.Profile = fmt.Sprintf("%s/%s-%s-%d.pprof", o.profile, q.name, rows[i].backend, run+1)
			}
			measured, _, err := child.Measure[outcome]("query", order)
			if err != nil {
				return nil, err
			}
			rows[i].runs = append(rows[i].runs, measured)
		}
	}
	return rows, nil
}

// measure runs a query once.
func measure(o order) (outcome, error) {
	runtime.GOMAXPROCS(o.Parallelism)
	q, err := find(o.Query)
	if err != nil {
		return outcome{}, err
	}
	if folder, remove, err := temporaryFiles(q); err != nil {
		return outcome{}, err
	} else if folder != "" {
		defer remove()
	}
	q.ties = false // each reader makes its share, as Flink's do
	config := generator.Config{Events: o.Events, Rate: eventRate, Generators: o.Parallelism}
	env, all, err := program(q, config, o.Parallelism, o.Backend)
	if err != nil {
		return outcome{}, err
	}
	q.discard(all)
	stop, err := profile(o.Profile)
	if err != nil {
		return outcome{}, err
	}
	defer stop()
	runtime.GC()
	start, used := time.Now(), processorTime()
	if _, err := env.Execute(context.Background()); err != nil {
		return outcome{}, err
	}
	return outcome{Seconds: time.Since(start).Seconds(), CPUSeconds: (processorTime() - used).Seconds()}, nil
}

// temporaryFiles makes a folder for a query that writes files.
func temporaryFiles(q query) (folder string, remove func(), err error) {
	if q.collect != nil {
		return "", nil, nil
	}
	if folder, err = os.MkdirTemp("", "weir-nexmark-"); err != nil {
		return "", nil, err
	}
	return folder, func() { os.RemoveAll(folder) }, os.Setenv(filesVariable, folder)
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// profile starts a CPU profile and returns what ends it.
func profile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		file.Close()
	}, nil
}

// isPebble says that a backend is the one on disk.
func isPebble(backend string) bool { return slices.Contains([]string{"pebble", "rocksdb"}, backend) }
