package stream

import (
	"time"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/operator/watermark"
)

// WatermarkStrategy says which event times the records of a stream have, and how watermarks follow from them: a watermark w
// says that no record with an event time at or before w follows, save late ones. It is given to From or to
// AssignTimestampsAndWatermarks, and is a value: its methods WithIdleness and WithAlignment return another one.
//
//	clicks := stream.From(env, source, stream.BoundedOutOfOrderness(5*time.Second, Click.At).WithIdleness(time.Minute))
//
// The functions that make one take the timestamp assigner, which returns the event time of a record as a time.Time or as an int64 of
// milliseconds since the epoch; for records that have event times already, that is RecordTimestamp. It is shared by the
// subtasks of a process.
//
// But for punctuated ones, watermarks are emitted every pipeline.auto-watermark-interval (200 ms) of processing time.
type WatermarkStrategy[T any] = watermark.Strategy[T]

// Moment is what a timestamp assigner returns: time.Time, or int64 milliseconds.
type Moment = watermark.Moment

// WatermarkGenerator makes the watermarks of one stream, or of one split of a source, for CustomWatermarks.
type WatermarkGenerator[T any] = watermark.Generator[T]

// WatermarkOutput takes what a WatermarkGenerator says.
type WatermarkOutput = watermark.Output

// RecordTimestamp stands for the timestamp assigner where records have event times already, from their source or an earlier
// assignment, as in stream.MonotonousTimestamps(stream.RecordTimestamp[Click]).
func RecordTimestamp[T any](record T) watermark.Given { return watermark.RecordTimestamp(record) }

// BoundedOutOfOrderness is for records that come at most bound later, in event time, than others with a higher timestamp. The
// watermark is the highest timestamp less bound and a millisecond.
func BoundedOutOfOrderness[T any, M Moment](bound time.Duration, at func(T) M) WatermarkStrategy[T] {
	return watermark.BoundedOutOfOrderness(bound, at)
}

// MonotonousTimestamps is for records whose timestamps ascend in each split of the source, or in each subtask of the stream.
func MonotonousTimestamps[T any, M Moment](at func(T) M) WatermarkStrategy[T] {
	return watermark.Monotonous(at)
}

// PunctuatedWatermarks is for records that carry watermarks: mark says of each whether it has one, and which, in milliseconds. It
// is emitted right behind the record.
func PunctuatedWatermarks[T any, M Moment](at func(T) M, mark func(record T, timestamp int64) (watermark int64, ok bool)) WatermarkStrategy[T] {
	return watermark.Punctuated(at, mark)
}

// CustomWatermarks has generators that newGenerator makes: one for each subtask or, in a source that tells its splits, for each
// split.
func CustomWatermarks[T any, M Moment](at func(T) M, newGenerator func() WatermarkGenerator[T]) WatermarkStrategy[T] {
	return watermark.Custom(at, newGenerator)
}

// NoWatermarks assigns timestamps only. Event time does not advance before the end of the input.
func NoWatermarks[T any, M Moment](at func(T) M) WatermarkStrategy[T] { return watermark.None(at) }

// AssignTimestampsAndWatermarks gives the records of a stream event times and watermarks by a strategy. Those from before it are
// replaced; only the end of event time passes. Where it can be done in the source, From does it better: for each
// split by itself.
func AssignTimestampsAndWatermarks[T any](s DataStream[T], strategy WatermarkStrategy[T]) DataStream[T] {
	if err := strategy.Err(); err != nil {
		s.env.problem("AssignTimestampsAndWatermarks: %w", err)
		strategy = WatermarkStrategy[T]{}
	}
	if group := strategy.Alignment().Group; group != "" {
		s.env.problem("AssignTimestampsAndWatermarks: alignment in group %q: only a source can wait for others: give the strategy to From", group)
	}
	interval := config.Get(s.env.settings, config.AutoWatermarkInterval)
	out := transformed[T, T](s, "timestamps and watermarks", "Timestamps/Watermarks", watermark.Assign(strategy, interval))
	out.parts[0].node.EmitsWatermarks = strategy.EmitsWatermarks()
	return out
}
