package docs_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
)

// Event is a record that is one of several.
type Event interface{ isEvent() }

type (
	Opened struct{ Account int64 }
	Paid   struct{ Account, Cents int64 }
)

func (Opened) isEvent() {}
func (Paid) isEvent()   {}

func init() {
	codec.RegisterUnion[Event](Opened{}, codec.Case("paid", Paid{}))
}

// Basket is a record with names that outlive those of its fields, and with a part that is not kept.
type Basket struct {
	Items map[string]int64 `weir:"items"`
	Owner *string          `weir:"owner"`
	cache []string         `weir:"-"`
}

// Shelf is a key of two parts.
type Shelf struct {
	Shop int32
	Name string
}

func keys(in streams) {
	clicks := in.clicks
	byShelf := stream.KeyBy(clicks, func(c Click) Shelf { return Shelf{1, c.Item} })
	drop(stream.Count(byShelf))

	events := stream.From(in.env, collection.Of[Event](Opened{7}, Paid{7, 100}))
	drop(stream.Map(events, func(e Event) Event { return e }))
}

// Reading has an encoding of its own.
type Reading struct{ celsius float64 }

func (r *Reading) AppendWeir(dst []byte) []byte {
	return binary.LittleEndian.AppendUint32(dst, uint32(int32(r.celsius*100)))
}

func (r *Reading) DecodeWeir(src []byte) error {
	if len(src) != 4 {
		return errors.New("a reading has 4 bytes")
	}
	r.celsius = float64(int32(binary.LittleEndian.Uint32(src))) / 100
	return nil
}

func TestExamplesOfTypes(t *testing.T) {
	runExamples(t, keys)
	roundTrip(t, Event(Paid{1, 2}))
	roundTrip(t, Reading{-12.25})
	owner := "ada"
	roundTrip(t, Basket{Items: map[string]int64{"p": 1}, Owner: &owner})
	if decoded := roundTrips(t, Basket{cache: []string{"p"}}); decoded.cache != nil {
		t.Errorf("a field that is left out came back: %v", decoded)
	}
}

func roundTrip[T any](t *testing.T, value T) {
	t.Helper()
	expect(t, roundTrips(t, value), value)
}

func roundTrips[T any](t *testing.T, value T) (decoded T) {
	t.Helper()
	c, err := codec.For[T]()
	if err != nil {
		t.Fatal(err)
	}
	if rest, err := c.Decode(c.Append(nil, &value), &decoded); err != nil || len(rest) > 0 {
		t.Fatalf("%v, %d bytes left", err, len(rest))
	}
	return decoded
}

// TestTypesThatAreRefused holds the table of the page against the package.
func TestTypesThatAreRefused(t *testing.T) {
	_, channels := codec.For[chan int]()
	_, functions := codec.For[func()]()
	_, interfaces := codec.For[any]()
	_, pointers := codec.ForKey[*int]()
	_, complexes := codec.ForKey[complex128]()
	_, bytes := codec.ForKey[struct{ B []byte }]()
	for what, err := range map[string]error{
		"channel": channels, "function": functions, "interface": interfaces, "pointers": pointers, "complex": complexes, "slice": bytes,
	} {
		var refused *codec.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestRecordsBetweenTasksNeedAnEncoding: records of a chain need none.
func TestRecordsBetweenTasksNeedAnEncoding(t *testing.T) {
	build := func(apart bool) error {
		env := streamtest.NewEnvironment(t, "parallelism.default=1")
		callbacks := stream.Map(stream.From(env, collection.Of(1)), func(n int) func() int { return func() int { return n } })
		if apart {
			callbacks = callbacks.Rebalance()
		}
		drop(stream.Map(callbacks, func(f func() int) int { return f() }).Parallelism(1))
		_, err := env.Execute(t.Context())
		return err
	}
	if err := build(false); err != nil {
		t.Errorf("in one chain: %v", err)
	}
	if err := build(true); err == nil || !strings.Contains(err.Error(), "function") {
		t.Errorf("between tasks: %v", err)
	}
}
