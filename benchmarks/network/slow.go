package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/weir-stream/weir/benchmarks/internal/resident"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
)

// slowChannels is how many slow channels there are in each direction, beside one fast one.
const slowChannels = 100

// What credits allow each slow pipeline in a worker, where it has a source with a channel to its own worker's sink and one to the other worker's, and a sink
// with the same: batches of up to 1024 records with their hashes, of which 4 lie in the local channel, one is being filled and one waits for each of the
// two, and one is decoded; frames with their buffers, of which 4 lie at the consumer, 4 are on their way and one waits.
const (
	slowBatch   = batchSize * (32 + 8)
	slowFrame   = 36 << 10
	slowCredits = (credits+2+2+1)*slowBatch + (credits+credits+1)*slowFrame
)

// glance is what is seen of the fast pipeline and of the workers at a time.
type glance struct {
	records, slowSinks int
	at                 int64   // nanoseconds
	memory             []int64 // RssAnon of each worker, in bytes
}

// slowChannelsPhase looks at memory while a hundred channels are slow, and at what they do to a fast one on the same connection.
func (o options) slowChannelsPhase(ctx context.Context) error {
	c, err := o.cluster(ctx, "cluster-slow", 1)
	if err != nil {
		return fmt.Errorf("the cluster for slow channels: %w", err)
	}
	defer c.close()
	looks := []time.Duration{5 * time.Second, 20 * time.Second}
	if o.smoke {
		looks = []time.Duration{time.Second, 3 * time.Second}
	}
	const mega = 1 << 20
	allowed := float64(slowChannels*slowCredits) / mega
	var ratios, alone, beside, early, late, more []float64
	for round := range o.rounds {
		seen := map[int][]glance{}
		for _, slow := range []int{0, slowChannels} {
			o.say("slow channels, round %d of %d: %d", round+1, o.rounds, slow)
			if seen[slow], err = c.watch(ctx, jobOrder{Endless: true, Slow: slow}, looks); err != nil {
				return fmt.Errorf("%d slow channels: %w", slow, err)
			}
		}
		without, with := seen[0], seen[slowChannels]
		if got := with[1].slowSinks; got != slowChannels*taskManagers {
			return fmt.Errorf("%d of %d slow sinks have had records", got, slowChannels*taskManagers)
		}
		alone, beside = append(alone, fastRate(without)), append(beside, fastRate(with))
		ratios = append(ratios, beside[round]/alone[round])
		early, late = append(early, float64(slices.Max(with[0].memory))/mega), append(late, float64(slices.Max(with[1].memory))/mega)
		more = append(more, late[round]-float64(slices.Max(without[1].memory))/mega)
	}
	fmt.Printf("\na fast stream of 28-byte records between two workers, alone and beside %d channels in each direction whose sinks take %v for a batch\n", slowChannels, slowness)
	fmt.Printf("fast stream, M records/s     alone %s, beside them %s: %s of it\n", spread(alone), spread(beside), spread(ratios))
	fmt.Printf("RssAnon of a worker, MiB     after %v %s, after %v %s\n", looks[0], spread(early), looks[1], spread(late))
	fmt.Printf("more than without them, MiB  %s; credits allow %.0f in use, and the collector as much again\n", spread(more), allowed)
	if s := stats.Summarize(more); s.Max > 2*allowed {
		return errors.New("slow channels take more memory than their credits allow")
	}
	return nil
}

func fastRate(seen []glance) float64 {
	return float64(seen[1].records-seen[0].records) / float64(seen[1].at-seen[0].at) * 1e9 / 1e6
}

// watch runs a job without an end, looks at it at times after its first record, and cancels it.
func (c *cluster) watch(ctx context.Context, o jobOrder, at []time.Duration) (seen []glance, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, jobLimit, fmt.Errorf("not within %v", jobLimit))
	defer cancel()
	job, folder, err := c.submit(ctx, o, taskManagers)
	if err != nil {
		return nil, err
	}
	var begun time.Time
	for len(seen) < len(at) {
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
		all, err := readTallies(folder)
		if err != nil {
			return nil, err
		}
		if state, err := c.rest.State(ctx, job); err != nil || state != "CREATED" && state != "RUNNING" && state != "INITIALIZING" {
			why, _ := c.rest.Failure(ctx, job)
			return nil, fmt.Errorf("the job is %s: %s (%w)", state, why, err)
		}
		if len(all) < taskManagers {
			continue
		}
		if begun.IsZero() {
			begun = time.Now()
		}
		if time.Since(begun) >= at[len(seen)] {
			g, err := c.glance(all)
			if err != nil {
				return nil, err
			}
			seen = append(seen, g)
		}
	}
	if err := c.rest.Cancel(ctx, job); err != nil {
		return nil, err
	}
	if _, err := c.rest.Await(ctx, job); err != nil {
		return nil, err
	}
	return seen, c.idle(ctx)
}

func (c *cluster) glance(all []tally) (g glance, err error) {
	for _, t := range all {
		g.records, g.slowSinks = g.records+t.Records, g.slowSinks+t.SlowSinks
		g.at += t.Last.At / int64(len(all))
	}
	for _, pid := range c.workers() {
		m, err := resident.Of(pid)
		if err != nil {
			return g, err
		}
		g.memory = append(g.memory, m.Anonymous)
	}
	if len(g.memory) != taskManagers {
		return g, fmt.Errorf("the job has %d workers, not %d", len(g.memory), taskManagers)
	}
	return g, nil
}
