// Command cmd runs seeds of the simulation.
//
//	go run ./runtime/sim/cmd --seed 7 --verbose
//	go run ./runtime/sim/cmd --seeds 10000 --from 1
//
// Its last line is the hash of the trace, or how many seeds have failed.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/weir-stream/weir/runtime/sim"
)

func main() {
	if failed := run(os.Args[1:], os.Stdout); failed {
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) (failed bool) {
	flags := pflag.NewFlagSet("sim", pflag.ExitOnError)
	seed := flags.Uint64("seed", 1, "the seed to run")
	seeds := flags.Int("seeds", 0, "how many seeds to run, instead of one")
	from := flags.Uint64("from", 1, "the first of them")
	verbose := flags.Bool("verbose", false, "print the trace")
	quiet := flags.Bool("quiet", false, "let nothing go wrong")
	plant := flags.String("plant", "", fmt.Sprintf("a fault to plant, one of %v", sim.Plants()))
	_ = flags.Parse(args) // it exits
	o := sim.Options{Quiet: *quiet, Plant: sim.Plant(*plant)}
	if *seeds > 0 {
		return many(out, *from, *seeds, o)
	}
	if *verbose {
		o.Trace = out
	}
	r := sim.Run(*seed, o)
	fmt.Fprintf(out, "%v of simulated time, %v\n", r.Took, r.Counts)
	if r.Violation != nil {
		fmt.Fprintln(out, r.Violation)
	}
	fmt.Fprintf(out, "trace %016x\n", r.Hash)
	return r.Violation != nil
}

func many(out io.Writer, from uint64, n int, o sim.Options) bool {
	failures := 0
	counts := sim.RunMany(from, n, o, func(r sim.Result) {
		failures++
		fmt.Fprintln(out, r.Violation)
	})
	fmt.Fprintln(out, counts)
	fmt.Fprintf(out, "%d of %d seeds have failed\n", failures, n)
	if o == (sim.Options{}) {
		if err := counts.Enough(n); err != nil && failures == 0 {
			fmt.Fprintln(out, err)
			return true
		}
	}
	return failures > 0
}
