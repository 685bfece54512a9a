package table

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/weir-stream/weir/state/keygroup"
)

const paneBytes = 8

// Export writes the entries by key group, state, pane and key.
func (p *Panes[K]) Export(groups keygroup.Range, put func(key, value []byte) error) error {
	common, ok := p.plan.groups.Intersect(groups)
	if !ok {
		return nil
	}
	all := make([]*gathered, len(p.at))
	for i, at := range p.at {
		t := p.tables[at]
		t.leave()
		defer t.leave()
		var err error
		if all[i], err = t.gatherAll(); err != nil {
			return err
		}
	}
	out := exporting{put: put}
	columns := p.plan.byNumber()
	for group := uint16(0); group <= common.Last; group++ {
		for i := range all {
			all[i].toGroup(group)
		}
		if group < common.First {
			continue
		}
		for _, col := range columns {
			for i, at := range p.at {
				out.start(group, col.number)
				out.key = binary.BigEndian.AppendUint64(out.key, uint64(at)^signFlip)
				out.prefix = len(out.key)
				if err := p.tables[at].export(&out, col, all[i]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Import adds an entry of a pane, which it makes.
func (p *Panes[K]) Import(key, value []byte) error {
	col, group, rest, err := p.plan.split(key)
	if err != nil {
		return err
	}
	if len(rest) < paneBytes {
		err = errors.New("its key is too short for a pane")
	} else {
		t := p.pane(int64(binary.BigEndian.Uint64(rest) ^ signFlip))
		err = t.importKey(col, group, rest[paneBytes:], value)
		t.leave()
	}
	if err != nil {
		return fmt.Errorf("state %q: entry %x: %w", col.name, key, err)
	}
	return nil
}
