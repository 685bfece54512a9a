// Steady is a job that runs for ever at a few hundred records a second: something to look at while one learns a cluster's tools.
//
//	weir start-cluster
//	weir run -d ./examples/steady
//	weir list
//
// A source of readings goes to a keyed function that counts them by sensor, and from there to a sink that throws everything away. It takes a
// checkpoint every two seconds, and keeps a metric and an accumulator.
package main

import (
	"flag"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
	"github.com/weir-stream/weir/state"
)

var (
	rate    = flag.Float64("rate", 300, "`records` a second")
	sensors = flag.Int64("sensors", 100, "how many sensors there are")
)

func main() { stream.Main("steady", build) }

// reading is a sensor's value.
type reading struct {
	Sensor, Value int64
}

// total is what has come of a sensor.
type total struct {
	Sensor, Readings, Sum int64
}

func build(env *stream.Environment) error {
	if *sensors < 1 || *rate <= 0 {
		return stream.UsageError("want at least one sensor and more than 0 records a second, not %d and %g", *sensors, *rate)
	}
	env.EnableCheckpointing(2 * time.Second)
	if _, told := config.Lookup(env.Configuration(), config.Parallelism); !told {
		env.SetParallelism(1)
	}
	number := *sensors
	readings := stream.From(env, datagen.Generate(datagen.Unbounded, func(i int64) reading {
		return reading{Sensor: i % number, Value: i % 1000}
	}).Rate(*rate)).Name("Readings").UID("readings")
	bySensor := stream.KeyBy(readings, func(r reading) int64 { return r.Sensor })
	totals := stream.Process(bySensor, func() *adder { return new(adder) }).Name("Totals").UID("totals")
	stream.To(totals, discard.Sink[total]()).Name("Nowhere").UID("nowhere")
	return nil
}

// adder adds up what comes of each sensor.
type adder struct {
	Total state.Value[total] `state:"total"`

	readings *metrics.Counter
	seen     *accumulator.Int
}

func (a *adder) Open(ctx stream.RuntimeContext) error {
	a.readings, a.seen = ctx.Metrics().Counter("readings"), accumulator.IntCounter()
	return ctx.Accumulators().Add("readings", a.seen)
}

func (a *adder) Process(ctx *stream.KeyedContext[int64], r reading, out stream.Collector[total]) error {
	t, _ := a.Total.Get()
	t.Sensor = r.Sensor
	t.Readings++
	t.Sum += r.Value
	a.Total.Set(t)
	a.readings.Add(1)
	a.seen.Add(1)
	out.Collect(t)
	return nil
}
