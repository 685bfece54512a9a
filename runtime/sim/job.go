package sim

import (
	"fmt"
	"time"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	functions "github.com/weir-stream/weir/runtime/operator/process"
	"github.com/weir-stream/weir/runtime/operator/sink"
	"github.com/weir-stream/weir/runtime/operator/source"
	"github.com/weir-stream/weir/runtime/operator/watermark"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// kind says what a record is.
type kind int8

const (
	input kind = iota
	countResult
	windowResult
	auditResult
)

// record is what flows through the job.
type record struct {
	Kind kind
	// Side is the source that it came from.
	Side int8
	Key  int64
	// At is its event time in milliseconds, or the end of its window.
	At int64
	N  int64
}

// String is the record's line in an output.
func (r record) String() string {
	return fmt.Sprintf("%d side %d key %d at %d: %d", r.Kind, r.Side, r.Key, r.At, r.N)
}

const (
	keys           = 7
	windowMillis   = 100
	maxParallelism = 8
	// sides are the sources that are counted together; audit is one more, whose records go straight to a sink.
	sides = 2
	audit = sides
)

// job is the program that the world runs:
//
//	left  --key--> count by key, with state and timers --any--> sink
//	right --key--/
//	audit --------> sink
//
// The last line, of sources and sinks in one task each, is of regions that fail alone.
type job struct {
	world *World
	id    ident.JobID
	// records is how many each source has.
	records, splits int
	// burst is how many records of a source come at once, pace the time that one takes.
	burst int
	pace  time.Duration
}

// at is record i of a source.
func (j *job) at(side, i int) record {
	return record{Kind: input, Side: int8(side), Key: int64((i*31 + side*17 + i/3) % keys), At: int64(i * 10), N: int64(i)}
}

// expected is what an undisturbed run commits.
func (j *job) expected() string {
	var results []record
	counts := map[record]int64{}
	for side := range sides {
		for i := range j.records {
			r := j.at(side, i)
			by := record{Kind: countResult, Side: r.Side, Key: r.Key}
			counts[by]++
			by.N = counts[by]
			results = append(results, by)
			results = append(results, record{Kind: windowResult, Key: r.Key, At: windowEnd(r.At), N: 1})
		}
	}
	for i := range j.records {
		results = append(results, audited(j.at(audit, i)))
	}
	return tallyOf(results)
}

func audited(r record) record {
	r.Kind = auditResult
	return r
}

// windowEnd is the last millisecond of the window that a time is in.
func windowEnd(at int64) int64 { return at - at%windowMillis + windowMillis - 1 }

// graph compiles the program.
func (j *job) graph(parallelism int) *graph.JobGraph {
	p := &program{job: j}
	left, right := p.source("left", 0), p.source("right", 1)
	count := p.add(&graph.StreamNode{Name: "count", KeyType: "int64", Chaining: graph.ChainNever, Factory: counting(j.world)})
	p.connect(left, count, 0, graph.Hash, keyEdge())
	p.connect(right, count, 1, graph.Hash, keyEdge())
	out := p.add(&graph.StreamNode{Name: "sink", Role: graph.Sink, Chaining: graph.ChainNever, Factory: sink.Operator[record](&transactions{j.world})})
	p.connect(count, out, 0, graph.Rebalance, edge{})
	aside := p.source("audit", audit)
	auditSink := p.add(&graph.StreamNode{Name: "audit sink", Role: graph.Sink, Factory: sink.Operator[record](&transactions{j.world})})
	p.connect(aside, auditSink, 0, graph.Forward, edge{})
	made, err := graph.Compile(&p.graph, graph.Options{
		JobID: j.id, Name: "simulated", DefaultParallelism: parallelism, DefaultMaxParallelism: maxParallelism, Chaining: true,
	})
	if err != nil {
		panic("sim: " + err.Error())
	}
	return made
}

type program struct {
	job   *job
	graph graph.StreamGraph
}

func (p *program) add(n *graph.StreamNode) *graph.StreamNode {
	n.ID, n.UID, n.OutType = len(p.graph.Nodes)+1, n.Name, "record"
	n.Kind = n.Name
	p.graph.Nodes = append(p.graph.Nodes, n)
	return n
}

func (p *program) connect(from, to *graph.StreamNode, input int, how graph.Partitioning, by graph.EdgeType) {
	to.InTypes = append(to.InTypes, "record")
	to.Inputs = append(to.Inputs, &graph.StreamEdge{From: from, To: to, Input: input, Partitioning: how, Type: by})
}

func (p *program) source(name string, side int) *graph.StreamNode {
	s := &numbers{job: p.job, name: name, side: side}
	strategy := watermark.Monotonous(func(r record) int64 { return r.At })
	return p.add(&graph.StreamNode{
		Name: name, Role: graph.Source, Bounded: true, EmitsWatermarks: true,
		Factory: source.WithWatermarks[record](s, strategy, 50*time.Millisecond), NewEnumerator: connector.EnumeratorFactory(s.NewEnumerator),
	})
}

// edge joins two tasks by a stream of records.
type edge struct{}

func (edge) NewChannel(credits int) any { return exchange.NewChannel[record](credits) }
func (edge) NewSendingChannel(to *transport.Sender, name string) (any, error) {
	return exchange.SendingChannelOf[record](to, name)
}
func (edge) NewReceivingChannel(from *transport.Receiver, name string) (any, error) {
	return exchange.ReceivingChannelOf[record](from, name)
}
func (edge) CheckRemote() error { return nil }
func (edge) NewReaders(channels []any, head any) (all []exchange.InputChannel) {
	for _, c := range channels {
		all = append(all, exchange.NewReader(c.(*exchange.Channel[record]), head.(operator.Input[record])))
	}
	return all
}

func (e edge) NewWriter(w graph.WriterConfig, channels []any) (exchange.Output, any, error) {
	if w.Partitioning == graph.Forward {
		return e.writer(w, channels, exchange.Forward[record]{})
	}
	return e.writer(w, channels, &exchange.Rebalance[record]{Next: w.Producer})
}

func (edge) writer(w graph.WriterConfig, channels []any, p exchange.Partitioner[record]) (exchange.Output, any, error) {
	typed := make([]*exchange.Channel[record], len(channels))
	for i, c := range channels {
		typed[i] = c.(*exchange.Channel[record])
	}
	writer := exchange.NewWriter(typed, p, w.Limits)
	return writer, operator.Input[record](writer), nil
}

// keyedEdge partitions by key.
type keyedEdge struct {
	edge
	key codec.Key[int64]
}

func keyEdge() keyedEdge { return keyedEdge{key: keyCodec} }

var keyCodec = func() codec.Key[int64] {
	key, err := codec.ForKey[int64]()
	if err != nil {
		panic("sim: " + err.Error())
	}
	return key
}()

func keyOf(r record) int64 { return r.Key }

func (e keyedEdge) NewWriter(w graph.WriterConfig, channels []any) (exchange.Output, any, error) {
	router, err := keygroup.NewRouter(w.ConsumerMaxParallelism, w.ConsumerParallelism)
	if err != nil {
		return nil, nil, err
	}
	return e.writer(w, channels, &exchange.Hash[int64, record]{Selector: keyOf, Key: e.key, Router: router, Operator: w.Edge})
}

func counting(w *World) operator.Factory {
	stream := keyed.Stream[int64, record]{Selector: keyOf, Key: keyCodec}
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		ctx.NothingIsSmall = true
		made := functions.KeyedCo(stream, stream, func() operator.KeyedCoProcessFunction[int64, record, record, record] {
			return &counter{world: w, ctx: ctx}
		})
		return made(ctx, out)
	}
}

// counter numbers the records of each key and side, and counts those of both sides by windows of event time.
type counter struct {
	Left    state.Value[int64]      `state:"left"`
	Right   state.Value[int64]      `state:"right"`
	Windows state.Map[int64, int64] `state:"windows"`

	world *World
	ctx   *operator.Context
}

// Open implements operator.OpenFunction.
func (c *counter) Open(operator.RuntimeContext) error {
	for _, before := range c.ctx.Restored {
		for _, chain := range before.Chains {
			c.world.counts.Chains++
			if n := len(chain.Tables); n > 1 {
				c.world.counts.LongChains++
				c.world.counts.LongestChain = max(c.world.counts.LongestChain, n)
			}
		}
	}
	return nil
}

// Process1 implements operator.KeyedCoProcessFunction.
func (c *counter) Process1(ctx *operator.KeyedContext[int64], in record, out operator.Collector[record]) error {
	return c.count(ctx, &c.Left, in, out)
}

// Process2 implements operator.KeyedCoProcessFunction.
func (c *counter) Process2(ctx *operator.KeyedContext[int64], in record, out operator.Collector[record]) error {
	return c.count(ctx, &c.Right, in, out)
}

func (c *counter) count(ctx *operator.KeyedContext[int64], counted *state.Value[int64], in record, out operator.Collector[record]) error {
	if err := c.world.strike("count"); err != nil {
		return err
	}
	n, _ := counted.Get()
	counted.Set(n + 1)
	out.Collect(record{Kind: countResult, Side: in.Side, Key: in.Key, N: n + 1})
	end := windowEnd(in.At)
	seen, _ := c.Windows.Get(end)
	c.Windows.Put(end, seen+1)
	ctx.RegisterEventTimeTimer(end)
	return nil
}

// OnTimer implements operator.TimerFunction.
func (c *counter) OnTimer(ctx *operator.OnTimerContext[int64], out operator.Collector[record]) error {
	n, _ := c.Windows.Get(ctx.Timestamp())
	c.Windows.Remove(ctx.Timestamp())
	out.Collect(record{Kind: windowResult, Key: ctx.Key(), At: ctx.Timestamp(), N: n})
	return nil
}
