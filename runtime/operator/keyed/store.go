package keyed

import (
	"fmt"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/pebble"
	"github.com/weir-stream/weir/state/table"
)

// Store is all keyed state of one operator subtask: its backends, panes and timers, in the backend that
// state.backend.type names. It gives out their numbers, writes them to one snapshot and reads them from several.
//
//	OpenStore -> Backend, Panes, Timers (any of them, any number) -> Restore -> ... Mark ... -> Close
type Store struct {
	ctx *operator.Context
	// database is where the parts of the pebble backend keep what they do not hold in memory; nil for hashmap.
	database *pebble.Database
	parts    []part
	// numbers are those of the states of earlier runs and of this one, by name.
	numbers map[string]uint16
	next    uint16
	// opened are the names of this run's states.
	opened map[string]bool
	// without are the states of the function that have no keys.
	without []state.OperatorField
	// cleaners drop what has outlived its time.
	cleaners []*cleaner
	chain    chain
	// pending is the capture that is being copied, nil if there is none.
	pending *Capture
	figures figures
}

// part is one of the store's backends, panes or timers with the states it has.
type part struct {
	state.Durable
	states []snapshot.State
	// descriptors are those of the states; timers have none.
	descriptors []state.Descriptor
	close       func()
}

// OpenStore opens an empty store for the key groups of a subtask.
func OpenStore(ctx *operator.Context) (*Store, error) {
	s := &Store{ctx: ctx, numbers: map[string]uint16{}, opened: map[string]bool{}, chain: chain{small: smallBase}}
	if ctx.NothingIsSmall {
		s.chain.small = 0
	}
	for _, before := range ctx.Restored {
		for _, st := range before.States {
			s.numbers[st.Name] = st.Number
			s.next = max(s.next, st.Number+1)
		}
	}
	switch ctx.Backend {
	case "hashmap":
	case "pebble":
		database, err := pebble.Open(pebble.Options{
			Folder: ctx.StateFolder, Memory: ctx.StateMemory, Groups: ctx.KeyGroups, MaxParallelism: ctx.MaxParallelism, Log: ctx.Log,
		})
		if err != nil {
			return nil, fmt.Errorf("state backend pebble: %w", err)
		}
		s.database = database
	default:
		return nil, fmt.Errorf("state.backend.type: there is no backend %q; known: hashmap, pebble", ctx.Backend)
	}
	ctx.Note(s.publish)
	return s, nil
}

// Backend opens keyed state with these columns. Column i of the backend is descriptors[i].
func Backend[K any](s *Store, keys state.Keys[K], descriptors []state.Descriptor) (state.Backend[K], error) {
	states, err := s.number(descriptors, keys.Codec.Schema(), "")
	if err != nil {
		return nil, err
	}
	var backend state.Backend[K]
	if s.database != nil {
		backend = pebble.NewBackend(s.database, keys)
	} else {
		backend = table.New(keys, s.ctx.KeyGroups, s.ctx.MaxParallelism)
	}
	if err := backend.Open(descriptors); err != nil {
		backend.Close()
		return nil, err
	}
	s.parts = append(s.parts, part{backend, states, descriptors, backend.Close})
	return backend, nil
}

// Fields opens keyed state for the handles found in a function and binds them to it. What has outlived its time to live is
// dropped by [Store.Clean].
func Fields[K any](s *Store, keys state.Keys[K], fields []state.Field) (state.Backend[K], error) {
	descriptors := make([]state.Descriptor, len(fields))
	for i, field := range fields {
		descriptors[i] = field.Descriptor
	}
	backend, err := Backend(s, keys, descriptors)
	if err != nil {
		return nil, err
	}
	for i, field := range fields {
		field.Bind(backend, state.Column(i), s.Now)
	}
	if c := newCleaner(backend, fields, s.Now()); c != nil {
		s.cleaners = append(s.cleaners, c)
	}
	return backend, nil
}

// Now is the processing time in milliseconds, by which a time to live is measured.
func (s *Store) Now() int64 { return s.ctx.Now() }

// Panes opens keyed state in panes, each with these columns, which are all kept inline or encoded values.
func Panes[K any](s *Store, keys state.Keys[K], descriptors []state.Descriptor) (state.Panes[K], error) {
	states, err := s.number(descriptors, keys.Codec.Schema(), inPanes)
	if err != nil {
		return nil, err
	}
	var panes state.Panes[K]
	if s.database != nil {
		panes, err = pebble.NewPanes(s.database, keys, descriptors)
	} else {
		panes, err = table.NewPanes(keys, s.ctx.KeyGroups, s.ctx.MaxParallelism, descriptors)
	}
	if err != nil {
		return nil, err
	}
	s.parts = append(s.parts, part{panes, states, descriptors, panes.Close})
	return panes, nil
}

const (
	// KindTimers is the kind of timers in snapshots.
	KindTimers = "timers"
	// inPanes follows the kind of a state whose entries have a pane before the key.
	inPanes = " in panes"
)

// Timers opens a set of timers of that name, which it panics about if a state has it already.
func Timers[K any](s *Store, name string, keys state.Keys[K]) state.Timers[K] {
	number, err := s.numberOf(name)
	if err != nil {
		panic(err)
	}
	var timers state.Timers[K]
	if s.database != nil {
		timers = pebble.NewTimers(s.database, keys, number)
	} else {
		timers = table.NewTimers(keys, s.ctx.KeyGroups, s.ctx.MaxParallelism, number)
	}
	described := DescribeTimers(name, keys)
	described.Number = number
	s.parts = append(s.parts, part{timers, []snapshot.State{described}, nil, timers.Close})
	return timers
}

// WithoutKeys adds to the snapshots the states without keys of the operator's function, see package operatorstate.
func (s *Store) WithoutKeys(fields []state.OperatorField) { s.without = fields }

// number gives the states of a part their numbers. layout follows their kinds.
func (s *Store) number(descriptors []state.Descriptor, key *schema.Schema, layout string) ([]snapshot.State, error) {
	states := make([]snapshot.State, len(descriptors))
	for i := range descriptors {
		d := &descriptors[i]
		var err error
		if d.Number, err = s.numberOf(d.Name); err != nil {
			return nil, err
		}
		states[i] = describe(*d, key, layout)
	}
	return states, nil
}

func (s *Store) numberOf(name string) (uint16, error) {
	if s.opened[name] {
		return 0, fmt.Errorf("operator %q has two states of the name %q: give one of them another", s.ctx.Name, name)
	}
	s.opened[name] = true
	n, ok := s.numbers[name]
	if !ok {
		n = s.next
		s.numbers[name] = n
		s.next++
	}
	return n, nil
}

// warn logs what is wrong, of this operator. Any goroutine may call it.
func (s *Store) warn(message string, arguments ...any) {
	if s.ctx.Log != nil {
		s.ctx.Log.Warn(message, append(arguments, "operator", s.ctx.Name)...)
	}
}

// Close closes all parts.
func (s *Store) Close() error {
	for _, p := range s.parts {
		p.close()
	}
	s.parts = nil
	s.chain.close()
	if s.database != nil {
		return s.database.Close()
	}
	return nil
}
