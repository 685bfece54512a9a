// Command nexmark runs the queries of the Nexmark benchmark: it prints the events, compares results with reference results, and
// measures how fast the queries are.
//
//	go run ./benchmarks/nexmark events --config C1 --count 1000000 --hash
//	go run ./benchmarks/nexmark verify --results FILE [--parallelism N] [--state-backend B] [--queries q5,q7]
//	go run ./benchmarks/nexmark bench [--queries q0,q5] [--state-backend hashmap,pebble] [--runs N] [--scale X]
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/weir-stream/weir/benchmarks/internal/child"
)

const usage = `nexmark runs the queries of the Nexmark benchmark.

  events   print the events of a configuration, or their hashes
  verify   run queries and compare their results with reference results
  bench    measure how fast the queries are

"nexmark COMMAND --help" shows the flags of each.
`

var roles = child.Roles{}

func main() {
	roles.Serve()
	err := run(os.Args[1:], os.Stdout)
	if errors.Is(err, pflag.ErrHelp) {
		return
	}
	if err != nil {
		if !errors.Is(err, errNotEqual) {
			fmt.Fprintln(os.Stderr, "nexmark:", err)
		}
		os.Exit(1)
	}
}

func run(arguments []string, out io.Writer) error {
	if len(arguments) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return errors.New("it needs a command")
	}
	switch name, rest := arguments[0], arguments[1:]; name {
	case "events":
		return runEvents(rest, out)
	case "verify":
		return runVerify(rest, out)
	case "bench":
		return runBench(rest, out)
	case "help", "-h", "--help":
		_, err := fmt.Fprint(out, usage)
		return err
	default:
		return fmt.Errorf("there is no command %q: want events, verify or bench", name)
	}
}

// parse reads the flags of a command, which takes no other arguments.
func parse(flags *pflag.FlagSet, arguments []string) error {
	flags.SortFlags = false
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s: what is %q?", flags.Name(), flags.Arg(0))
	}
	return nil
}
