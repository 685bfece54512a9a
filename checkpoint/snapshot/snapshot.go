// Package snapshot has the state of a job at one moment: what an operator's subtask hands over and what a later run takes
// up, whatever the backend on either side.
package snapshot

import (
	"fmt"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/state/keygroup"
)

// Operator is the state of one operator subtask. It is complete and never changed once made.
type Operator struct {
	// Groups are the key groups that the subtask owned.
	Groups keygroup.Range
	// States are the keyed states that Chains have entries of, in order of Number.
	States []State
	// Chains hold the entries of keyed state. A key is in one of them at most.
	Chains []Chain
	// Lists are the operator states: those without keys.
	Lists []List
}

// Chain is sorted tables that together hold keyed state; see package sstable. Of what they say of a key the latest counts.
type Chain struct {
	// Groups are the key groups whose entries count.
	Groups keygroup.Range
	// Whole says that the chain is all keyed state of the subtask that it is restored to, in that subtask's own range of key groups, and that its
	// files may be named again: the next snapshot may carry it on.
	Whole bool
	// Tables are oldest first.
	Tables []LocalTable
}

// LocalTable is a table that can be read on this machine.
type LocalTable struct {
	// Ref is where the table is kept for good. It may have the bytes inline.
	Ref *FileRef
	// Path is a file with the table's bytes and no others; "" if Ref or Content has them.
	Path string
	// Content is the table's bytes if there is no place for a file.
	Content []byte
	// Groups are the key groups whose entries count, of this table.
	Groups keygroup.Range
	// Changes says that the table has sets and deletions since the tables before it, instead of everything.
	Changes bool
	// Entries is their number, a hint.
	Entries uint64
}

// State names one keyed state of a snapshot: of a user's function, the timers of an operator, the contents of its windows.
type State struct {
	// Number stands for the state in the keys of the tables.
	Number uint16
	Name   string
	// Kind is state.Kind's text, or "timers".
	Kind string
	// Key, MapKey and Value are the schemas of the key with its namespace, of a map's keys, of the values; nil where there
	// are none.
	Key, MapKey, Value *schema.Schema
	// TTLMillis is the time to live that the entries' times belong to, 0 if they have none.
	TTLMillis int64
}

// Redistribution says what a new set of subtasks gets of the elements of the former ones.
type Redistribution uint8

// The redistributions of operator state.
const (
	// Split deals the elements out, each to one subtask.
	Split Redistribution = iota
	// Union gives every subtask the elements of all.
	Union
	// Broadcast gives every subtask those of one, since all had the same.
	Broadcast
)

// String names the redistribution as Flink does.
func (r Redistribution) String() string {
	switch r {
	case Split:
		return "SPLIT_DISTRIBUTE"
	case Union:
		return "UNION"
	case Broadcast:
		return "BROADCAST"
	}
	return fmt.Sprintf("Redistribution(%d)", uint8(r))
}

// ParseRedistribution reads what String wrote.
func ParseRedistribution(name string) (Redistribution, error) {
	for r := Split; r <= Broadcast; r++ {
		if r.String() == name {
			return r, nil
		}
	}
	return 0, fmt.Errorf("there is no redistribution %q", name)
}

// List is one operator state of a subtask.
type List struct {
	Name           string
	Redistribution Redistribution
	// Element is the schema of the elements. Elements of broadcast state are a key and a value, of schemas Key and Element.
	Key, Element *schema.Schema
	Elements     [][]byte
}
