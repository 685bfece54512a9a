package stream

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/state"
)

// none is a function that does nothing with strings.
type none struct{}

func (none) Process(*ProcessContext, string, Collector[string]) error { return nil }

type noneKeyed struct{}

func (noneKeyed) Process(*KeyedContext[string], string, Collector[string]) error { return nil }

type withOnTimer struct{ none }

func (withOnTimer) OnTimer(*OnTimerContext[string], Collector[string]) error { return nil }

type withState struct {
	none
	Seen state.Value[bool] `state:"seen"`
}

type otherOnTimer struct{ noneKeyed }

func (otherOnTimer) OnTimer(int64, *OnTimerContext[string], Collector[string]) error { return nil }

type otherOpen struct{ noneKeyed }

func (otherOpen) Open() error { return nil }

type otherFinish struct{ noneKeyed }

func (otherFinish) Finish(*ProcessContext, Collector[string]) error { return nil }

type twiceTheName struct {
	noneKeyed
	A state.Value[bool]  `state:"seen"`
	B state.Value[int64] `state:"seen"`
}

type pairsWithState struct {
	Count state.Value[int64] `state:"count"`
}

func (pairsWithState) Process(*JoinContext, string, string, Collector[string]) error { return nil }

type pairsWithList struct {
	pairs
	Seen state.OperatorList[string] `state:"list"`
}

// groups is a co-group function that does nothing.
type groups struct{}

func (groups) CoGroup(*WindowContext[string], []string, []string, Collector[string]) error {
	return nil
}

type groupsWithUnion struct {
	groups
	Seen state.UnionList[string] `state:"union"`
}

type groupsWithState struct {
	groups
	Seen state.Value[bool] `state:"seen"`
}

type keyedWithState struct {
	noneKeyed
	Seen state.Value[bool] `state:"seen"`
}

type withList struct {
	none
	Seen state.OperatorList[string] `state:"list"`
}

type pairs struct{}

func (pairs) Process(*JoinContext, string, string, Collector[string]) error { return nil }

// TestBadUseIsRefusedWhenTheGraphIsBuilt: each mistake gives one error that says what is wrong and names it.
func TestBadUseIsRefusedWhenTheGraphIsBuilt(t *testing.T) {
	same := func(s string) string { return s }
	for name, test := range map[string]struct {
		build func(s DataStream[string])
		want  []string
	}{
		"timers without keys": {
			func(s DataStream[string]) {
				ProcessEach[string, string](s, func() withOnTimer { return withOnTimer{} })
			},
			[]string{"withOnTimer", "OnTimer", "KeyBy"},
		},
		"timers of two streams without keys": {
			func(s DataStream[string]) {
				CoProcess(Connect(s, s), func() coWithOnTimer { return coWithOnTimer{} })
			},
			[]string{"coWithOnTimer", "OnTimer", "KeyBy"},
		},
		"state without keys": {
			func(s DataStream[string]) {
				ProcessEach[string, string](s, func() *withState { return new(withState) })
			},
			[]string{"withState", "seen", "KeyBy"},
		},
		"another OnTimer": {
			func(s DataStream[string]) {
				Process[string, string, string](KeyBy(s, same), func() otherOnTimer { return otherOnTimer{} })
			},
			[]string{"otherOnTimer", "OnTimer", "func(int64, ", "never be called"},
		},
		"another Open": {
			func(s DataStream[string]) {
				Process[string, string, string](KeyBy(s, same), func() otherOpen { return otherOpen{} })
			},
			[]string{"otherOpen", "Open", "func() error", "RuntimeContext"},
		},
		"another Finish": {
			func(s DataStream[string]) {
				Process[string, string, string](KeyBy(s, same), func() otherFinish { return otherFinish{} })
			},
			[]string{"otherFinish", "Finish", "KeyedContext"},
		},
		"a state's name twice": {
			func(s DataStream[string]) {
				Process[string, string, string](KeyBy(s, same), func() *twiceTheName { return new(twiceTheName) })
			},
			[]string{"twiceTheName", `"seen"`, "Keyed Process"},
		},
		"a side output of two types": {
			func(s DataStream[string]) {
				out := ProcessEach[string, string](s, func() none { return none{} })
				SideOutput(out, NewOutputTag[string]("late"))
				SideOutput(out, NewOutputTag[int64]("late"))
			},
			[]string{`"late"`, "string", "int64"},
		},
		"a side output of a union": {
			func(s DataStream[string]) { SideOutput(Union(s, s), NewOutputTag[string]("late")) },
			[]string{"late", "union"},
		},
		"a tag without a name": {
			func(s DataStream[string]) { SideOutput(s, OutputTag[string]{}) },
			[]string{"NewOutputTag"},
		},
		"an interval join without bounds": {
			func(s DataStream[string]) {
				ProcessJoin(IntervalJoin(KeyBy(s, same), KeyBy(s, same)), func() pairs { return pairs{} })
			},
			[]string{"Between"},
		},
		"an empty interval": {
			func(s DataStream[string]) {
				j := IntervalJoin(KeyBy(s, same), KeyBy(s, same)).Between(time.Second, time.Second).LowerBoundExclusive()
				ProcessJoin(j, func() pairs { return pairs{} })
			},
			[]string{"between 1s and 1s"},
		},
		"a bound below a millisecond": {
			func(s DataStream[string]) {
				j := IntervalJoin(KeyBy(s, same), KeyBy(s, same)).Between(0, time.Microsecond)
				ProcessJoin(j, func() pairs { return pairs{} })
			},
			[]string{"1µs", "milliseconds"},
		},
		"state in the function of an interval join": {
			func(s DataStream[string]) {
				j := IntervalJoin(KeyBy(s, same), KeyBy(s, same)).Between(0, time.Second)
				ProcessJoin(j, func() *pairsWithState { return new(pairsWithState) })
			},
			[]string{"pairsWithState", "count"},
		},
		"state without keys in the function of an interval join": {
			func(s DataStream[string]) {
				j := IntervalJoin(KeyBy(s, same), KeyBy(s, same)).Between(0, time.Second)
				ProcessJoin[string, string, string, string](j, func() *pairsWithList { return new(pairsWithList) })
			},
			[]string{"Interval Join", "pairsWithList", `"list"`, "process function behind"},
		},
		"state without keys in a co-group function": {
			func(s DataStream[string]) {
				j := WindowJoin(KeyBy(s, same), KeyBy(s, same), window.Tumbling(time.Second))
				CoGroup[string, string, string, string](j, func() *groupsWithUnion { return new(groupsWithUnion) })
			},
			[]string{"Co-Group", "groupsWithUnion", `"union"`, "state.List"},
		},
		"a factory of nil": {
			func(s DataStream[string]) {
				Process[string, string, string](KeyBy(s, same), func() *keyedWithState { return nil })
			},
			[]string{"Keyed Process", "nil *stream.keyedWithState"},
		},
		"a factory of nil for a co-group": {
			func(s DataStream[string]) {
				j := WindowJoin(KeyBy(s, same), KeyBy(s, same), window.Tumbling(time.Second))
				CoGroup[string, string, string, string](j, func() *groupsWithUnion { return nil })
			},
			[]string{"Co-Group", "nil *stream.groupsWithUnion"},
		},
		"state of a copy of a function": {
			func(s DataStream[string]) {
				Process[string, string, string](KeyBy(s, same), func() keyedWithState { return keyedWithState{} })
			},
			[]string{"Keyed Process", "keyedWithState.Seen", "return a *stream.keyedWithState"},
		},
		"state without keys of a copy of a function": {
			func(s DataStream[string]) {
				ProcessEach[string, string](s, func() withList { return withList{} })
			},
			[]string{`"Process"`, "withList.Seen", "return a *stream.withList"},
		},
		"state of a copy of a function of an interval join": {
			func(s DataStream[string]) {
				j := IntervalJoin(KeyBy(s, same), KeyBy(s, same)).Between(0, time.Second)
				ProcessJoin[string, string, string, string](j, func() pairsWithList { return pairsWithList{} })
			},
			[]string{"Interval Join", "return a *stream.pairsWithList"},
		},
		"state of a copy of a co-group function": {
			func(s DataStream[string]) {
				j := WindowJoin(KeyBy(s, same), KeyBy(s, same), window.Tumbling(time.Second))
				CoGroup[string, string, string, string](j, func() groupsWithState { return groupsWithState{} })
			},
			[]string{"Co-Group", "return a *stream.groupsWithState"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			env, err := NewEnvironment(name)
			if err != nil {
				t.Fatal(err)
			}
			test.build(streamOf[string](env, env.add(&graph.StreamNode{Name: "input"})))
			if len(env.problems) != 1 {
				t.Fatalf("%d problems, want 1: %v", len(env.problems), errors.Join(env.problems...))
			}
			for _, part := range test.want {
				if !strings.Contains(env.problems[0].Error(), part) {
					t.Errorf("%q lacks %q", env.problems[0], part)
				}
			}
		})
	}
}

type coWithOnTimer struct{}

func (coWithOnTimer) Process1(*ProcessContext, string, Collector[string]) error { return nil }
func (coWithOnTimer) Process2(*ProcessContext, string, Collector[string]) error { return nil }
func (coWithOnTimer) OnTimer(*OnTimerContext[string], Collector[string]) error  { return nil }
