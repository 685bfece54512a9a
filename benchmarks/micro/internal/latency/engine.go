package latency

import (
	"context"
	"fmt"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/state"
)

// Engine measures a job: source, keyBy, count, sink.
func Engine(o Order) (Outcome, error) {
	c := clock.System()
	env, err := stream.NewEnvironment("latency")
	if err != nil {
		return Outcome{}, err
	}
	env.SetParallelism(o.Parallelism)
	byKey := stream.KeyBy(stream.From(env, o.source(c)), func(e event) int64 { return e.Key })
	counts := stream.Process[int64, event, event](byKey, func() *counter { return new(counter) })
	sink := recording{make([]*recorder, o.Parallelism)}
	for i := range sink.recorders {
		sink.recorders[i] = o.newRecorder(c)
	}
	stream.To(counts, sink)
	if _, err := env.Execute(context.Background()); err != nil {
		return Outcome{}, err
	}
	measured := outcome(sink.recorders)
	return measured, o.complete(measured)
}

// complete checks that no record was lost.
func (o Order) complete(measured Outcome) error {
	want := o.records() - int64(float64(o.records())*warmUp)
	if got := int64(measured.Records); got != want {
		return fmt.Errorf("%d records have arrived of %d", got, want)
	}
	return nil
}

// counter counts the events of each key and passes them on, since the sink needs to know when they were due.
type counter struct {
	Count state.Value[int64] `state:"count"`
}

// Process counts one event.
func (c *counter) Process(_ *stream.KeyedContext[int64], in event, out stream.Collector[event]) error {
	count, _ := c.Count.Get()
	c.Count.Set(count + 1)
	out.Collect(in)
	return nil
}

// recording is a sink with a recorder for each subtask.
type recording struct{ recorders []*recorder }

func (recording) Name() string { return "Record" }

func (s recording) NewWriter(ctx connector.WriterContext) (connector.Writer[event], error) {
	return recordingWriter{s.recorders[ctx.Subtask()]}, nil
}

type recordingWriter struct{ *recorder }

func (recordingWriter) Open() error      { return nil }
func (recordingWriter) Flush(bool) error { return nil }
func (recordingWriter) Close() error     { return nil }

func (w recordingWriter) Write(batch *element.Batch[event]) error {
	w.arrived(batch.Values)
	return nil
}
