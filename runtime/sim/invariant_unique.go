package sim

import "fmt"

// unique: of each number there is at most one completed checkpoint.
type unique struct{}

func (unique) name() string { return "one completed checkpoint of a number" }

func (unique) sees(w *World, o observation) error {
	if n, ok := o.(noted); ok && n.entry.GetComplete() != nil {
		if id := checkpointID(n.entry.GetComplete().Checkpoint); w.book.completions[id] > 1 {
			return fmt.Errorf("checkpoint %d was completed %d times", id, w.book.completions[id])
		}
	}
	return nil
}

func (unique) after(*World) error { return nil }
