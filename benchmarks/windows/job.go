package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/state/keygroup"
)

// processors is what each run may use.
const processors = 2

// windowing is a window of a size every slide, in milliseconds.
type windowing struct {
	Name        string
	Size, Slide int64
}

var (
	tumbling = windowing{"tumbling", 60_000, 60_000}
	sliding  = windowing{"sliding", 60_000, 500}
)

// order says what to run.
type order struct {
	Window                        windowing
	Records, PerMillisecond, Keys int64
	// Parallelism is that of all operators.
	Parallelism int
	// Plain switches slices and pre-aggregation off.
	Plain bool
	// Profile is a file for a CPU profile, or empty.
	Profile string
}

// outcome is what a run was measured at.
type outcome struct {
	Records int64   `json:"records"`
	Seconds float64 `json:"seconds"`
	// Results is how many there were, and Digest the sum of their hashes.
	Results int64  `json:"results"`
	Digest  uint64 `json:"digest"`
}

// Rate is in million records a second.
func (o outcome) Rate() float64 { return float64(o.Records) / o.Seconds / 1e6 }

// event is a record: a key with its event time.
type event struct{ Key, At int64 }

// count is a result.
type count struct{ Key, End, Count int64 }

// withWindow tells the window of a count.
type withWindow struct{}

func (withWindow) Process(ctx *stream.WindowContext[int64], counts iter.Seq[int64], out stream.Collector[count]) error {
	for n := range counts {
		out.Collect(count{ctx.Key(), ctx.Window().End, n})
	}
	return nil
}

func run(o order) (outcome, error) {
	runtime.GOMAXPROCS(processors)
	env, err := stream.NewEnvironment("windows")
	if err != nil {
		return outcome{}, err
	}
	env.SetParallelism(o.Parallelism)
	var seen tally
	build(env, o, &seen)
	if o.Profile != "" {
		file, err := os.Create(o.Profile)
		if err != nil {
			return outcome{}, err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return outcome{}, err
		}
		defer pprof.StopCPUProfile()
	}
	start := time.Now()
	if _, err := env.Execute(context.Background()); err != nil {
		return outcome{}, err
	}
	result := outcome{Records: o.Records, Seconds: time.Since(start).Seconds(), Results: seen.results, Digest: seen.digest}
	if want := o.Records * (o.Window.Size / o.Window.Slide); seen.counted != want {
		return outcome{}, fmt.Errorf("%s windows have counted %d records, want %d", o.Window.Name, seen.counted, want)
	}
	return result, nil
}

// build declares the job. Each subtask of the source goes through the whole of event time, with its share of the records; all
// together make the same records at any parallelism by which their number can be divided.
func build(env *stream.Environment, o order, to *tally) {
	events := stream.From(env, datagen.FillWith(o.Records, func(subtask int) func(int64, []event) {
		n, step := uint64(subtask), uint64(o.Parallelism)
		perMillisecond, keys := uint64(o.PerMillisecond), uint64(o.Keys)
		return func(_ int64, out []event) {
			for i := range out {
				out[i] = event{int64(keygroup.HashWord(n) % keys), int64(n / perMillisecond)}
				n += step
			}
		}
	}), stream.MonotonousTimestamps(func(e event) int64 { return e.At }))
	byKey := stream.KeyBy(events, func(e event) int64 { return e.Key })
	windows := stream.Window(byKey, window.Sliding(millis(o.Window.Size), millis(o.Window.Slide)))
	if o.Plain {
		windows = windows.WithoutSlicing().WithoutPreAggregation()
	}
	counts := stream.AggregateWith[int64, event, int64, int64, count](windows, window.Count[event](), func() withWindow { return withWindow{} })
	stream.To(counts, talliedSink{to})
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// tally adds up what the subtasks of the sink have seen.
type tally struct {
	mu               sync.Mutex
	results, counted int64
	digest           uint64
}

type talliedSink struct{ to *tally }

// Name implements connector.Sink.
func (talliedSink) Name() string { return "Tally" }

// NewWriter implements connector.Sink.
func (s talliedSink) NewWriter(connector.WriterContext) (connector.Writer[count], error) {
	return &talliedWriter{to: s.to}, nil
}

type talliedWriter struct {
	to  *tally
	own tally
}

func (*talliedWriter) Open() error { return nil }

func (w *talliedWriter) Write(batch *element.Batch[count]) error {
	for _, c := range batch.Values {
		w.own.counted += c.Count
		w.own.digest += keygroup.HashWords([]uint64{uint64(c.Key), uint64(c.End), uint64(c.Count)})
	}
	w.own.results += int64(len(batch.Values))
	return nil
}

func (w *talliedWriter) Flush(endOfInput bool) error {
	if endOfInput {
		w.to.mu.Lock()
		defer w.to.mu.Unlock()
		w.to.results += w.own.results
		w.to.counted += w.own.counted
		w.to.digest += w.own.digest
	}
	return nil
}

func (*talliedWriter) Close() error { return nil }
