package pebble

import (
	"errors"
	"math"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	changes "github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// Mark begins a capture. State that is small and has always been in memory is copied at once. All other state has a part in Pebble from
// then on, unless the mark is canonical.
func (b *Backend[K]) Mark(kind snapshot.MarkKind, to *changes.Rows) state.Capture {
	b.sweep(math.MaxInt)
	b.hot.Leave()
	if !b.cold && b.hot.Live() <= fewBytes {
		b.marking.forget(kind)
		return captureAll(b, b.db.options.Groups, b.numbers(), kind, to)
	}
	whole := kind != snapshot.MarkChanges || !b.marking.synced
	if kind == snapshot.MarkChanges && whole {
		state.DeleteAll(b.db.options.Groups, b.numbers(), to)
		b.addStored(to)
	}
	if kind != snapshot.MarkChanges {
		b.addStored(to)
	}
	b.marking.begin(kind, to)
	b.beginSweep(kind, whole)
	return &capture{b.marking, []func(int) bool{b.sweep}, to}
}

// forget is for a mark that was copied as a whole.
func (m *marking) forget(kind snapshot.MarkKind) {
	if kind != snapshot.MarkCanonical {
		m.synced = false
		m.log.Release()
	}
}

// beginSweep has the table of memory swept. A whole sweep writes what was in memory only to Pebble, if changes are to be told from now on; so that
// the next whole one has little of it to copy. One of changes copies them and leaves them where they are: Pebble is told of what leaves memory. But
// notes of entries say what Pebble lacks and what captures lack as one, so those are written.
func (b *Backend[K]) beginSweep(kind snapshot.MarkKind, whole bool) {
	if kind != snapshot.MarkCanonical {
		b.cold = true
	}
	if e := b.db.engine; e != nil && e.moved.Load() {
		e.stale() // so that lookups that nobody needs do not keep tables that are not used any more
	}
	b.owing = !whole && !b.noted
	b.hot.Mark(b.rescue, whole)
}

// addStored adds to rows what Pebble has.
func (b *Backend[K]) addStored(to *changes.Rows) {
	if b.cold {
		to.Over(b.db.freeze(b.db.options.Groups, b.numbers()))
	}
}

func (b *Backend[K]) numbers() []uint16 {
	return numbers(b.byNumber(), func(c *column) uint16 { return c.Number })
}

// Mark begins a capture, see [Backend.Mark].
func (p *Panes[K]) Mark(kind snapshot.MarkKind, to *changes.Rows) state.Capture {
	groups, numbers := p.db.options.Groups, numbers(p.descriptors, func(d state.Descriptor) uint16 { return d.Number })
	live, cold := int64(0), false
	for _, b := range p.panes {
		b.sweep(math.MaxInt)
		b.hot.Leave()
		live += b.hot.Live()
		cold = cold || b.cold
	}
	if !cold && !p.marking.synced && live <= fewBytes {
		p.marking.forget(kind)
		return captureAll(p, groups, numbers, kind, to)
	}
	whole := kind != snapshot.MarkChanges
	if kind == snapshot.MarkChanges && !p.marking.synced {
		state.DeleteAll(groups, numbers, to)
		whole = true
	}
	if whole && cold {
		to.Over(p.db.freeze(groups, numbers))
	}
	p.marking.begin(kind, to)
	c := &capture{marking: p.marking, rows: to}
	for _, at := range p.at {
		b := p.panes[at]
		b.beginSweep(kind, whole)
		c.sweeps = append(c.sweeps, b.sweep)
	}
	return c
}

// Mark begins a capture. As long as no timers have moved between memory and Pebble, it is that of those in memory; else it has all timers.
func (t *timers[K]) Mark(kind snapshot.MarkKind, to *changes.Rows) state.Capture {
	t.finish()
	changed := kind == snapshot.MarkChanges && !t.moved && (t.far == 0 || !t.partly)
	near := kind
	if kind == snapshot.MarkChanges && !changed {
		state.DeleteAll(t.db.options.Groups, []uint16{t.number}, to)
		near = snapshot.MarkFull
	}
	if !changed && t.far > 0 {
		to.Over(t.db.freeze(t.db.options.Groups, []uint16{t.number}))
	}
	if kind != snapshot.MarkCanonical {
		t.moved = false
	}
	t.capture = t.near.Mark(near, to)
	return t.capture
}

// finish brings a capture under way to its end.
func (t *timers[K]) finish() {
	if t.capture != nil {
		t.capture.Copy(math.MaxInt)
		t.capture = nil
	}
}

func numbers[S any](states []S, of func(S) uint16) []uint16 {
	all := make([]uint16, len(states))
	for i, st := range states {
		all[i] = of(st)
	}
	return all
}

func captureAll(part state.Durable, groups keygroup.Range, numbers []uint16, kind snapshot.MarkKind, to *changes.Rows) state.Capture {
	capture, err := state.CaptureAll(part, groups, numbers, kind, to)
	if err != nil {
		if failure := (*state.Failure)(nil); errors.As(err, &failure) {
			panic(failure)
		}
		panic(&state.Failure{Action: "copy", Cause: err})
	}
	return capture
}
