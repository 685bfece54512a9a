package golden

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/state"
)

// The program has state of every kind. What it puts out does not depend on how records of different keys or sources interleave: timers tell
// what came before them in event time only, everything else is told when event time has ended.
const (
	records = 1200
	keys    = 40
	// step is the event time between two records, in milliseconds.
	step  = 50
	atEnd = int64(1) << 50
)

type event struct {
	Key string
	N   int64
	At  int64
}

// newEvent has all keys come in the beginning and a few of them later, so that snapshots with the changes are smaller than those with everything.
func newEvent(i int64) event {
	among := int64(keys)
	if i >= records/6 {
		among = keys / 4
	}
	return event{fmt.Sprintf("key %d", i*7%among), i, i * step}
}

// settings are what differs between runs of the program.
type settings struct {
	// rate is in records a second, 0 for as fast as possible.
	rate float64
	// padding is how many bytes that do not compress are kept for each key.
	padding int
	// blocked has some asynchronous calls never end.
	blocked bool
	// seen counts the records so far.
	seen atomic.Int64
}

// build declares the program.
func (s *settings) build(env *stream.Environment, l *ledger) {
	source := datagen.Generate(records, newEvent)
	rules := datagen.Generate(40, func(i int64) rule { return rule{fmt.Sprintf("key %d", i), i * 1000} })
	if s.rate > 0 {
		source, rules = source.Rate(s.rate), rules.Rate(s.rate/50)
	}
	events := stream.From(env, source, stream.MonotonousTimestamps(func(e event) int64 { return e.At })).UID("events")
	byKey := stream.KeyBy(events, func(e event) string { return e.Key })
	out := stream.Union(
		stream.Process[string, event, string](byKey, func() *kinds {
			return &kinds{padding: s.padding, seen: &s.seen, Sum: state.NewReducing(func(a, b int64) int64 { return a + b }), Mean: state.NewAggregating(mean{})}
		}).UID("kinds"),
		windows(byKey),
		stream.Map(stream.Count(byKey, stream.AtEnd).UID("count"), func(c stream.KeyCount[string]) string { return fmt.Sprintf("count %s %d", c.Key, c.Count) }),
		joined(byKey),
		stream.KeyedBroadcastProcess[string, event, rule, string](stream.ConnectKeyedBroadcast(byKey, stream.From(env, rules,
			stream.MonotonousTimestamps(func(r rule) int64 { return r.Value })).UID("rules")), func() *ruled { return new(ruled) }).UID("ruled"),
		stream.ProcessEach[event, string](events, func() *listed { return new(listed) }).UID("listed"),
		stream.Async(stream.Filter(events, func(e event) bool { return e.N%10 == 0 }), s.call, stream.AsyncOptions[event, string]{Order: stream.Unordered, Capacity: records}).UID("async"),
	)
	stream.To(out, l).UID("ledger")
}

// mean is an aggregate with an accumulator of two numbers.
type mean struct{}

type meanAcc struct{ Sum, N int64 }

func (mean) Create() meanAcc                      { return meanAcc{} }
func (mean) Add(acc meanAcc, value int64) meanAcc { return meanAcc{acc.Sum + value, acc.N + 1} }
func (mean) Result(acc meanAcc) float64           { return float64(acc.Sum) / float64(acc.N) }
func (mean) Merge(a, b meanAcc) meanAcc           { return meanAcc{a.Sum + b.Sum, a.N + b.N} }

type last struct {
	N    int64
	Note string
}

// kinds has every kind of keyed state, and timers.
type kinds struct {
	Last     state.Value[last]                          `state:"last"`
	Seen     state.Value[bool]                          `state:"seen,ttl=2000000h"`
	All      state.List[int64]                          `state:"all"`
	InTenths state.Map[int64, int64]                    `state:"in tenths"`
	Sum      state.Reducing[int64]                      `state:"sum"`
	Mean     state.Aggregating[int64, meanAcc, float64] `state:"mean"`
	// Padding does not change: it is in the base of a snapshot that has changes.
	Padding state.Value[[]byte] `state:"padding"`
	seen    *atomic.Int64
	padding int
}

const tenth = records * step / 10

func (k *kinds) Process(ctx *stream.KeyedContext[string], e event, _ stream.Collector[string]) error {
	k.seen.Add(1)
	if before, _ := k.Last.Get(); e.N >= before.N {
		k.Last.Set(last{e.N, "of " + e.Key})
	}
	if _, ok := k.Padding.Get(); !ok {
		k.Padding.Set(incompressible(e.N, k.padding))
	}
	k.Seen.Set(true)
	k.All.Add(e.N)
	part := e.At/tenth + 1
	n, _ := k.InTenths.Get(part)
	k.InTenths.Put(part, n+1)
	k.Sum.Add(e.N)
	k.Mean.Add(e.N)
	ctx.RegisterEventTimeTimer(part * tenth)
	ctx.RegisterEventTimeTimer(atEnd)
	return nil
}

func incompressible(seed int64, n int) []byte {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func (k *kinds) OnTimer(ctx *stream.OnTimerContext[string], out stream.Collector[string]) error {
	if at := ctx.Timestamp(); at != atEnd {
		n, ok := k.InTenths.Get(at / tenth)
		out.Collect(fmt.Sprintf("tenth %s %d %d %v", ctx.Key(), at/tenth, n, ok))
		k.InTenths.Remove(at / tenth)
		return nil
	}
	l, _ := k.Last.Get()
	seen, _ := k.Seen.Get()
	all := k.All.Slice()
	slices.Sort(all)
	sum, _ := k.Sum.Get()
	mean, _ := k.Mean.Get()
	out.Collect(fmt.Sprintf("kinds %s last %d %s seen %v all %v sum %d mean %g left %d", ctx.Key(), l.N, l.Note, seen, all, sum, mean, k.InTenths.Len()))
	return nil
}

// windows are sliced windows, sessions of both operators, and windows with all their elements.
func windows(byKey stream.KeyedStream[string, event]) stream.DataStream[string] {
	of := func(e event) int64 { return e.N }
	sums := window.Sum(of)
	return stream.Union(
		stream.AggregateWith[string, event, int64, int64, string](stream.Window(byKey, window.Sliding(10*time.Second, 5*time.Second)).AllowedLateness(time.Second),
			sums, func() *told { return &told{"sliding"} }).UID("sliding"),
		stream.AggregateWith[string, event, int64, int64, string](stream.Window(byKey, window.Session(300*time.Millisecond)),
			sums, func() *told { return &told{"session"} }).UID("session"),
		stream.AggregateWith[string, event, int64, int64, string](stream.Window(byKey, window.Session(800*time.Millisecond)).WithoutSlicing(),
			sums, func() *told { return &told{"general session"} }).UID("general session"),
		stream.ProcessWindow[string, event, string](stream.Window(byKey, window.Tumbling(20*time.Second)), func() *elements { return new(elements) }).UID("elements"),
	)
}

type told struct{ what string }

func (t *told) Process(ctx *stream.WindowContext[string], sums iter.Seq[int64], out stream.Collector[string]) error {
	for sum := range sums {
		out.Collect(fmt.Sprintf("%s %s %d %d", t.what, ctx.Key(), ctx.Window().Start, sum))
	}
	return nil
}

// elements counts how often it was called for its key.
type elements struct {
	Called state.Value[int64] `state:"called"`
}

func (f *elements) Process(ctx *stream.WindowContext[string], in iter.Seq[event], out stream.Collector[string]) error {
	called, _ := f.Called.Get()
	f.Called.Set(called + 1)
	var all []int64
	for e := range in {
		all = append(all, e.N)
	}
	slices.Sort(all)
	out.Collect(fmt.Sprintf("elements %s %d %d %v", ctx.Key(), ctx.Window().Start, called, all))
	return nil
}

// joined joins the records of a key with those shortly after.
func joined(byKey stream.KeyedStream[string, event]) stream.DataStream[string] {
	return stream.ProcessJoin[string, event, event, string](stream.IntervalJoin(byKey, byKey).Between(time.Millisecond, 400*time.Millisecond),
		func() *pairs { return new(pairs) }).UID("join")
}

type pairs struct{}

func (*pairs) Process(_ *stream.JoinContext, left, right event, out stream.Collector[string]) error {
	out.Collect(fmt.Sprintf("pair %s %d %d", left.Key, left.N, right.N))
	return nil
}

type rule struct {
	Key   string
	Value int64
}

// ruled counts, and tells at the end what rule there was.
type ruled struct {
	Rules state.Broadcast[string, int64] `state:"rules"`
	Count state.Value[int64]             `state:"count"`
}

func (r *ruled) Process(ctx *stream.KeyedContext[string], _ event, _ stream.Collector[string]) error {
	n, _ := r.Count.Get()
	r.Count.Set(n + 1)
	ctx.RegisterEventTimeTimer(atEnd)
	return nil
}

func (r *ruled) ProcessBroadcast(_ *stream.KeyedBroadcastContext[string], in rule, _ stream.Collector[string]) error {
	r.Rules.Put(in.Key, in.Value)
	return nil
}

func (r *ruled) OnTimer(ctx *stream.OnTimerContext[string], out stream.Collector[string]) error {
	n, _ := r.Count.Get()
	value, ok := r.Rules.Get(ctx.Key())
	out.Collect(fmt.Sprintf("ruled %s %d %d %v", ctx.Key(), n, value, ok))
	return nil
}

// listed keeps some records in operator state until the end.
type listed struct {
	Dealt state.OperatorList[event] `state:"dealt"`
	Union state.UnionList[int64]    `state:"union"`
}

// Open keeps of the union, which all subtasks get, what is this subtask's.
func (l *listed) Open(ctx stream.RuntimeContext) error {
	mine := slices.DeleteFunc(l.Union.Slice(), func(n int64) bool { return int(n)%ctx.Parallelism() != ctx.Subtask() })
	l.Union.Update(mine)
	return nil
}

func (l *listed) Process(_ *stream.ProcessContext, e event, _ stream.Collector[string]) error {
	if e.N%31 == 0 {
		l.Dealt.Add(e)
	}
	if e.N%37 == 0 {
		l.Union.Add(e.N)
	}
	return nil
}

func (l *listed) Finish(_ *stream.ProcessContext, out stream.Collector[string]) error {
	for e := range l.Dealt.Get() {
		out.Collect(fmt.Sprintf("dealt %v", e))
	}
	for n := range l.Union.Get() {
		out.Collect(fmt.Sprintf("union %d", n))
	}
	return nil
}

// call is the asynchronous function.
func (s *settings) call(ctx context.Context, e event) ([]string, error) {
	if s.blocked && e.N%40 == 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return []string{fmt.Sprintf("async %d", e.N)}, nil
}

// run runs the program to its end and returns its ledger.
func (s *settings) run(t *testing.T, properties ...string) *ledger {
	t.Helper()
	env, l := s.environment(t, properties...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := env.Execute(ctx); err != nil {
		t.Fatal(err)
	}
	return l
}

func (s *settings) environment(t *testing.T, properties ...string) (*stream.Environment, *ledger) {
	t.Helper()
	env, err := stream.NewEnvironment("golden", properties...)
	if err != nil {
		t.Fatal(err)
	}
	l := newLedger()
	s.build(env, l)
	return env, l
}

// differences shows some lines that one of two sorted lists has more often than the other.
func differences(got, want []string) string {
	count := map[string]int{}
	for _, line := range got {
		count[line]++
	}
	for _, line := range want {
		count[line]--
	}
	var differ []string
	for line, n := range count {
		if n != 0 {
			differ = append(differ, fmt.Sprintf("%+d %s", n, line))
		}
	}
	slices.Sort(differ)
	if len(differ) > 20 {
		differ = append(differ[:20], "...")
	}
	return strings.Join(differ, "\n")
}
