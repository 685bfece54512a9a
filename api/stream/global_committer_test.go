package stream_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/embedded"
)

// lake is a table of files: writers add files, which count from when a version of the table has them.
type lake struct {
	mu       sync.Mutex
	files    map[string]*lakeFile
	versions [][]string
	// fault, if not nil, is asked after each version, which then is there although the commit has failed.
	fault func(versions int) error
}

type lakeFile struct {
	records            []int64
	durable, committed bool
}

func (l *lake) Name() string { return "lake" }

func (l *lake) NewWriter(ctx connector.WriterContext) (connector.Writer[int64], error) {
	return &lakeWriter{lake: l, subtask: ctx.Subtask()}, nil
}

func (l *lake) NewGlobalCommitter(connector.CommitterContext) (connector.Committer, error) {
	return lakeCommitter{l}, nil
}

// committed returns the records of all versions in order, and an error if a version has a file that another had.
func (l *lake) committed() (all []int64, err error) {
	seen := map[string]bool{}
	for _, version := range l.versions {
		for _, id := range version {
			if seen[id] {
				err = fmt.Errorf("file %s was committed twice", id)
			}
			seen[id] = true
			all = append(all, l.files[id].records...)
		}
	}
	slices.Sort(all)
	return all, err
}

type lakeWriter struct {
	lake    *lake
	subtask int
	open    []int64
}

func (*lakeWriter) Open() error      { return nil }
func (*lakeWriter) Flush(bool) error { return nil }
func (*lakeWriter) Close() error     { return nil }

func (w *lakeWriter) Write(batch *element.Batch[int64]) error {
	w.open = append(w.open, batch.Values...)
	return nil
}

func (w *lakeWriter) PrepareCommit() ([]connector.Committable, error) {
	if len(w.open) == 0 {
		return nil, nil
	}
	l := w.lake
	l.mu.Lock()
	defer l.mu.Unlock()
	id := fmt.Sprintf("%d-%d", w.subtask, len(l.files))
	file := &lakeFile{records: w.open}
	l.files[id], w.open = file, nil
	return []connector.Committable{{ID: id, State: []byte{1}, Persist: func(context.Context) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		file.durable = true
		return nil
	}}}, nil
}

type lakeCommitter struct{ *lake }

func (lakeCommitter) Close() error { return nil }

func (l lakeCommitter) Commit(_ context.Context, requests []*connector.CommitRequest) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var version []string
	for _, r := range requests {
		switch file := l.files[r.ID]; {
		case file == nil || !file.durable:
			return fmt.Errorf("file %s is not durable", r.ID)
		case file.committed:
			r.AlreadyCommitted()
		default:
			file.committed = true
			version = append(version, r.ID)
		}
	}
	if len(version) > 0 {
		l.versions = append(l.versions, version)
	}
	if l.fault != nil {
		return l.fault(len(l.versions))
	}
	return nil
}

func lakeJob(t *testing.T, l *lake, records int64, rate float64, pass func(int64) error, options ...string) *stream.Environment {
	t.Helper()
	env, err := stream.NewEnvironment("lake", append([]string{"restart-strategy.type=fixed-delay", "restart-strategy.fixed-delay.delay=5ms"}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	numbers := stream.From(env, datagen.Generate(records, func(i int64) int64 { return i }).Rate(rate))
	stream.To(stream.MapErr(numbers, func(v int64) (int64, error) { return v, pass(v) }).Rebalance(), l).UID("lake").Parallelism(3)
	return env
}

func (l *lake) check(t *testing.T, records int) {
	t.Helper()
	got, err := l.committed()
	if err != nil {
		t.Error(err)
	}
	want := make([]int64, records)
	for i := range want {
		want[i] = int64(i)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d records were committed, want each of %d once", len(got), records)
	}
}

func always(int64) error { return nil }

// TestAGlobalCommitterCommitsEachCheckpointOnce fails a function once, and once the commit behind the fact.
func TestAGlobalCommitterCommitsEachCheckpointOnce(t *testing.T) {
	const records = 20_000
	var failed, torn atomic.Bool
	l := &lake{files: map[string]*lakeFile{}}
	l.fault = func(versions int) error {
		if versions == 3 && torn.CompareAndSwap(false, true) {
			return errOnce
		}
		return nil
	}
	env := lakeJob(t, l, records, 40_000, func(v int64) error {
		if v > records/2 && failed.CompareAndSwap(false, true) {
			return errOnce
		}
		return nil
	}, "parallelism.default=2", "execution.checkpointing.interval=20ms", "execution.checkpointing.dir="+t.TempDir(), "restart-strategy.fixed-delay.attempts=5")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := env.Execute(ctx); err != nil {
		t.Fatal(err)
	}
	if !failed.Load() || !torn.Load() {
		t.Errorf("a function has failed: %v, a commit: %v", failed.Load(), torn.Load())
	}
	l.check(t, records)
	if whole := slices.IndexFunc(l.versions, func(version []string) bool { return len(version) == 3 }); whole < 0 {
		t.Errorf("no version has files of all three writers: %v", l.versions)
	}
}

func TestAGlobalCommitterWithoutCheckpoints(t *testing.T) {
	l := &lake{files: map[string]*lakeFile{}}
	if _, err := lakeJob(t, l, 5000, 1e9, always, "parallelism.default=2").Execute(context.Background()); err != nil {
		t.Fatal(err)
	}
	l.check(t, 5000)
	if len(l.versions) != 1 {
		t.Errorf("%d versions, want one at the end", len(l.versions))
	}
}

func TestAGlobalCommitterAfterAStop(t *testing.T) {
	const records = 10_000
	dir := t.TempDir()
	l := &lake{files: map[string]*lakeFile{}}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	half := make(chan struct{})
	client, err := lakeJob(t, l, records, 5_000, func(v int64) error {
		if v == records/2 {
			close(half)
		}
		return nil
	}, "parallelism.default=2", "execution.checkpointing.dir="+filepath.Join(dir, "checkpoints")).ExecuteAsync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	select {
	case <-half:
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
	location, err := client.Savepoint(ctx, embedded.Savepoint{Directory: dir, Stop: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Await(ctx); err != nil {
		t.Fatal(err)
	}
	before, err := l.committed()
	if err != nil || len(before) == 0 {
		t.Fatalf("the savepoint has committed %d records (%v)", len(before), err)
	}
	again := lakeJob(t, l, records, 100_000, always, "parallelism.default=3", "execution.checkpointing.interval=20ms",
		"execution.state-recovery.path="+location, "execution.checkpointing.dir="+filepath.Join(dir, "checkpoints"))
	if _, err := again.Execute(ctx); err != nil {
		t.Fatal(err)
	}
	l.check(t, records)
}

// both has a committer of each kind.
type both struct{ *lake }

func (b both) NewCommitter(connector.CommitterContext) (connector.Committer, error) {
	return nil, errors.New("not called")
}

func TestTwoKindsOfCommittersAreRefused(t *testing.T) {
	env, err := stream.NewEnvironment("lake")
	if err != nil {
		t.Fatal(err)
	}
	stream.To(stream.From(env, datagen.Generate(1, func(i int64) int64 { return i })), both{&lake{}})
	if _, err := env.Execute(context.Background()); err == nil || !strings.Contains(err.Error(), `sink "lake" has a committer for each subtask and one for all`) {
		t.Errorf("the error is %v", err)
	}
}
