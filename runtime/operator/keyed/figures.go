package keyed

import (
	"strings"
	"sync/atomic"

	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/state/pebble"
)

// figures are what others may read of a store, as it was when its task last noted its figures.
type figures struct {
	noted  int64
	listed bool
	parts  []*partFigures
	below  atomic.Pointer[pebble.Figures]
}

// partFigures are those of a part: bytes in memory, and of what the backend can say without looking at its files keys, timers or panes.
type partFigures struct{ bytes, entries, panes atomic.Int64 }

// figuresPause is the least time between two notes, in nanoseconds: to ask Pebble takes some microseconds.
const figuresPause = 1e9

// publish writes what the store has come to. The task calls it.
func (s *Store) publish(nanos int64) {
	if s.figures.listed && nanos-s.figures.noted < figuresPause || len(s.parts) == 0 {
		return
	}
	s.figures.noted = nanos
	if !s.figures.listed {
		s.list()
	}
	for i, p := range s.parts {
		noted := s.figures.parts[i]
		if sized, ok := p.Durable.(interface{ Bytes() int64 }); ok {
			noted.bytes.Store(sized.Bytes())
		}
		if counted, ok := p.Durable.(interface{ Len() int64 }); ok && s.database == nil {
			noted.entries.Store(counted.Len())
		}
		if paned, ok := p.Durable.(interface{ All() []int64 }); ok {
			noted.panes.Store(int64(len(paned.All())))
		}
	}
	if s.database != nil && len(s.ctx.StateMetrics) > 0 {
		s.figures.below.Store(s.database.Figures())
	}
}

// list lists the figures of all parts, which are there once the operator is open. States that share a table are listed together.
func (s *Store) list() {
	s.figures.listed = true
	for _, p := range s.parts {
		names := make([]string, len(p.states))
		for i, st := range p.states {
			names[i] = st.Name
		}
		noted := new(partFigures)
		s.figures.parts = append(s.figures.parts, noted)
		group := s.ctx.Metrics.AddPair("state", strings.Join(names, "+"))
		metrics.Gauge(group, "bytesInMemory", noted.bytes.Load)
		if _, counted := p.Durable.(interface{ Len() int64 }); counted && s.database == nil {
			metrics.Gauge(group, "numEntries", noted.entries.Load)
		}
		if _, paned := p.Durable.(interface{ All() []int64 }); paned {
			metrics.Gauge(group, "numPanes", noted.panes.Load)
		}
	}
	if s.database == nil {
		return
	}
	s.figures.below.Store(new(pebble.Figures))
	group := s.ctx.Metrics.Add("rocksdb")
	for name, pick := range pebble.FigureNames {
		if s.ctx.StateMetrics[name] {
			metrics.Gauge(group, name, func() int64 { return pick(s.figures.below.Load()) })
		}
	}
}
