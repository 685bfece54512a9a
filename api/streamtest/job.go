package streamtest

import (
	"context"

	"github.com/weir-stream/weir/api/internal/inside"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/embedded"
)

// JobOption changes how RunJob runs a job.
type JobOption func(*jobOptions)

type jobOptions struct {
	properties []string
	clock      clock.Clock
	ctx        context.Context
}

// Properties are Flink's keys with their values, each as key=value.
func Properties(properties ...string) JobOption {
	return func(o *jobOptions) { o.properties = append(o.properties, properties...) }
}

// Clock is what the job and its cluster take for the time. A *clock.Manual stands still until another goroutine of the test
// advances it.
func Clock(c clock.Clock) JobOption { return func(o *jobOptions) { o.clock = c } }

// Context cancels the job when it is done, which fails the test.
func Context(ctx context.Context) JobOption { return func(o *jobOptions) { o.ctx = ctx } }

// RunJob runs a whole program on a cluster inside the test's process and waits for its end; build declares it as the program's
// main function does. A program that cannot be built, or fails, fails the test. Its records are read from what build keeps:
// stream.Collect, a sink, an accumulator.
//
// Records that one operator hands to several are copied unless a property says otherwise.
func RunJob(t T, build func(env *stream.Environment) error, opts ...JobOption) stream.Result {
	t.Helper()
	o := jobOptions{properties: []string{"pipeline.object-reuse=false"}, ctx: context.Background()}
	for _, option := range opts {
		option(&o)
	}
	env := NewEnvironment(t, o.properties...)
	if err := build(env); err != nil {
		t.Fatalf("build the program: %v", err)
	}
	result, err := run(env, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return result
}

func run(env *stream.Environment, o jobOptions) (result stream.Result, err error) {
	program := inside.Of(env)
	defer func() { program.Ended(err) }()
	job, err := program.Compile()
	if err != nil {
		return result, err
	}
	cluster, err := embedded.Start(env.Configuration(), embedded.Options{Clock: o.clock, CopyMessages: true})
	if err != nil {
		return result, err
	}
	defer func() {
		if closed := cluster.Close(); err == nil {
			err = closed
		}
	}()
	client, err := cluster.Submit(o.ctx, job, env.Configuration())
	if err != nil {
		return result, err
	}
	return client.Wait(o.ctx)
}
