// Command checkpoint measures checkpoints, and how a job goes on from one: what they take from the task, from the processors and from the
// storage, and how long output stops when the job is killed or rescaled.
//
//	go run ./benchmarks/checkpoint [steady|restore|rescale|all] [flags]
//
// Every job is a process of its own; those that are compared take turns. The exit code is 0 also if an aim was missed, and 1 if a
// measurement failed.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/weir-stream/weir/benchmarks/checkpoint/internal/job"
	"github.com/weir-stream/weir/runtime/ident"
)

// options are the flags.
type options struct {
	keys        int64
	checkpoints int
	interval    time.Duration
	long        int
	storage     string
	backends    string
	patterns    string
	parallelism int
	runs        int
	profiles    string
	properties  []string
	smoke, json bool
}

// patterns are which keys change between two checkpoints.
var patterns = []string{"hot", "uniform"}

// share is the part of the keys that changes between two checkpoints: one in so many.
const share = 100

// usual is the interval between checkpoints by which the rate of changes goes: in that time one key in a hundred changes.
const usual = 2 * time.Second

// report shows what was measured as soon as it is: lines for people or objects for programs.
type report struct {
	json bool
	out  io.Writer
	err  error
}

// add shows a result, either way.
func (r *report) add(row any, lines ...string) {
	if !r.json {
		for _, line := range lines {
			r.say("%s", line)
		}
		return
	}
	if err := json.NewEncoder(r.out).Encode(row); r.err == nil {
		r.err = err
	}
}

// say shows a line that has no result.
func (r *report) say(format string, arguments ...any) {
	if r.json {
		return
	}
	if _, err := fmt.Fprintf(r.out, format+"\n", arguments...); r.err == nil {
		r.err = err
	}
}

var parts = []struct {
	name    string
	measure func(options, *report) error
}{
	{"steady", measureSteady},
	{"restore", measureRestore},
	{"rescale", measureRescale},
}

func main() {
	job.Main()
	if err := run(os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "checkpoint:", err)
			os.Exit(1)
		}
	}
}

func run(arguments []string) error {
	name, o, err := parse(arguments)
	if err != nil {
		return err
	}
	known := name == "all"
	r := &report{json: o.json, out: os.Stdout}
	for _, p := range parts {
		if name != "all" && name != p.name {
			continue
		}
		known = true
		if err := p.measure(o, r); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		r.say("")
	}
	if !known {
		return fmt.Errorf("there is no part %q: want steady, restore, rescale or all", name)
	}
	return r.err
}

// parse reads a part, all by default, and the flags before and behind it.
func parse(arguments []string) (name string, o options, err error) {
	flags := flag.NewFlagSet("checkpoint", flag.ContinueOnError)
	flags.Int64Var(&o.keys, "keys", 10_000_000, "`keys` of the job, with values of 100 bytes")
	flags.IntVar(&o.checkpoints, "checkpoints", 100, "measure so many checkpoints at the interval")
	flags.DurationVar(&o.interval, "interval", usual, "between checkpoints")
	flags.IntVar(&o.long, "long", 5, "and so many at five times the interval")
	flags.StringVar(&o.storage, "storage", "", "where checkpoints are kept: a `folder`, or s3://bucket/path; a temporary folder by default")
	flags.StringVar(&o.backends, "state-backend", "hashmap,pebble", "state backends, with commas between")
	flags.StringVar(&o.patterns, "patterns", strings.Join(patterns, ","), "which keys change: hot, uniform")
	flags.IntVar(&o.parallelism, "parallelism", 2, "subtasks of the job's operators, where it is not rescaled")
	flags.IntVar(&o.runs, "runs", 0, "repeat each measurement so many `times`; by default steady once and the others five times")
	flags.StringVar(&o.profiles, "profiles", "", "`folder` for CPU profiles")
	flags.BoolVar(&o.smoke, "smoke", false, "see quickly that everything works; the figures mean nothing")
	flags.BoolVar(&o.json, "json", false, "print one JSON object for each result and nothing else")
	flags.Func("D", "key=value: an option of the job's configuration, such as s3.endpoint; may be repeated", func(property string) error {
		o.properties = append(o.properties, property)
		return nil
	})
	name = "all"
	for {
		if err := flags.Parse(arguments); err != nil {
			return "", o, err
		}
		if flags.NArg() == 0 {
			break
		}
		name, arguments = flags.Arg(0), flags.Args()[1:]
	}
	if o.smoke {
		given := map[string]bool{}
		flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
		o.scaleDown(given)
	}
	return name, o, o.check()
}

// scaleDown makes everything small that was not asked for otherwise.
func (o *options) scaleDown(given map[string]bool) {
	if !given["keys"] {
		o.keys = 20_000
	}
	if !given["checkpoints"] {
		o.checkpoints = 3
	}
	if !given["interval"] {
		o.interval = 200 * time.Millisecond
	}
	if !given["long"] {
		o.long = 0
	}
	if !given["runs"] {
		o.runs = 1
	}
}

func (o *options) check() error {
	for _, b := range o.allBackends() {
		if b != "hashmap" && b != "pebble" {
			return fmt.Errorf("--state-backend %s: it is hashmap or pebble", b)
		}
	}
	for _, p := range o.allPatterns() {
		if p != patterns[0] && p != patterns[1] {
			return fmt.Errorf("--patterns %s: it is hot or uniform", p)
		}
	}
	if o.keys < share || o.checkpoints < 1 || o.interval <= 0 || o.parallelism < 1 || o.runs < 0 || o.long < 0 {
		return fmt.Errorf("--keys must be at least %d, --checkpoints, --interval and --parallelism above 0", share)
	}
	return nil
}

func (o *options) allBackends() []string { return strings.Split(o.backends, ",") }
func (o *options) allPatterns() []string { return strings.Split(o.patterns, ",") }

// remote reports whether checkpoints do not go to a folder of this machine.
func (o *options) remote() bool { return strings.Contains(o.storage, "://") }

func (o *options) place() string {
	if o.remote() {
		return "s3"
	}
	return "local"
}

// times is how often something is measured.
func (o *options) times(usual int) int {
	if o.runs > 0 {
		return o.runs
	}
	return usual
}

// progress tells on the standard error what is under way.
func (o *options) progress(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
}

// order is that of a job of a backend and a pattern, under a new id, with its own folders below dir.
func (o *options) order(dir, backend, pattern string) (job.Order, error) {
	id := ident.NewID().String()
	made := job.Order{
		ID: id, Keys: o.keys, Rate: float64(o.keys) / share / usual.Seconds(), Parallelism: o.parallelism, Backend: backend,
		Storage: o.storage, Interval: o.interval, Scratch: filepath.Join(dir, "scratch-"+id), Properties: o.properties,
	}
	if o.smoke {
		made.Rate = 10_000
	}
	if pattern == "hot" {
		made.Hot = o.keys / share
	}
	if made.Storage == "" {
		made.Storage = filepath.Join(dir, "checkpoints")
	}
	return made, os.MkdirAll(made.Scratch, 0o700)
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}
