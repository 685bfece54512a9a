package statetest

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// ttlVectors are what Flink 2.3.0 does with states that have a time to live.
//
//go:embed testdata/state-ttl.jsonl
var ttlVectors []byte

type ttlVector struct {
	Name     string
	Operator struct {
		State, Update, Visibility string
		TTL                       int
	}
	Steps []struct {
		Element         *struct{ Key, Cmd string }
		ProcessingTime  *int64
		SnapshotRestore bool
	}
	Outputs [][]struct{ Record *struct{ Result any } }
}

// RunTTL replays Flink's vectors of state with a time to live, with values that are kept inline and such that are not.
func RunTTL(t *testing.T, open Make[string]) {
	lines := bufio.NewScanner(bytes.NewReader(ttlVectors))
	lines.Buffer(nil, 1<<20)
	vectors := 0
	for lines.Scan() {
		var v ttlVector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		vectors++
		t.Run(v.Name, func(t *testing.T) {
			for _, encoded := range []bool{false, true} {
				(&ttlReplay{open: open, vector: v, encoded: encoded}).run(t)
			}
		})
	}
	if vectors != 108 {
		t.Errorf("%d vectors, want 108", vectors)
	}
}

// ttlFunction has a handle of each kind, twice: for values that are kept inline, and for others.
type ttlFunction struct {
	Value       state.Value[int64]
	List        state.List[int64]
	Map         state.Map[string, int64]
	Reducing    state.Reducing[int64]
	Aggregating state.Aggregating[int64, mean, mean]

	Text         state.Value[string]
	Texts        state.List[string]
	Named        state.Map[int64, string]
	ReducingText state.Reducing[string]
	TextMean     state.Aggregating[string, textMean, mean]
}

type textMean struct{ Sum, N string }

type sums struct{}

func (sums) Create() mean                   { return mean{} }
func (sums) Add(acc mean, value int64) mean { return mean{acc.Sum + value, acc.N + 1} }
func (sums) Result(acc mean) mean           { return acc }

type textSums struct{}

func (textSums) Create() textMean { return textMean{"0", "0"} }
func (textSums) Add(acc textMean, value string) textMean {
	return textMean{text(number(acc.Sum) + number(value)), text(number(acc.N) + 1)}
}
func (textSums) Result(acc textMean) mean { return mean{number(acc.Sum), number(acc.N)} }

func text(n int64) string { return strconv.FormatInt(n, 10) }

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// ttlReplay is one vector under way.
type ttlReplay struct {
	open    Make[string]
	vector  ttlVector
	encoded bool

	f       *ttlFunction
	backend state.Backend[string]
	now     int64
}

func (r *ttlReplay) run(t *testing.T) {
	r.start(t)
	for i, step := range r.vector.Steps {
		var want []any
		for _, out := range r.vector.Outputs[i] {
			if out.Record != nil {
				want = append(want, out.Record.Result)
			}
		}
		var got []any
		switch {
		case step.ProcessingTime != nil:
			r.now = *step.ProcessingTime
		case step.SnapshotRestore:
			r.restart(t)
		case step.Element != nil:
			r.seek(t, step.Element.Key)
			command, arguments, _ := strings.Cut(step.Element.Cmd, " ")
			if result, emits := r.do(t, command, strings.Fields(arguments)); emits {
				got = append(got, normal(t, result))
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("encoded %t, step %d %+v at %d: got %v, want %v", r.encoded, i, step.Element, r.now, got, want)
		}
	}
	r.backend.Close()
}

// start opens an empty backend of the vector's state, bound to new handles.
func (r *ttlReplay) start(t *testing.T) {
	keys, err := codec.ForKey[string]()
	if err != nil {
		t.Fatal(err)
	}
	backend, err := r.open(state.Keys[string]{Codec: keys}, keygroup.Range{First: 0, Last: maxParallelism - 1}, maxParallelism)
	if err != nil {
		t.Fatal(err)
	}
	r.f = &ttlFunction{
		Reducing:     state.NewReducing(func(a, b int64) int64 { return a + b }),
		ReducingText: state.NewReducing(func(a, b string) string { return text(number(a) + number(b)) }),
		Aggregating:  state.NewAggregating(sums{}), TextMean: state.NewAggregating(textSums{}),
	}
	fields, err := state.Fields(r.f)
	if err != nil {
		t.Fatal(err)
	}
	var descriptors []state.Descriptor
	for i := range fields {
		d := fields[i].Descriptor.WithTTL(r.ttl(t))
		d.Number = uint16(i)
		fields[i].Descriptor = d
		descriptors = append(descriptors, d)
	}
	if err := backend.Open(descriptors); err != nil {
		t.Fatal(err)
	}
	for i, field := range fields {
		field.Bind(backend, state.Column(i), func() int64 { return r.now })
	}
	r.backend = backend
}

func (r *ttlReplay) ttl(t *testing.T) state.TTL {
	ttl := state.TTL{Duration: time.Duration(r.vector.Operator.TTL) * time.Millisecond}
	if r.vector.Operator.Update == state.OnReadAndWrite.String() {
		ttl.Update = state.OnReadAndWrite
	}
	if r.vector.Operator.Visibility == state.ReturnExpiredIfNotCleanedUp.String() {
		ttl.Visibility = state.ReturnExpiredIfNotCleanedUp
	}
	if r.vector.Operator.Update != ttl.Update.String() || r.vector.Operator.Visibility != ttl.Visibility.String() {
		t.Fatalf("unknown options %+v", r.vector.Operator)
	}
	return ttl
}

// restart moves all state to a new backend.
func (r *ttlReplay) restart(t *testing.T) {
	before := r.backend
	r.start(t)
	err := before.Export(keygroup.Range{First: 0, Last: maxParallelism - 1}, r.backend.Import)
	if err != nil {
		t.Fatal(err)
	}
	before.Close()
}

func (r *ttlReplay) seek(t *testing.T, key string) {
	keys, hashes := []string{key}, []uint64{0}
	codecOfKeys, err := codec.ForKey[string]()
	if err != nil {
		t.Fatal(err)
	}
	codecOfKeys.Hash(keys, hashes)
	r.backend.Seek(key, hashes[0])
}

func (r *ttlReplay) do(t *testing.T, command string, arguments []string) (result any, emits bool) {
	switch r.vector.Operator.State {
	case "value":
		if r.encoded {
			return doValue(&r.f.Text, identity, command, arguments)
		}
		return doValue(&r.f.Value, number, command, arguments)
	case "list":
		if r.encoded {
			return doList(&r.f.Texts, text, command, arguments)
		}
		return doList(&r.f.List, func(n int64) int64 { return n }, command, arguments)
	case "map":
		if r.encoded {
			return doMap(&r.f.Named, func(s string) int64 { return int64(s[0]) }, identity, command, arguments)
		}
		return doMap(&r.f.Map, identity, number, command, arguments)
	case "reducing":
		if r.encoded {
			return doAdding(&r.f.ReducingText, identity, command, arguments)
		}
		return doAdding(&r.f.Reducing, number, command, arguments)
	case "aggregating":
		if r.encoded {
			return doAdding(&r.f.TextMean, identity, command, arguments)
		}
		return doAdding(&r.f.Aggregating, number, command, arguments)
	}
	t.Fatalf("unknown state %q", r.vector.Operator.State)
	return nil, false
}

func identity(s string) string { return s }

// optional is nil for an absent value.
func optional[T any](value T, ok bool) any {
	if !ok {
		return nil
	}
	return value
}

func doValue[T any](s *state.Value[T], of func(string) T, command string, arguments []string) (any, bool) {
	switch command {
	case "get":
		return optional(s.Get()), true
	case "set":
		s.Set(of(arguments[0]))
	case "clear":
		s.Clear()
	default:
		panic(command)
	}
	return nil, false
}

func doList[T any](s *state.List[T], of func(int64) T, command string, arguments []string) (any, bool) {
	switch command {
	case "get":
		return append([]T{}, s.Slice()...), true
	case "add":
		s.Add(of(number(arguments[0])))
	case "addAll":
		s.AddAll([]T{of(number(arguments[0])), of(number(arguments[0]) + 200)})
	case "update":
		s.Update([]T{of(number(arguments[0])), of(number(arguments[0]) + 100)})
	case "clear":
		s.Clear()
	default:
		panic(command)
	}
	return nil, false
}

func doMap[K comparable, V any](s *state.Map[K, V], key func(string) K, value func(string) V, command string, arguments []string) (any, bool) {
	switch command {
	case "get":
		return optional(s.Get(key(arguments[0]))), true
	case "contains":
		return s.Contains(key(arguments[0])), true
	case "isEmpty":
		return s.IsEmpty(), true
	case "keys":
		return append([]K{}, slices.Collect(s.Keys())...), true
	case "entries":
		return maps.Collect(s.All()), true
	case "put":
		s.Put(key(arguments[0]), value(arguments[1]))
	case "remove":
		s.Remove(key(arguments[0]))
	case "clear":
		s.Clear()
	default:
		panic(command)
	}
	return nil, false
}

// adding is what reducing and aggregating states have in common.
type adding[In, Out any] interface {
	Add(In)
	Get() (Out, bool)
	Clear()
}

func doAdding[In, Out any](s adding[In, Out], of func(string) In, command string, arguments []string) (any, bool) {
	switch command {
	case "get":
		return optional(s.Get()), true
	case "add":
		s.Add(of(arguments[0]))
	case "clear":
		s.Clear()
	default:
		panic(command)
	}
	return nil, false
}

// normal gives a result the form that it has in the vectors.
func normal(t *testing.T, result any) any {
	switch v := result.(type) {
	case mean:
		result = map[string]int64{"count": v.N, "sum": v.Sum}
	case []string:
		result = numbersOrNames(v)
	case string:
		result = number(v)
	case []int64:
		if len(v) > 0 && v[0] >= 'x' && v[0] <= 'z' {
			result = namesOf(v)
		}
	case map[int64]string:
		named := map[string]int64{}
		for key, value := range v {
			named[string(rune(key))] = number(value)
		}
		result = named
	}
	encoded, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(encoded, &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

func numbersOrNames(texts []string) any {
	numbers := []int64{}
	for _, s := range texts {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			slices.Sort(texts)
			return texts
		}
		numbers = append(numbers, n)
	}
	return numbers
}

func namesOf(keys []int64) []string {
	var names []string
	for _, key := range keys {
		names = append(names, fmt.Sprintf("%c", rune(key)))
	}
	slices.Sort(names)
	return names
}
