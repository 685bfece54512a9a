// Package jobs has the programs whose state is measured, written against the public API.
package jobs

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/internal/resident"
	"github.com/weir-stream/weir/benchmarks/state/internal/probe"
	"github.com/weir-stream/weir/benchmarks/state/internal/workload"
	"github.com/weir-stream/weir/state"
)

// Order says what to run.
type Order struct {
	// Program is one of programs, Backend a value of state.backend.type.
	Program, Backend string
	Plan             workload.Plan
	// Profile is a file for a CPU profile, or empty.
	Profile string
}

// Outcome is what was measured.
type Outcome struct {
	// Phases are those of the plan, LoadSeconds the time before them.
	Phases      []probe.Timed
	LoadSeconds float64
	// Loading and Steady are the CPU times of the batches in the loading and after it.
	Loading, Steady probe.Times
	// Sum is a checksum of the results that the plan wants checked.
	Sum uint64
	// Growth is how much resident anonymous memory the state has taken, Peak the most that the process ever had resident.
	Growth, Peak int64
}

// Rate is in million records a second of the first phase.
func (o Outcome) Rate() float64 { return o.Phases[0].Rate() }

// programs builds each program on a stream of keys.
var programs = map[string]func(keys stream.DataStream[int64], seen *probe.Seen, plan workload.Plan){
	"count":     count,
	"sum":       sum,
	"value":     value,
	"wide":      wide,
	"pairCount": pairCount,
}

// Run runs a program once, on one subtask of each operator.
func Run(o Order) (Outcome, error) {
	runtime.GOMAXPROCS(2)
	program := programs[o.Program]
	if program == nil {
		return Outcome{}, fmt.Errorf("there is no program %q", o.Program)
	}
	env, err := stream.NewEnvironment("state "+o.Program, "state.backend.type="+o.Backend)
	if err != nil {
		return Outcome{}, err
	}
	env.SetParallelism(1)
	var seen probe.Seen
	keys := stream.From(env, datagen.FillWith(o.Plan.Total(), func(int) func(int64, []int64) {
		s := workload.New(o.Plan)
		return func(_ int64, out []int64) { s.Fill(out) }
	}))
	program(keys, &seen, o.Plan)
	stop, err := profile(o.Profile)
	if err != nil {
		return Outcome{}, err
	}
	defer stop()
	if _, err := env.Execute(context.Background()); err != nil {
		return Outcome{}, err
	}
	if seen.Records != o.Plan.Total() {
		return Outcome{}, fmt.Errorf("%d results came of %d records", seen.Records, o.Plan.Total())
	}
	peak, err := resident.Peak()
	return Outcome{
		Phases: seen.Timed, LoadSeconds: seen.LoadSeconds, Loading: seen.Loading, Steady: seen.Steady, Sum: seen.Sum,
		Growth: seen.After.Anonymous - seen.Before.Anonymous, Peak: peak,
	}, err
}

// count is a built-in aggregate.
func count(keys stream.DataStream[int64], seen *probe.Seen, plan workload.Plan) {
	counts := stream.Count(stream.KeyBy(keys, func(k int64) int64 { return k }))
	stream.To(counts, probe.Sink(seen, plan, func(c stream.KeyCount[int64]) uint64 { return Mix(uint64(c.Key), uint64(c.Count)) }))
}

// sum is an aggregate of what the records say, here 1.
func sum(keys stream.DataStream[int64], seen *probe.Seen, plan workload.Plan) {
	ones := stream.Map(keys, func(k int64) result { return result{k, 1} })
	sums := stream.Sum(stream.KeyBy(ones, func(r result) int64 { return r.Key }), func(r *result) *int64 { return &r.Count })
	stream.To(sums, probe.Sink(seen, plan, result.sum))
}

// value is what a user writes who knows of no built-in count.
func value(keys stream.DataStream[int64], seen *probe.Seen, plan workload.Plan) {
	counts := stream.Process[int64, int64, result](stream.KeyBy(keys, func(k int64) int64 { return k }), func() *counter { return new(counter) })
	stream.To(counts, probe.Sink(seen, plan, result.sum))
}

type result struct{ Key, Count int64 }

func (r result) sum() uint64 { return Mix(uint64(r.Key), uint64(r.Count)) }

type counter struct {
	Count state.Value[int64] `state:"count"`
}

func (c *counter) Process(_ *stream.KeyedContext[int64], key int64, out stream.Collector[result]) error {
	n, _ := c.Count.Get()
	n++
	c.Count.Set(n)
	out.Collect(result{key, n})
	return nil
}

// wide keeps values of 100 bytes.
func wide(keys stream.DataStream[int64], seen *probe.Seen, plan workload.Plan) {
	counts := stream.Process[int64, int64, result](stream.KeyBy(keys, func(k int64) int64 { return k }), func() *wideCounter { return new(wideCounter) })
	stream.To(counts, probe.Sink(seen, plan, result.sum))
}

// payload is 100 bytes, encoded too.
type payload struct {
	Count int64
	Rest  [92]byte
}

type wideCounter struct {
	Payload state.Value[payload] `state:"payload"`
}

func (c *wideCounter) Process(_ *stream.KeyedContext[int64], key int64, out stream.Collector[result]) error {
	p, _ := c.Payload.Get()
	p.Count++
	p.Rest[p.Count%int64(len(p.Rest))] = byte(key)
	c.Payload.Set(p)
	out.Collect(result{key, p.Count})
	return nil
}

// pair is a key of 16 bytes.
type pair struct{ A, B int64 }

// pairCount counts by a key of 16 bytes.
func pairCount(keys stream.DataStream[int64], seen *probe.Seen, plan workload.Plan) {
	counts := stream.Count(stream.KeyBy(keys, func(k int64) pair { return pair{k, ^k} }))
	stream.To(counts, probe.Sink(seen, plan, func(c stream.KeyCount[pair]) uint64 { return Mix(uint64(c.Key.A), uint64(c.Count)) }))
}

// Mix makes the part of a checksum that one result has.
func Mix(key, count uint64) uint64 {
	x := key*0x9e3779b97f4a7c15 ^ count
	x ^= x >> 32
	return x * 0xff51afd7ed558ccd
}

// profile starts a CPU profile and returns what ends it.
func profile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		file.Close()
	}, nil
}
