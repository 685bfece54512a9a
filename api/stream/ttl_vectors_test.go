package stream

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/state"
)

// The states of the vectors, with all options.
type (
	valueWriteNever struct {
		State state.Value[int64] `state:"state,ttl=10ms,ttl-update=onCreateAndWrite,ttl-visibility=neverReturnExpired,ttl-cleanup=onRead"`
	}
	valueWriteExpired struct {
		State state.Value[int64] `state:"state,ttl=10ms,ttl-update=onCreateAndWrite,ttl-visibility=returnExpiredIfNotCleanedUp,ttl-cleanup=onRead"`
	}
	valueReadNever struct {
		State state.Value[int64] `state:"state,ttl=10ms,ttl-update=onReadAndWrite,ttl-visibility=neverReturnExpired,ttl-cleanup=onRead"`
	}
	valueReadExpired struct {
		State state.Value[int64] `state:"state,ttl=10ms,ttl-update=onReadAndWrite,ttl-visibility=returnExpiredIfNotCleanedUp,ttl-cleanup=onRead"`
	}
	listWriteNever struct {
		State state.List[int64] `state:"state,ttl=10ms,ttl-update=onCreateAndWrite,ttl-visibility=neverReturnExpired,ttl-cleanup=onRead"`
	}
	listWriteExpired struct {
		State state.List[int64] `state:"state,ttl=10ms,ttl-update=onCreateAndWrite,ttl-visibility=returnExpiredIfNotCleanedUp,ttl-cleanup=onRead"`
	}
	listReadNever struct {
		State state.List[int64] `state:"state,ttl=10ms,ttl-update=onReadAndWrite,ttl-visibility=neverReturnExpired,ttl-cleanup=onRead"`
	}
	listReadExpired struct {
		State state.List[int64] `state:"state,ttl=10ms,ttl-update=onReadAndWrite,ttl-visibility=returnExpiredIfNotCleanedUp,ttl-cleanup=onRead"`
	}
	mapWriteNever struct {
		State state.Map[string, int64] `state:"state,ttl=10ms,ttl-update=onCreateAndWrite,ttl-visibility=neverReturnExpired,ttl-cleanup=onRead"`
	}
	mapWriteExpired struct {
		State state.Map[string, int64] `state:"state,ttl=10ms,ttl-update=onCreateAndWrite,ttl-visibility=returnExpiredIfNotCleanedUp,ttl-cleanup=onRead"`
	}
	mapReadNever struct {
		State state.Map[string, int64] `state:"state,ttl=10ms,ttl-update=onReadAndWrite,ttl-visibility=neverReturnExpired,ttl-cleanup=onRead"`
	}
	mapReadExpired struct {
		State state.Map[string, int64] `state:"state,ttl=10ms,ttl-update=onReadAndWrite,ttl-visibility=returnExpiredIfNotCleanedUp,ttl-cleanup=onRead"`
	}
	reducingWriteNever struct {
		State state.Reducing[int64] `state:"state,ttl=10ms,ttl-update=onCreateAndWrite,ttl-visibility=neverReturnExpired,ttl-cleanup=onRead"`
	}
	reducingWriteExpired struct {
		State state.Reducing[int64] `state:"state,ttl=10ms,ttl-update=onCreateAndWrite,ttl-visibility=returnExpiredIfNotCleanedUp,ttl-cleanup=onRead"`
	}
	reducingReadNever struct {
		State state.Reducing[int64] `state:"state,ttl=10ms,ttl-update=onReadAndWrite,ttl-visibility=neverReturnExpired,ttl-cleanup=onRead"`
	}
	reducingReadExpired struct {
		State state.Reducing[int64] `state:"state,ttl=10ms,ttl-update=onReadAndWrite,ttl-visibility=returnExpiredIfNotCleanedUp,ttl-cleanup=onRead"`
	}
	aggregatingWriteNever struct {
		State state.Aggregating[int64, countSum, countSum] `state:"state,ttl=10ms,ttl-update=onCreateAndWrite,ttl-visibility=neverReturnExpired,ttl-cleanup=onRead"`
	}
	aggregatingWriteExpired struct {
		State state.Aggregating[int64, countSum, countSum] `state:"state,ttl=10ms,ttl-update=onCreateAndWrite,ttl-visibility=returnExpiredIfNotCleanedUp,ttl-cleanup=onRead"`
	}
	aggregatingReadNever struct {
		State state.Aggregating[int64, countSum, countSum] `state:"state,ttl=10ms,ttl-update=onReadAndWrite,ttl-visibility=neverReturnExpired,ttl-cleanup=onRead"`
	}
	aggregatingReadExpired struct {
		State state.Aggregating[int64, countSum, countSum] `state:"state,ttl=10ms,ttl-update=onReadAndWrite,ttl-visibility=returnExpiredIfNotCleanedUp,ttl-cleanup=onRead"`
	}
)

// countSum is the accumulator of the vectors' aggregating state.
type countSum struct {
	Count int64 `json:"count"`
	Sum   int64 `json:"sum"`
}

type ttlSums struct{}

func (ttlSums) Create() countSum { return countSum{} }
func (ttlSums) Add(acc countSum, value int64) countSum {
	return countSum{acc.Count + 1, acc.Sum + value}
}
func (ttlSums) Result(acc countSum) countSum { return acc }

// withTTL is the function "ttl" of the vectors: S declares one state, and do does what a command says with it.
type withTTL[S any] struct {
	S  S
	do func(s *S, cmd string, args []string) (result any, isRead bool)
}

func (f *withTTL[S]) Process(ctx *KeyedContext[string], in scripted, out Collector[row]) error {
	words := strings.Fields(in.Cmd)
	if result, isRead := f.do(&f.S, words[0], words[1:]); isRead {
		out.Collect(rowOf(map[string]any{"key": ctx.Key(), "n": in.N, "cmd": in.Cmd, "result": result}))
	}
	return nil
}

func parseInt(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func orNull[T any](value T, ok bool) (any, bool) {
	if !ok {
		return nil, true
	}
	return value, true
}

func valueTTL[S any](of func(*S) *state.Value[int64]) func(s *S, cmd string, args []string) (any, bool) {
	return func(s *S, cmd string, args []string) (any, bool) {
		v := of(s)
		switch cmd {
		case "get":
			return orNull(v.Get())
		case "set":
			v.Set(parseInt(args[0]))
		case "clear":
			v.Clear()
		default:
			panic("unknown command " + cmd)
		}
		return nil, false
	}
}

func listTTL[S any](of func(*S) *state.List[int64]) func(s *S, cmd string, args []string) (any, bool) {
	return func(s *S, cmd string, args []string) (any, bool) {
		l := of(s)
		switch cmd {
		case "get":
			return append([]int64{}, l.Slice()...), true
		case "add":
			l.Add(parseInt(args[0]))
		case "update":
			l.Update([]int64{parseInt(args[0]), parseInt(args[0]) + 100})
		case "addAll":
			l.AddAll([]int64{parseInt(args[0]), parseInt(args[0]) + 200})
		case "clear":
			l.Clear()
		default:
			panic("unknown command " + cmd)
		}
		return nil, false
	}
}

func sorted[T string](values iter.Seq[T]) []T { return append([]T{}, slices.Sorted(values)...) }

func mapTTL[S any](of func(*S) *state.Map[string, int64]) func(s *S, cmd string, args []string) (any, bool) {
	return func(s *S, cmd string, args []string) (any, bool) {
		m := of(s)
		switch cmd {
		case "get":
			return orNull(m.Get(args[0]))
		case "contains":
			return m.Contains(args[0]), true
		case "isEmpty":
			return m.IsEmpty(), true
		case "keys":
			return sorted(m.Keys()), true
		case "entries":
			return maps.Collect(m.All()), true
		case "put":
			m.Put(args[0], parseInt(args[1]))
		case "remove":
			m.Remove(args[0])
		case "clear":
			m.Clear()
		default:
			panic("unknown command " + cmd)
		}
		return nil, false
	}
}

// adding is what reducing and aggregating state have in common.
type adding[Out any] interface {
	Add(int64)
	Get() (Out, bool)
	Clear()
}

func addingTTL[S, Out any](of func(*S) adding[Out]) func(s *S, cmd string, args []string) (any, bool) {
	return func(s *S, cmd string, args []string) (any, bool) {
		a := of(s)
		switch cmd {
		case "get":
			return orNull(a.Get())
		case "add":
			a.Add(parseInt(args[0]))
		case "clear":
			a.Clear()
		default:
			panic("unknown command " + cmd)
		}
		return nil, false
	}
}

func processTTL[S any](s DataStream[scripted], initial S, do func(s *S, cmd string, args []string) (any, bool)) DataStream[row] {
	return Process(byKey(s), func() *withTTL[S] { return &withTTL[S]{S: initial, do: do} })
}

// ttlStates are the programs of the vectors by state, update type and visibility.
var ttlStates = map[string]func(s DataStream[scripted]) DataStream[row]{
	"value onCreateAndWrite neverReturnExpired": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, valueWriteNever{}, valueTTL(func(s *valueWriteNever) *state.Value[int64] { return &s.State }))
	},
	"value onCreateAndWrite returnExpiredIfNotCleanedUp": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, valueWriteExpired{}, valueTTL(func(s *valueWriteExpired) *state.Value[int64] { return &s.State }))
	},
	"value onReadAndWrite neverReturnExpired": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, valueReadNever{}, valueTTL(func(s *valueReadNever) *state.Value[int64] { return &s.State }))
	},
	"value onReadAndWrite returnExpiredIfNotCleanedUp": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, valueReadExpired{}, valueTTL(func(s *valueReadExpired) *state.Value[int64] { return &s.State }))
	},
	"list onCreateAndWrite neverReturnExpired": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, listWriteNever{}, listTTL(func(s *listWriteNever) *state.List[int64] { return &s.State }))
	},
	"list onCreateAndWrite returnExpiredIfNotCleanedUp": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, listWriteExpired{}, listTTL(func(s *listWriteExpired) *state.List[int64] { return &s.State }))
	},
	"list onReadAndWrite neverReturnExpired": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, listReadNever{}, listTTL(func(s *listReadNever) *state.List[int64] { return &s.State }))
	},
	"list onReadAndWrite returnExpiredIfNotCleanedUp": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, listReadExpired{}, listTTL(func(s *listReadExpired) *state.List[int64] { return &s.State }))
	},
	"map onCreateAndWrite neverReturnExpired": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, mapWriteNever{}, mapTTL(func(s *mapWriteNever) *state.Map[string, int64] { return &s.State }))
	},
	"map onCreateAndWrite returnExpiredIfNotCleanedUp": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, mapWriteExpired{}, mapTTL(func(s *mapWriteExpired) *state.Map[string, int64] { return &s.State }))
	},
	"map onReadAndWrite neverReturnExpired": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, mapReadNever{}, mapTTL(func(s *mapReadNever) *state.Map[string, int64] { return &s.State }))
	},
	"map onReadAndWrite returnExpiredIfNotCleanedUp": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, mapReadExpired{}, mapTTL(func(s *mapReadExpired) *state.Map[string, int64] { return &s.State }))
	},
	"reducing onCreateAndWrite neverReturnExpired": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, reducingWriteNever{State: state.NewReducing(func(a, b int64) int64 { return a + b })}, addingTTL(func(s *reducingWriteNever) adding[int64] { return &s.State }))
	},
	"reducing onCreateAndWrite returnExpiredIfNotCleanedUp": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, reducingWriteExpired{State: state.NewReducing(func(a, b int64) int64 { return a + b })}, addingTTL(func(s *reducingWriteExpired) adding[int64] { return &s.State }))
	},
	"reducing onReadAndWrite neverReturnExpired": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, reducingReadNever{State: state.NewReducing(func(a, b int64) int64 { return a + b })}, addingTTL(func(s *reducingReadNever) adding[int64] { return &s.State }))
	},
	"reducing onReadAndWrite returnExpiredIfNotCleanedUp": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, reducingReadExpired{State: state.NewReducing(func(a, b int64) int64 { return a + b })}, addingTTL(func(s *reducingReadExpired) adding[int64] { return &s.State }))
	},
	"aggregating onCreateAndWrite neverReturnExpired": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, aggregatingWriteNever{State: state.NewAggregating[int64, countSum, countSum](ttlSums{})}, addingTTL(func(s *aggregatingWriteNever) adding[countSum] { return &s.State }))
	},
	"aggregating onCreateAndWrite returnExpiredIfNotCleanedUp": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, aggregatingWriteExpired{State: state.NewAggregating[int64, countSum, countSum](ttlSums{})}, addingTTL(func(s *aggregatingWriteExpired) adding[countSum] { return &s.State }))
	},
	"aggregating onReadAndWrite neverReturnExpired": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, aggregatingReadNever{State: state.NewAggregating[int64, countSum, countSum](ttlSums{})}, addingTTL(func(s *aggregatingReadNever) adding[countSum] { return &s.State }))
	},
	"aggregating onReadAndWrite returnExpiredIfNotCleanedUp": func(s DataStream[scripted]) DataStream[row] {
		return processTTL(s, aggregatingReadExpired{State: state.NewAggregating[int64, countSum, countSum](ttlSums{})}, addingTTL(func(s *aggregatingReadExpired) adding[countSum] { return &s.State }))
	},
}

func TestStateTTLAgainstFlink(t *testing.T) {
	readVectors(t, "state-ttl.jsonl", 108, func(t *testing.T, v vector) {
		build := ttlStates[fmt.Sprint(v.Operator["state"], " ", v.Operator["update"], " ", v.Operator["visibility"])]
		if build == nil || fmt.Sprint(v.Operator["ttl"]) != "10" {
			t.Fatalf("unknown operator %v", v.Operator)
		}
		replay(t, v, false, func(_ *Environment, s [2]DataStream[scripted]) *graph.StreamNode {
			return build(s[0]).parts[0].node
		})
	})
}
