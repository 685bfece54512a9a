package sink

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/ident"
)

// ledger has the committables of a subtask from when they are prepared, or restored, until they are committed, in that order.
type ledger struct{ entries []*entry }

// entry is a committable on its way:
//
//	prepared --stamp--> in a checkpoint --complete--> due --Commit--> gone
//	restored, or prepared without checkpoints ---------/ \<--Retry--/
type entry struct {
	request *connector.CommitRequest
	// checkpoint is the first that has it, 0 as long as none does.
	checkpoint ident.CheckpointID
	due        bool

	mu      sync.Mutex
	durable bool
}

// add puts prepared committables in.
func (l *ledger) add(prepared []connector.Committable) {
	for _, c := range prepared {
		l.entries = append(l.entries, &entry{request: connector.NewCommitRequest(c, false)})
	}
}

// stamp says that the barrier of a checkpoint has come.
func (l *ledger) stamp(checkpoint ident.CheckpointID) {
	for _, e := range l.entries {
		if e.checkpoint == 0 && !e.due {
			e.checkpoint = checkpoint
		}
	}
}

// approve makes due what a complete checkpoint has, be it as a remainder of an earlier one.
func (l *ledger) approve(checkpoint ident.CheckpointID) {
	for _, e := range l.entries {
		e.due = e.due || e.checkpoint != 0 && e.checkpoint <= checkpoint
	}
}

// approveAll makes all due.
func (l *ledger) approveAll() {
	for _, e := range l.entries {
		e.due = true
	}
}

// due are the entries to be committed, the oldest first.
func (l *ledger) due() (due []*entry) {
	for _, e := range l.entries {
		if e.due {
			due = append(due, e)
		}
	}
	return due
}

// remove forgets entries.
func (l *ledger) remove(gone func(*entry) bool) { l.entries = slices.DeleteFunc(l.entries, gone) }

// persist makes durable what the entry stands for, unless it is. Any goroutine may call it.
func (e *entry) persist(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.durable {
		return nil
	}
	if persist := e.request.Persist; persist != nil {
		if err := persist(ctx); err != nil {
			return err
		}
	}
	e.durable = true
	return nil
}

// isDurable reports whether persist has succeeded. Any goroutine may call it.
func (e *entry) isDurable() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.durable
}

// committableVersion stands first in an encoded committable.
const committableVersion = 1

// encodeCommittable writes the version, the length of the id as an unsigned varint, the id, and the state.
func encodeCommittable(c connector.Committable) []byte {
	to := make([]byte, 0, 1+binary.MaxVarintLen64+len(c.ID)+len(c.State))
	to = binary.AppendUvarint(append(to, committableVersion), uint64(len(c.ID)))
	return append(append(to, c.ID...), c.State...)
}

var errCommittable = errors.New("this is no committable: it was damaged or written by a later version")

// DecodeCommittable reads an element of the state of this name, CommittableState, and nothing else.
func DecodeCommittable(encoded []byte) (c connector.Committable, err error) {
	if len(encoded) == 0 || encoded[0] != committableVersion {
		return c, errCommittable
	}
	length, width := binary.Uvarint(encoded[1:])
	rest := encoded[min(len(encoded), 1+max(width, 0)):]
	if width <= 0 || length > uint64(len(rest)) {
		return c, errCommittable
	}
	c = connector.Committable{ID: string(rest[:length]), State: bytes.Clone(rest[length:])}
	if !bytes.Equal(encodeCommittable(c), encoded) {
		return connector.Committable{}, errCommittable
	}
	return c, nil
}
