package state

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/api/codec/schema"
)

// Kind is what a state holds per key.
type Kind uint8

// The kinds of state.
const (
	KindValue Kind = iota + 1
	KindList
	KindMap
	KindReducing
	KindAggregating
)

// String names the kind as Flink does.
func (k Kind) String() string {
	switch k {
	case KindValue:
		return "ValueState"
	case KindList:
		return "ListState"
	case KindMap:
		return "MapState"
	case KindReducing:
		return "ReducingState"
	case KindAggregating:
		return "AggregatingState"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// InlineLimit is the size in bytes up to which pointer-free values are kept in the entries of a backend as they are.
const InlineLimit = 64

// Descriptor is all that a backend, the graph and snapshots know of one state.
type Descriptor struct {
	Name string
	Kind Kind
	// Number stands for the state in snapshots. It is unique in an operator and set by whoever opens its backends.
	Number uint16
	// TTL is how long values live.
	TTL TTL
	// Inline is the size in bytes of values that the backend keeps as they are in memory; 0 if it keeps them encoded.
	// Lists and maps are always encoded.
	Inline int
	// Schema describes the encoding of the values, of the elements of a list, of the accumulator of an aggregating state.
	Schema *schema.Schema
	// KeySchema describes the encoding of a map's keys; nil for other kinds.
	KeySchema *schema.Schema
	// Transcoder turns values between their memory (which is what inline columns hold) and their encoding.
	Transcoder Transcoder
}

// TTL is a time to live in processing time.
type TTL struct {
	// Duration is how long a value lives after the last access that counts; 0 is for ever.
	Duration   time.Duration
	Update     TTLUpdate
	Visibility TTLVisibility
	// NoCleanup keeps the background cleaner from what has expired: it is removed when it is read.
	NoCleanup bool
}

// TTLUpdate says which accesses prolong a value's life.
type TTLUpdate uint8

// The update types, Flink's StateTtlConfig.UpdateType.
const (
	OnCreateAndWrite TTLUpdate = iota
	OnReadAndWrite
)

// String is the name in tags.
func (u TTLUpdate) String() string {
	if u == OnReadAndWrite {
		return "onReadAndWrite"
	}
	return "onCreateAndWrite"
}

// TTLVisibility says whether a value is seen after its time.
type TTLVisibility uint8

// The visibilities, Flink's StateTtlConfig.StateVisibility.
const (
	NeverReturnExpired TTLVisibility = iota
	ReturnExpiredIfNotCleanedUp
)

// String is the name in tags.
func (v TTLVisibility) String() string {
	if v == ReturnExpiredIfNotCleanedUp {
		return "returnExpiredIfNotCleanedUp"
	}
	return "neverReturnExpired"
}

// Transcoder is a codec without its type.
type Transcoder interface {
	// Append appends the encoding of the value at p.
	Append(dst []byte, p unsafe.Pointer) []byte
	// Decode overwrites the value at p, which must be memory of the right type, and returns what follows it in src.
	Decode(src []byte, p unsafe.Pointer) (rest []byte, err error)
}

type transcoder[T any] struct{ codec codec.Codec[T] }

func (t transcoder[T]) Append(dst []byte, p unsafe.Pointer) []byte {
	return t.codec.Append(dst, (*T)(p))
}

func (t transcoder[T]) Decode(src []byte, p unsafe.Pointer) ([]byte, error) {
	return t.codec.Decode(src, (*T)(p))
}

// Describe returns the descriptor of a state with values (elements, accumulators) of T. Operators use it for their own
// states; those of user functions come from [Fields].
func Describe[T any](name string, kind Kind, values codec.Codec[T]) Descriptor {
	d := Descriptor{Name: name, Kind: kind, Schema: values.Schema(), Transcoder: transcoder[T]{values}}
	size := int(unsafe.Sizeof(*new(T)))
	if kind != KindList && kind != KindMap && values.Flat() && size <= InlineLimit {
		d.Inline = max(size, 1)
	}
	return d
}
