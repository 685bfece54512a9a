package stream_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/file"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/embedded"
)

// TestASavepointOutlivesAFailure: a savepoint does not publish the parts that it has. The job fails, goes on from the checkpoint before, and
// writes their records again; still a job can be started from the savepoint. What was visible at the savepoint and what that job publishes
// are all records, each once.
func TestASavepointOutlivesAFailure(t *testing.T) {
	const records, interval = 20_000, time.Second
	dir, out := t.TempDir(), t.TempDir()
	var fail, failed atomic.Bool
	program := func(options ...string) *stream.Environment {
		env, err := stream.NewEnvironment("saved", append(options,
			"execution.checkpointing.interval="+interval.String(), "execution.checkpointing.dir="+filepath.Join(dir, "checkpoints"),
			"restart-strategy.type=fixed-delay", "restart-strategy.fixed-delay.delay=10ms", "parallelism.default=1")...)
		if err != nil {
			t.Fatal(err)
		}
		numbers := stream.From(env, datagen.Generate(records, func(i int64) int64 { return i }).Rate(10_000)).UID("numbers")
		same := stream.Map(numbers, func(v int64) int64 {
			if fail.CompareAndSwap(true, false) {
				failed.Store(true)
				panic("the test wants the job to fail")
			}
			return v
		}).UID("same")
		stream.To(same, file.Text(out, func(v int64) string { return strconv.FormatInt(v, 10) })).UID("files")
		return env
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	client, err := program().ExecuteAsync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var atSavepoint map[string][]string
	for len(atSavepoint) == 0 { // until the first checkpoint is complete
		if atSavepoint = visible(t, out); ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
	}
	location, err := client.Savepoint(ctx, embedded.Savepoint{Directory: dir})
	if err != nil {
		t.Fatal(err)
	}
	fail.Store(true)
	if _, err := client.Await(ctx); err != nil {
		t.Fatal(err)
	}
	if !failed.Load() {
		t.Fatal("the job has not failed")
	}
	first := visible(t, out)
	exactlyOnce(t, "the job that failed", records, first)
	if left, err := filepath.Glob(filepath.Join(out, ".part-*.inprogress")); err != nil || len(left) == 0 {
		t.Fatalf("the savepoint has no part that waits: %v", err)
	}

	if _, err := program("execution.state-recovery.path=" + location).Execute(ctx); err != nil {
		t.Fatalf("the job that goes on from the savepoint: %v", err)
	}
	saved := visible(t, out)
	for name := range first {
		if _, ok := atSavepoint[name]; !ok {
			delete(saved, name)
		}
	}
	exactlyOnce(t, "the job that goes on from the savepoint", records, saved)
}

// visible are the lines of the published parts.
func visible(t *testing.T, folder string) map[string][]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "part-*"))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string][]string{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		parts[filepath.Base(path)] = strings.Fields(string(content))
	}
	return parts
}

func exactlyOnce(t *testing.T, who string, records int, parts map[string][]string) {
	t.Helper()
	seen := map[string]int{}
	for _, lines := range parts {
		for _, line := range lines {
			seen[line]++
		}
	}
	lost, doubled := 0, 0
	for i := range records {
		switch n := seen[fmt.Sprint(i)]; {
		case n == 0:
			lost++
		case n > 1:
			doubled++
		}
	}
	if lost+doubled > 0 || len(seen) != records {
		t.Errorf("%s: of %d records %d are lost, %d are there more than once", who, records, lost, doubled)
	}
}
