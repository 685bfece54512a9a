// Command network measures records on their way between two processes: a keyBy of 28-byte and 128-byte records by network/exchange over
// network/transport, plain, with TLS and with s2, beside a hand-written shuffle over TCP and a bare transfer of the same bytes. All of them take
// turns in the same run, and only their ratios say anything.
//
// Each of two processes makes records, sends each to the process that owns its key (half of them stay), and counts by key what it gets. It
// is the exchange that is measured here, driven by a bare loop, without tasks and operators around it.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/weir-stream/weir/benchmarks/internal/child"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
)

// order is what one of the two processes is to do.
type order struct {
	How     string // one of ways
	Bytes   int    // of a record: 28 or 128
	Records int    // that this process makes
	Index   int    // 0 or 1
	// Addresses are those of the two processes, Folder has their certificates.
	Addresses [2]string
	Folder    string
}

// outcome is what it has measured.
type outcome struct {
	Seconds float64 // from when both were connected until it had everything
	Records int     // that it got
	Sum     int64   // of their values
}

// ways are what is compared, the hand-written shuffle first.
var ways = []string{"hand-written", "bare transfer", "plain", "TLS", "s2"}

func main() {
	child.Roles{"worker": child.Role(work)}.Serve()
	var o options
	flag.BoolVar(&o.smoke, "smoke", false, "one short run, to see that every record arrives")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each is measured")
	flag.IntVar(&o.records, "records", 20_000_000, "28-byte records of both processes together; of 128 bytes it is a quarter of that")
	flag.Parse()
	if o.smoke {
		o.rounds, o.records = 1, 400_000
	}
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "network:", err)
		os.Exit(1)
	}
}

type options struct {
	smoke           bool
	rounds, records int
}

func (o options) run() error {
	folder, err := os.MkdirTemp("", "weir-network")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := writeCertificates(folder); err != nil {
		return err
	}
	for _, bytes := range []int{28, 128} {
		records := o.records
		if bytes == 128 {
			records /= 4
		}
		results := map[string][]result{}
		for range o.rounds {
			for _, how := range ways {
				r, err := measure(order{How: how, Bytes: bytes, Records: records / 2, Folder: folder})
				if err != nil {
					return fmt.Errorf("%s, %d bytes: %w", how, bytes, err)
				}
				results[how] = append(results[how], r)
			}
		}
		report(bytes, results)
	}
	return nil
}

func work(o order) (outcome, error) {
	switch o.Bytes {
	case 28:
		return workOn[small](o)
	case 128:
		return workOn[large](o)
	}
	return outcome{}, fmt.Errorf("there are no records of %d bytes", o.Bytes)
}

func workOn[T record[T]](o order) (outcome, error) {
	switch o.How {
	case "hand-written":
		return handWritten[T](o)
	case "bare transfer":
		return bareTransfer(o)
	}
	return engine[T](o)
}

// result is one measurement of both processes.
type result struct {
	perSecond  float64 // records
	cpuSeconds float64
	records    int
}

// measure runs the two processes and checks that all records have come.
func measure(o order) (result, error) {
	var err error
	if o.Addresses, err = freeAddresses(); err != nil {
		return result{}, err
	}
	type ended struct {
		outcome
		cpu float64
		err error
	}
	done := make(chan ended, 2)
	for i := range 2 {
		mine := o
		mine.Index = i
		go func() {
			var e ended
			e.outcome, e.cpu, e.err = child.Measure[outcome]("worker", mine)
			done <- e
		}()
	}
	var r result
	var seconds float64
	var sum int64
	for range 2 {
		e := <-done
		if e.err != nil {
			return r, e.err
		}
		r.records += e.Records
		r.cpuSeconds += e.cpu
		seconds = max(seconds, e.Seconds)
		sum += e.Sum
	}
	if want := 2 * batches(o.Records) * batchSize; r.records != want || o.How != "bare transfer" && sum != 2*sumOf(o.Records) {
		return r, fmt.Errorf("%d records with the sum %d came of %d with the sum %d", r.records, sum, want, 2*sumOf(o.Records))
	}
	r.perSecond = float64(r.records) / seconds
	return r, nil
}

func report(bytes int, results map[string][]result) {
	fmt.Printf("\n%d-byte records, two processes, half of the records cross between them (%s)\n", bytes, time.Now().Format(time.DateOnly))
	fmt.Printf("%-14s %28s %10s %14s %22s\n", "", "M records/s (least, most)", "MB/s", "CPU ns/record", "of the hand-written")
	rate := func(r result) float64 { return r.perSecond }
	hand := stats.Of(results[ways[0]], rate)
	for _, how := range ways {
		runs := results[how]
		perSecond := stats.Summarize(stats.Of(runs, rate))
		cpu := stats.Median(stats.Of(runs, func(r result) float64 { return r.cpuSeconds / float64(r.records) * 1e9 }))
		ratio := stats.Summarize(stats.Ratios(stats.Of(runs, rate), hand))
		fmt.Printf("%-14s %10.2f (%6.2f, %6.2f) %12.0f %14.0f %10.2f (%.2f, %.2f)\n", how, perSecond.Median/1e6, perSecond.Min/1e6, perSecond.Max/1e6,
			perSecond.Median*float64(bytes)/1e6, cpu, ratio.Median, ratio.Min, ratio.Max)
	}
}
