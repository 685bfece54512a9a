// Command conformance replays scripts that were recorded from Apache Flink's own operators through the operators that
// programs of Weir get, and compares what comes out at every step:
//
//	go run ./benchmarks/conformance DIR...
//
// Each file *.jsonl of the folders is a topic, each line of it a vector: an operator with its parameters, steps (records,
// watermarks, the clock, restores with other parallelism), and what Flink's operator emitted at each step. A vector becomes a
// program as a user writes it, which runs in package streamtest, on each state backend; those with windows also with slicing and
// pre-aggregation turned off. It passes if all agree with Flink.
//
// The vectors of Flink 2.3.0 that this is known to pass are in testdata.
package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"time"

	"github.com/spf13/pflag"
)

// patience is how long a vector may take: they take milliseconds.
const patience = time.Minute

var allBackends = []string{"hashmap", "pebble"}

func main() {
	failed, err := run(os.Args[1:])
	switch {
	case errors.Is(err, pflag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	case failed > 0:
		os.Exit(1)
	}
}

func run(arguments []string) (failed int, err error) {
	flags := pflag.NewFlagSet("conformance", pflag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintf(os.Stderr, "conformance [flags] DIR...\n\nreplays the vectors of the files *.jsonl in the folders.\n\n%s", flags.FlagUsages())
	}
	pattern := flags.String("run", "", "run only vectors whose topic/name matches this regular `expression`")
	backends := flags.StringSlice("backend", allBackends, "state backends")
	verbose := flags.BoolP("verbose", "v", false, "name the vectors that pass")
	if err := flags.Parse(arguments); err != nil {
		return 0, err
	}
	o := options{backends: *backends, verbose: *verbose, patience: patience, stuck: func(name string) {
		fmt.Printf("FAIL %s does not come to an end\n", name)
		os.Exit(1)
	}}
	if *pattern != "" {
		if o.run, err = regexp.Compile(*pattern); err != nil {
			return 0, fmt.Errorf("--run: %w", err)
		}
	}
	if flags.NArg() == 0 {
		return 0, errors.New("it needs the folder of the vectors, such as benchmarks/conformance/testdata")
	}
	topics, err := readTopics(flags.Args())
	if err != nil {
		return 0, err
	}
	return runTopics(topics, o, os.Stdout).failed, nil
}
