package docs_test

import (
	"math"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/stream"
)

func strategies(in streams) {
	env, source := in.env, collection.Of(Click{User: "a", At: start})
	clicks := stream.From(env, source, stream.BoundedOutOfOrderness(5*time.Second, Click.Time).WithIdleness(time.Minute))
	drop(clicks)

	stamped := source.Timestamps(func(c Click) int64 { return c.At.UnixMilli() })
	ascending := stream.From(env, stamped, stream.MonotonousTimestamps(stream.RecordTimestamp[Click]))
	drop(ascending)

	marked := stream.From(env, source, stream.PunctuatedWatermarks(Click.Time, func(c Click, timestamp int64) (int64, bool) {
		return timestamp - 1, c.Item == "end of batch"
	}))
	drop(marked)

	own := stream.From(env, source, stream.CustomWatermarks(Click.Time, func() stream.WatermarkGenerator[Click] {
		return &slack{highest: math.MinInt64, by: 2000}
	}))
	drop(own)

	aligned := stream.From(env, source, stream.MonotonousTimestamps(Click.Time).WithAlignment("shops", 20*time.Second, time.Second))
	drop(aligned)
}

// slack is a watermark generator: the highest timestamp less a constant.
type slack struct{ highest, by int64 }

func (s *slack) OnEvent(_ Click, timestamp int64, _ *stream.WatermarkOutput) {
	s.highest = max(s.highest, timestamp)
}

func (s *slack) OnPeriodic(out *stream.WatermarkOutput) {
	if s.highest != math.MinInt64 {
		out.Emit(s.highest - s.by)
	}
}

func inTheMiddle(in streams) {
	lines := stream.Map(in.clicks, func(c Click) Click { return c })
	clicks := stream.AssignTimestampsAndWatermarks(lines, stream.BoundedOutOfOrderness(5*time.Second, Click.Time))
	drop(clicks)
}

func TestExamplesOfEventTime(t *testing.T) { runExamples(t, strategies, inTheMiddle) }
