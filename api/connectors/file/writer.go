package file

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
)

// flushAt is how many bytes are gathered before they are written to the file.
const flushAt = 128 << 10

// writer writes the parts of one subtask, one at a time. A part that has ended in a rolling one is
//
//	sealed --PrepareCommit--> prepared --persist, by whoever writes the snapshot--> durable
//
// and belongs to the committer from PrepareCommit on.
type writer[T any] struct {
	folder    folder
	attempt   int
	overwrite bool
	create    func(path string) (partFile, error)
	encode    encoder[T]
	buffer    []byte
	part      *part // what the buffer goes to, nil before it was written for the first time

	// rolling says that parts are published by the committer, restored that the job goes on from a snapshot.
	rolling, restored bool
	policy            RollingPolicy
	timer             timer
	// uid and count make the names of parts, see rolledName.
	uid   string
	count int
	// room is how many bytes the buffer takes until it is written, or the part ends.
	room             int
	sealed, prepared []*part
	// leftovers is how old those are that are removed, 0 for none, and swept that they were.
	leftovers time.Duration
	swept     bool
}

// Restore implements connector.StatefulWriter.
func (w *writer[T]) Restore(states [][]byte) error {
	for _, state := range states {
		if string(state) != stateOfWriter {
			return fmt.Errorf("%q is not the state of a file sink: it was damaged or written by a later version", state)
		}
	}
	w.restored, w.rolling = true, true
	return nil
}

// stateOfWriter is all that a writer has in a snapshot: that it was there, and the version of its names. Parts are the committer's.
const stateOfWriter = "\x01"

// Snapshot implements connector.StatefulWriter.
func (w *writer[T]) Snapshot() ([][]byte, error) { return [][]byte{[]byte(stateOfWriter)}, nil }

func (w *writer[T]) Open() (err error) {
	w.room = flushAt
	if !w.rolling {
		return w.folder.claim(w.overwrite)
	}
	if w.folder.path, err = filepath.Abs(w.folder.path); err != nil {
		return failure(w.folder.path, "cannot tell where it is", err)
	}
	w.uid = ident.NewID().String()[:uidDigits]
	w.setRoom(0)
	if w.restored {
		return w.folder.make()
	}
	return w.folder.claim(w.overwrite)
}

func (w *writer[T]) Write(batch *element.Batch[T]) error {
	for _, record := range batch.Values {
		var err error
		if w.buffer, err = w.encode(w.buffer, record); err != nil {
			return err
		}
		if len(w.buffer) >= w.room {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	if w.rolling && w.hasPart() {
		w.timer.written()
	}
	return nil
}

func (w *writer[T]) hasPart() bool { return w.part != nil || len(w.buffer) > 0 }

// flush writes the buffer, and ends a part that is as large as the policy wants.
func (w *writer[T]) flush() error {
	if len(w.buffer) == 0 {
		return nil
	}
	if w.part == nil {
		w.part = w.newPart()
	}
	err := w.part.write(w.buffer)
	w.buffer = w.buffer[:0]
	if err != nil || !w.rolling {
		return err
	}
	if w.policy.PartSize > 0 && w.part.written >= w.policy.PartSize {
		return w.seal()
	}
	w.setRoom(w.part.written)
	return nil
}

// setRoom lets the buffer grow until it is worth writing or the part is as large as it should be.
func (w *writer[T]) setRoom(written int64) {
	left := int64(math.MaxInt64)
	if w.policy.PartSize > 0 {
		left = w.policy.PartSize - written
	}
	w.room = int(min(flushAt, left))
}

func (w *writer[T]) newPart() *part {
	final, hidden := partName(w.folder.subtask), hiddenName(w.folder.subtask, w.attempt)
	if w.rolling {
		final = rolledName(w.folder.subtask, w.uid, w.count)
		hidden = hiddenRolled(final)
		w.count++
	}
	return &part{hidden: filepath.Join(w.folder.path, hidden), final: filepath.Join(w.folder.path, final), create: w.create}
}

// mostOpen is how many sealed parts keep their files open until the next snapshot, whose writer makes them durable.
const mostOpen = 64

// seal ends the part. If too many are open, the oldest is made durable here.
func (w *writer[T]) seal() error {
	w.sealed = append(w.sealed, w.part)
	w.part = nil
	w.timer.stop()
	w.setRoom(0)
	if n := len(w.sealed); n > mostOpen {
		return w.sealed[n-1-mostOpen].persist(context.Background())
	}
	return nil
}

// roll ends the part if there is one.
func (w *writer[T]) roll() error {
	if err := w.flush(); err != nil || w.part == nil {
		return err
	}
	return w.seal()
}

// OnProcessingTime implements connector.TimedWriter.
func (w *writer[T]) OnProcessingTime(now int64) error {
	if !w.timer.due(now) {
		return nil
	}
	return w.roll()
}

func (w *writer[T]) Flush(endOfInput bool) error {
	if err := w.flush(); err != nil || w.rolling || !endOfInput || w.part == nil {
		return err
	}
	err := w.part.publish()
	if err == nil {
		w.part = nil
	}
	return err
}

// PrepareCommit implements connector.CommittingWriter.
func (w *writer[T]) PrepareCommit() ([]connector.Committable, error) {
	if !w.rolling {
		return nil, nil
	}
	if err := w.roll(); err != nil {
		return nil, err
	}
	committables := make([]connector.Committable, len(w.sealed))
	for i, p := range w.sealed {
		name := filepath.Base(p.final)
		committables[i] = connector.Committable{
			ID: name, State: pending{folder: w.folder.path, name: name, length: p.written}.encode(), Persist: p.persist,
		}
	}
	w.prepared = append(slices.DeleteFunc(w.prepared, (*part).isDurable), w.sealed...)
	w.sealed = nil
	return committables, nil
}

// CheckpointComplete implements connector.CheckpointListener.
func (w *writer[T]) CheckpointComplete(ident.CheckpointID) error {
	if !w.rolling || w.swept || w.leftovers == 0 {
		return nil
	}
	w.swept = true
	return w.folder.sweep(w.uid, w.timer.clock.Now().Add(-w.leftovers))
}

// CheckpointAborted implements connector.CheckpointListener.
func (w *writer[T]) CheckpointAborted(ident.CheckpointID) error { return nil }

// Close removes what no checkpoint can have. What was prepared stays: one may.
func (w *writer[T]) Close() error {
	var errs []error
	for _, p := range w.sealed {
		errs = append(errs, p.abandon())
	}
	if w.part != nil {
		errs = append(errs, w.part.abandon())
	}
	for _, p := range w.prepared {
		errs = append(errs, p.close())
	}
	w.part, w.sealed, w.prepared = nil, nil, nil
	return errors.Join(errs...)
}
