package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/state"
)

// ttlOf reads the time to live of a vector.
func ttlOf(p params) state.TTL {
	ttl := state.TTL{Duration: p.millis("ttl")}
	switch update := p.text("update"); update {
	case "onCreateAndWrite":
		ttl.Update = state.OnCreateAndWrite
	case "onReadAndWrite":
		ttl.Update = state.OnReadAndWrite
	default:
		fail("update %q is not understood", update)
	}
	switch visibility := p.text("visibility"); visibility {
	case "neverReturnExpired":
		ttl.Visibility = state.NeverReturnExpired
	case "returnExpiredIfNotCleanedUp":
		ttl.Visibility = state.ReturnExpiredIfNotCleanedUp
	default:
		fail("visibility %q is not understood", visibility)
	}
	p.must("timeCharacteristic", "processing")
	ttl.NoCleanup = !p.flag("backgroundCleanup")
	return ttl
}

func buildTTL(p *program) {
	ttl := ttlOf(p.params)
	switch kind := p.params.text("state"); kind {
	case "value":
		processTTL(p, ttl, func() ttlState { return new(ttlValue) })
	case "list":
		processTTL(p, ttl, func() ttlState { return new(ttlList) })
	case "map":
		processTTL(p, ttl, func() ttlState { return new(ttlMap) })
	case "reducing":
		add := func(a, b int64) int64 { return a + b }
		processTTL(p, ttl, func() ttlState { return &ttlReducing{State: state.NewReducing(add)} })
	case "aggregating":
		processTTL(p, ttl, func() ttlState {
			return &ttlAggregating{State: state.NewAggregating[int64, countedSum, countedSum](addNumber{})}
		})
	default:
		fail("state %q is not understood", kind)
	}
}

func processTTL(p *program, ttl state.TTL, newState func() ttlState) {
	emits(p, stream.Process(p.keyed(), func() *ttlFunction { return &ttlFunction{newState(), ttl} }))
}

// ttlState is a struct with one state and what a command does with it.
type ttlState interface {
	// do returns what the command has read, if it reads.
	do(cmd string, arguments []string) (result any, reads bool)
}

// ttlFunction does what the elements say with a state that has a time to live.
type ttlFunction struct {
	state ttlState
	ttl   state.TTL
}

// StateFields declares the state: a time to live that is known when the program runs does not fit into a tag.
func (f *ttlFunction) StateFields() ([]state.Field, error) {
	fields, err := state.Fields(f.state)
	for i := range fields {
		fields[i].Descriptor = fields[i].Descriptor.WithTTL(f.ttl)
	}
	return fields, err
}

func (f *ttlFunction) Process(ctx *stream.KeyedContext[string], in event, out stream.Collector[row]) error {
	words := strings.Fields(in.Cmd)
	if result, reads := f.state.do(words[0], words[1:]); reads {
		out.Collect(rowOf(fields{"key": ctx.Key(), "n": in.N, "cmd": in.Cmd, "result": result}))
	}
	return nil
}

func unknownCommand(cmd string) (any, bool) {
	fail("command %q is not understood", cmd)
	return nil, false
}

type ttlValue struct{ State state.Value[int64] }

func (s *ttlValue) do(cmd string, arguments []string) (any, bool) {
	switch cmd {
	case "get":
		return orNull(s.State.Get()), true
	case "set":
		s.State.Set(wholeNumber(arguments[0]))
	case "clear":
		s.State.Clear()
	default:
		return unknownCommand(cmd)
	}
	return nil, false
}

type ttlList struct{ State state.List[int64] }

func (s *ttlList) do(cmd string, arguments []string) (any, bool) {
	switch cmd {
	case "get":
		return append([]int64{}, s.State.Slice()...), true
	case "add":
		s.State.Add(wholeNumber(arguments[0]))
	case "update":
		s.State.Update([]int64{wholeNumber(arguments[0]), wholeNumber(arguments[0]) + 100})
	case "addAll":
		s.State.AddAll([]int64{wholeNumber(arguments[0]), wholeNumber(arguments[0]) + 200})
	case "clear":
		s.State.Clear()
	default:
		return unknownCommand(cmd)
	}
	return nil, false
}

type ttlMap struct{ State state.Map[string, int64] }

func (s *ttlMap) do(cmd string, arguments []string) (any, bool) {
	switch cmd {
	case "get":
		return orNull(s.State.Get(arguments[0])), true
	case "contains":
		return s.State.Contains(arguments[0]), true
	case "isEmpty":
		return s.State.IsEmpty(), true
	case "keys":
		return append([]string{}, slices.Sorted(s.State.Keys())...), true
	case "values":
		return append([]int64{}, slices.Sorted(s.State.Values())...), true
	case "entries":
		return maps.Collect(s.State.All()), true
	case "put":
		s.State.Put(arguments[0], wholeNumber(arguments[1]))
	case "remove":
		s.State.Remove(arguments[0])
	case "clear":
		s.State.Clear()
	default:
		return unknownCommand(cmd)
	}
	return nil, false
}

type ttlReducing struct{ State state.Reducing[int64] }

func (s *ttlReducing) do(cmd string, arguments []string) (any, bool) {
	switch cmd {
	case "get":
		return orNull(s.State.Get()), true
	case "add":
		s.State.Add(wholeNumber(arguments[0]))
	case "clear":
		s.State.Clear()
	default:
		return unknownCommand(cmd)
	}
	return nil, false
}

type ttlAggregating struct {
	State state.Aggregating[int64, countedSum, countedSum]
}

func (s *ttlAggregating) do(cmd string, arguments []string) (any, bool) {
	switch cmd {
	case "get":
		return orNull(s.State.Get()), true
	case "add":
		s.State.Add(wholeNumber(arguments[0]))
	case "clear":
		s.State.Clear()
	default:
		return unknownCommand(cmd)
	}
	return nil, false
}
