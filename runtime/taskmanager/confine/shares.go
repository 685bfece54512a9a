// Package confine keeps the workers of a TaskManager to their share of its memory: what the share is, what a worker uses, when that is too much,
// and control groups that hold it where the system has them. Deciding is pure; reading and groups take the root of a file system.
package confine

import (
	"fmt"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/memory"
)

// Shares divides the memory of a TaskManager.
//
// Invariant: Own + Slots*Slot <= the whole, so that workers who keep to their shares fit beside each other.
type Shares struct {
	// Own is the TaskManager's, Slot that of a slot, in bytes.
	Own, Slot int64
	Slots     int
}

// A TaskManager keeps a sixteenth for itself, within these bounds.
const (
	leastOwn = 32 << 20
	mostOwn  = 256 << 20
)

// LeastSlot is the least memory of a slot: an idle worker takes some 15 MiB.
const LeastSlot = 24 << 20

// Divide divides the memory that is configured, or else found, among slots. notice, unless empty, is something to be logged. The error says what is
// wrong with the configuration.
func Divide(c config.Configuration, found memory.Limit, slots int) (s Shares, notice string, err error) {
	total := int64(config.Get(c, config.TaskManagerMemory))
	key := config.TaskManagerMemory.Key()
	switch {
	case total == 0:
		total = found.GoMemory()
	case found.Enforced && total > found.Bytes:
		notice = fmt.Sprintf("%s is %s, but the process is ended beyond %s (%s): its slots share that", key, inMiB(total), inMiB(found.Bytes), found.Source)
		total = found.GoMemory()
	}
	s = Shares{Own: min(max(total/16, leastOwn), mostOwn), Slots: slots}
	s.Slot = (total - s.Own) / int64(slots)
	if s.Slot < LeastSlot {
		return s, notice, fmt.Errorf("memory of %s (%s) leaves %s for each of %d slots, beside %s of the TaskManager's own: give it more, or lower %s; a slot needs at least %s",
			inMiB(total), key, inMiB(max(s.Slot, 0)), slots, inMiB(s.Own), config.TaskSlots.Key(), inMiB(LeastSlot))
	}
	return s, notice, nil
}

// Of is the share of a worker whose job holds so many slots here, at least that of one.
func (s Shares) Of(slots int) int64 { return int64(min(max(slots, 1), s.Slots)) * s.Slot }

// Beyond says in words that a worker has used more than its share.
func (s Shares) Beyond(used int64, slots int) string {
	return fmt.Sprintf("it used %s, beyond its share of %s (%d of %d slots): it was ended so that others here keep theirs; give the TaskManager more memory (%s), the job more slots, or find out what it keeps",
		inMiB(used), inMiB(s.Of(slots)), min(max(slots, 1), s.Slots), s.Slots, config.TaskManagerMemory.Key())
}

func inMiB(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }
