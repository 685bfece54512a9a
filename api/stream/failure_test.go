package stream_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/connectors/file"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/embedded"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

// failing runs a program that must fail, and returns why it did.
func failing(t *testing.T, build func(env *stream.Environment), properties ...string) *embedded.JobError {
	t.Helper()
	env, err := stream.NewEnvironment("orders", append([]string{"parallelism.default=2", "restart-strategy.type=none"}, properties...)...)
	if err != nil {
		t.Fatal(err)
	}
	build(env)
	_, err = env.Execute(t.Context())
	var failed *embedded.JobError
	if !errors.As(err, &failed) {
		t.Fatalf("the job ended with %v, want a failure", err)
	}
	return failed
}

func numbers(env *stream.Environment) stream.DataStream[int64] {
	return stream.From(env, datagen.Generate(1000, func(index int64) int64 { return index }))
}

// brokenState fails in a method that the runtime calls outside of Process.
type brokenState struct {
	In   string
	Seen state.Value[int64]
}

func (b *brokenState) Open(stream.RuntimeContext) error { return b.fail("Open") }
func (b *brokenState) Close() error                     { return b.fail("Close") }

func (b *brokenState) Process(_ *stream.KeyedContext[int64], in int64, out stream.Collector[int64]) error {
	out.Collect(in)
	return b.fail("Process")
}

func (b *brokenState) Finish(ctx *stream.KeyedContext[int64], _ stream.Collector[int64]) error {
	return b.fail("Finish")
}

func (b *brokenState) fail(where string) error {
	if b.In == where {
		return fmt.Errorf("no good in %s", where)
	}
	return nil
}

// fullDisk is a sink whose writer meets a full disk.
type fullDisk struct{}

func (fullDisk) Name() string { return "Full" }
func (fullDisk) NewWriter(connector.WriterContext) (connector.Writer[int64], error) {
	return &fullDiskWriter{}, nil
}

type fullDiskWriter struct{ to *os.File }

func (w *fullDiskWriter) Open() (err error) {
	w.to, err = os.OpenFile("/dev/full", os.O_WRONLY, 0)
	return err
}

func (w *fullDiskWriter) Write(batch *element.Batch[int64]) error {
	if _, err := fmt.Fprintln(w.to, batch.Values); err != nil {
		return &file.Error{Path: "counts/part-0-0", Doing: "write", Cause: err, Advice: "make room on the disk"}
	}
	return nil
}
func (w *fullDiskWriter) Flush(bool) error { return nil }
func (w *fullDiskWriter) Close() error     { return w.to.Close() }

// A job that fails says so in one message that names job, operator, subtask and cause, and whose fault it is.
func TestFailureNamesItsPlace(t *testing.T) {
	divide := func(n int64) int64 { return 1 / (n - 500) }
	keyed := func(env *stream.Environment, where string) {
		byNumber := stream.KeyBy(numbers(env), func(n int64) int64 { return n })
		stream.To(stream.Process(byNumber, func() *brokenState { return &brokenState{In: where} }).Name("remember"), discard.Sink[int64]())
	}
	for name, c := range map[string]struct {
		build    func(env *stream.Environment)
		operator string
		says     string
		class    operator.Class
		stack    string
	}{
		"error": {func(env *stream.Environment) {
			stream.To(stream.MapErr(numbers(env), func(n int64) (int64, error) {
				if n == 700 {
					return 0, errors.New("no such order")
				}
				return n, nil
			}).Name("look up"), discard.Sink[int64]())
		}, "look up", `job "orders": operator "look up" (subtask 1) failed: no such order`, operator.User, ""},
		"panic": {func(env *stream.Environment) {
			stream.To(stream.Map(numbers(env), divide).Name("divide"), discard.Sink[int64]())
		}, "divide", `job "orders": operator "divide" (subtask 1) panicked: runtime error: integer divide by zero`, operator.User, "TestFailureNamesItsPlace"},
		"panic downstream in the chain": {func(env *stream.Environment) {
			mapped := stream.Map(numbers(env), func(n int64) int64 { return n }).Name("innocent")
			stream.To(stream.Filter(mapped, func(n int64) bool { return divide(n) > 0 }).Name("divide"), discard.Sink[int64]())
		}, "divide", `operator "divide" (subtask 1) panicked`, operator.User, "TestFailureNamesItsPlace"},
		"in Open":    {func(env *stream.Environment) { keyed(env, "Open") }, "remember", "failed: no good in Open", operator.User, ""},
		"in Process": {func(env *stream.Environment) { keyed(env, "Process") }, "remember", "failed: no good in Process", operator.User, ""},
		"in Finish":  {func(env *stream.Environment) { keyed(env, "Finish") }, "remember", "failed: no good in Finish", operator.User, ""},
		"in Close":   {func(env *stream.Environment) { keyed(env, "Close") }, "remember", "failed: no good in Close", operator.User, ""},
		"key that is not one": {func(env *stream.Environment) {
			floats := stream.From(env, collection.Of(1.5, 0.0))
			ratio := stream.KeyBy(floats, func(f float64) float64 { return f / f })
			stream.To(stream.Count(ratio), discard.Sink[stream.KeyCount[float64]]())
		}, "Source: Collection Source", "NaN cannot be a key", operator.User, ""},
		"input that is not there": {func(env *stream.Environment) {
			stream.To(stream.From(env, file.Lines("testdata/none.txt")), discard.Sink[string]())
		}, "Source: File Source", "testdata/none.txt", operator.Environment, ""},
		"input that cannot be read": {func(env *stream.Environment) {
			damaged := filepath.Join(t.TempDir(), "damaged.gz")
			if err := os.WriteFile(damaged, []byte("no gzip at all"), 0o600); err != nil {
				t.Fatal(err)
			}
			stream.To(stream.From(env, file.Lines(damaged)), discard.Sink[string]())
		}, "Source: File Source", "damaged.gz", operator.Environment, ""},
		"full disk": {func(env *stream.Environment) {
			stream.To(numbers(env), fullDisk{})
		}, "Full: Writer", "no space left on device", operator.Environment, ""},
	} {
		t.Run(name, func(t *testing.T) {
			failed := failing(t, c.build)
			if failed.Operator() != c.operator || !strings.Contains(failed.Error(), c.says) {
				t.Errorf("operator %q failed with\n\t%v\nwant %q with\n\t%s", failed.Operator(), failed, c.operator, c.says)
			}
			if failed.Class() != c.class {
				t.Errorf("the failure is called one of %v, want %v", failed.Class(), c.class)
			}
			if (c.stack == "") != (failed.Stack() == "") || !strings.Contains(failed.Stack(), c.stack) {
				t.Errorf("stack: %q", failed.Stack())
			}
		})
	}
}

// A job is restarted as often as its strategy says, from the beginning where there are no checkpoints.
func TestRestartStrategies(t *testing.T) {
	for name, c := range map[string]struct {
		properties []string
		// runs is how often the job runs if it fails each time.
		runs int64
		says string
	}{
		"none": {[]string{"restart-strategy.type=none"}, 1, ""},
		"fixed delay": {[]string{"restart-strategy.type=fixed-delay", "restart-strategy.fixed-delay.attempts=3",
			"restart-strategy.fixed-delay.delay=1ms"}, 4, "(not restarted: "},
		"exponential delay": {[]string{"restart-strategy.type=exponential-delay", "restart-strategy.exponential-delay.initial-backoff=1ms",
			"restart-strategy.exponential-delay.attempts-before-reset-backoff=2"}, 3, "(not restarted: "},
		"failure rate": {[]string{"restart-strategy.type=failure-rate", "restart-strategy.failure-rate.delay=1ms",
			"restart-strategy.failure-rate.max-failures-per-interval=2"}, 3, "(not restarted: "},
	} {
		t.Run(name, func(t *testing.T) {
			var runs atomic.Int64
			failed := failing(t, func(env *stream.Environment) {
				// Each run takes a few milliseconds: failures of the millisecond in which a restart is due belong to the failure before it.
				few := stream.From(env, datagen.Generate(3, func(index int64) int64 { return index }).Rate(500)).Parallelism(1)
				stream.To(stream.MapErr(few, func(n int64) (int64, error) {
					if n == 2 {
						return 0, fmt.Errorf("run %d is no better", runs.Add(1))
					}
					return n, nil
				}).Parallelism(1), discard.Sink[int64]())
			}, c.properties...)
			if runs.Load() != c.runs {
				t.Errorf("the job ran %d times, want %d", runs.Load(), c.runs)
			}
			if !strings.Contains(failed.Error(), c.says) {
				t.Errorf("%v does not say %q", failed, c.says)
			}
		})
	}
}

// The run that succeeds in the end gives the right result, though earlier ones came far.
func TestRestartBeginsAnew(t *testing.T) {
	env, err := stream.NewEnvironment("restarted", "parallelism.default=2", "restart-strategy.type=fixed-delay",
		"restart-strategy.fixed-delay.attempts=2", "restart-strategy.fixed-delay.delay=1ms")
	if err != nil {
		t.Fatal(err)
	}
	var failures atomic.Int64
	checked := stream.MapErr(numbers(env).Rebalance(), func(n int64) (int64, error) {
		if n == 990 && failures.Add(1) <= 2 {
			return 0, errors.New("not yet")
		}
		return n, nil
	})
	counts := stream.Count(stream.KeyBy(checked, func(n int64) int64 { return n % 10 }), stream.AtEnd)
	records, err := stream.ExecuteAndCollect(t.Context(), counts)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 10 {
		t.Fatalf("%d keys, want 10: %v", len(records), records)
	}
	for _, r := range records {
		if r.Count != 100 {
			t.Errorf("key %d was counted %d times, want 100: state of a failed run was kept or records were lost", r.Key, r.Count)
		}
	}
}
