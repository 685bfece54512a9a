package randomgraph

import (
	"fmt"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
)

// streamType builds steps on streams of one record type. What it takes and returns as any is a stream.DataStream of it.
type streamType interface {
	source(env *stream.Environment, n *node) any
	unite(parts []any) any
	partition(s any, by partitioning) any
	step(s any, n *node) any
	sink(s any, n *node, into *recording)
}

var streamTypes = [kinds]streamType{
	flatKind: plainType[flat]{flatDress()}, textKind: plainType[text]{textDress()}, lineKind: plainType[string]{lineDress()},
	packedKind: plainType[uint64]{packedDress()}, nestedKind: plainType[nested]{nestedDress()},
}

// converters turn streams of one type into streams of another.
var converters = [kinds][kinds]func(s any, n *node) any{
	flatKind: convertersOf(flatDress()), textKind: convertersOf(textDress()), lineKind: convertersOf(lineDress()),
	packedKind: convertersOf(packedDress()), nestedKind: convertersOf(nestedDress()),
}

func convertersOf[A any](a dress[A]) [kinds]func(any, *node) any {
	return [kinds]func(any, *node) any{
		flatKind: converter(a, flatDress()), textKind: converter(a, textDress()), lineKind: converter(a, lineDress()),
		packedKind: converter(a, packedDress()), nestedKind: converter(a, nestedDress()),
	}
}

func converter[A, B any](a dress[A], b dress[B]) func(any, *node) any {
	return func(s any, n *node) any {
		return properties(stream.Map(s.(stream.DataStream[A]), func(value A) B { return b.wear(a.bare(value)) }), n)
	}
}

// coType builds co-functions on two streams.
type coType interface {
	connect(a, b any, n *node) any
}

// connectors are there for the kinds that connects allows.
var connectors = [kinds][kinds]coType{
	flatKind:   {flatKind: pair[flat, flat]{flatDress(), flatDress()}},
	textKind:   {flatKind: pair[text, flat]{textDress(), flatDress()}, textKind: pair[text, text]{textDress(), textDress()}},
	lineKind:   {flatKind: pair[string, flat]{lineDress(), flatDress()}, lineKind: pair[string, string]{lineDress(), lineDress()}},
	packedKind: {flatKind: pair[uint64, flat]{packedDress(), flatDress()}, packedKind: pair[uint64, uint64]{packedDress(), packedDress()}},
	nestedKind: {flatKind: pair[nested, flat]{nestedDress(), flatDress()}, nestedKind: pair[nested, nested]{nestedDress(), nestedDress()}},
}

// program is a plan as a program of the API, with what its sinks will have received.
type program struct {
	env        *stream.Environment
	recordings map[*node]*recording
}

func build(p *plan) (program, error) {
	env, err := stream.NewEnvironment(fmt.Sprintf("random graph %d", p.seed), p.settings.properties()...)
	if err != nil {
		return program{}, err
	}
	env.SetParallelism(p.settings.parallelism)
	b := builder{program: program{env, map[*node]*recording{}}, streams: map[*node]any{}}
	for _, n := range p.nodes {
		b.add(n)
	}
	return b.program, nil
}

type builder struct {
	program
	streams map[*node]any
}

func (b *builder) add(n *node) {
	if n.op.isSource() {
		b.streams[n] = streamTypes[n.kind].source(b.env, n)
		return
	}
	first := b.input(n, 0)
	from := n.inputs[0][0].from.kind
	switch {
	case n.op == opSink:
		b.recordings[n] = new(recording)
		streamTypes[n.kind].sink(first, n, b.recordings[n])
	case n.isKeyed() && n.op.spec().inputs == 2:
		b.streams[n] = keyedTypes[n.kind][n.key].two(first, b.input(n, 1), n)
	case n.isKeyed():
		b.streams[n] = keyedTypes[n.kind][n.key].step(first, n)
	case n.op.spec().inputs == 2:
		b.streams[n] = connectors[from][n.inputs[1][0].from.kind].connect(first, b.input(n, 1), n)
	case n.op == opConvert:
		b.streams[n] = converters[from][n.kind](first, n)
	default:
		b.streams[n] = streamTypes[n.kind].step(first, n)
	}
}

// input unites and partitions what a node reads; where a node is keyed, its own step does the partitioning.
func (b *builder) input(n *node, input int) any {
	edges := n.inputs[input]
	typ := streamTypes[edges[0].from.kind]
	same := true
	parts := make([]any, len(edges))
	for i, e := range edges {
		parts[i] = b.streams[e.from]
		same = same && e.by == edges[0].by
	}
	partition := func(s any, by partitioning) any {
		switch {
		case by == hash && n.isKeyed():
			return s
		case by == hash:
			return keyedTypes[edges[0].from.kind][n.key].hashed(s)
		}
		return typ.partition(s, by)
	}
	if same {
		return partition(typ.unite(parts), edges[0].by)
	}
	for i, e := range edges {
		parts[i] = partition(parts[i], e.by)
	}
	return typ.unite(parts)
}

type plainType[T any] struct{ dress[T] }

func (t plainType[T]) source(env *stream.Environment, n *node) any {
	values := make([]T, len(n.records))
	for i, r := range n.records {
		values[i] = t.wear(r)
	}
	at := sourceTimes(n, t.dress)
	if n.op == opCollection {
		source := collection.From(values)
		if n.timed {
			source = source.Timestamps(at)
		}
		return properties(stream.From(env, source), n)
	}
	source := datagen.Generate(int64(len(values)), func(i int64) T { return values[i] })
	if n.timed {
		source = source.Timestamps(at)
	}
	return properties(stream.From(env, source), n)
}

// sourceTimes are the event times that a source's records got in the plan, which follow from the record.
func sourceTimes[T any](n *node, d dress[T]) func(T) int64 {
	return func(value T) int64 { return sourceTime(d.bare(value)) }
}

func (t plainType[T]) unite(parts []any) any {
	streams := make([]stream.DataStream[T], len(parts))
	for i, part := range parts {
		streams[i] = part.(stream.DataStream[T])
	}
	if len(streams) == 1 {
		return streams[0]
	}
	return stream.Union(streams[0], streams[1:]...)
}

func (t plainType[T]) partition(any any, by partitioning) any {
	s := any.(stream.DataStream[T])
	switch by {
	case forward:
		return s.Forward()
	case rebalance:
		return s.Rebalance()
	case rescale:
		return s.Rescale()
	case shuffle:
		return s.Shuffle()
	case broadcast:
		return s.Broadcast()
	case global:
		return s.Global()
	case custom:
		return stream.PartitionCustom(s, customTarget, func(value T) int32 { return t.bare(value).Key })
	}
	return s
}

// properties sets what a node has chosen for itself.
func properties[T any](s stream.DataStream[T], n *node) stream.DataStream[T] {
	if n.explicit {
		s = s.Parallelism(n.parallelism)
	}
	if n.maxParallelism > 0 {
		s = s.MaxParallelism(n.maxParallelism)
	}
	if n.group != "" {
		s = s.SlotSharingGroup(n.group)
	}
	if n.uid {
		s = s.UID(fmt.Sprintf("node-%d", n.id))
	}
	switch n.chaining {
	case chainHead:
		s = s.StartNewChain()
	case chainNever:
		s = s.DisableChaining()
	}
	return s.Name(fmt.Sprintf("%s %d", n.op, n.id))
}

// mapped lifts a function of records to one of values.
func (d dress[T]) mapped(function func(record, int) record, arg int) func(T) T {
	return func(value T) T { return d.wear(function(d.bare(value), arg)) }
}

// flatMapped lifts a function of records to a flatMap.
func (d dress[T]) flatMapped(function func(record, int) []record, arg int) func(T, stream.Collector[T]) error {
	return func(value T, out stream.Collector[T]) error {
		for _, r := range function(d.bare(value), arg) {
			out.Collect(d.wear(r))
		}
		return nil
	}
}

var mapFunctions = map[op]func(record, int) record{
	opMap: mapValue, opMapErr: mapValue, opMapWith: mapValue, opMapMark: mapMark, opTag: tag, opRefine: refine, opCoarsen: coarsen,
	opPlain: func(r record, _ int) record { return plain(r) },
}

var flatMapFunctions = map[op]func(record, int) []record{opExpand: expand, opBurst: burst, opScatter: scatter}

func (t plainType[T]) step(any any, n *node) any {
	s := any.(stream.DataStream[T])
	return properties(t.build(s, n), n)
}

func (t plainType[T]) build(s stream.DataStream[T], n *node) stream.DataStream[T] {
	switch n.op {
	case opMap, opMapMark, opTag, opRefine, opCoarsen, opPlain:
		return stream.Map(s, t.mapped(mapFunctions[n.op], n.arg))
	case opMapErr:
		function := t.mapped(mapValue, n.arg)
		return stream.MapErr(s, func(value T) (T, error) { return function(value), nil })
	case opMapWith:
		return stream.MapWith(s, func() func(T) T {
			var last record // of this subtask's own: the race detector sees whether it is
			return func(value T) T {
				last = t.bare(value)
				return t.wear(mapValue(last, n.arg))
			}
		})
	case opFilter:
		return stream.Filter(s, func(value T) bool { return keep(t.bare(value), n.arg) })
	case opFilterBy:
		return stream.FilterWith(s, func() func(T) bool {
			var last record
			return func(value T) bool {
				last = t.bare(value)
				return keep(last, n.arg)
			}
		})
	case opExpand, opBurst, opScatter:
		return stream.FlatMap(s, t.flatMapped(flatMapFunctions[n.op], n.arg))
	case opPlainAt:
		return stream.FlatMapWith(s, func() func(T, stream.Collector[T]) error {
			return func(value T, out stream.Collector[T]) error {
				r := plain(t.bare(value))
				out.CollectAt(t.wear(r), plainTime(r.Key))
				return nil
			}
		})
	case opReadTime:
		return stream.ProcessEach[T, T](s, func() *timeReader[T] { return &timeReader[T]{dress: t.dress} })
	case opStamp:
		return stream.ProcessEach[T, T](s, func() *stamper[T] { return &stamper[T]{dress: t.dress} })
	case opHold:
		return stream.ProcessEach[T, T](s, func() *holder[T] { return &holder[T]{dress: t.dress, arg: n.arg} })
	case opTally:
		return stream.ProcessEach[T, T](s, func() *tallier[T] { return &tallier[T]{dress: t.dress} })
	case opEven:
		return stream.ProcessEach[T, T](s, func() *tallier[T] { return &tallier[T]{dress: t.dress, even: true} })
	}
	panic("no program for " + n.op.String())
}

func (t plainType[T]) sink(any any, n *node, into *recording) {
	s := any.(stream.DataStream[T])
	out := stream.To(s, recorder[T]{t.dress, into}).Name(fmt.Sprintf("sink %d", n.id))
	if n.explicit {
		out = out.Parallelism(n.parallelism)
	}
	if n.group != "" {
		out = out.SlotSharingGroup(n.group)
	}
	if n.chaining == chainNever {
		out.DisableChaining()
	}
}

type pair[A, B any] struct {
	a dress[A]
	b dress[B]
}

func (p pair[A, B]) connect(first, second any, n *node) any {
	c := stream.Connect(first.(stream.DataStream[A]), second.(stream.DataStream[B]))
	switch n.op {
	case opCoMap:
		return properties(stream.CoMap(c,
			func(value A) A { return p.a.wear(either(p.a.bare(value), false)) },
			func(value B) A { return p.a.wear(either(p.b.bare(value), true)) }), n)
	case opCoFlatMap:
		emit := func(r record, out stream.Collector[A]) error {
			for _, grown := range expand(r, n.arg) {
				out.Collect(p.a.wear(grown))
			}
			return nil
		}
		return properties(stream.CoFlatMap(c,
			func(value A, out stream.Collector[A]) error { return emit(either(p.a.bare(value), false), out) },
			func(value B, out stream.Collector[A]) error { return emit(either(p.b.bare(value), true), out) }), n)
	case opCoHold:
		return properties(stream.CoProcess[A, B, A](c, func() *coHolder[A, B] { return &coHolder[A, B]{pair: p} }), n)
	}
	panic("no program for " + n.op.String())
}
