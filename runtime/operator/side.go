package operator

import (
	"fmt"
	"slices"
	"strings"
)

// OutputTag names a side output of an operator and the type of its records. Tags of one name and type are equal.
type OutputTag[T any] struct{ Name string }

// NewOutputTag returns the tag of a name, which must not be empty.
func NewOutputTag[T any](name string) OutputTag[T] {
	if name == "" {
		panic("an output tag needs a name")
	}
	return OutputTag[T]{name}
}

// Emitter is what side outputs are emitted through: the context of a process function.
type Emitter interface{ sideOutputs() *SideOutputs }

// Emit adds a record to the side output, with the event time of the record or timer that the function is working on. A
// side output that nothing reads takes nothing.
func (t OutputTag[T]) Emit(ctx Emitter, value T) {
	if b := t.buffer(ctx); b != nil {
		b.Collector().Collect(value)
	}
}

// EmitAt is Emit with an event time of its own, in milliseconds since the epoch.
func (t OutputTag[T]) EmitAt(ctx Emitter, value T, timestamp int64) {
	if b := t.buffer(ctx); b != nil {
		b.Collector().CollectAt(value, timestamp)
	}
}

// Buffer makes the buffer of the side output of an operator that emits to it itself.
func (t OutputTag[T]) Buffer(ctx *Context, out Outputs) *Buffer[T] {
	return NewBuffer(t.join(ctx, out.Side[t.Name]), ctx.RecordsOut)
}

// join makes one input of the readers of the side output.
func (t OutputTag[T]) join(ctx *Context, inputs []any) Input[T] {
	for _, input := range inputs {
		if _, ok := input.(Input[T]); !ok {
			panic(fmt.Sprintf("side output %q is given a %T, but is read as a stream of other records: use one tag for both", t.Name, *new(T)))
		}
	}
	if ctx.ObjectReuse {
		return Join[T](inputs, nil)
	}
	return Join[T](inputs, Copier[T])
}

func (t OutputTag[T]) buffer(ctx Emitter) *Buffer[T] {
	s := ctx.sideOutputs()
	if s == nil {
		return nil
	}
	for i := range s.all {
		if o := &s.all[i]; o.name == t.Name {
			if b, ok := o.buffer.(*Buffer[T]); ok {
				b.At(s.timestamp)
				return b
			}
			if o.buffer != nil {
				panic(fmt.Sprintf("side output %q is used with records of two types, one of them %T", t.Name, *new(T)))
			}
			b := NewBuffer(t.join(s.ctx, o.inputs), s.ctx.RecordsOut)
			o.buffer, o.flush = b, b.Flush
			b.At(s.timestamp)
			return b
		}
	}
	return nil
}

// SideOutputs are the side outputs of one operator that somebody reads.
type SideOutputs struct {
	ctx       *Context
	all       []sideOutput
	timestamp int64
}

type sideOutput struct {
	name   string
	inputs []any
	// buffer is a *Buffer of the type of the tag that was first used.
	buffer any
	flush  func() error
}

// NewSideOutputs are those of an operator that has them.
func NewSideOutputs(ctx *Context, out Outputs) *SideOutputs {
	s := &SideOutputs{ctx: ctx}
	for name, inputs := range out.Side {
		s.all = append(s.all, sideOutput{name: name, inputs: inputs})
	}
	slices.SortFunc(s.all, func(a, b sideOutput) int { return strings.Compare(a.name, b.name) })
	return s
}

// At sets the event time that Emit gives to records.
func (s *SideOutputs) At(timestamp int64) { s.timestamp = timestamp }

// Flush hands on what was emitted, and returns the first error of the operators further down. An operator flushes its
// side outputs whenever it flushes its main output, and before it passes on a watermark.
func (s *SideOutputs) Flush() error {
	for i := range s.all {
		if flush := s.all[i].flush; flush != nil {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return nil
}
