package stream_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/embedded"
	"github.com/weir-stream/weir/state"
)

// remembering keeps all that comes, as state of the operator, and shows it.
type remembering struct {
	Seen state.OperatorList[string] `state:"seen"`

	show func(r *remembering)
}

func (r *remembering) Process(_ *stream.ProcessContext, v string, out stream.Collector[string]) error {
	r.Seen.Add(v)
	r.show(r)
	return nil
}

// State of operators may be larger than the metadata of a snapshot can be: it is in files then, and comes back from them.
func TestLargeOperatorStateIsInFiles(t *testing.T) {
	const bytes = 200_000
	const stopAt, records = storage.MaxBody/bytes + 10, storage.MaxBody/bytes + 100
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	dir := t.TempDir()
	start := func(rate float64, show func(*remembering), options ...string) *stream.JobClient {
		t.Helper()
		env, err := stream.NewEnvironment("remembers", append([]string{
			"execution.checkpointing.dir=" + filepath.Join(dir, "checkpoints")}, options...)...)
		if err != nil {
			t.Fatal(err)
		}
		texts := stream.From(env, datagen.Generate(records, func(i int64) string { return fmt.Sprint(i, strings.Repeat(".", bytes)) }).Rate(rate))
		stream.To(stream.ProcessEach[string, string](texts.Rebalance(), func() *remembering { return &remembering{show: show} }), discard.Sink[string]())
		client, err := env.ExecuteAsync(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		return client
	}
	enough := make(chan struct{})
	first := start(1000, func(r *remembering) {
		if r.Seen.Len() == stopAt {
			close(enough)
		}
	}, "parallelism.default=1")
	select {
	case <-enough:
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
	location, err := first.Savepoint(ctx, embedded.Savepoint{Directory: dir, Stop: true})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(location, "_metadata")); err != nil || info.Size() > 1<<20 {
		t.Errorf("metadata: %v, %v", info, err)
	}
	var mu sync.Mutex
	all := map[*remembering][]string{}
	again := start(0, func(r *remembering) {
		mu.Lock()
		defer mu.Unlock()
		all[r] = r.Seen.Slice()
	}, "parallelism.default=2", "execution.state-recovery.path="+location)
	if _, err := again.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, texts := range all {
		for _, text := range texts {
			seen[strings.TrimRight(text, ".")]++
		}
	}
	for i := range records {
		if n := seen[fmt.Sprint(i)]; n != 1 {
			t.Errorf("record %d is there %d times", i, n)
		}
	}
	if len(all) != 2 {
		t.Errorf("%d subtasks have seen records, want 2", len(all))
	}
}
