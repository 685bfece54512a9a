package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/sstable"
	"github.com/weir-stream/weir/state"
)

// Ingest takes the tables of chains in as they are, without reading their entries: what is outside of the database's key groups is cut off. It
// comes before all other use. Afterwards each part is to be told by Adopt. It reports false, and does nothing, if the tables are not so that this can
// be done: entries in them that do not count are in key groups of others.
func (d *Database) Ingest(chains []snapshot.Chain) (done bool, err error) {
	var outside bool
	for _, chain := range chains {
		for _, t := range chain.Tables {
			fits, over, err := d.fits(chain, t)
			if err != nil || !fits {
				return false, err
			}
			outside = outside || over
		}
	}
	d.rests = true
	n := 0
	for _, chain := range chains {
		for _, t := range chain.Tables {
			n++
			if err := d.ingest(t, n); err != nil {
				return false, fmt.Errorf("take in %s: %w: %s", nameOf(t), err, advice)
			}
		}
	}
	if outside {
		if err := d.cutOff(); err != nil {
			return false, fmt.Errorf("cut off other key groups: %w: %s", err, advice)
		}
	}
	return true, nil
}

func nameOf(t snapshot.LocalTable) string {
	if t.Path != "" {
		return t.Path
	}
	return "a table of the snapshot's metadata"
}

// fits reports whether all that a table has in the database's key groups counts, and whether it has anything outside of them.
func (d *Database) fits(chain snapshot.Chain, t snapshot.LocalTable) (fits, outside bool, err error) {
	table, err := sstable.OpenLocal(t)
	if err != nil {
		return false, false, err
	}
	first, last, some, err := table.Span()
	if err := errors.Join(err, table.Close()); err != nil || !some {
		return err == nil, false, err
	}
	from, to := sstable.Bounds(d.options.Groups)
	outside = bytes.Compare(first, from) < 0 || bytes.Compare(last, to) > 0
	counts, some := t.Groups.Intersect(chain.Groups)
	if some {
		counts, some = counts.Intersect(d.options.Groups)
	}
	if !some {
		return false, outside, nil
	}
	lower, upper := sstable.Bounds(counts)
	below := max(string(first), string(from)) >= string(lower)
	above := min(string(last), string(to)) <= string(upper)
	return below && above, outside, nil
}

// ingest takes in a table, which is newer than those before.
func (d *Database) ingest(t snapshot.LocalTable, number int) error {
	files, name := d.options.files, fmt.Sprintf("restored-%06d.sst", number)
	name = files.PathJoin(d.options.Folder, name)
	store := d.store()
	content := t.Ref.GetInline()
	if t.Path != "" {
		info, err := os.Stat(t.Path)
		if err != nil || info.Size() == 0 {
			return err
		}
		if d.options.Folder != "" {
			if err := vfs.LinkOrCopy(files, t.Path, name); err != nil {
				return err
			}
			return store.db.Ingest(context.Background(), []string{name})
		}
		if content, err = os.ReadFile(t.Path); err != nil {
			return err
		}
	}
	if len(content) == 0 {
		return nil
	}
	file, err := files.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err := file.Write(bytes.Clone(content)); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return err
	}
	return store.db.Ingest(context.Background(), []string{name})
}

// cutOff removes what is not of the database's key groups.
func (d *Database) cutOff() error {
	from, to := sstable.Bounds(d.options.Groups)
	ends := []pebble.KeyRange{{Start: []byte{0}, End: from}, {Start: to, End: bytes.Repeat([]byte{0xff}, 16)}}
	for _, span := range ends {
		if bytes.Compare(span.Start, span.End) >= 0 {
			continue
		}
		if err := d.store().db.Excise(context.Background(), span); err != nil {
			return err
		}
	}
	return nil
}

// Forget removes what was taken in of states that nobody has.
func (d *Database) Forget(numbers []uint16) {
	batch := d.store().db.NewBatch()
	for group := int(d.options.Groups.First); group <= int(d.options.Groups.Last); group++ {
		for _, number := range numbers {
			from, to := state.Prefix(uint16(group), number)
			if err := batch.DeleteRange(from, to, nil); err != nil {
				fail("remove", err)
			}
		}
	}
	d.finish(batch)
}

// Adopt makes what the database has taken in the backend's state.
func (b *Backend[K]) Adopt() {
	b.cold = true
	b.written.leave(&b.db.room)
	b.written.givenUp = true
}

// Adopt makes panes of what the database has taken in. It looks for a few keys of each.
func (p *Panes[K]) Adopt() {
	groups := p.db.options.Groups
	it := p.db.iterator(p.plan.appendGroup(nil, groups.First), groupEnd(groups.Last))
	var found []int64
	seen := map[int64]bool{}
	for group := int(groups.First); group <= int(groups.Last); group++ {
		for _, c := range p.plan.byNumber() {
			prefix := p.plan.appendPrefix(nil, uint16(group), c)
			for ok := it.SeekGE(prefix); ok && bytes.HasPrefix(it.Key(), prefix); {
				pane := it.Key()[:min(prefixBytes+paneBytes, len(it.Key()))]
				if len(pane) < prefixBytes+paneBytes {
					panic(&state.Failure{Action: "restore", Cause: fmt.Errorf("the entry's key %x is too short for a pane", it.Key())})
				}
				if at := paneOf(pane); !seen[at] {
					seen[at] = true
					found = append(found, at)
				}
				end := after(pane)
				ok = end != nil && it.SeekGE(end)
			}
		}
	}
	done(it)
	for _, at := range found {
		p.pane(at).Adopt()
	}
}

// Adopt makes timers of what the database has taken in. It counts them.
func (t *timers[K]) Adopt() {
	groups := t.db.options.Groups
	it := t.db.iterator(t.appendPrefix(nil, groups.First), groupEnd(groups.Last))
	defer done(it)
	for group := int(groups.First); group <= int(groups.Last); group++ {
		prefix := t.appendPrefix(nil, uint16(group))
		for ok := it.SeekGE(prefix); ok && bytes.HasPrefix(it.Key(), prefix); ok = it.Next() {
			t.far++
		}
	}
	t.horizon = position{math.MinInt64, 0}
	t.moved = true
}

// Adopter is a part of a database that can be told that the database has its state.
type Adopter interface{ Adopt() }

var _ = []Adopter{(*Backend[int])(nil), (*Panes[int])(nil), (*timers[int])(nil)}
