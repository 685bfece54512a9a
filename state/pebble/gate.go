package pebble

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// gate says when Pebble may merge tables: at any time while it is open, as many at once as Pebble thinks right. A store that has taken in a
// snapshot begins with it closed, since merging its tables would take the processor from the records that have piled up.
type gate struct {
	db pebble.DBForCompaction
	// granting is held while db is asked what it has to merge, which it must not be while it closes.
	granting sync.Mutex

	mu      sync.Mutex
	running int
	// closed is until the first call of open, over from Unregister on.
	closed, over bool
}

// open lets merging begin.
func (g *gate) open() {
	g.mu.Lock()
	g.closed = false
	g.mu.Unlock()
	g.grant()
}

// Register is called once, when the store is opened.
func (g *gate) Register(_ int, db pebble.DBForCompaction) { g.db = db }

// Unregister is called when the store closes.
func (g *gate) Unregister() {
	g.mu.Lock()
	g.over = true
	g.mu.Unlock()
	g.granting.Lock() // waits for a call of db
	defer g.granting.Unlock()
}

// TrySchedule is the store's question whether it may merge. If it may not, it is asked by grant later.
func (g *gate) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.room() {
		return false, nil
	}
	g.running++
	return true, g
}

// room reports whether another merge may begin. mu is held.
func (g *gate) room() bool {
	return !g.over && !g.closed && g.running < g.db.GetAllowedWithoutPermission()
}

// grant has the store begin what it was refused before.
func (g *gate) grant() {
	g.granting.Lock()
	defer g.granting.Unlock()
	for {
		g.mu.Lock()
		room := g.room()
		g.mu.Unlock()
		if !room {
			return
		}
		if waiting, _ := g.db.GetWaitingCompaction(); !waiting || !g.db.Schedule(g) {
			return
		}
		g.mu.Lock()
		g.running++ // after the merge may have ended, which counts down
		g.mu.Unlock()
	}
}

// Done is the end of a merge.
func (g *gate) Done() {
	g.mu.Lock()
	g.running--
	g.mu.Unlock()
	g.grant()
}

// UpdateGetAllowedWithoutPermission tells that Pebble allows itself more at once, which it does not: it has one at a time.
func (g *gate) UpdateGetAllowedWithoutPermission() {}

// Started, MeasureCPU and CumulativeStats are for schedulers that look at what a merge costs.
func (g *gate) Started()                                          {}
func (g *gate) MeasureCPU(pebble.CompactionGoroutineKind)         {}
func (g *gate) CumulativeStats(pebble.CompactionGrantHandleStats) {}
