package sim

import "fmt"

// kept: no file is deleted that a snapshot names which the job can be recovered to, or which is not the job's own.
type kept struct{}

func (kept) name() string { return "needed files are kept" }

func (kept) sees(w *World, o observation) error {
	if d, ok := o.(deletes); ok {
		if of, needed := w.book.needed[d.name]; needed {
			return fmt.Errorf("%s deletes %s, which checkpoint %d needs", d.by.name, d.name, of)
		}
	}
	return nil
}

func (kept) after(*World) error { return nil }
