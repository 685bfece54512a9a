package main

import (
	"flag"
	"os"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/state"
)

// role is the first argument of the job's process.
const role = "job"

// job is a trivial one with a little state: numbers, counted by key. It says at once that it has output.
func job() {
	mark := flag.String("mark", "", "file that gets a line when records have come, and then not again for a while")
	stream.Main("failover", func(env *stream.Environment) error {
		numbers := stream.From(env, datagen.Generate(1<<62, func(i int64) int64 { return i }).Rate(2000), stream.NoWatermarks(func(n int64) int64 { return n })).UID("numbers")
		counted := stream.Process(stream.KeyBy(numbers, func(n int64) int64 { return n % 1000 }), func() *counter { return &counter{} }).UID("counts")
		seen := stream.MapWith(counted, func() func(int64) int64 { return (&marker{path: *mark}).see }).UID("seen")
		stream.To(seen, discard.Sink[int64]()).UID("nowhere")
		return nil
	})
}

// marker leaves a mark in a file, at most once in 10 ms.
type marker struct {
	path string
	last time.Time
}

func (m *marker) see(n int64) int64 {
	if now := time.Now(); now.Sub(m.last) > 10*time.Millisecond {
		m.last = now
		_ = os.WriteFile(m.path, nil, 0o600)
	}
	return n
}

// counter counts the numbers of a key.
type counter struct {
	Count state.Value[int64] `state:"count"`
}

// Process implements stream.KeyedProcessFunction.
func (c *counter) Process(_ *stream.KeyedContext[int64], _ int64, out stream.Collector[int64]) error {
	n, _ := c.Count.Get()
	c.Count.Set(n + 1)
	out.Collect(n + 1)
	return nil
}
