package sim

import "fmt"

// monotone: the checkpoint up to which results are committed never decreases. A leader that has the log lets the job go on from nothing
// older than what tasks were told of, and tells them of ascending numbers.
type monotone struct {
	told checkpointID
	last map[*leader]uint64
}

func (*monotone) name() string { return "the committed checkpoint never decreases" }

func (m *monotone) sees(w *World, o observation) error {
	switch o := o.(type) {
	case noted:
		if w.book.told < m.told {
			return fmt.Errorf("tasks were told of checkpoint %d, and now of %d", m.told, w.book.told)
		}
		m.told = w.book.told
		if latest := w.book.history.Latest(); m.told > 0 && w.book.history.Ended == "" && (latest == nil || checkpointID(latest.Checkpoint) < m.told) {
			return fmt.Errorf("tasks were told of checkpoint %d, and the log goes back before that", m.told)
		}
	case deployed:
		if w.leads(o.by) && checkpointID(o.from) < w.book.told {
			return fmt.Errorf("%s has an attempt go on from checkpoint %d, and tasks were told of %d", o.by.name, o.from, w.book.told)
		}
	case notified:
		if m.last == nil {
			m.last = map[*leader]uint64{}
		}
		if o.checkpoint < m.last[o.by] {
			return fmt.Errorf("%s tells tasks of checkpoint %d after %d", o.by.name, o.checkpoint, m.last[o.by])
		}
		m.last[o.by] = o.checkpoint
	}
	return nil
}

func (*monotone) after(*World) error { return nil }
