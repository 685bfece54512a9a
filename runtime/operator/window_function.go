package operator

import (
	"iter"
	"reflect"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/state"
)

const noTimestamp = element.NoTimestamp

// ProcessWindowFunction works on the contents of a window of a key each time it fires: on all its elements or, behind an
// aggregation, on its result, which is then the only element. What it emits has the event time of the window's last
// millisecond.
//
// State is declared as exported fields of the function's struct. It belongs to the key, and stays when windows go. Fields of a
// struct that embeds PerWindow belong to the key and the window:
//
//	type counting struct {
//		Firings  state.Value[int64] `state:"firings"`
//		InWindow struct {
//			operator.PerWindow
//			Firings state.Value[int64] `state:"firingsInWindow"`
//		}
//	}
//
// Elements may be iterated during the call, any number of times.
type ProcessWindowFunction[K, In, Out any] interface {
	Process(ctx *WindowContext[K], elements iter.Seq[In], out Collector[Out]) error
}

// WindowClearer is a ProcessWindowFunction that wants to know when a window goes for good, with the state of the key and
// window at hand. State per window needs no clearing.
type WindowClearer[K any] interface {
	Clear(ctx *WindowContext[K]) error
}

// PerWindow, embedded in a struct within a ProcessWindowFunction, has the states that are fields of that struct kept for each
// window, and cleared when the window goes. Windows that merge cannot have such state.
type PerWindow struct{}

// WindowContext is what a window function knows of the window at hand. It is valid during the call. Side outputs are emitted to
// through it, see OutputTag.
type WindowContext[K any] struct {
	RuntimeContext
	key       K
	window    Window
	watermark int64
	sides     *SideOutputs
}

// NewWindowContext is for operators; sides may be nil.
func NewWindowContext[K any](ctx *Context, sides *SideOutputs) *WindowContext[K] {
	return &WindowContext[K]{RuntimeContext: ctx.Runtime(), watermark: element.NoWatermark, sides: sides}
}

// At points the context at a window of a key. It is for operators, as is SetWatermark.
func (c *WindowContext[K]) At(key K, window Window) { c.key, c.window = key, window }

// SetWatermark raises event time.
func (c *WindowContext[K]) SetWatermark(at int64) { c.watermark = at }

// Key is the key whose window fires.
func (c *WindowContext[K]) Key() K { return c.key }

// Window is the window that fires.
func (c *WindowContext[K]) Window() Window { return c.window }

// CurrentWatermark is event time as far as the operator's input has come, in milliseconds; the least int64 before the first
// watermark. It may be past the window's end.
func (c *WindowContext[K]) CurrentWatermark() int64 { return c.watermark }

// CurrentProcessingTime is the time of the clock in milliseconds since the epoch.
func (c *WindowContext[K]) CurrentProcessingTime() int64 { return c.c.Now() }

func (c *WindowContext[K]) sideOutputs() *SideOutputs {
	if c.sides != nil {
		c.sides.timestamp = c.window.MaxTimestamp()
	}
	return c.sides
}

// WindowFields finds the states that a window function declares, those of the key and those of the key and window. Errors
// are those of state.Fields.
func WindowFields(function any) (perKey, perWindow []state.Field, err error) {
	if outer, ok := function.(interface{ Inner() any }); ok {
		function = outer.Inner() // a function of the engine around one of the user's
	}
	all, err := state.Fields(function)
	if err != nil || len(all) == 0 {
		return nil, nil, err
	}
	inWindow := map[string]bool{}
	if err := markPerWindow(reflect.ValueOf(function).Elem(), inWindow); err != nil {
		return nil, nil, err
	}
	for _, field := range all {
		if inWindow[field.Descriptor.Name] {
			perWindow = append(perWindow, field)
		} else {
			perKey = append(perKey, field)
		}
	}
	return perKey, perWindow, nil
}

// markPerWindow gathers the names of the states in structs that embed PerWindow; names are unique in a function.
func markPerWindow(v reflect.Value, names map[string]bool) error {
	t := v.Type()
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous && f.Type == reflect.TypeFor[PerWindow]() {
			// The struct may be embedded with an unexported name, through which reflection would not give it out.
			fields, err := state.Fields(reflect.NewAt(t, v.Addr().UnsafePointer()).Interface())
			for _, field := range fields {
				names[field.Descriptor.Name] = true
			}
			return err
		}
	}
	for i := range t.NumField() {
		if t.Field(i).Type.Kind() != reflect.Struct {
			continue
		}
		if err := markPerWindow(v.Field(i), names); err != nil {
			return err
		}
	}
	return nil
}
