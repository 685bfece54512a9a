package stopping

import (
	"context"
	"encoding/binary"
	"errors"
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
	"github.com/weir-stream/weir/runtime/failpoint"
)

// shelf is a sink: what its writers prepare is to be seen once it is committed.
type shelf struct {
	mu                  sync.Mutex
	prepared, committed int
	seen                []int64
	// putOff is how many commits are put off.
	putOff int
}

func (s *shelf) Name() string { return "shelf" }
func (s *shelf) NewWriter(ctx connector.WriterContext) (connector.Writer[int64], error) {
	return &shelfWriter{shelf: s}, nil
}
func (s *shelf) NewCommitter(connector.CommitterContext) (connector.Committer, error) {
	return shelfCommitter{s}, nil
}

type shelfWriter struct {
	shelf *shelf
	open  []byte
}

func (*shelfWriter) Open() error      { return nil }
func (*shelfWriter) Flush(bool) error { return nil }
func (*shelfWriter) Close() error     { return nil }

func (w *shelfWriter) Write(batch *element.Batch[int64]) error {
	for _, v := range batch.Values {
		w.open = binary.BigEndian.AppendUint64(w.open, uint64(v))
	}
	return nil
}

func (w *shelfWriter) PrepareCommit() ([]connector.Committable, error) {
	if len(w.open) == 0 {
		return nil, nil
	}
	w.shelf.mu.Lock()
	defer w.shelf.mu.Unlock()
	w.shelf.prepared++
	c := connector.Committable{ID: string(w.open), State: w.open}
	w.open = nil
	return []connector.Committable{c}, nil
}

type shelfCommitter struct{ *shelf }

func (shelfCommitter) Close() error { return nil }

// Commit shows the same only once.
func (s shelfCommitter) Commit(_ context.Context, requests []*connector.CommitRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range requests {
		if s.putOff > 0 {
			s.putOff--
			r.Retry(errors.New("busy"))
			continue
		}
		first := int64(binary.BigEndian.Uint64(r.State))
		if slices.Contains(s.seen, first) {
			r.AlreadyCommitted()
			continue
		}
		s.committed++
		for at := 0; at < len(r.State); at += 8 {
			s.seen = append(s.seen, int64(binary.BigEndian.Uint64(r.State[at:])))
		}
	}
	return nil
}

// once checks that each of the numbers below n is seen once.
func (s *shelf) once(t *testing.T, n int64) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	times := map[int64]int{}
	for _, v := range s.seen {
		times[v]++
	}
	lost, twice := 0, 0
	for v := range n {
		switch times[v] {
		case 0:
			lost++
		case 1:
		default:
			twice++
		}
	}
	if lost+twice > 0 || len(times) != int(n) {
		t.Errorf("of %d numbers %d are lost and %d are there twice; %d numbers are seen", n, lost, twice, len(times))
	}
}

const (
	records = 8_000
	rate    = 8_000
)

// job is a source and a sink in two regions, which have nothing to do with each other. Half is closed when one of them is half through.
func job(t *testing.T, s *shelf, dir string, options ...string) (env *stream.Environment, half chan struct{}) {
	t.Helper()
	env, err := stream.NewEnvironment("stopping", append([]string{
		"parallelism.default=2", "execution.checkpointing.dir=" + filepath.Join(dir, "checkpoints"),
		"restart-strategy.type=fixed-delay", "restart-strategy.fixed-delay.attempts=1", "restart-strategy.fixed-delay.delay=1ms",
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	half = make(chan struct{})
	var once sync.Once
	numbers := stream.From(env, datagen.Generate(records, func(i int64) int64 { return i }).Rate(rate))
	stream.To(stream.Map(numbers, func(v int64) int64 {
		if v%(records/2) > records/4 {
			once.Do(func() { close(half) })
		}
		return v
	}), s)
	return env, half
}

// stop runs a job and stops it in the middle.
func stop(t *testing.T, s *shelf, dir string, how embedded.Savepoint, options ...string) (client *embedded.Client, location string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	env, half := job(t, s, dir, options...)
	running, err := env.ExecuteAsync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = running.Close() })
	select {
	case <-half:
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
	how.Directory = dir
	location, err = running.Savepoint(ctx, how)
	return running.Client, location, err
}

// TestAFailureAfterTheSavepoint: one region fails just when the other ends with the savepoint. The job goes on from it, all of it, and says so to who
// wanted to stop it.
func TestAFailureAfterTheSavepoint(t *testing.T) {
	for _, interval := range []string{"0", "50ms"} {
		t.Run(interval, func(t *testing.T) {
			var stopping, failed atomic.Bool
			disarm := failpoint.Arm(func(p failpoint.Point) error {
				if p == failpoint.Notified && stopping.Load() && failed.CompareAndSwap(false, true) {
					return errors.New("no commit")
				}
				return nil
			})
			defer disarm()
			s, dir := &shelf{}, t.TempDir()
			if interval == "0" {
				stopping.Store(true) // the first notice is that of the savepoint
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			env, half := job(t, s, dir, "execution.checkpointing.interval="+interval)
			client, err := env.ExecuteAsync(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = client.Close() }()
			<-half
			stopping.Store(true)
			location, err := client.Savepoint(ctx, embedded.Savepoint{Directory: dir, Stop: true})
			if err == nil {
				t.Fatalf("the job was stopped with %s, though it has failed", location)
			}
			if interval == "0" && !strings.Contains(err.Error(), filepath.Join(dir, "savepoint-")) {
				t.Errorf("the error names no savepoint: %v", err)
			}
			if _, err := client.Await(ctx); err != nil {
				t.Fatal(err)
			}
			if !failed.Load() {
				t.Error("nothing has failed")
			}
			s.once(t, records)
		})
	}
}

// TestDrain works whether or not the job takes checkpoints otherwise, and shows all that was read.
func TestDrain(t *testing.T) {
	for name, options := range map[string][]string{
		"savepoints only": nil,
		"checkpoints":     {"execution.checkpointing.interval=50ms"},
		"none after tasks finish": {
			"execution.checkpointing.interval=50ms", "execution.checkpointing.checkpoints-after-tasks-finish=false",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := &shelf{}, t.TempDir()
			_, location, err := stop(t, s, dir, embedded.Savepoint{Drain: true}, options...)
			if err != nil || !strings.Contains(location, "savepoint-") {
				t.Fatalf("%q, %v", location, err)
			}
			if s.prepared == 0 || s.prepared != s.committed {
				t.Errorf("%d of %d are committed", s.committed, s.prepared)
			}
		})
	}
}

// TestAStoppedJobHasCommittedAll, also what the committer has put off, and another goes on from there.
func TestAStoppedJobHasCommittedAll(t *testing.T) {
	s, dir := &shelf{putOff: 3}, t.TempDir()
	client, location, err := stop(t, s, dir, embedded.Savepoint{Stop: true})
	if err != nil {
		t.Fatal(err)
	}
	if s.prepared == 0 || s.prepared != s.committed || s.putOff != 0 {
		t.Errorf("%d of %d are committed, %d are yet to be put off", s.committed, s.prepared, s.putOff)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if state, err := client.Status(ctx); err == nil && state.String() != "FINISHED" {
		t.Errorf("the job that was stopped is %s", state)
	}
	again, _ := job(t, s, dir, "execution.checkpointing.interval=50ms", "execution.state-recovery.path="+location)
	if _, err := again.Execute(ctx); err != nil {
		t.Fatal(err)
	}
	s.once(t, records)
}
