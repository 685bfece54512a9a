package pebble

import (
	"testing"

	"github.com/weir-stream/weir/checkpoint/snapshot"
)

// A database that has taken in many tables serves records first: it merges them after many lookups, or when it writes more, and all at once then.
func TestTablesThatAreTakenInAreMergedLater(t *testing.T) {
	for _, c := range []struct {
		name string
		wake func(e *engine)
	}{
		{"after many lookups", func(e *engine) {
			e.looked(restingLookups / 2)
			e.looked(restingLookups - restingLookups/2)
		}},
		{"when more is written", func(e *engine) {
			batch := e.db.NewBatch()
			if err := batch.Set([]byte{0, 0, 0, 0, 1}, make([]byte, e.buffer), nil); err != nil {
				t.Fatal(err)
			}
			e.apply(batch)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := openEverythingOf(t, Options{Folder: t.TempDir(), Memory: 128 << 10})
			defer from.close()
			chain, folder := snapshot.Chain{Groups: allGroups}, t.TempDir()
			kind := snapshot.MarkFull
			for range compactAt + 4 {
				if failed := from.work(500, func(int) {}); failed != nil {
					t.Fatal(failed)
				}
				chain.Tables = append(chain.Tables, from.table(t, kind, folder))
				kind = snapshot.MarkChanges
			}
			e := takeIn(t, allGroups, chain).db.engine
			if m := e.db.Metrics(); m.Compact.Count != 0 || m.Compact.NumInProgress != 0 || m.Levels[0].Sublevels <= compactAt/2 {
				t.Fatalf("%d merged and %d under way at once, %d overlap", m.Compact.Count, m.Compact.NumInProgress, m.Levels[0].Sublevels)
			}
			c.wake(e)
			for e.db.Metrics().Levels[0].Sublevels > compactAt/2 {
				select {
				case <-e.trouble.compacted:
				case <-e.trouble.met:
					t.Fatal(e.trouble.err)
				}
			}
		})
	}
}
