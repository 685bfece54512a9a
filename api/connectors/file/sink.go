package file

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/weir-stream/weir/api/connector"
)

// Sink writes records to files of a folder, a line each.
//
// In a job that takes checkpoints, each record gets into the results exactly once. A subtask writes one part after the other, as its
// RollingPolicy says and a new one after each checkpoint, under the hidden name .part-I-UID-N.inprogress. With the checkpoint that a part belongs
// to it gets its own, part-I-UID-N, where I is the subtask and UID another in each attempt of each subtask of each run, so that no name comes
// twice. What has such a name is complete and never changes. A job that goes on from a snapshot publishes first what that has, in the folder that
// it was written to, even if the program names another one now.
//
// In a job without checkpoints subtask I writes one part, part-I-0, which gets its name when the last record is written, or nothing if it
// has no records. A restart begins from the start of the input; what the sink wrote before it is replaced.
//
// A folder belongs to one sink of one job. A job that begins anew refuses a folder that has part files of another run, unless Overwrite was
// called: mixed with those of this run they would be a wrong result that looks right. (To know its own after a restart, a job leaves an
// empty file .part-of-JOBID there.) A job that goes on from a snapshot takes the folder over.
//
// What failed attempts have left under hidden names stays, since a savepoint may have it, until RemoveLeftoversAfter. Files with other names
// are never touched.
type Sink[T any] struct {
	folder     string
	newEncoder func() encoder[T]
	overwrite  bool
	mayVanish  bool
	leftovers  time.Duration
	policy     RollingPolicy
	create     func(path string) (partFile, error)
}

// encoder appends a record and its line end.
type encoder[T any] func(to []byte, record T) ([]byte, error)

// Text writes what format returns for each record. That should have no line end: one is added.
func Text[T any](folder string, format func(record T) string) Sink[T] {
	return newSink(folder, func() encoder[T] {
		return func(to []byte, record T) ([]byte, error) {
			return append(append(to, format(record)...), '\n'), nil
		}
	})
}

// TextAppend is Text with a function that appends to a buffer and returns the longer one, which allocates nothing per record.
func TextAppend[T any](folder string, appendTo func(to []byte, record T) []byte) Sink[T] {
	return newSink(folder, func() encoder[T] {
		return func(to []byte, record T) ([]byte, error) { return append(appendTo(to, record), '\n'), nil }
	})
}

// JSON writes each record as encoding/json does, in one line (JSON Lines). The characters <, > and & stay as they are.
func JSON[T any](folder string) Sink[T] {
	return newSink(folder, func() encoder[T] {
		var line lineBuffer
		to := json.NewEncoder(&line)
		to.SetEscapeHTML(false)
		return func(buffer []byte, record T) ([]byte, error) {
			line.bytes = buffer
			if err := to.Encode(record); err != nil {
				return buffer, fmt.Errorf("a record of type %T cannot be written as JSON: %w", record, err)
			}
			return line.bytes, nil
		}
	})
}

// lineBuffer is an io.Writer that appends.
type lineBuffer struct{ bytes []byte }

func (b *lineBuffer) Write(p []byte) (int, error) {
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

func newSink[T any](folder string, newEncoder func() encoder[T]) Sink[T] {
	return Sink[T]{folder: folder, newEncoder: newEncoder, create: createFile, policy: DefaultRollingPolicy()}
}

// Overwrite returns the sink that removes the part files of other runs from the folder when the job begins anew.
func (s Sink[T]) Overwrite() Sink[T] {
	s.overwrite = true
	return s
}

// Rolling returns the sink with another policy than DefaultRollingPolicy.
func (s Sink[T]) Rolling(policy RollingPolicy) Sink[T] {
	s.policy = policy
	return s
}

// PartsMayVanish returns the sink for a folder from which other programs take what is published. A part that a restored job would
// publish again, and that is neither there nor waiting, counts as published and taken away then. Without this option it fails the job,
// since it may have been lost.
func (s Sink[T]) PartsMayVanish() Sink[T] {
	s.mayVanish = true
	return s
}

// RemoveLeftoversAfter returns the sink that removes hidden parts of attempts that have ended, in jobs with checkpoints, once they are older than age
// by the time of their last change. It looks for them when the first checkpoint of an attempt is complete, which is after each failure and each start
// from a snapshot. A savepoint that is older may have such parts: without them a job cannot be started from it any more, or with PartsMayVanish
// lacks their records. So age is how long savepoints are kept. Without this option, or with an age of 0, they stay for ever, as with Flink.
func (s Sink[T]) RemoveLeftoversAfter(age time.Duration) Sink[T] {
	s.leftovers = age
	return s
}

// Name is the name of the operator.
func (s Sink[T]) Name() string { return "File Sink" }

// Kind names the connector.
func (s Sink[T]) Kind() string { return "file" }

// NewWriter makes the writer of one subtask.
func (s Sink[T]) NewWriter(ctx connector.WriterContext) (connector.Writer[T], error) {
	if s.folder == "" {
		return nil, errors.New("file sink: it was given no folder")
	}
	if err := s.policy.check(); err != nil {
		return nil, err
	}
	if s.leftovers < 0 {
		return nil, fmt.Errorf("file sink: RemoveLeftoversAfter(%v): give a positive age, or 0 to keep leftovers for ever", s.leftovers)
	}
	return &writer[T]{
		folder:  folder{path: s.folder, job: ctx.JobID().String(), subtask: ctx.Subtask(), parallelism: ctx.Parallelism()},
		attempt: ctx.Attempt(), overwrite: s.overwrite, leftovers: s.leftovers, create: s.create, encode: s.newEncoder(),
		rolling: ctx.Checkpointing, policy: s.policy, timer: newTimer(s.policy, ctx.Clock, ctx.CallAt),
	}, nil
}

// NewCommitter makes the committer of one subtask.
func (s Sink[T]) NewCommitter(connector.CommitterContext) (connector.Committer, error) {
	return committer{s.mayVanish}, nil
}
