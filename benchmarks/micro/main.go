// Command micro measures the engine: its throughput against hand-written Go that does the same work with no engine, what it
// adds to the latency of an unloaded pipeline, how fast a small job starts, how much memory an idle cluster takes, and how it
// behaves under back pressure.
//
//	go run ./benchmarks/micro [throughput|latency|startup|idle|backpressure|all] [flags]
//
// Every measurement runs in a process of its own. Without --json a table is printed that says which aims were met; the exit
// code is 0 also if some were not, and 1 if a measurement failed.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/weir-stream/weir/benchmarks/internal/child"
)

// options are the flags.
type options struct {
	cases        string
	runs         int
	duration     time.Duration
	parallelism  int
	smoke        bool
	json         bool
	updateReadme bool
	profile      string
	// progress takes a line for each measurement that begins.
	progress io.Writer
}

// report is what a mode has measured.
type report interface {
	// rows are printed with --json, one object a line.
	rows() []any
	// table is printed otherwise.
	table() string
}

// mode is a kind of measurement.
type mode struct {
	name string
	// runs and duration are the defaults of the flags; smokeDuration is that with --smoke.
	runs                    int
	duration, smokeDuration time.Duration
	measure                 func(options) (report, error)
}

var modes = []mode{
	{"throughput", 5, 0, 0, measureThroughput},
	{"latency", 5, 10 * time.Second, time.Second, measureLatency},
	{"startup", 11, 0, 0, measureStartup},
	{"idle", 5, 3 * time.Second, time.Second, measureIdle},
	{"backpressure", 5, 60 * time.Second, 3 * time.Second, measureBackPressure},
}

var roles = child.Roles{}

func main() {
	roles.Serve()
	if err := run(os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "micro:", err)
			os.Exit(1)
		}
	}
}

func run(arguments []string) error {
	chosen, o, err := parse(arguments)
	if err != nil {
		return err
	}
	for _, m := range chosen {
		result, err := m.measure(m.complete(o))
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if err := show(m.name, result, o); err != nil {
			return err
		}
	}
	return nil
}

func show(name string, result report, o options) error {
	if o.updateReadme {
		if err := updateReadme(name, result.table()); err != nil {
			return err
		}
	}
	if !o.json {
		fmt.Println(result.table())
		return nil
	}
	encoder := json.NewEncoder(os.Stdout)
	for _, row := range result.rows() {
		if err := encoder.Encode(row); err != nil {
			return err
		}
	}
	return nil
}

// parse reads a mode, throughput by default, and the flags before and behind it.
func parse(arguments []string) ([]mode, options, error) {
	o := options{progress: os.Stderr}
	flags := flag.NewFlagSet("micro", flag.ContinueOnError)
	flags.StringVar(&o.cases, "cases", "abcdef", "`letters` of the throughput cases to measure")
	flags.IntVar(&o.runs, "runs", 0, "repeat each measurement so many `times` (default: 5; 11 starts)")
	flags.DurationVar(&o.duration, "duration", 0, "length of each measurement of latency (default 10s), idle (3s) and backpressure (60s)")
	flags.IntVar(&o.parallelism, "parallelism", 2, "subtasks of each operator in the latency pipeline")
	flags.BoolVar(&o.smoke, "smoke", false, "see quickly that everything works and the results are right; the figures mean nothing")
	flags.BoolVar(&o.json, "json", false, "print one JSON object for each result and nothing else")
	flags.BoolVar(&o.updateReadme, "update-readme", false, "put the table into the README of this folder")
	flags.StringVar(&o.profile, "profile", "", "write CPU profiles of the engine in the throughput cases to this `folder`")
	name := modes[0].name
	for {
		if err := flags.Parse(arguments); err != nil {
			return nil, o, err
		}
		if flags.NArg() == 0 {
			break
		}
		name, arguments = flags.Arg(0), flags.Args()[1:]
	}
	chosen := slices.Clone(modes)
	if name != "all" {
		chosen = slices.DeleteFunc(chosen, func(m mode) bool { return m.name != name })
	}
	if len(chosen) == 0 {
		return nil, o, fmt.Errorf("there is no mode %q: want %s or all", name, strings.Join(modeNames(), ", "))
	}
	if o.runs < 0 || o.parallelism < 1 || o.duration < 0 {
		return nil, o, errors.New("--runs and --duration cannot be negative, nor --parallelism less than 1")
	}
	return chosen, o, nil
}

func modeNames() []string {
	var names []string
	for _, m := range modes {
		names = append(names, m.name)
	}
	return names
}

// complete sets what the command line left open.
func (m mode) complete(o options) options {
	if o.runs == 0 {
		o.runs = m.runs
		if o.smoke {
			o.runs = 1
		}
	}
	if o.duration == 0 {
		o.duration = m.duration
		if o.smoke {
			o.duration = m.smokeDuration
		}
	}
	return o
}

func (o options) say(format string, arguments ...any) {
	fmt.Fprintf(o.progress, format+"\n", arguments...)
}
