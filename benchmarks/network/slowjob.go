package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/element"
)

// besideSlow is a pipeline without an end, and others like it whose sinks take their time: at parallelism 2 each of them has one channel in each direction
// of the one connection between the workers.
func besideSlow(env *stream.Environment, o jobOrder) {
	for i := range 1 + o.Slow {
		name, sink := "fast", sequelSink{folder: o.Folder}
		if i > 0 {
			name, sink = fmt.Sprint("slow-", i), sequelSink{slow: true}
		}
		records := stream.From(env, datagen.Fill(datagen.Unbounded, fillSequels)).Name(name + " source").UID(name + "-source")
		byKey := stream.KeyBy(records, small.key)
		stream.To(byKey.Stream(), sink).Name(name + " sink").UID(name + "-sink")
	}
}

// Of an endless source subtasks make blocks of indices in turn. So the indices of one key, which all come from one subtask, follow a rule.
const (
	sequelBlock   = 1024
	sequelSources = 2
	sequelKeys    = 64 // of each source
)

// fillSequels makes records whose keys tell their source.
func fillSequels(start int64, out []small) {
	for i := range out {
		index := start + int64(i)
		out[i] = small{Key: index%sequelKeys + index/sequelBlock%sequelSources*sequelKeys, Value: index}
	}
}

// firstSequel is the index of a key's first record, sequel the one after another.
func firstSequel(key int64) int64 { return key%sequelKeys + key/sequelKeys*sequelBlock }
func sequel(index int64) int64 {
	next := index + sequelKeys
	if next/sequelBlock != index/sequelBlock {
		next += (sequelSources - 1) * sequelBlock
	}
	return next
}

// sequelSink sees that no record is lost, doubled or out of its order.
type sequelSink struct {
	folder string
	slow   bool
}

const (
	// slowness is how long a slow sink takes for a batch.
	slowness = 100 * time.Millisecond
	// reports is how often a fast one reports.
	reports = 100 * time.Millisecond
)

// slowSinks counts the slow sinks of this process that have had records.
var slowSinks atomic.Int64

// Name implements connector.Sink.
func (sequelSink) Name() string { return "Sequel" }

// NewWriter implements connector.Sink.
func (s sequelSink) NewWriter(c connector.WriterContext) (connector.Writer[small], error) {
	w := &sequelWriter{sequelSink: s, subtask: c.Subtask()}
	for key := range w.next {
		w.next[key] = firstSequel(int64(key))
	}
	return w, nil
}

type sequelWriter struct {
	sequelSink
	subtask  int
	next     [sequelSources * sequelKeys]int64
	total    tally
	reported time.Time
}

// Open implements connector.Writer.
func (*sequelWriter) Open() error { return nil }

// Write implements connector.Writer.
func (w *sequelWriter) Write(batch *element.Batch[small]) error {
	for _, r := range batch.Values {
		if want := w.next[r.Key]; r.Value != want {
			return fmt.Errorf("record %d of key %d came where %d should", r.Value, r.Key, want)
		}
		w.next[r.Key] = sequel(r.Value)
	}
	if w.slow {
		if w.total.Records == 0 {
			slowSinks.Add(1)
		}
		w.total.Records += len(batch.Values)
		time.Sleep(slowness)
		return nil
	}
	w.total.begin()
	w.total.Records += len(batch.Values)
	if now := time.Now(); now.Sub(w.reported) > reports {
		w.reported = now
		w.total.SlowSinks = int(slowSinks.Load())
		return w.total.report(w.folder, w.subtask)
	}
	return nil
}

// Flush implements connector.Writer.
func (*sequelWriter) Flush(bool) error { return nil }

// Close implements connector.Writer.
func (*sequelWriter) Close() error { return nil }
