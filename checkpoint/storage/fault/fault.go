// Package fault is a store around another one that fails as real ones do, by a plan: a script, or drawn from a seed. It counts what it
// did, so that a test can show that the fault it is about took place.
package fault

import (
	"errors"
	"path"
	"syscall"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
)

// Op is an operation that can fail.
type Op string

// The operations: those of the store, and those of an opened object.
const (
	Create Op = "create"
	Put    Op = "put"
	Read   Op = "read"
	Open   Op = "open"
	ReadAt Op = "read at"
	Stream Op = "stream"
	Stat   Op = "stat"
	List   Op = "list"
	Delete Op = "delete"
)

// Kind is what happens to a call.
type Kind string

// The kinds of faults.
const (
	// None lets the call pass.
	None Kind = "none"
	// Fail fails the call before anything is done, as if the connection were refused.
	Fail Kind = "fail"
	// Throttle is Fail with the answer 503.
	Throttle Kind = "throttle"
	// Broken is Fail with the answer 500.
	Broken Kind = "broken"
	// Full is Fail since the disk is full.
	Full Kind = "full"
	// Deny is Fail since permission is lacking, which is [storage.Refused].
	Deny Kind = "deny"
	// Lose does the call but loses the answer: [storage.Ambiguous] for Create, [storage.Transient] for others.
	Lose Kind = "lose the answer"
	// Delay waits for Fault.Delay and does the call.
	Delay Kind = "delay"
	// Hang waits until the context ends and does nothing.
	Hang Kind = "hang"
	// Late waits until the context ends, fails, and does the call all the same: a request that arrives when nobody waits any more.
	Late Kind = "late"
	// Tear stores only the first Fault.Bytes bytes and fails, as a store without atomic writes does in a crash. For Create and Put.
	Tear Kind = "tear"
	// TearSilently is Tear that succeeds.
	TearSilently Kind = "tear silently"
	// Miss does not find the object. For all that reads, Stat and List; the page is empty then.
	Miss Kind = "miss"
	// Cut ends the object's bytes after Fault.Bytes of them, counted from where the call begins. For Read, ReadAt and Stream.
	Cut Kind = "cut"
	// Break fails Stream after Fault.Bytes bytes.
	Break Kind = "break"
	// Flip changes one bit of the byte that is Fault.Bytes from where the call begins, or of the last one. For Read, ReadAt and Stream.
	Flip Kind = "flip"
)

// Fault is what happens to one call. The zero value is None.
type Fault struct {
	Kind  Kind
	Delay time.Duration
	Bytes int64
}

// Call is a call that is about to be made.
type Call struct {
	Op Op
	// Name is the object, the prefix of a listing, or the first object to be deleted.
	Name string
	// Count is the number of this call among those of its Op, from 1.
	Count int
}

// Plan decides about each call. It is called by one goroutine at a time.
type Plan func(Call) Fault

// Rule is a line of a script: the first call that it matches, or the next few, have its fault.
type Rule struct {
	// Op is the operation; "" matches all.
	Op Op
	// Name is a pattern as of path.Match that the object's name must fit; "" matches all.
	Name string
	// Skip is how many calls that match pass before.
	Skip int
	// Times is how many calls have the fault: 0 means one, a negative number all that follow.
	Times int
	Fault Fault
}

// Script returns the plan in which each call has the fault of the first rule that matches it and is not used up.
func Script(rules ...Rule) Plan {
	rules = append([]Rule(nil), rules...)
	for i := range rules {
		if rules[i].Times == 0 {
			rules[i].Times = 1
		}
	}
	return func(c Call) Fault {
		for i := range rules {
			if rules[i].takes(c) {
				return rules[i].Fault
			}
		}
		return Fault{}
	}
}

func (r *Rule) takes(c Call) bool {
	if r.Times == 0 || r.Op != "" && r.Op != c.Op {
		return false
	}
	if r.Name != "" {
		if fits, err := path.Match(r.Name, c.Name); err != nil || !fits {
			return false
		}
	}
	if r.Skip > 0 {
		r.Skip--
		return false
	}
	if r.Times > 0 {
		r.Times--
	}
	return true
}

// Weighted is a fault that a seeded plan may choose.
type Weighted struct {
	Op Op
	// Chance is the part of the calls of the Op that have the fault, from 0 to 1. The chances of one Op add up to at most 1.
	Chance float64
	Fault  Fault
}

// Seeded returns the plan that draws the faults of calls from a seed: the same calls in the same order have the same faults.
func Seeded(seed uint64, faults ...Weighted) Plan {
	state := seed
	return func(c Call) Fault {
		state += 0x9e3779b97f4a7c15
		drawn := float64(mix(state)>>11) / (1 << 53)
		for _, w := range faults {
			if w.Op != c.Op {
				continue
			}
			if drawn < w.Chance {
				return w.Fault
			}
			drawn -= w.Chance
		}
		return Fault{}
	}
}

// mix is the output function of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

var (
	errFail     = errors.New("injected: connection refused")
	errThrottle = errors.New("injected: 503 SlowDown")
	errBroken   = errors.New("injected: 500 InternalError")
	errLost     = errors.New("injected: the connection was lost before the answer came")
	errTorn     = errors.New("injected: the write stopped in the middle")
	errDeny     = errors.New("injected: 403 AccessDenied")
)

// refusal is the error of faults that keep a call from being made.
func (k Kind) refusal() (storage.Kind, error) {
	switch k {
	case Fail:
		return storage.Transient, errFail
	case Throttle:
		return storage.Transient, errThrottle
	case Broken:
		return storage.Transient, errBroken
	case Full:
		return storage.Transient, syscall.ENOSPC
	case Deny:
		return storage.Refused, errDeny
	}
	return 0, nil
}
