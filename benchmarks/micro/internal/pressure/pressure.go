// Package pressure runs jobs that are slower than their sources: one whose sink is, to see what piles up, and one whose map is,
// to see how soon it obeys.
package pressure

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/internal/resident"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/embedded"
)

const (
	// sourceRate and sinkRate are records a second and a subtask: the sink is 1,000 times slower.
	sourceRate = 1_000_000
	sinkRate   = 1_000
	// mapTime is what the slow map takes for a record.
	mapTime     = 10 * time.Millisecond
	parallelism = 2
)

// Piled is what has piled up in front of a slow sink.
type Piled struct {
	// Early and Late are the memory of the process after a sixth of the time and at its end.
	Early, Late resident.Memory
	// InFlight is the most records that were ever between sources and sinks, Allowed what the queues have room for.
	InFlight, Allowed int64
	// Made and Written count records.
	Made, Written int64
	// CancelMillis is the time from the request to cancel the job to its end.
	CancelMillis float64
}

// SlowSink runs a job whose sink takes a millisecond for a record and whose source would make a thousand in that time.
func SlowSink(during time.Duration) (Piled, error) {
	env, err := stream.NewEnvironment("slow sink")
	if err != nil {
		return Piled{}, err
	}
	env.SetParallelism(parallelism)
	flow := new(flow)
	source := datagen.Fill(datagen.Unbounded, func(start int64, out []int64) {
		for i := range out {
			out[i] = start + int64(i)
		}
		flow.add(int64(len(out)))
	}).Rate(sourceRate * parallelism)
	stream.To(stream.From(env, source).Rebalance(), slowSink{flow})

	client, err := env.ExecuteAsync(context.Background())
	if err != nil {
		return Piled{}, err
	}
	defer client.Close()
	p := Piled{Allowed: room(env.Configuration())}
	time.Sleep(during / 6)
	if p.Early, err = resident.Own(); err != nil {
		return Piled{}, err
	}
	time.Sleep(during - during/6)
	if p.Late, err = resident.Own(); err != nil {
		return Piled{}, err
	}
	p.CancelMillis, err = cancel(client)
	p.InFlight, p.Made, p.Written = flow.most.Load(), flow.made.Load(), flow.written.Load()
	return p, err
}

// room is how many records the queues between the sources and the sinks hold when every channel is full: its credits, the
// batch that its producer fills and the one that waits for credit.
func room(c config.Configuration) int64 {
	channels := parallelism * parallelism
	batches := config.Get(c, config.BuffersPerChannel) + 2
	return int64(channels * batches * config.Get(c, config.BatchMaxRecords))
}

// flow counts records on their way from the sources to the sinks.
type flow struct{ made, written, most atomic.Int64 }

func (f *flow) add(records int64) {
	inFlight := f.made.Add(records) - f.written.Load()
	for most := f.most.Load(); inFlight > most && !f.most.CompareAndSwap(most, inFlight); {
		most = f.most.Load()
	}
}

// slowSink writes nowhere, slowly.
type slowSink struct{ flow *flow }

func (slowSink) Name() string { return "Slow" }

func (s slowSink) NewWriter(connector.WriterContext) (connector.Writer[int64], error) {
	return slowWriter(s), nil
}

type slowWriter struct{ flow *flow }

func (slowWriter) Open() error      { return nil }
func (slowWriter) Flush(bool) error { return nil }
func (slowWriter) Close() error     { return nil }

func (w slowWriter) Write(batch *element.Batch[int64]) error {
	for range batch.Values {
		time.Sleep(time.Second / sinkRate)
		w.flow.written.Add(1)
	}
	return nil
}

// SlowMap runs a job whose map takes 10 ms for a record and returns how many milliseconds it takes to cancel it, once
// its queues are full.
func SlowMap(during time.Duration) (cancelMillis float64, err error) {
	env, err := stream.NewEnvironment("slow map")
	if err != nil {
		return 0, err
	}
	env.SetParallelism(parallelism)
	source := stream.From(env, datagen.Generate(datagen.Unbounded, func(i int64) int64 { return i }))
	mapped := stream.Map(source.Rebalance(), func(i int64) int64 {
		time.Sleep(mapTime)
		return i
	})
	stream.To(mapped, discard.Sink[int64]())
	client, err := env.ExecuteAsync(context.Background())
	if err != nil {
		return 0, err
	}
	defer client.Close()
	time.Sleep(during)
	return cancel(client)
}

// cancel asks the job to end and returns after how many milliseconds it has.
func cancel(client *stream.JobClient) (float64, error) {
	ctx := context.Background()
	start := time.Now()
	if err := client.Cancel(ctx); err != nil {
		return 0, err
	}
	if _, err := client.Await(ctx); !errors.Is(err, embedded.ErrCanceled) {
		return 0, fmt.Errorf("a job that was canceled ends with: %w", err)
	}
	return float64(time.Since(start).Microseconds()) / 1e3, nil
}
