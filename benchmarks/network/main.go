// Command network measures records on their way between processes:
//
//	go run ./benchmarks/network [--rounds 5] [--records N] [--phase shuffle,slow,many] [--weir BINARY]
//	go run ./benchmarks/network --smoke
//
// The phase shuffle has two processes make records of 28 and of 128 bytes, send each to the one that owns its key, and count them by key: by hand over TCP,
// by network/exchange driven by a bare loop, and by a job on a cluster, the latter two plain, with TLS and with s2, beside a bare transfer of the same
// bytes. The phase slow looks at memory, and at a fast stream, beside 100 slow channels; many compares a job of 200 subtasks with one of 2. What
// is compared takes turns in the same run, and only ratios say anything. Every run checks that all records have come.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/weir-stream/weir/benchmarks/internal/child"
	"github.com/weir-stream/weir/benchmarks/internal/fleet"
)

type options struct {
	smoke           bool
	rounds, records int
	phases          string
	weir, folder    string
	// properties are key=value of options of all clusters.
	properties []string
}

func main() {
	child.Roles{"worker": child.Role(work)}.Serve()
	if len(os.Args) > 1 && os.Args[1] == jobRole {
		os.Args = append(os.Args[:1], os.Args[2:]...)
		runJob()
		return
	}
	var o options
	flag.BoolVar(&o.smoke, "smoke", false, "one short run, to see that every record arrives")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each is measured")
	flag.IntVar(&o.records, "records", 40_000_000, "28-byte records of all processes together; of 128 bytes it is a quarter of that")
	flag.StringVar(&o.phases, "phase", "shuffle,slow,many", "what to measure, separated by commas")
	flag.StringVar(&o.weir, "weir", "", "the weir `binary` of the clusters; it is built by default")
	flag.Func("D", "an option of the clusters, as `key=value`; may be repeated", func(p string) error {
		o.properties = append(o.properties, p)
		return nil
	})
	flag.Parse()
	if o.smoke {
		o.rounds, o.records = 1, 400_000
	}
	if err := o.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "network:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context) (err error) {
	runtime.LockOSThread() // clusters end with the thread that has started them
	if o.folder, err = os.MkdirTemp("", "weir-network-"); err != nil {
		return err
	}
	defer func() {
		if err == nil {
			err = os.RemoveAll(filepath.Clean(o.folder))
		} else {
			err = fmt.Errorf("%w\n%s is kept", err, o.folder)
		}
	}()
	if err := writeCertificates(o.folder); err != nil {
		return err
	}
	if o.weir == "" {
		if o.weir, err = fleet.Build(ctx, o.folder); err != nil {
			return err
		}
	}
	fmt.Printf("%d processors, %s\n", runtime.NumCPU(), time.Now().Format(time.DateOnly))
	for _, p := range []struct {
		name string
		run  func(options, context.Context) error
	}{{"shuffle", options.shuffles}, {"slow", options.slowChannelsPhase}, {"many", options.many}} {
		if slices.Contains(strings.Split(o.phases, ","), p.name) {
			if err := p.run(o, ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// say tells what is being done.
func (o options) say(format string, arguments ...any) {
	if !o.smoke {
		fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	}
}
