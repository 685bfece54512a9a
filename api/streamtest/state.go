package streamtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/sstable"
	"github.com/weir-stream/weir/runtime/operator/keyed"
)

// The functions of this file look at the state of an operator, which they find by its UID or name, through a snapshot
// that they take of it. An operator or a state that is not there fails the test, and so do types that are not those
// of the state.

// Value returns the value that an operator has for a key in a state that is declared as state.Value, state.Reducing or
// state.Aggregating (its accumulator), false if there is none. State per key and window has keys of type
// state.Windowed[K].
func Value[V, K any](h *Harness, operator string, key K, name string) (value V, ok bool) {
	h.t.Helper()
	for _, e := range entriesOf(h, operator, key, name) {
		value, ok = decodeAll[V](h, e.values)[0], true
	}
	return value, ok
}

// List returns the elements that an operator has for a key in a state.List.
func List[V, K any](h *Harness, operator string, key K, name string) (elements []V) {
	h.t.Helper()
	for _, e := range entriesOf(h, operator, key, name) {
		elements = append(elements, decodeAll[V](h, e.values)...)
	}
	return elements
}

// Map returns the pairs that an operator has for a key in a state.Map.
func Map[M comparable, V, K any](h *Harness, operator string, key K, name string) map[M]V {
	h.t.Helper()
	pairs := map[M]V{}
	keys := codecOf(h, codec.ForKey[M])
	for _, e := range entriesOf(h, operator, key, name) {
		var mapKey M
		if _, err := keys.Decode(e.rest, &mapKey); err != nil {
			h.t.Fatalf("key of the map %q: %v", name, err)
		}
		pairs[mapKey] = decodeAll[V](h, e.values)[0]
	}
	return pairs
}

// Keys returns the keys for which an operator has something in a state, in their order within each key group.
func Keys[K any](h *Harness, operator, name string) []K {
	h.t.Helper()
	var keys []K
	var last []byte
	of := h.stateOf(operator)
	number := of.number(h, name)
	of.scan(h, func(st snapshot.State, key, _ []byte) {
		if st.Number != number {
			return
		}
		decoded, rest := decodeKey[K](h, key)
		if encoded := key[:len(key)-len(rest)]; !bytes.Equal(encoded, last) { // a map has an entry for each pair
			keys, last = append(keys, decoded), slices.Clone(encoded)
		}
	})
	return keys
}

// Timer is a timer that has not fired.
type Timer[K any] struct {
	Key K
	// At is in milliseconds.
	At int64
	// Processing says that the timer is one of the clock, not of event time.
	Processing bool
}

// Timers returns the timers of an operator, those of event time first, each kind in order of time within each key group.
func Timers[K any](h *Harness, operator string) []Timer[K] {
	h.t.Helper()
	var event, processing []Timer[K]
	h.stateOf(operator).scan(h, func(st snapshot.State, key, _ []byte) {
		if st.Kind != keyed.KindTimers {
			return
		}
		at := int64(binary.BigEndian.Uint64(key) ^ 1<<63)
		of, _ := decodeKey[K](h, key[8:])
		if strings.HasSuffix(st.Name, "/processing") {
			processing = append(processing, Timer[K]{of, at, true})
			return
		}
		event = append(event, Timer[K]{of, at, false})
	})
	return append(event, processing...)
}

// entry is what a state has under one key.
type entry struct {
	// rest follows the operator's key in the entry's key: the key of a map.
	rest []byte
	// values are the encoded values, without times of access.
	values []byte
}

func entriesOf[K any](h *Harness, operator string, key K, name string) []entry {
	h.t.Helper()
	encoded := codecOf(h, codec.ForKey[K]).Append(nil, &key)
	of := h.stateOf(operator)
	number := of.number(h, name)
	var found []entry
	of.scan(h, func(st snapshot.State, at, value []byte) {
		rest, ok := bytes.CutPrefix(at, encoded)
		if !ok || st.Number != number || len(rest) > 0 && st.MapKey == nil {
			return
		}
		if st.TTLMillis > 0 {
			value = value[8:]
		}
		found = append(found, entry{slices.Clone(rest), slices.Clone(value)})
	})
	return found
}

// stateOf takes the state of one operator.
func (h *Harness) stateOf(name string) *operatorState {
	h.t.Helper()
	var names []string
	for _, o := range h.Snapshot().operators {
		if o.uid == name || o.name == name {
			return o
		}
		names = append(names, o.name)
	}
	h.t.Fatalf("no operator with state has the UID or name %q; there are: %s", name, strings.Join(names, ", "))
	return nil
}

// number is that of a state.
func (o *operatorState) number(h *Harness, name string) uint16 {
	h.t.Helper()
	var names []string
	for _, st := range o.subtasks[0].States {
		if st.Name == name {
			return st.Number
		}
		names = append(names, st.Name)
	}
	h.t.Fatalf("operator %q has no state %q; it has: %s", o.name, name, strings.Join(names, ", "))
	return 0
}

// scan calls f with each entry: its state, its key without key group and number, and its value.
func (o *operatorState) scan(h *Harness, f func(st snapshot.State, key, value []byte)) {
	h.t.Helper()
	for _, subtask := range o.subtasks {
		states := map[uint16]snapshot.State{}
		for _, st := range subtask.States {
			states[st.Number] = st
		}
		for _, chain := range subtask.Chains {
			err := sstable.ReadChain(chain, chain.Groups, func(key, value []byte) error {
				st, ok := states[binary.BigEndian.Uint16(key[2:])]
				if !ok {
					return fmt.Errorf("entry of an unknown state")
				}
				f(st, key[4:], value)
				return nil
			})
			if err != nil {
				h.t.Fatalf("state of operator %q: %v", o.name, err)
			}
		}
	}
}

func codecOf[C any](h *Harness, derive func() (C, error)) C {
	h.t.Helper()
	c, err := derive()
	if err != nil {
		h.t.Fatalf("%v", err)
	}
	return c
}

func decodeKey[K any](h *Harness, encoded []byte) (key K, rest []byte) {
	h.t.Helper()
	rest, err := codecOf(h, codec.ForKey[K]).Decode(encoded, &key)
	if err != nil {
		h.t.Fatalf("key of a state: %v", err)
	}
	return key, rest
}

func decodeAll[V any](h *Harness, encoded []byte) (values []V) {
	h.t.Helper()
	c := codecOf(h, codec.For[V])
	for len(encoded) > 0 || len(values) == 0 {
		var value V
		var err error
		if encoded, err = c.Decode(encoded, &value); err != nil {
			h.t.Fatalf("value of a state: %v", err)
		}
		values = append(values, value)
	}
	return values
}
