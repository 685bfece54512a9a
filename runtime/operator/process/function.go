// Package process has the operators that call process functions, with and without keys, on one input or two.
package process

import (
	"cmp"
	"fmt"
	"reflect"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
)

// declarer is a function that says itself what its state is: one that is part of the engine and has options.
type declarer interface{ StateFields() ([]state.Field, error) }

// Fields finds the states of a function.
func Fields(function any) ([]state.Field, error) {
	if d, ok := function.(declarer); ok {
		return d.StateFields()
	}
	return state.Fields(function)
}

// open calls the function's Open if it has one.
func open(ctx *operator.Context, function any) error {
	if o, ok := function.(operator.Opener); ok {
		return o.Open(ctx.Runtime())
	}
	return nil
}

// closeFunction calls the function's Close if it has one.
func closeFunction(function any) error {
	if c, ok := function.(operator.Closer); ok {
		return c.Close()
	}
	return nil
}

// Check reports an error if a function that is used without keys declares keyed state or has timers, or has an optional
// method that would not be called.
func Check[Out any](function any) error {
	fields, err := state.Fields(function)
	if err != nil {
		return err
	}
	if len(fields) > 0 {
		return fmt.Errorf("function %T declares the state %q, but its input has no keys: use KeyBy first", function, fields[0].Descriptor.Name)
	}
	if _, ok := method(function, "OnTimer"); ok {
		return fmt.Errorf("function %T has the method OnTimer, but timers belong to keys and its input has none: use KeyBy first", function)
	}
	return about(function, checkMethods(function, append(optional(), is[operator.Finisher[Out]]("Finish"))))
}

// CheckWithoutKeys reports an error if the states without keys that a function declares cannot be, or cannot be there: broadcast
// state belongs to functions that are given broadcast records.
func CheckWithoutKeys(function any, isBroadcast bool) error {
	fields, err := state.OperatorFields(function)
	if err != nil {
		return err
	}
	for _, field := range fields {
		if field.Redistribution() == snapshot.Broadcast && !isBroadcast {
			return fmt.Errorf("function %T declares the broadcast state %q, but no stream is broadcast to it: use ConnectBroadcast or ConnectKeyedBroadcast", function, field.Name)
		}
	}
	return nil
}

// CheckKeyed reports an error if a function on a keyed stream has an optional method that would not be called.
func CheckKeyed[K, Out any](function any) error {
	return about(function, checkMethods(function, append(optional(), is[operator.KeyedFinisher[K, Out]]("Finish"), is[operator.TimerFunction[K, Out]]("OnTimer"))))
}

// CheckJoin reports an error if the function of an interval join declares state or has an optional method that would not be
// called.
func CheckJoin(function any) error {
	const none = "the function of an interval join has none: keep it in a process function behind the join"
	fields, err := state.Fields(function)
	if err != nil {
		return err
	}
	if len(fields) > 0 {
		return fmt.Errorf("function %T declares the state %q, but %s", function, fields[0].Descriptor.Name, none)
	}
	return about(function, cmp.Or(
		haveKeys(function, none),
		neverCalled(function, "a join", "OnTimer", "Finish"),
		checkMethods(function, optional()),
	))
}

// CheckCoGroup reports an error if a co-group function declares a state without keys or has an optional method that would not
// be called.
func CheckCoGroup[K any](function any) error {
	return about(function, cmp.Or(
		haveKeys(function, ofWindow),
		neverCalled(function, "a join", "OnTimer", "Finish"),
		checkMethods(function, append(optional(), is[operator.WindowClearer[K]]("Clear"))),
	))
}

// CheckWindow reports an error if a window function declares a state without keys or has an optional method that would not be
// called.
func CheckWindow[K any](function any) error {
	return about(function, cmp.Or(
		haveKeys(function, ofWindow),
		neverCalled(function, "a window", "OnTimer", "Finish"),
		checkMethods(function, append(optional(), is[operator.WindowClearer[K]]("Clear"))),
	))
}

// CheckTrigger is CheckWindow for a trigger, without those that it wraps. The error does not name the trigger.
func CheckTrigger(trigger operator.Trigger) error {
	return cmp.Or(
		haveKeys(trigger, "all that a trigger keeps belongs to a window: declare a state.Value, state.List or state.Map"),
		neverCalled(trigger, "a window", "Open", "Close"),
		checkMethods(trigger, []optionalMethod{is[operator.MergingTrigger]("OnMerge"), is[operator.WrappingTrigger]("Wrapped")}),
	)
}

const ofWindow = "all that the function of a window keeps belongs to a key: declare a state.Value, state.List or state.Map, or keep it in a process function behind the window"

// about names the function that an error is about.
func about(function any, err error) error {
	if v := reflect.ValueOf(function); v.Kind() == reflect.Pointer && v.IsNil() {
		return fmt.Errorf("the factory of functions returned a nil %T: have it return a new one each time", function)
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("function %T: %w", function, err)
}

// haveKeys reports an error if a function declares a state without keys, which nobody would snapshot; because says why it cannot.
func haveKeys(function any, because string) error {
	fields, err := state.OperatorFields(function)
	if err != nil {
		return err
	}
	if len(fields) > 0 {
		return fmt.Errorf("it declares the state %q without keys, but %s", fields[0].Name, because)
	}
	return nil
}

// neverCalled reports an error if a function has one of these methods.
func neverCalled(function any, by string, names ...string) error {
	for _, name := range names {
		if _, ok := method(function, name); ok {
			return fmt.Errorf("it has the method %s, which %s never calls", name, by)
		}
	}
	return nil
}

// optionalMethod is a method that a function may have, and the interface that it then implements.
type optionalMethod struct {
	name string
	of   reflect.Type
}

func is[I any](name string) optionalMethod { return optionalMethod{name, reflect.TypeFor[I]()} }

func optional() []optionalMethod {
	return []optionalMethod{
		is[operator.Opener]("Open"), is[operator.Closer]("Close"),
		is[operator.CompleteListener]("NotifyCheckpointComplete"), is[operator.AbortListener]("NotifyCheckpointAborted"),
	}
}

func method(function any, name string) (reflect.Method, bool) {
	t := reflect.TypeOf(function)
	if t == nil {
		return reflect.Method{}, false
	}
	return t.MethodByName(name)
}

func checkMethods(function any, methods []optionalMethod) error {
	for _, m := range methods {
		has, ok := method(function, m.name)
		if ok && !reflect.TypeOf(function).Implements(m.of) {
			want, _ := m.of.MethodByName(m.name)
			return fmt.Errorf("its method %s is %s and would never be called: make it %s", m.name, signature(has.Type, 1), signature(want.Type, 0))
		}
	}
	return nil
}

// signature is a function's type without its first parameters.
func signature(t reflect.Type, skip int) string {
	var in, out []reflect.Type
	for i := skip; i < t.NumIn(); i++ {
		in = append(in, t.In(i))
	}
	for i := range t.NumOut() {
		out = append(out, t.Out(i))
	}
	return reflect.FuncOf(in, out, t.IsVariadic()).String()
}
