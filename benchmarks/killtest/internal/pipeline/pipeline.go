// Package pipeline is the job that the kill test kills: a generator, two shuffles, event-time windows, a keyed process function with
// timers, an interval join, and the file sink. What it writes depends on the number of records alone, not on the order in which they meet:
// its functions add up, and say what they know only when a watermark has passed.
package pipeline

import (
	"fmt"
	"iter"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/file"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/state"
)

// Order is what a run of the job does.
type Order struct {
	// Records is how many clicks there are, Rate how many a second; 0 as fast as they go.
	Records int64
	Rate    float64
	// Output is the folder of the results.
	Output string
	// Panic makes the function that adds up spending panic after as many clicks, once in the process; 0 never.
	Panic int64
	// AtEnd, if any, is called at the end of the input, by each subtask that adds up spending, once or more often.
	AtEnd func()
}

const (
	users  = 2000
	items  = 400
	shops  = 50
	bucket = 1000 // milliseconds
	// perMilli is how many clicks there are in a millisecond of event time.
	perMilli = 5
	// disorder is by how many milliseconds at most a click comes late.
	disorder = 40
)

// Click is a record of the source.
type Click struct {
	User, Item int32
	Price      int64
	At         int64
}

func newClick(index int64) Click {
	bits := mix(uint64(index))
	return Click{
		User: int32(bits % users), Item: int32(bits >> 20 % items), Price: int64(bits >> 40 % 1000),
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

func at(c Click) int64 { return c.At }

// Spending is what a user has spent in a second of event time and, with a Bucket of -1, of which items at all.
type Spending struct {
	User          int32
	Bucket        int64
	Clicks, Spent int64
}

// Sales is what was sold of an item in a window.
type Sales struct {
	Item       int32
	End        int64
	Sold, Paid int64
}

// Build declares the job.
func Build(env *stream.Environment, o Order) {
	source := datagen.Generate(o.Records, newClick)
	if o.Rate > 0 {
		source = source.Rate(o.Rate)
	}
	var panics atomic.Int64
	panics.Store(o.Panic)
	clicks := stream.From(env, source, stream.BoundedOutOfOrderness(disorder*time.Millisecond, at)).UID("clicks")

	spending := stream.Process(stream.KeyBy(clicks, func(c Click) int32 { return c.User }), func() *spender { return &spender{panics: &panics, atEnd: o.AtEnd} }).UID("spending")
	perItem := stream.Window(stream.KeyBy(clicks, func(c Click) int32 { return c.Item }), window.Sliding(2*time.Second, 500*time.Millisecond))
	sales := stream.AggregateWith(perItem, sold{}, func() asSales { return asSales{} }).UID("sales")

	byShop := stream.KeyBy(spending, func(s Spending) int32 { return s.User % shops })
	soldByShop := stream.KeyBy(sales, func(s Sales) int32 { return s.Item % shops })
	both := stream.ProcessJoin(stream.IntervalJoin(byShop, soldByShop).Between(-10*time.Millisecond, 10*time.Millisecond), func() pair { return pair{} }).UID("both")

	lines := stream.Union(
		stream.Map(spending, Spending.line).UID("spending lines"),
		stream.Map(sales, Sales.line).UID("sales lines"),
		both,
	)
	stream.To(lines, file.TextAppend(o.Output, func(to []byte, line string) []byte { return append(to, line...) })).UID("files")
}

func (s Spending) line() string {
	return fmt.Sprintf("user %d %d: %d clicks, %d", s.User, s.Bucket, s.Clicks, s.Spent)
}

func (s Sales) line() string {
	return fmt.Sprintf("item %d %d: %d sold, %d", s.Item, s.End, s.Sold, s.Paid)
}

// spender adds up what a user spends in each second of event time, and how often the user has clicked each item.
type spender struct {
	Buckets state.Map[int64, Spending] `state:"buckets"`
	Items   state.Map[int32, int64]    `state:"items"`
	// panics counts down to a panic, for all subtasks.
	panics *atomic.Int64
	atEnd  func()
}

func (s *spender) Process(ctx *stream.KeyedContext[int32], c Click, _ stream.Collector[Spending]) error {
	if s.panics.Load() > 0 && s.panics.Add(-1) == 0 {
		panic("the kill test wants this subtask to panic")
	}
	start := c.At - c.At%bucket
	sum, known := s.Buckets.Get(start)
	if !known {
		sum = Spending{User: c.User, Bucket: start}
		ctx.RegisterEventTimeTimer(start + bucket)
	}
	if c.At <= ctx.CurrentWatermark() {
		return fmt.Errorf("the click %+v is late: the watermark is %d", c, ctx.CurrentWatermark())
	}
	sum.Clicks++
	sum.Spent += c.Price
	s.Buckets.Put(start, sum)
	n, _ := s.Items.Get(c.Item)
	s.Items.Put(c.Item, n+1)
	ctx.RegisterEventTimeTimer(theEnd)
	return nil
}

// theEnd is later than any click, so that its timers fire at the end of the input.
const theEnd = int64(1) << 50

func (s *spender) OnTimer(ctx *stream.OnTimerContext[int32], out stream.Collector[Spending]) error {
	if ctx.Timestamp() == theEnd {
		if s.atEnd != nil {
			s.atEnd()
		}
		var all Spending
		for item, n := range s.Items.All() {
			all.Clicks += n
			all.Spent += n * int64(mix(uint64(item))>>40)
		}
		out.Collect(Spending{User: ctx.Key(), Bucket: -1, Clicks: all.Clicks, Spent: all.Spent})
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

// sold adds up the clicks of a window.
type sold struct{}

func (sold) Create() Sales { return Sales{} }

func (sold) Add(sum Sales, c Click) Sales {
	sum.Sold++
	sum.Paid += c.Price
	return sum
}

func (sold) Merge(a, b Sales) Sales {
	a.Sold += b.Sold
	a.Paid += b.Paid
	return a
}

func (sold) Result(sum Sales) Sales { return sum }

// asSales adds which item and window it is.
type asSales struct{}

func (asSales) Process(ctx *stream.WindowContext[int32], sums iter.Seq[Sales], out stream.Collector[Sales]) error {
	for s := range sums {
		s.Item, s.End = ctx.Key(), ctx.Window().End
		out.Collect(s)
	}
	return nil
}

// pair writes what was spent in a shop beside what was sold there at the time.
type pair struct{}

func (pair) Process(_ *stream.JoinContext, spent Spending, sold Sales, out stream.Collector[string]) error {
	line := make([]byte, 0, 96)
	line = append(line, "both "...)
	for _, n := range []int64{int64(spent.User), spent.Bucket, spent.Spent, int64(sold.Item), sold.End, sold.Paid} {
		line = append(strconv.AppendInt(line, n, 10), ' ')
	}
	out.Collect(string(line))
	return nil
}
