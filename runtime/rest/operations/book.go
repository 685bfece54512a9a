// Package operations keeps the results of asynchronous operations until they are asked for: a trigger names an operation, polls look at it. It is a pure
// state machine; whoever owns a book feeds it the time and takes care that one goroutine at a time uses it.
//
//	(unknown) --Begin--> going --Finish--> ended --after its time--> (unknown)
package operations

import (
	"time"

	"github.com/weir-stream/weir/runtime/ident"
)

// Kind is what an operation does.
type Kind string

// The kinds. A stop is a savepoint: it is polled under the same path.
const (
	Savepoint  Kind = "savepoint"
	Checkpoint Kind = "checkpoint"
	Disposal   Kind = "disposal"
	DataSet    Kind = "dataset"
)

// Key names an operation. Job is zero for those of no job.
type Key struct {
	Kind    Kind
	Job     ident.JobID
	Trigger ident.ID
}

// Began says what Begin has done.
type Began int

// What Begin has done.
const (
	Started Began = iota // the operation is new: carry it out, then Finish it
	Known                // there is one of this key: nothing is to be done
	Full                 // too many operations go on
)

// State is how an operation stands.
type State int

// The states.
const (
	Unknown State = iota
	Going
	Ended
)

// Book has the operations. O is what one ends with.
type Book[O any] struct {
	keep    time.Duration
	limit   int
	entries map[Key]*entry[O]
	ended   []Key // oldest first
}

type entry[O any] struct {
	ended   bool
	at      time.Time
	outcome O
}

// NewBook returns an empty book that keeps outcomes so long, and at most limit operations: the oldest outcomes give way to new operations before their time.
func NewBook[O any](keep time.Duration, limit int) *Book[O] {
	return &Book[O]{keep: keep, limit: limit, entries: map[Key]*entry[O]{}}
}

// Begin enters an operation.
func (b *Book[O]) Begin(key Key, now time.Time) Began {
	b.expire(now)
	if b.entries[key] != nil {
		return Known
	}
	if len(b.entries) >= b.limit {
		if len(b.ended) == 0 {
			return Full
		}
		b.forgetOldest()
	}
	b.entries[key] = &entry[O]{}
	return Started
}

// Finish enters how an operation has ended. It counts once.
func (b *Book[O]) Finish(key Key, outcome O, now time.Time) {
	e := b.entries[key]
	if e == nil || e.ended {
		return
	}
	e.ended, e.at, e.outcome = true, now, outcome
	b.ended = append(b.ended, key)
}

// Look returns how an operation stands, and its outcome if it has ended.
func (b *Book[O]) Look(key Key, now time.Time) (state State, outcome O) {
	b.expire(now)
	switch e := b.entries[key]; {
	case e == nil:
		return Unknown, outcome
	case !e.ended:
		return Going, outcome
	default:
		return Ended, e.outcome
	}
}

func (b *Book[O]) expire(now time.Time) {
	for len(b.ended) > 0 && now.Sub(b.entries[b.ended[0]].at) >= b.keep {
		b.forgetOldest()
	}
}

func (b *Book[O]) forgetOldest() {
	delete(b.entries, b.ended[0])
	b.ended = b.ended[1:]
}
