package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/internal/child"
	"github.com/weir-stream/weir/benchmarks/internal/resident"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/embedded"
)

func init() {
	roles["idle cluster"] = child.Role(idleCluster)
	roles["idle job"] = child.Role(idleJob)
}

const megabyte = 1e6

// idleAim is in bytes.
const idleAim = 20 * megabyte

// idleCluster is the memory of a process with a cluster on which nothing runs.
func idleCluster(wait time.Duration) (resident.Memory, error) {
	cluster, err := embedded.Start(config.Configuration{}, embedded.Options{})
	if err != nil {
		return resident.Memory{}, err
	}
	defer cluster.Close()
	time.Sleep(wait)
	return resident.Own()
}

// idleJob is the memory of a process with a job whose source makes a record an hour.
func idleJob(wait time.Duration) (resident.Memory, error) {
	env, err := stream.NewEnvironment("idle")
	if err != nil {
		return resident.Memory{}, err
	}
	const perHour = 1.0 / 3600
	rare := stream.From(env, datagen.Generate(datagen.Unbounded, func(i int64) int64 { return i }).Rate(perHour))
	stream.To(stream.Count(stream.KeyBy(rare, func(i int64) int64 { return i })), discard.Sink[stream.KeyCount[int64]]())
	client, err := env.ExecuteAsync(context.Background())
	if err != nil {
		return resident.Memory{}, err
	}
	defer client.Close()
	time.Sleep(wait)
	return resident.Own()
}

type idleReport struct {
	cluster, job []resident.Memory
	after        time.Duration
}

func measureIdle(o options) (report, error) {
	result := idleReport{after: o.duration}
	for i := range o.runs {
		o.say("idle: run %d of %d", i+1, o.runs)
		cluster, _, err := child.Measure[resident.Memory]("idle cluster", o.duration)
		if err != nil {
			return nil, err
		}
		job, _, err := child.Measure[resident.Memory]("idle job", o.duration)
		if err != nil {
			return nil, err
		}
		result.cluster, result.job = append(result.cluster, cluster), append(result.job, job)
	}
	return result, nil
}

func (r idleReport) rows() []any {
	row := func(what string, of []resident.Memory) any {
		return struct {
			What      string  `json:"what"`
			Anonymous float64 `json:"rss_anon_mb"`
			All       float64 `json:"rss_mb"`
		}{what, anonymous(of) / megabyte, all(of) / megabyte}
	}
	return []any{row("cluster", r.cluster), row("job", r.job)}
}

func (r idleReport) table() string {
	var out strings.Builder
	fmt.Fprintf(&out, "Megabytes of an idle process after %s: the median of %s; %s.\n\n", r.after, count(len(r.cluster), "run"), goVersion())
	line := func(what string, of []resident.Memory, aim string) {
		fmt.Fprintf(&out, "%-34s RssAnon %5.1f  RSS %5.1f  %s\n", what, anonymous(of)/megabyte, all(of)/megabyte, aim)
	}
	line("embedded cluster", r.cluster, fmt.Sprintf("aim: RssAnon at most %.0f  %s", idleAim/megabyte, verdict(anonymous(r.cluster) <= idleAim)))
	line("with a job that waits for records", r.job, "")
	fmt.Fprintf(&out, "\nFlink 2.3.0, another run: %s.\n", readFlink().Idle)
	return out.String()
}

func anonymous(of []resident.Memory) float64 {
	return stats.Median(stats.Of(of, func(m resident.Memory) float64 { return float64(m.Anonymous) }))
}

func all(of []resident.Memory) float64 {
	return stats.Median(stats.Of(of, func(m resident.Memory) float64 { return float64(m.All) }))
}
