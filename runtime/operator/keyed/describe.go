package keyed

import (
	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/state"
)

// What the parts of a store have in snapshots is known before any is opened, so that a job is compared with a snapshot when it is
// submitted. These functions say it as the store does, but for the numbers.

// DescribeBackend returns the states of a [Backend] with these columns.
func DescribeBackend[K any](keys state.Keys[K], descriptors []state.Descriptor) []snapshot.State {
	return describeAll(descriptors, schemaOf(keys), "")
}

// DescribeFields returns the states of a backend of [Fields] with these handles.
func DescribeFields[K any](keys state.Keys[K], fields []state.Field) []snapshot.State {
	states := make([]snapshot.State, len(fields))
	for i, field := range fields {
		states[i] = describe(field.Descriptor, schemaOf(keys), "")
	}
	return states
}

// DescribePanes returns the states of [Panes] with these columns.
func DescribePanes[K any](keys state.Keys[K], descriptors []state.Descriptor) []snapshot.State {
	return describeAll(descriptors, schemaOf(keys), inPanes)
}

// DescribeTimers returns the state that [Timers] are.
func DescribeTimers[K any](name string, keys state.Keys[K]) snapshot.State {
	return snapshot.State{Name: name, Kind: KindTimers, Key: schemaOf(keys)}
}

// DescribeTimerService returns the states of a [TimerService] of that name.
func DescribeTimerService[K any](name string, keys state.Keys[K]) []snapshot.State {
	return []snapshot.State{DescribeTimers(name+inEventTime, keys), DescribeTimers(name+inProcessingTime, keys)}
}

func describeAll(descriptors []state.Descriptor, key *schema.Schema, layout string) []snapshot.State {
	states := make([]snapshot.State, len(descriptors))
	for i, d := range descriptors {
		states[i] = describe(d, key, layout)
	}
	return states
}

// describe returns a state of a part. layout follows its kind.
func describe(d state.Descriptor, key *schema.Schema, layout string) snapshot.State {
	return snapshot.State{
		Number: d.Number, Name: d.Name, Kind: d.Kind.String() + layout, Key: key, MapKey: d.KeySchema, Value: d.Schema,
		TTLMillis: d.TTL.Duration.Milliseconds(),
	}
}

// schemaOf returns nil for keys that have no codec, which the program is refused for.
func schemaOf[K any](keys state.Keys[K]) *schema.Schema {
	if keys.Codec == nil {
		return nil
	}
	return keys.Codec.Schema()
}
