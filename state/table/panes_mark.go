package table

import (
	"encoding/binary"
	"math"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/state"
)

// Mark marks each pane's table. Panes that were dropped are deleted by ranges.
func (p *Panes[K]) Mark(kind snapshot.MarkKind, to *rows.Rows) state.Capture {
	if p.capture != nil {
		p.capture.Copy(math.MaxInt)
	}
	if kind == snapshot.MarkChanges {
		if p.reliable() {
			p.deleteDropped(to)
		} else {
			kind = snapshot.MarkFull
			state.DeleteAll(p.plan.groups, p.plan.numbers(), to)
		}
	}
	c := &panesCapture[K]{panes: p}
	for _, at := range p.at {
		t := p.tables[at]
		p.track(t, at)
		c.tables = append(c.tables, t)
		t.begin(kind, to)
	}
	if kind != snapshot.MarkCanonical {
		p.marked, p.fresh, p.dropped = true, map[int64]bool{}, nil
	}
	p.capture = c
	return c
}

// reliable reports whether the changes of all panes can be told.
func (p *Panes[K]) reliable() bool {
	if !p.marked {
		return false
	}
	for _, t := range p.tables {
		if !t.tracked() {
			return false
		}
	}
	return true
}

// track has a pane's table ready for marks.
func (p *Panes[K]) track(t *Table[K], at int64) *tracker {
	tr := t.track()
	t.marking.pane, t.marking.inPane = at, true
	return tr
}

func (p *Panes[K]) deleteDropped(to *rows.Rows) {
	for _, at := range p.dropped {
		pane := binary.BigEndian.AppendUint64(nil, uint64(at)^signFlip)
		for group := int(p.plan.groups.First); group <= int(p.plan.groups.Last); group++ {
			for _, number := range p.plan.numbers() {
				from, _ := state.Prefix(uint16(group), number)
				from = append(from, pane...)
				to.DeleteRange(from, rows.After(from))
			}
		}
	}
}

// panesCapture copies one pane after the other.
type panesCapture[K any] struct {
	panes *Panes[K]
	// tables are those that are not copied yet, orphans those among them whose panes were dropped meanwhile.
	tables, orphans []*Table[K]
}

// Copy copies the panes one after the other.
func (c *panesCapture[K]) Copy(work int) (done bool) {
	for len(c.tables) > 0 {
		t := c.tables[0]
		to := t.marking.to
		before := to.Bytes()
		if !t.capture.Copy(work) {
			return false
		}
		c.tables = c.tables[1:]
		if work -= int(to.Bytes()-before) + vainCost; work <= 0 && len(c.tables) > 0 {
			return false
		}
	}
	c.end()
	return true
}

// Drop ends the captures of all panes.
func (c *panesCapture[K]) Drop() {
	for _, t := range c.tables {
		t.capture.Drop()
	}
	c.end()
}

func (c *panesCapture[K]) end() {
	for _, t := range c.orphans {
		t.giveUp()
	}
	c.tables, c.orphans = nil, nil
	if c.panes.capture == c {
		c.panes.capture = nil
	}
}
