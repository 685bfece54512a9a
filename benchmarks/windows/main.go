// Command windows measures what sliding windows cost beside tumbling ones: records of 10 thousand keys, a thousand for each
// millisecond of event time, counted in windows of a minute, every minute and every half second, in two subtasks behind a shuffle.
//
//	go run ./benchmarks/windows [flags]
//
// Before that, a shorter stream goes through the same windows with slices and pre-aggregation switched off, and as they are at several
// parallelisms, and the results must be equal. Every run is a process of its own; the two windows are measured in turn. The last
// line is JSON.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/weir-stream/weir/benchmarks/internal/child"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
)

// costAim is how much more a record may cost in the sliding windows than in the tumbling ones, and rateAim what rate of theirs is
// to be passed: that of Hazelcast Jet 5.5, the fastest of the other engines, on a machine of this kind.
const (
	costAim = 1.5
	rateAim = 7.9
)

var roles = child.Roles{"windows": child.Role(run)}

type options struct {
	runs    int
	records int64
	smoke   bool
	profile string
}

func main() {
	roles.Serve()
	var o options
	flag.IntVar(&o.runs, "runs", 5, "pairs of runs")
	flag.Int64Var(&o.records, "records", 120_000_000, "records of a run")
	flag.BoolVar(&o.smoke, "smoke", false, "one short run, to see that the results are right")
	flag.StringVar(&o.profile, "profile", "", "a folder for CPU profiles")
	flag.Parse()
	if o.smoke {
		o.runs, o.records = 1, 2_000_000
	}
	if err := measure(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func measure(o options) error {
	for _, window := range []windowing{tumbling, sliding} {
		if err := compare(window, o.smoke); err != nil {
			return err
		}
	}
	var pairs []pair
	for i := range o.runs {
		p, err := measurePair(o, i)
		if err != nil {
			return err
		}
		fmt.Printf("run %d: tumbling %.1f, sliding %.1f million records a second; %.0f and %.0f ns of processor time a record\n",
			i+1, p.tumbling.Rate(), p.sliding.Rate(), p.tumblingCPU(), p.slidingCPU())
		pairs = append(pairs, p)
	}
	return report(pairs)
}

// compare runs a shorter stream without slices in one subtask, and with slices in one and in several.
func compare(w windowing, smoke bool) error {
	short := order{Window: w, Records: 200_000, PerMillisecond: 2, Keys: 1000}
	if smoke {
		short.Records, short.Keys = 20_000, 100
	}
	short.Parallelism, short.Plain = 1, true
	plain, _, err := child.Measure[outcome]("windows", short)
	if err != nil {
		return err
	}
	short.Plain = false
	for _, short.Parallelism = range []int{1, 2, 4} {
		sliced, _, err := child.Measure[outcome]("windows", short)
		if err != nil {
			return err
		}
		if sliced.Results != plain.Results || sliced.Digest != plain.Digest {
			return fmt.Errorf("%s windows: the results with slices, at parallelism %d, are not those without: %+v and %+v", w.Name, short.Parallelism, sliced, plain)
		}
	}
	fmt.Printf("%s windows: %d results of %d records, the same without slices, and with them at parallelism 1, 2 and 4\n", w.Name, plain.Results, plain.Records)
	return nil
}

// pair is a run of either window, one right after the other.
type pair struct {
	tumbling, sliding         outcome
	tumblingUsed, slidingUsed float64 // seconds of processor time
}

func (p pair) tumblingCPU() float64 { return p.tumblingUsed / float64(p.tumbling.Records) * 1e9 }
func (p pair) slidingCPU() float64  { return p.slidingUsed / float64(p.sliding.Records) * 1e9 }

func measurePair(o options, i int) (p pair, err error) {
	long := order{Window: tumbling, Records: o.records, PerMillisecond: 1000, Keys: 10_000, Parallelism: processors}
	profile := func(name string) string {
		if o.profile == "" {
			return ""
		}
		return fmt.Sprintf("%s/%s-%d.pprof", o.profile, name, i+1)
	}
	long.Profile = profile("tumbling")
	if p.tumbling, p.tumblingUsed, err = child.Measure[outcome]("windows", long); err != nil {
		return p, err
	}
	long.Window, long.Profile = sliding, profile("sliding")
	p.sliding, p.slidingUsed, err = child.Measure[outcome]("windows", long)
	return p, err
}

func report(pairs []pair) error {
	tumblingRate := stats.Of(pairs, func(p pair) float64 { return p.tumbling.Rate() })
	slidingRate := stats.Of(pairs, func(p pair) float64 { return p.sliding.Rate() })
	cost := stats.Summarize(stats.Ratios(tumblingRate, slidingRate))
	cpu := stats.Summarize(stats.Ratios(stats.Of(pairs, pair.slidingCPU), stats.Of(pairs, pair.tumblingCPU)))
	tumbling, sliding := stats.Summarize(tumblingRate), stats.Summarize(slidingRate)
	fmt.Printf("tumbling 60 s          %s million records a second\n", text(tumbling))
	fmt.Printf("sliding 60 s by 0.5 s  %s million records a second, %d results; aim: more than %.1f, %s\n", text(sliding), pairs[0].sliding.Results, rateAim, verdict(sliding.Median > rateAim))
	fmt.Printf("cost, sliding/tumbling %s of time, %s of processor time; aim: at most %.1f of time, %s\n", text(cost), text(cpu), costAim, verdict(cost.Median <= costAim))
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"tumbling_mrec_per_s": tumbling.Median, "sliding_mrec_per_s": sliding.Median, "sliding_results": pairs[0].sliding.Results,
		"cost": cost.Median, "cost_aim": costAim, "cpu_cost": cpu.Median, "rate_aim": rateAim,
		"met": cost.Median <= costAim && sliding.Median > rateAim, "at": time.Now().UTC().Format(time.RFC3339),
	})
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

func text(s stats.Summary) string { return fmt.Sprintf("%.2f (%.2f to %.2f)", s.Median, s.Min, s.Max) }
