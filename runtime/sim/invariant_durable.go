package sim

import (
	"context"
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
)

// durable: nothing is acknowledged before the files that it names are in the store, whole, and nothing is complete that names a file
// that is not there.
type durable struct{}

func (durable) name() string { return "acknowledged means durable" }

func (durable) sees(w *World, o observation) error {
	switch o := o.(type) {
	case acked:
		if !w.leads(o.by.node.cluster.leader) {
			return nil // what serves a fenced leader does not count, and the next one sweeps its files away
		}
		if latest := w.book.history.Latest(); latest != nil && o.ack.Checkpoint <= latest.Checkpoint {
			return nil // it comes too late for its checkpoint, whose files a later one may have had deleted
		}
		for _, op := range o.ack.Operators {
			if err := w.there(op.State); err != nil {
				return fmt.Errorf("%s acknowledges checkpoint %d: %w", o.by.name, o.ack.Checkpoint, err)
			}
		}
	case noted:
		c := o.entry.GetComplete()
		if c == nil {
			return nil
		}
		m, err := w.metadata(c)
		if err != nil {
			return fmt.Errorf("checkpoint %d is complete: %w", c.Checkpoint, err)
		}
		for _, op := range m.Operators {
			for _, s := range op.Subtasks {
				if err := w.there(s); err != nil {
					return fmt.Errorf("checkpoint %d is complete: %w", c.Checkpoint, err)
				}
			}
		}
	}
	return nil
}

func (durable) after(*World) error { return nil }

// there reports the first file of a subtask's state that is missing or too short.
func (w *World) there(s *snapshot.SubtaskState) (err error) {
	s.EachFile(func(f *snapshot.FileRef) {
		if f.Name == "" || err != nil {
			return
		}
		name := w.book.path(snapshot.File{Root: f.Root, Name: f.Name})
		o, missing := w.store.Stat(context.Background(), name)
		switch {
		case missing != nil:
			err = fmt.Errorf("%s is not there", name)
		case o.Size < int64(f.Offset+f.Length):
			err = fmt.Errorf("%s has %d of %d bytes", name, o.Size, f.Offset+f.Length)
		}
	})
	return err
}
