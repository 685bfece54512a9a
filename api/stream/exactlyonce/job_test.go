package exactlyonce

import (
	"fmt"
	"iter"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/file"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/state"
)

// The job: a generator, a keyed process function with timers, event-time windows and the file sink, with a shuffle between each two.
// What it writes depends on the number of its records alone, not on the order in which they meet.
const (
	records = 10_000
	// perMilli is how many records there are in a millisecond of event time.
	perMilli = 5
	// disorder is by how many milliseconds at most a record comes late.
	disorder = 10
	users    = 300
	shops    = 20
	bucket   = 100 // milliseconds
	// theEnd is later than any record, so that its timers fire at the end of the input.
	theEnd = int64(1) << 50
	// subtasks is how many the job has with a parallelism of 2.
	subtasks = 8
	// partSize is so small that a subtask commits several parts at once.
	partSize = 2 << 10
)

// purchase is a record of the source.
type purchase struct {
	User, Item int32
	Price, At  int64
}

func newPurchase(index int64) purchase {
	bits := mix(uint64(index))
	return purchase{
		User: int32(bits % users), Item: int32(bits >> 20 % 400), Price: int64(bits >> 40 % 1000),
		At: disorder + index/perMilli - int64(bits>>56%disorder),
	}
}

// mix is the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// spending is what a user has spent in a bucket of event time or, with a Start of -1, at all.
type spending struct {
	User         int32
	Start        int64
	Bought, Paid int64
}

// turnover is that of a shop in a window.
type turnover struct {
	Shop       int32
	End        int64
	Sold, Paid int64
}

func build(env *stream.Environment, rate float64, output string) {
	source := datagen.Generate(records, newPurchase)
	if rate > 0 {
		source = source.Rate(rate)
	}
	at := func(p purchase) int64 { return p.At }
	purchases := stream.From(env, source, stream.BoundedOutOfOrderness(disorder*time.Millisecond, at)).UID("purchases")
	spent := stream.Process(stream.KeyBy(purchases, func(p purchase) int32 { return p.User }), func() *spender { return &spender{} }).UID("spender")
	byShop := stream.KeyBy(spent, func(s spending) int32 { return s.User % shops })
	windows := stream.Window(byShop, window.Tumbling(2*bucket*time.Millisecond))
	turnovers := stream.AggregateWith(windows, adder{}, func() asTurnover { return asTurnover{} }).UID("turnovers")
	lines := stream.Union(
		stream.Map(spent, func(s spending) string {
			return fmt.Sprintf("user %d %d: %d for %d", s.User, s.Start, s.Bought, s.Paid)
		}).UID("lines of users"),
		stream.Map(turnovers, func(t turnover) string {
			return fmt.Sprintf("shop %d %d: %d for %d", t.Shop, t.End, t.Sold, t.Paid)
		}).UID("lines of shops"),
	)
	sink := file.TextAppend(output, func(to []byte, line string) []byte { return append(to, line...) }).Rolling(file.RollingPolicy{PartSize: partSize})
	stream.To(lines, sink).UID("files")
}

// spender adds up what a user spends in each bucket, and which items the user has bought at all.
type spender struct {
	Buckets state.Map[int64, spending] `state:"buckets"`
	Items   state.Map[int32, int64]    `state:"items"`
}

func (s *spender) Process(ctx *stream.KeyedContext[int32], p purchase, _ stream.Collector[spending]) error {
	if p.At <= ctx.CurrentWatermark() {
		return fmt.Errorf("the purchase %+v is late: the watermark is %d", p, ctx.CurrentWatermark())
	}
	start := p.At - p.At%bucket
	sum, known := s.Buckets.Get(start)
	if !known {
		sum = spending{User: p.User, Start: start}
		ctx.RegisterEventTimeTimer(start + bucket)
	}
	sum.Bought++
	sum.Paid += p.Price
	s.Buckets.Put(start, sum)
	n, _ := s.Items.Get(p.Item)
	s.Items.Put(p.Item, n+1)
	ctx.RegisterEventTimeTimer(theEnd)
	return nil
}

func (s *spender) OnTimer(ctx *stream.OnTimerContext[int32], out stream.Collector[spending]) error {
	if ctx.Timestamp() == theEnd {
		all := spending{User: ctx.Key(), Start: -1}
		for item, n := range s.Items.All() {
			all.Bought += n
			all.Paid += n * int64(item)
		}
		out.Collect(all)
		s.Items.Clear()
		return nil
	}
	start := ctx.Timestamp() - bucket
	sum, known := s.Buckets.Get(start)
	if !known {
		return fmt.Errorf("user %d has a timer for the bucket %d, which is not there", ctx.Key(), start)
	}
	s.Buckets.Remove(start)
	out.Collect(sum)
	return nil
}

type adder struct{}

func (adder) Create() turnover { return turnover{} }

func (adder) Add(t turnover, s spending) turnover {
	t.Sold += s.Bought
	t.Paid += s.Paid
	return t
}

func (adder) Merge(a, b turnover) turnover {
	a.Sold += b.Sold
	a.Paid += b.Paid
	return a
}

func (adder) Result(t turnover) turnover { return t }

// asTurnover adds which shop and window it is.
type asTurnover struct{}

func (asTurnover) Process(ctx *stream.WindowContext[int32], sums iter.Seq[turnover], out stream.Collector[turnover]) error {
	for t := range sums {
		t.Shop, t.End = ctx.Key(), ctx.Window().End
		out.Collect(t)
	}
	return nil
}
