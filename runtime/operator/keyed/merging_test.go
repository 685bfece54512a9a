package keyed

import (
	"testing"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/state/keygroup"
)

// Tables that the metadata has in itself are merged though that gains no bytes; others are left as they are then, unless there are many.
func TestTablesInTheMetadataAreMergedInAnyCase(t *testing.T) {
	groups := keygroup.Range{Last: 127}
	file := func() *snapshot.FileRef { return &snapshot.FileRef{Name: "a", Length: 30 << 10} }
	inline := func() *snapshot.FileRef { return snapshot.Inline(make([]byte, 1000)) }
	for name, c := range map[string]struct {
		tables int
		ref    func() *snapshot.FileRef
		vain   bool
		due    int
		anyway bool
	}{
		"few":                         {mergedAtOnce - 1, inline, true, 0, false},
		"inline":                      {mergedAtOnce, inline, false, mergedAtOnce, true},
		"inline, where it is in vain": {mergedAtOnce, inline, true, mergedAtOnce, true},
		"files":                       {mergedAtOnce, file, false, mergedAtOnce, false},
		"files, where it is in vain":  {mergedAtOnce, file, true, 0, false},
		"too many files, though vain": {crowded, file, true, mergedAtOnce, true},
	} {
		tables := []snapshot.LocalTable{{Ref: &snapshot.FileRef{Name: "base", Length: 1 << 20}, Groups: groups}}
		for range c.tables {
			tables = append(tables, snapshot.LocalTable{Ref: c.ref(), Path: "somewhere", Groups: groups, Changes: true})
		}
		var made chain
		made.set(tables)
		made.vain = c.vain
		if due, anyway := made.due(groups); len(due) != c.due || anyway != c.anyway {
			t.Errorf("%s: %d are due, anyway %t; want %d, %t", name, len(due), anyway, c.due, c.anyway)
		}
	}
}
