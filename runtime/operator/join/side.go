package join

import (
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/state"
)

// kept is a record in a bucket. AtWatermark marks one that came when event time had already reached it and that is of no
// use after its own time: it is dropped with the next watermark, while those of its time that came before are gone.
type kept[T any] struct {
	Timestamp   int64
	AtWatermark bool
	Value       T
}

// side is one side of an interval join: its keys, what it has of the current bucket, and where its late records go.
type side[K comparable, T any] struct {
	keys keyed.Keys[K, T]
	// keep is how long a record is of use after its time.
	keep    int64
	records *state.List[kept[T]]
	cell    state.ListCell
	// late is nil where late records are only counted.
	late    *operator.Buffer[T]
	dropped *metrics.Counter
}

func newSide[K comparable, T any](ctx *operator.Context, out operator.Outputs, stream keyed.Stream[K, T], late *operator.OutputTag[T], dropped *metrics.Counter, keep int64) side[K, T] {
	s := side[K, T]{keys: keyed.Keys[K, T]{Stream: stream}, keep: keep, dropped: dropped}
	if late != nil {
		s.late = late.Buffer(ctx, out)
	}
	return s
}

func (s *side[K, T]) bind(records *state.List[kept[T]], cell state.ListCell) {
	s.records, s.cell = records, cell
}

// tooLate disposes of a record that is older than the watermark.
func (s *side[K, T]) tooLate(value T, timestamp int64) {
	if s.late == nil {
		s.dropped.Add(1)
		return
	}
	s.late.Collector().CollectAt(value, timestamp)
}

// add keeps a record in the current bucket and reports whether it is the bucket's first one of this side.
func (s *side[K, T]) add(value T, timestamp, watermark int64) (first bool) {
	_, had := s.cell.Chunk(0)
	s.records.Add(kept[T]{Timestamp: timestamp, AtWatermark: s.keep == 0 && timestamp == watermark, Value: value})
	return !had
}

// gone reports whether a record is no longer there: whether a watermark has come that is at or after its last use.
func (s *side[K, T]) gone(r *kept[T], watermark int64) bool {
	if watermark == element.NoWatermark {
		return false
	}
	if r.AtWatermark {
		return watermark > r.Timestamp
	}
	return watermark >= plus(r.Timestamp, s.keep)
}

// cleanup is the time at which nothing of a bucket with that end is of use.
func (s *side[K, T]) cleanup(end int64) int64 { return plus(minus(end, 1), s.keep) }

// purge removes what a watermark has dropped from the current bucket. Event time starts anew after that: what is left is
// dropped once it comes to the record's time again, also a record that came at the watermark.
func (s *side[K, T]) purge(watermark int64) {
	var left []kept[T]
	for r := range s.records.Get() {
		if !s.gone(&r, watermark) {
			r.AtWatermark = false
			left = append(left, r)
		}
	}
	s.records.Update(left)
}
