package main

import (
	"bytes"
	"encoding/json"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
)

// event is a record of the vectors: what happens with a key, and the how manieth it is.
type event struct {
	Key   string
	Cmd   string
	Value int64
	N     int64
}

func (e event) key() string { return e.Key }

// row is what an event is in the outputs.
func (e event) row() row { return rowOf(fields{"key": e.Key, "value": e.Value, "n": e.N}) }

// row is a record that comes out of a function: an object of JSON.
type row string

type fields map[string]any

func rowOf(f fields) row {
	text, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	return row(text)
}

func (r row) row() row { return r }

// program is what a vector's operator is as a program of a user, with the inputs and outputs that the vector talks about.
type program struct {
	*variant
	env    *stream.Environment
	params params
	inputs []*streamtest.Feed[event]
	// main takes what has come out of the operator since the last call, sides what has come out of its side outputs.
	main  func() []item
	sides []func() []item
	// parallelism is the number of subtasks that it runs in, set by the last restore.
	parallelism int
	// special, if not nil, does the steps that only this operator has, and reports whether it was one.
	special func(s step) bool
	// restored, if not nil, returns what is to be told about a restore.
	restored func() []item
	// unordered says that the order of a key's records within a step is arbitrary, sets which fields have elements in
	// arbitrary order.
	unordered bool
	sets      []string
	// ties says where different windows of a key, or records without answer, may have timers of one time: their order is free. Tied
	// says that this step fires such timers.
	ties struct{ clock, eventTime bool }
	tied bool
}

// builders make the programs, by the operator's kind.
var builders = map[string]func(p *program){
	"rolling":                 buildRolling,
	"keyedProcess":            buildKeyedProcess,
	"keyedCoProcess":          buildKeyedCoProcess,
	"asyncIO":                 buildAsync,
	"timestampsAndWatermarks": buildWatermarks,
	"watermarkValve":          buildValve,
	"splitWatermarks":         buildSplits,
	"window":                  buildWindow,
	"windowAll":               buildWindowAll,
	"countWindow":             buildCountWindow,
	"intervalJoin":            buildIntervalJoin,
	"windowJoin":              buildWindowJoin,
	"coGroup":                 buildCoGroup,
	"keyedBroadcast":          buildKeyedBroadcast,
}

// input adds an input to the program.
func (p *program) input(channels ...int) stream.DataStream[event] {
	feed := streamtest.Input[event](p.env, channels...)
	p.inputs = append(p.inputs, feed)
	return feed.Stream()
}

// keyed adds an input whose records are partitioned by their keys.
func (p *program) keyed() stream.KeyedStream[string, event] {
	return stream.KeyBy(p.input(), event.key)
}

// firesTies reports whether a step fires timers that may be tied.
func (p *program) firesTies(s step) bool {
	switch {
	case s.ProcessingTime != nil || s.SnapshotRestore:
		return p.ties.clock
	case s.Watermark != nil || s.EndOfInput:
		return p.ties.eventTime
	}
	return false
}

// emits says what the operator's main output is.
func emits[E interface{ row() row }](p *program, s stream.DataStream[E]) {
	p.main = taking("", streamtest.Output(s))
}

// emitsBeside says what one of the operator's side outputs is.
func emitsBeside[M any, E interface{ row() row }](p *program, operator stream.DataStream[M], tag stream.OutputTag[E]) {
	p.sides = append(p.sides, taking(tag.Name, streamtest.Output(stream.SideOutput(operator, tag))))
}

// taking turns what an output has recorded into items. Of a side output only the records count.
func taking[E interface{ row() row }](side string, recorded *streamtest.Recorded[E]) func() []item {
	return func() []item {
		var items []item
		for _, r := range recorded.Take() {
			switch {
			case r.Kind == streamtest.Record:
				i := item{Side: side, Record: decoded(r.Value.row())}
				if r.Timestamp != streamtest.NoTimestamp {
					i.TS = &r.Timestamp
				}
				items = append(items, i)
			case side != "":
			case r.Kind == streamtest.Watermark:
				items = append(items, item{Watermark: &r.Timestamp})
			default:
				items = append(items, item{Status: map[streamtest.Kind]string{streamtest.Idle: "idle", streamtest.Active: "active"}[r.Kind]})
			}
		}
		return items
	}
}

func decoded(r row) any {
	d := json.NewDecoder(bytes.NewReader([]byte(r)))
	d.UseNumber()
	var record any
	if err := d.Decode(&record); err != nil {
		panic(err)
	}
	return record
}
