package window

import (
	"fmt"
	"strconv"

	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/state"
)

// The names of the operator's own states in snapshots. Those of the trigger begin with triggerPrefix, those of the function are
// as it declares them.
const (
	timersName    = "window/timers"
	triggerPrefix = "trigger/"
)

// layout is what state the operator has: per key and window the contents, the trigger's and the function's; per key the
// sessions, where windows merge, and the function's.
type layout struct {
	contents, sessions, trigger []state.Field
	function                    struct{ perKey, perWindow []state.Field }
	// set has the handles of the sessions.
	set *sessionSet
}

// layoutOf finds the states of these instances.
func layoutOf[K comparable, In, Out any](trigger operator.Trigger, contents contents[K, In, Out], merges bool) (l layout, err error) {
	if l.contents, err = state.Fields(contents.handles()); err != nil {
		return l, fmt.Errorf("the window's contents cannot be kept: %w", err)
	}
	if merges {
		l.set = new(sessionSet)
		if l.sessions, err = state.Fields(&l.set.handles); err != nil {
			return l, err
		}
	}
	if l.trigger, err = triggerFields(trigger, triggerPrefix); err != nil {
		return l, fmt.Errorf("trigger %T: %w", trigger, err)
	}
	if l.function.perKey, l.function.perWindow, err = operator.WindowFields(contents.function()); err != nil {
		return l, err
	}
	return l, l.check()
}

// triggerFields finds the states of a trigger and of those that it wraps.
func triggerFields(trigger operator.Trigger, prefix string) ([]state.Field, error) {
	fields, err := state.Fields(trigger)
	if err != nil {
		return nil, err
	}
	for i := range fields {
		fields[i].Descriptor.Name = prefix + fields[i].Descriptor.Name
	}
	if wrapping, ok := trigger.(operator.WrappingTrigger); ok {
		for i, inner := range wrapping.Wrapped() {
			more, err := triggerFields(inner, prefix+strconv.Itoa(i)+"/")
			if err != nil {
				return nil, err
			}
			fields = append(fields, more...)
		}
	}
	return fields, nil
}

func (l *layout) check() error {
	if n := len(l.perWindow()); n > state.MaxColumns {
		return fmt.Errorf("trigger and function declare %d states per window, at most %d are possible", n-len(l.contents), state.MaxColumns-len(l.contents))
	}
	if n := len(l.perKey()); n > state.MaxColumns {
		return fmt.Errorf("the function declares %d states per key, at most %d are possible", n-len(l.sessions), state.MaxColumns-len(l.sessions))
	}
	names := map[string]bool{}
	for _, d := range l.descriptors() {
		if names[d.Name] {
			return fmt.Errorf("the state name %q is declared twice, or is one of the operator's own: choose another", d.Name)
		}
		names[d.Name] = true
	}
	return nil
}

// perWindow are the columns of the state of a key and window.
func (l *layout) perWindow() []state.Field {
	return append(append(append([]state.Field(nil), l.contents...), l.trigger...), l.function.perWindow...)
}

// perKey are the columns of the state of a key.
func (l *layout) perKey() []state.Field {
	return append(append([]state.Field(nil), l.sessions...), l.function.perKey...)
}

func (l *layout) descriptors() []state.Descriptor {
	return descriptorsOf(append(l.perWindow(), l.perKey()...))
}

func descriptorsOf(fields []state.Field) []state.Descriptor {
	descriptors := make([]state.Descriptor, len(fields))
	for i, field := range fields {
		descriptors[i] = field.Descriptor
	}
	return descriptors
}

// openBackend opens a backend with these columns, nil if there are none, and binds their handles.
func openBackend[K any](store *keyed.Store, keys state.Keys[K], fields []state.Field) (state.Backend[K], error) {
	if len(fields) == 0 {
		return nil, nil
	}
	return keyed.Fields(store, keys, fields)
}

// clearers returns what clears each column of the current key.
func clearers(store state.Store, fields []state.Field) []func() {
	var all []func()
	for i, field := range fields {
		switch column := state.Column(i); field.Descriptor.Kind {
		case state.KindList:
			all = append(all, store.List(column).Clear)
		case state.KindMap:
			all = append(all, store.Map(column).Clear)
		default:
			all = append(all, store.Value(column).Clear)
		}
	}
	return all
}
