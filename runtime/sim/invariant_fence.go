package sim

import (
	"fmt"
	"strings"

	"github.com/weir-stream/weir/checkpoint/snapshot"
)

// fence: a leader after which another one has claimed the log publishes nothing, and deletes nothing but what the log has released,
// what older terms than its own have left and, once the log has the end of the job, what its own term has.
type fence struct{ knows map[*leader]bool }

func (*fence) name() string { return "a fenced leader publishes and deletes nothing" }

func (f *fence) sees(w *World, o observation) error {
	switch o := o.(type) {
	case logged:
		if o.stands && o.entry.GetClaim() == nil && !w.leads(o.by.leader) {
			return fmt.Errorf("%s has written slot %d of the log, which another leader has claimed", o.by.name, o.entry.Slot)
		}
	case noted:
		if o.entry.GetClaim() != nil {
			w.book.claimant = o.by.leader
			o.by.leader.term = w.book.history.Epoch
		}
	case deletes:
		return f.deletes(w, o)
	}
	return nil
}

func (f *fence) deletes(w *World, d deletes) error {
	l := d.by.leader
	if l == nil {
		return fmt.Errorf("a worker, %s, deletes %s", d.by.name, d.name)
	}
	if w.book.released[d.name] {
		return nil
	}
	if slot, ok := w.book.slotOf(d.name); ok {
		if slot >= w.book.history.Claimed {
			return fmt.Errorf("%s deletes slot %d of the log, which was claimed in slot %d", d.by.name, slot, w.book.history.Claimed)
		}
		return nil
	}
	name := d.name[strings.LastIndexByte(d.name, '/')+1:]
	if file, ok := snapshot.ParseDataFile(name); ok && (file.Epoch < l.term || file.Epoch == l.term && w.book.history.Ended != "" && w.book.claimant == l) {
		return nil
	}
	if strings.HasPrefix(name, probePrefix) {
		return nil // with which a leader has tried out the store
	}
	if name == snapshot.MetadataName {
		return nil // of a checkpoint that has come to nothing, if the files that are needed are kept
	}
	return fmt.Errorf("%s deletes %s, which no slot of the log has released", d.by.name, d.name)
}

func (*fence) after(*World) error { return nil }
