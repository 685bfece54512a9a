package results

import (
	"sync"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/benchmarks/nexmark/changelog"
	"github.com/weir-stream/weir/runtime/element"
)

// Collector gathers the tables of the subtasks of a sink.
type Collector struct {
	mu    sync.Mutex
	table Table
}

// Table is the result, when the job has ended.
func (c *Collector) Table() *Table { return &c.table }

func (c *Collector) add(t *Table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.table.Add(t)
}

// Appends is a sink of the rows of a query that only adds rows.
func Appends[Row any](to *Collector) connector.Sink[Row] {
	return sink[Row, Row]{to, func(t *Table, f *lineWriter[Row], row Row) { t.Change(changelog.Insert, f.line(row)) }}
}

// Changes is a sink of changes.
func Changes[Row any](to *Collector) connector.Sink[changelog.Change[Row]] {
	return sink[changelog.Change[Row], Row]{to, func(t *Table, f *lineWriter[Row], c changelog.Change[Row]) { t.Change(c.Kind, f.line(c.Row)) }}
}

// lineWriter makes lines of rows.
type lineWriter[Row any] struct {
	Formatter[Row]
	buffer []byte
}

func (l *lineWriter[Row]) line(row Row) string {
	l.buffer = l.Append(l.buffer[:0], row)
	return string(l.buffer)
}

type sink[Record, Row any] struct {
	to  *Collector
	add func(t *Table, f *lineWriter[Row], record Record)
}

func (sink[Record, Row]) Name() string { return "Result" }

func (s sink[Record, Row]) NewWriter(connector.WriterContext) (connector.Writer[Record], error) {
	formatter, err := NewFormatter[Row]()
	if err != nil {
		return nil, err
	}
	return &writer[Record, Row]{sink: s, lines: lineWriter[Row]{Formatter: formatter}}, nil
}

type writer[Record, Row any] struct {
	sink[Record, Row]
	lines lineWriter[Row]
	table Table
}

func (w *writer[Record, Row]) Open() error { return nil }

func (w *writer[Record, Row]) Write(batch *element.Batch[Record]) error {
	for _, record := range batch.Values {
		w.add(&w.table, &w.lines, record)
	}
	return nil
}

func (w *writer[Record, Row]) Flush(endOfInput bool) error {
	if endOfInput {
		w.to.add(&w.table)
	}
	return nil
}

func (w *writer[Record, Row]) Close() error { return nil }
