package table

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

const (
	kindList = state.KindList
	kindMap  = state.KindMap
)

// Export writes the entries of one key group after the other: a group's keys are gathered and sorted once for all states.
func (t *Table[K]) Export(groups keygroup.Range, put func(key, value []byte) error) error {
	t.leave()
	defer t.leave()
	common, ok := t.groups.Intersect(groups)
	if !ok {
		return nil
	}
	out := exporting{put: put}
	for group := int(common.First); group <= int(common.Last); group++ {
		entries, err := t.gather(group)
		if err != nil {
			return err
		}
		for _, col := range t.byNumber() {
			out.start(uint16(group), col.number)
			if err := t.export(&out, col, entries); err != nil {
				return err
			}
		}
	}
	return nil
}

// exporting is an export under way.
type exporting struct {
	put func(key, value []byte) error
	// key is that of the next entry, the first prefix bytes of which all entries of a state in a group share.
	key    []byte
	prefix int
	value  []byte
	pairs  []exportedPair
}

type exportedPair struct{ key, value []byte }

func (e *exporting) start(group, number uint16) {
	e.key = binary.BigEndian.AppendUint16(e.key[:0], group)
	e.key = binary.BigEndian.AppendUint16(e.key, number)
	e.prefix = len(e.key)
}

// gathered is the entries of a table, or of a part, sorted by their encoded keys.
type gathered struct {
	keys []byte
	// entries are those to be written now, of all.
	entries, all []gatheredEntry
}

type gatheredEntry struct {
	// first is the first eight bytes of the key.
	first  uint64
	at, to int
	entry  unsafe.Pointer
	group  uint16
}

func (g *gathered) key(e *gatheredEntry) []byte { return g.keys[e.at:e.to] }

func (g *gathered) add(entry unsafe.Pointer, at int) {
	var first [8]byte
	copy(first[:], g.keys[at:])
	g.entries = append(g.entries, gatheredEntry{first: binary.BigEndian.Uint64(first[:]), at: at, to: len(g.keys), entry: entry})
}

// sort orders by group and key. Keys that are equal in their first eight bytes, filled up with zeros, are compared whole.
func (g *gathered) sort() {
	slices.SortFunc(g.entries, func(a, b gatheredEntry) int {
		if a.group != b.group {
			return cmp.Compare(a.group, b.group)
		}
		if a.first != b.first {
			return cmp.Compare(a.first, b.first)
		}
		return bytes.Compare(g.keys[a.at:a.to], g.keys[b.at:b.to])
	})
}

// gather sorts the keys of a key group.
func (t *Table[K]) gather(group int) (*gathered, error) {
	g := &gathered{}
	if err := t.gatherFrom(group-int(t.index.firstGroup), g); err != nil {
		return nil, err
	}
	g.sort()
	return g, nil
}

// gatherAll sorts the keys of a table that is whole. None of its entries is to be written yet.
func (t *Table[K]) gatherAll() (*gathered, error) {
	g := &gathered{}
	if err := t.gatherFrom(0, g); err != nil {
		return nil, err
	}
	for i := range g.entries {
		e := &g.entries[i]
		if _, err := t.named.Codec.Decode(g.key(e), &t.key[0]); err != nil {
			return nil, err
		}
		if err := t.named.HashesOf(t.key[:], t.hash[:]); err != nil {
			return nil, err
		}
		e.group = keygroup.Group(t.hash[0], t.maxGroups)
	}
	t.key = [1]K{}
	g.sort()
	g.all, g.entries = g.entries, nil
	return g, nil
}

// toGroup moves on to the entries of a group; the groups come in ascending order.
func (g *gathered) toGroup(group uint16) {
	n := 0
	for n < len(g.all) && g.all[n].group == group {
		n++
	}
	g.entries, g.all = g.all[:n], g.all[n:]
}

func (t *Table[K]) gatherFrom(group int, g *gathered) error {
	for entry := range t.index.group(group) {
		key, err := t.packer.view(unsafe.Slice((*uint64)(entry), t.packer.words), t.longKey)
		if err != nil {
			return &state.Failure{Action: "decode a key of", Cause: err}
		}
		at := len(g.keys)
		t.key[0] = key
		g.keys = t.packer.codec.Append(g.keys, &t.key[0])
		g.add(entry, at)
	}
	t.key = [1]K{}
	return nil
}

// byNumber returns the columns in order of their states' numbers.
func (c *core) byNumber() []*column {
	columns := make([]*column, len(c.columns))
	for i := range c.columns {
		columns[i] = &c.columns[i]
	}
	slices.SortFunc(columns, func(a, b *column) int { return cmp.Compare(a.number, b.number) })
	return columns
}

// export writes what a column has of the entries.
func (c *core) export(out *exporting, col *column, g *gathered) error {
	for i := range g.entries {
		e := &g.entries[i]
		header := c.header(e.entry)
		if *header&col.present == 0 {
			continue
		}
		c.cursor.Entry = unsafe.Pointer(header)
		out.key = append(out.key[:out.prefix], g.key(e)...)
		if err := c.exportValue(out, col); err != nil {
			return err
		}
	}
	return nil
}

// exportValue writes a column of the entry at which the cursor stands.
func (c *core) exportValue(out *exporting, col *column) error {
	switch {
	case col.kind == kindMap:
		return c.exportMap(out, col)
	case col.kind == kindList:
		out.value = out.value[:0]
		cell := listCell{core: c, col: col}
		for n := 0; ; n++ {
			elements, ok := cell.Chunk(n)
			if !ok {
				return out.put(out.key, out.value)
			}
			out.value = append(out.value, elements...)
		}
	case col.inline:
		out.value = col.transcoder.Append(out.value[:0], unsafe.Pointer(c.peek(col)))
		return out.put(out.key, out.value)
	default:
		value, _ := (&bytesCell{c, col}).LoadBytes()
		return out.put(out.key, value)
	}
}

// exportMap writes the pairs of a map in order of their keys.
func (c *core) exportMap(out *exporting, col *column) error {
	pairs := out.pairs[:0]
	(&mapCell{c, col}).Each(func(key, value []byte) bool {
		pairs = append(pairs, exportedPair{key, value})
		return true
	})
	out.pairs = pairs
	slices.SortFunc(pairs, func(a, b exportedPair) int { return bytes.Compare(a.key, b.key) })
	owner := len(out.key)
	for _, p := range pairs {
		out.key = append(out.key[:owner], p.key...)
		if err := out.put(out.key, p.value); err != nil {
			return err
		}
	}
	clear(pairs)
	return nil
}
