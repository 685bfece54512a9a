// Command state measures keyed state: how fast records read, change and write it through the API, in each backend, beside
// hand-written loops over a raw table and over raw Pebble; what a key takes of memory; how long the growth of a table
// holds up its task; and a job whose state is eight times its memory limit.
//
//	go run ./benchmarks/state [rates|memory|stall|bigger|all] [flags]
//
// Every measurement runs in a process of its own; those that are compared take turns. The exit code is 0 also if an aim
// was missed, and 1 if a measurement failed or a result was wrong.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/weir-stream/weir/benchmarks/internal/child"
	"github.com/weir-stream/weir/benchmarks/state/internal/jobs"
	"github.com/weir-stream/weir/benchmarks/state/internal/raw"
)

// options are the flags.
type options struct {
	workloads, backends string
	runs                int
	smoke, json         bool
}

// report is what a mode has measured: lines for people, objects for programs.
type report struct {
	lines []string
	rows  []any
}

func (r *report) add(line string, row any) {
	r.lines = append(r.lines, line)
	if row != nil {
		r.rows = append(r.rows, row)
	}
}

var modes = []struct {
	name    string
	measure func(options) (*report, error)
}{
	{"rates", measureRates},
	{"memory", measureMemory},
	{"stall", measureStall},
	{"bigger", measureBigger},
}

var roles = child.Roles{"job": child.Role(jobs.Run), "raw": child.Role(raw.Run)}

func main() {
	roles.Serve()
	if err := run(os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "state:", err)
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
	for _, m := range modes {
		if name != "all" && name != m.name {
			continue
		}
		known = true
		r, err := m.measure(o)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if err := show(r, o); err != nil {
			return err
		}
	}
	if !known {
		return fmt.Errorf("there is no mode %q: want rates, memory, stall, bigger or all", name)
	}
	return nil
}

func show(r *report, o options) error {
	if !o.json {
		fmt.Println(strings.Join(r.lines, "\n") + "\n")
		return nil
	}
	encoder := json.NewEncoder(os.Stdout)
	for _, row := range r.rows {
		if err := encoder.Encode(row); err != nil {
			return err
		}
	}
	return nil
}

// parse reads a mode, all by default, and the flags before and behind it.
func parse(arguments []string) (name string, o options, err error) {
	flags := flag.NewFlagSet("state", flag.ContinueOnError)
	flags.StringVar(&o.workloads, "workloads", "10k,1M,10M,zipf", "`keys` of the rates")
	flags.StringVar(&o.backends, "backends", "hashmap,pebble", "backends of the rates")
	flags.IntVar(&o.runs, "runs", 5, "repeat each measurement so many `times`")
	flags.BoolVar(&o.smoke, "smoke", false, "see quickly that everything works and the results are right; the figures mean nothing")
	flags.BoolVar(&o.json, "json", false, "print one JSON object for each result and nothing else")
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
	if o.smoke && !slices.ContainsFunc(arguments, func(a string) bool { return strings.Contains(a, "runs") }) {
		o.runs = 1
	}
	if o.runs < 1 {
		return "", o, errors.New("--runs must be at least 1")
	}
	return name, o, nil
}

func (o options) say(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
}
