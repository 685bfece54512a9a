// Isolation shows that no job can hurt another: a neighbour passes a thousand records a second between two TaskManagers of two slots each, and
// beside it run, one after the other, jobs that crash, leak memory, block for ever, write a gigabyte of output, and panic while they are planned.
//
//	go run ./benchmarks/isolation
//	go run ./benchmarks/isolation --idle
//
// The neighbour must not restart, must lose and repeat no record, and its latency is compared with what it was in the pauses between.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/process"
)

type options struct {
	// phase is how long an evil job runs, alone how long the neighbour is left alone before it; 0 leaves it out.
	phase, alone time.Duration
	rounds       int
	only         string
	idle         bool
	strict       bool
	weir         string
}

func main() {
	if role, err := process.RoleOf(os.Getenv); err == nil && role != process.Local {
		stream.Main("isolation", build)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "isolation:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, arguments []string, out io.Writer) error {
	o := options{}
	f := flag.NewFlagSet("isolation", flag.ContinueOnError)
	f.DurationVar(&o.phase, "phase", 8*time.Second, "how long each evil job runs")
	f.DurationVar(&o.alone, "alone", 8*time.Second, "how long the neighbour is left alone before each")
	f.IntVar(&o.rounds, "rounds", 3, "how often all of them take their turn; the median counts")
	f.StringVar(&o.only, "only", "", "evil `jobs`, separated by commas: "+strings.Join(names(), ", "))
	f.BoolVar(&o.idle, "idle", false, "measure the memory of an idle JobManager and TaskManager instead")
	f.BoolVar(&o.strict, "strict", true, "fail if the neighbour's latency is beyond its bound")
	f.StringVar(&o.weir, "weir", "", "the `binary` of weir (default: it is built)")
	if err := f.Parse(arguments); err != nil {
		return err
	}
	if o.rounds < 1 || o.phase <= 0 || o.alone <= 0 {
		return errors.New("want at least one round, and phases of some length")
	}
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "weir-isolation-")
	if err != nil {
		return err
	}
	if o.weir == "" {
		o.weir = filepath.Join(folder, "weir")
		if err := buildWeir(ctx, o.weir); err != nil {
			return err
		}
	}
	if o.idle {
		err = idle(ctx, o, folder, out)
	} else {
		_, err = run(ctx, o, chosen, folder, out)
	}
	if err != nil {
		return fmt.Errorf("%w\n%s is kept", err, folder)
	}
	return os.RemoveAll(folder)
}

func buildWeir(ctx context.Context, to string) error {
	if output, err := exec.CommandContext(ctx, "go", "build", "-o", to, "github.com/weir-stream/weir/cmd/weir").CombinedOutput(); err != nil {
		return fmt.Errorf("build weir: %w\n%s", err, output)
	}
	return nil
}
