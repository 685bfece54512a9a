package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/weir-stream/weir/benchmarks/internal/stats"
)

// contestant is one that moves records between two processes.
type contestant struct {
	name string
	run  func(ctx context.Context, bytes, records int) (result, error)
}

// shuffles has the contestants take turns, and reports. The hand-written shuffle is the first of them.
func (o options) shuffles(ctx context.Context) error {
	contestants, done, err := o.contestants(ctx)
	if err != nil {
		return err
	}
	defer done()
	for _, bytes := range []int{28, 128} {
		records := o.records
		if bytes == 128 {
			records /= 4
		}
		results := map[string][]result{}
		for round := range o.rounds {
			for _, c := range contestants {
				o.say("%d bytes, round %d of %d: %s", bytes, round+1, o.rounds, c.name)
				r, err := c.run(ctx, bytes, records)
				if err != nil {
					return fmt.Errorf("%s, %d bytes: %w", c.name, bytes, err)
				}
				results[c.name] = append(results[c.name], r)
			}
		}
		reportShuffles(bytes, contestants, results)
	}
	return nil
}

// contestants starts the clusters; done ends them.
func (o options) contestants(ctx context.Context) (all []contestant, done func(), err error) {
	var clusters []*cluster
	done = func() {
		for _, c := range clusters {
			c.close()
		}
	}
	for _, c := range []struct {
		name string
		how  how
	}{
		{"hand-written", byHandPlain}, {"bare transfer", bare}, {"exchange", plain}, {"exchange, TLS", withTLS}, {"exchange, s2", withS2},
	} {
		all = append(all, contestant{c.name, func(_ context.Context, bytes, records int) (result, error) {
			return measurePair(order{How: c.how, Bytes: bytes, Records: records / 2, Folder: o.folder})
		}})
	}
	for _, c := range []struct {
		name       string
		properties []string
	}{
		{"job", nil}, {"job, TLS", o.secured()}, {"job, s2", []string{"taskmanager.network.compression.codec=S2"}},
	} {
		started, err := o.cluster(ctx, fmt.Sprint("cluster-", len(clusters)), 1, c.properties...)
		if err != nil {
			done()
			return nil, nil, fmt.Errorf("the cluster for %s: %w", c.name, err)
		}
		clusters = append(clusters, started)
		all = append(all, contestant{c.name, func(ctx context.Context, bytes, records int) (result, error) {
			return started.run(ctx, jobOrder{Bytes: bytes, Records: int64(records), ByKey: true}, taskManagers, taskManagers)
		}})
	}
	return all, done, nil
}

// secured are the options of a cluster that speaks TLS inside.
func (o options) secured() []string {
	return []string{
		"security.ssl.internal.enabled=true", "security.ssl.internal.certificate-file=" + filepath.Join(o.folder, certificateFile),
		"security.ssl.internal.key-file=" + filepath.Join(o.folder, keyFile), "security.ssl.internal.ca-file=" + filepath.Join(o.folder, certificateFile),
	}
}

func reportShuffles(bytes int, contestants []contestant, results map[string][]result) {
	fmt.Printf("\n%d-byte records, two processes, half of the records cross between them\n", bytes)
	fmt.Printf("%-14s %28s %10s %14s %22s\n", "", "M records/s (least, most)", "MB/s", "CPU ns/record", "of the hand-written")
	hand := stats.Of(results[contestants[0].name], result.rate)
	for _, c := range contestants {
		runs := results[c.name]
		rates := stats.Of(runs, result.rate)
		fmt.Printf("%-14s %28s %10.0f %14.0f %22s\n", c.name, millions(runs), stats.Median(rates)*float64(bytes)/1e6, nanosPerRecord(runs), spread(stats.Ratios(rates, hand)))
	}
}
