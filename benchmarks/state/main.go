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
	"io"
	"os"

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

// report shows what was measured as soon as it is: lines for people or objects for programs.
type report struct {
	json bool
	out  io.Writer
	err  error
}

// add shows a result, either way.
func (r *report) add(line string, row any) {
	if !r.json {
		r.say("%s", line)
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

var modes = []struct {
	name    string
	measure func(options, *report) error
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
	r := &report{json: o.json, out: os.Stdout}
	for _, m := range modes {
		if name != "all" && name != m.name {
			continue
		}
		known = true
		if err := m.measure(o, r); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		r.say("")
	}
	if !known {
		return fmt.Errorf("there is no mode %q: want rates, memory, stall, bigger or all", name)
	}
	return r.err
}

// parse reads a mode, all by default, and the flags before and behind it.
func parse(arguments []string) (name string, o options, err error) {
	flags := flag.NewFlagSet("state", flag.ContinueOnError)
	flags.StringVar(&o.workloads, "workloads", "10k,1M,10M,zipf", "`keys` of the rates; 10M and zipf come together")
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
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if o.smoke && !given["runs"] {
		o.runs = 1
	}
	if o.runs < 1 {
		return "", o, errors.New("--runs must be at least 1")
	}
	return name, o, nil
}

// progress tells on the standard error what is under way.
func (o options) progress(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
}
