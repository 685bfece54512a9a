package keyed

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/rows"
	"github.com/weir-stream/weir/checkpoint/snapshot/sstable"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/pebble"
)

// reader takes the entries of one state of a snapshot.
type reader struct {
	into state.Durable
	// convert is nil if the entries are as they are today.
	convert *state.Conversion
}

// Restore reads what is of this subtask's key groups in the snapshots that the context names. It comes after all parts were
// opened and before the first use of any. States that the program no longer has are left out. It refuses, by name, a state
// that was of another kind or whose types do not fit; fields that structs have gained or lost are converted.
func (s *Store) Restore() error {
	var chains []snapshot.Chain
	same := true
	var all []map[uint16]reader
	for _, before := range s.ctx.Restored {
		readers, err := s.readers(before)
		if err != nil {
			return fmt.Errorf("operator %q: %w", s.ctx.Name, err)
		}
		all = append(all, readers)
		chains = append(chains, before.Chains...)
		same = same && (len(before.Chains) == 0 || unchanged(before.States, readers))
	}
	taken, err := s.takeIn(chains, all)
	for i := 0; i < len(all) && !taken && err == nil; i++ {
		for _, chain := range s.ctx.Restored[i].Chains {
			err = errors.Join(err, s.read(chain, all[i]))
		}
	}
	if err != nil {
		return fmt.Errorf("operator %q: restore keyed state: %w", s.ctx.Name, err)
	}
	s.carryOn(chains, same)
	return nil
}

// fewBytes is up to how many bytes a snapshot is read into memory rather than taken in.
const fewBytes = 64 << 10

func bytesOf(chains []snapshot.Chain) (n uint64) {
	for _, chain := range chains {
		for _, t := range chain.Tables {
			n += t.Ref.GetLength()
		}
	}
	return n
}

// takeIn has the database take the tables of chains in as they are, unless there is none, or entries are to be converted. It
// reports whether it has.
func (s *Store) takeIn(chains []snapshot.Chain, all []map[uint16]reader) (bool, error) {
	if s.database == nil || bytesOf(chains) <= fewBytes {
		return false, nil
	}
	var unknown []uint16
	for i, before := range s.ctx.Restored {
		for _, st := range before.States {
			r, ok := all[i][st.Number]
			if ok && r.convert != nil {
				return false, nil
			}
			if !ok {
				unknown = append(unknown, st.Number)
			}
		}
	}
	taken, err := s.database.Ingest(chains)
	if !taken {
		return false, err
	}
	if len(unknown) > 0 {
		s.database.Forget(unknown)
	}
	for _, p := range s.parts {
		p.Durable.(pebble.Adopter).Adopt()
	}
	return true, nil
}

// unchanged reports whether the entries of all states of a snapshot are taken as they are.
func unchanged(states []snapshot.State, readers map[uint16]reader) bool {
	for _, st := range states {
		if r, ok := readers[st.Number]; !ok || r.convert != nil {
			return false
		}
	}
	return true
}

// carryOn has the next snapshot add to the restored one, if that is all there is and as it is.
func (s *Store) carryOn(chains []snapshot.Chain, same bool) {
	if len(chains) != 1 || !chains[0].Whole || chains[0].Groups != s.ctx.KeyGroups || !same {
		return
	}
	for _, p := range s.parts {
		var nobody rows.Rows
		p.Mark(snapshot.MarkFull, &nobody).Drop() // what was read does not count as changed
		nobody.Release()
	}
	s.chain.carryOn(chains[0].Tables)
}

// readers returns what takes the entries of a snapshot, by number.
func (s *Store) readers(before *snapshot.Operator) (map[uint16]reader, error) {
	readers := map[uint16]reader{}
	for _, old := range before.States {
		for _, p := range s.parts {
			for i, today := range p.states {
				if today.Name != old.Name {
					continue
				}
				if today.Number != old.Number {
					return nil, fmt.Errorf("state %q has number %d in one subtask's snapshot and %d in another's: the snapshot is damaged", old.Name, old.Number, today.Number)
				}
				convert, err := s.reconcile(p, i, old)
				if err != nil {
					return nil, fmt.Errorf("state %q cannot be restored: %w", old.Name, err)
				}
				readers[old.Number] = reader{p, convert}
			}
		}
	}
	return readers, nil
}

// reconcile compares state i of a part with what it was.
func (s *Store) reconcile(p part, i int, old snapshot.State) (*state.Conversion, error) {
	today := p.states[i]
	if old.Kind != today.Kind {
		return nil, fmt.Errorf("it was %s and is now %s: give the new one another name", described(old), described(today))
	}
	for _, keys := range []struct {
		what       string
		old, today *schema.Schema
	}{{"keys", old.Key, today.Key}, {"keys of its maps", old.MapKey, today.MapKey}} {
		if keys.old == nil || keys.today == nil {
			continue
		}
		if _, err := schema.Compatible(keys.old, keys.today); err != nil {
			return nil, fmt.Errorf("the %s were %s and are now %s: %w", keys.what, keys.old, keys.today, err)
		}
	}
	if p.descriptors == nil || old.Value == nil {
		return nil, nil
	}
	convert, err := p.descriptors[i].Convert(old.Value, old.TTLMillis > 0, s.Now())
	if err != nil {
		return nil, fmt.Errorf("it was %s and is now %s: %w", described(old), described(today), err)
	}
	return convert, nil
}

func described(st snapshot.State) string {
	if st.Value == nil {
		return st.Kind
	}
	return fmt.Sprintf("%s of %s", st.Kind, st.Value)
}

// read hands the entries of a chain that are of this subtask's key groups to their readers.
func (s *Store) read(chain snapshot.Chain, readers map[uint16]reader) error {
	var converted []byte
	return sstable.ReadChain(chain, s.ctx.KeyGroups, func(key, value []byte) (err error) {
		if len(key) < 4 {
			return fmt.Errorf("the entry's key %x is too short for a key group and a state", key)
		}
		r, ok := readers[binary.BigEndian.Uint16(key[2:])]
		if !ok {
			return nil
		}
		if r.convert != nil {
			if converted, err = r.convert.Append(converted[:0], value); err != nil {
				return fmt.Errorf("entry %x: %w", key, err)
			}
			value = converted
		}
		return r.into.Import(key, value)
	})
}
