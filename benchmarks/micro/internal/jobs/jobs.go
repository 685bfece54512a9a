// Package jobs has the programs of the throughput cases, written against the public API, and runs them.
//
// Each does the work of the case of the same letter of limit (f that of b): the same numbers of the same generators, user
// functions that are called through variables, the new count emitted for every keyed record.
package jobs

import (
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/state"
)

// Case is a program to measure.
type Case struct {
	// Letter names the case, Limit the case of limit that does the same work.
	Letter, Limit string
	Title         string
	// Records is how many records the sources make; SmokeRecords is enough to see that the result is right.
	Records, SmokeRecords int64
	// Aim is the share of limit's rate that the engine should reach.
	Aim float64

	parallelism int
	build       func(env *stream.Environment, records int64, to ends)
}

// Distinct keys of the cases.
const (
	numbers   = 1_000_000
	fewWords  = 10_000
	manyWords = 10_000_000
)

// Cases lists all cases in order.
func Cases() []Case {
	return []Case{
		{"a", "a", "source, map, filter, discard; chained, 1 subtask", 300_000_000, 200_000, 0.6, 1, passthrough},
		{"b", "b", "source, rebalance, map, keyBy 1M int64, count; 2 subtasks", 40_000_000, 200_000, 0.6, 2, countNumbers},
		{"c", "c", "word count, 10 thousand words; 2 subtasks", 30_000_000, 200_000, 0.6, 2, countWords(fewWords)},
		{"d", "d", "word count, 10 million words; 2 subtasks", 30_000_000, 200_000, 0.6, 2, countWords(manyWords)},
		{"e", "e", "as b, 7 subtasks", 40_000_000, 200_000, 0.6, 7, countNumbers},
		{"f", "b", "as b, user's process function with Value[int64]", 40_000_000, 200_000, 0.4, 2, processNumbers},
	}
}

// record is the record of the cases b, e and f, and what f emits: a key with its new count.
type record struct{ Key, Value int64 }

func passthrough(env *stream.Environment, records int64, to ends) {
	numbers := stream.From(env, datagen.Fill(records, func(start int64, out []int64) {
		for i := range out {
			out[i] = start + int64(i)
		}
	}))
	next := stream.Map(numbers, func(x int64) int64 { return x + 1 })
	kept := stream.Filter(next, func(x int64) bool { return x&7 != 0 })
	stream.To(kept, to.numbers)
}

// shuffled is what b, e and f have in common.
func shuffled(env *stream.Environment, records int64) stream.KeyedStream[int64, record] {
	source := stream.From(env, datagen.FillWith(records, func(subtask int) func(int64, []record) {
		r := seed(subtask)
		return func(_ int64, out []record) {
			for i := range out {
				out[i] = record{int64(r.next() % numbers), 1}
			}
		}
	}))
	mapped := stream.Map(source.Rebalance(), func(r record) record {
		r.Value++
		return r
	})
	return stream.KeyBy(mapped, func(r record) int64 { return r.Key })
}

func countNumbers(env *stream.Environment, records int64, to ends) {
	stream.To(stream.Count(shuffled(env, records)), to.numberCounts)
}

func processNumbers(env *stream.Environment, records int64, to ends) {
	counts := stream.Process[int64, record, record](shuffled(env, records), func() *counter { return new(counter) })
	stream.To(counts, to.records)
}

// counter counts as a user would who knows of no built-in count.
type counter struct {
	Count state.Value[int64] `state:"count"`
}

// Process emits the new count of the record's key.
func (c *counter) Process(ctx *stream.KeyedContext[int64], _ record, out stream.Collector[record]) error {
	count, _ := c.Count.Get()
	count++
	c.Count.Set(count)
	out.Collect(record{ctx.Key(), count})
	return nil
}

func countWords(distinct uint64) func(*stream.Environment, int64, ends) {
	return func(env *stream.Environment, records int64, to ends) {
		words := stream.From(env, datagen.FillWith(records, func(subtask int) func(int64, []string) {
			r := seed(subtask)
			return func(_ int64, out []string) { fillWords(&r, distinct, out) }
		}))
		byWord := stream.KeyBy(words, func(word string) string { return word })
		stream.To(stream.Count(byWord), to.wordCounts)
	}
}
