package offline

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/weir-stream/weir/checkpoint/snapshot"
)

// Entry is one entry of a state: of a map one of its pairs, of a list all elements of a key, of operator state one element. Key, MapKey and
// Value are JSON.
type Entry struct {
	// Subtask and Element number an element of operator state, Group is the key group of an entry of keyed state.
	Subtask *int32  `json:"subtask,omitempty"`
	Element *uint64 `json:"element,omitempty"`
	Group   *uint16 `json:"keyGroup,omitempty"`

	Key json.RawMessage `json:"key,omitempty"`
	// Window is the one that the entry belongs to besides its key, Slice the begin of the slice of time, Timer when a timer is due, all in
	// milliseconds since the epoch.
	Window *Window         `json:"window,omitempty"`
	Slice  *int64          `json:"slice,omitempty"`
	Timer  *int64          `json:"timer,omitempty"`
	MapKey json.RawMessage `json:"mapKey,omitempty"`
	// Access are the times of last access of values that have a time to live: of a list one for each element.
	Access []int64         `json:"lastAccess,omitempty"`
	Value  json.RawMessage `json:"value,omitempty"`
}

// Window is a window of time, in milliseconds since the epoch.
type Window struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

// DumpOptions say what is dumped, and how.
type DumpOptions struct {
	// Operator is the uid, id or name of an operator, State the name of one of its states. The former is not needed if there is one
	// operator only that has the state.
	Operator, State string
	// Hex has bytes shown as hexadecimal digits instead of base64.
	Hex bool
	// Folder is where tables are copied to, one subtask's at a time.
	Folder string
}

// Dump calls f with the entries of a state: of keyed state by subtask, key group and key, of operator state by subtask in their order. It
// needs memory for an entry, and space for what a subtask has of the operator. It returns the first error of f; any other says
// what does not exist, or what is damaged.
func (s *Snapshot) Dump(ctx context.Context, o DumpOptions, f func(*Entry) error) error {
	op, err := s.find(o)
	if err != nil {
		return err
	}
	for _, st := range op.States {
		if st.Name == o.State {
			return s.dumpKeyed(ctx, op, st, o, f)
		}
	}
	for i, list := range op.Lists {
		if list.Name == o.State {
			return s.dumpList(ctx, op, i, o, f)
		}
	}
	return fmt.Errorf("operator %q has no state %q in the snapshot: it has %s", op.Name, o.State, statesOf(op))
}

// find returns the operator that is meant.
func (s *Snapshot) find(o DumpOptions) (*snapshot.OperatorState, error) {
	var found []*snapshot.OperatorState
	for _, op := range s.metadata.Operators {
		if o.Operator != "" && (o.Operator == op.Uid || o.Operator == hex.EncodeToString(op.Id)) {
			return op, nil
		}
		if o.Operator == op.Name || o.Operator == "" && has(op, o.State) {
			found = append(found, op)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1 && o.Operator == "":
		return nil, fmt.Errorf("%d operators have a state %q: name one, of %s", len(found), o.State, s.operators(true))
	case len(found) > 1:
		return nil, fmt.Errorf("%d operators have the name %q: name one by its uid or id, of %s", len(found), o.Operator, s.operators(false))
	case o.Operator == "":
		return nil, fmt.Errorf("no operator of the snapshot has a state %q; it has %s", o.State, s.operators(true))
	}
	return nil, fmt.Errorf("the snapshot has no operator %q; it has %s", o.Operator, s.operators(false))
}

func has(op *snapshot.OperatorState, state string) bool {
	for _, st := range op.States {
		if st.Name == state {
			return true
		}
	}
	for _, l := range op.Lists {
		if l.Name == state {
			return true
		}
	}
	return false
}

// operators lists those that have state, and perhaps their states.
func (s *Snapshot) operators(withStates bool) string {
	var all []string
	for _, op := range s.metadata.Operators {
		if len(op.States)+len(op.Lists) == 0 {
			continue
		}
		id := "id " + hex.EncodeToString(op.Id)
		if op.Uid != "" {
			id = fmt.Sprintf("uid %q", op.Uid)
		}
		text := fmt.Sprintf("%q (%s)", op.Name, id)
		if withStates {
			text += " with " + statesOf(op)
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		return "no operator with state"
	}
	return strings.Join(all, ", ")
}

func statesOf(op *snapshot.OperatorState) string {
	var all []string
	for _, st := range op.States {
		all = append(all, fmt.Sprintf("%q", st.Name))
	}
	for _, l := range op.Lists {
		all = append(all, fmt.Sprintf("%q", l.Name))
	}
	if len(all) == 0 {
		return "no state"
	}
	return strings.Join(all, ", ")
}

// millis reads a time as it stands in keys: its high byte first, with the sign flipped.
func millis(b []byte) int64 { return int64(binary.BigEndian.Uint64(b) ^ 1<<63) }
