package sim

import "fmt"

// complete: what is committed outside belongs to a checkpoint that is complete.
type complete struct{}

func (complete) name() string { return "only complete checkpoints are committed" }

func (complete) sees(w *World, o observation) error {
	switch o := o.(type) {
	case commits:
		if _, ok := w.book.committable[o.transaction]; !ok {
			return fmt.Errorf("%s commits %s, which no complete checkpoint has", o.by, o.transaction)
		}
	case notified:
		if id := checkpointID(o.checkpoint); id > w.book.told {
			return fmt.Errorf("%s tells tasks of checkpoint %d, and the log knows nothing of that", o.by.name, id)
		}
	}
	return nil
}

func (complete) after(*World) error { return nil }
