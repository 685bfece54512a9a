package randomgraph

import (
	"errors"

	"github.com/weir-stream/weir/api/stream"
)

var errNotOpened = errors.New("a process function was called before its Open")

type timeReader[T any] struct{ dress[T] }

func (f *timeReader[T]) Process(ctx *stream.ProcessContext, in T, out stream.Collector[T]) error {
	at, has := ctx.Timestamp()
	out.Collect(f.wear(readTime(f.bare(in), at, has)))
	return nil
}

type stamper[T any] struct {
	dress[T]
	subtask int
	opened  bool
}

func (f *stamper[T]) Open(ctx stream.RuntimeContext) error {
	f.subtask, f.opened = ctx.Subtask(), true
	return nil
}

func (f *stamper[T]) Process(ctx *stream.ProcessContext, in T, out stream.Collector[T]) error {
	if !f.opened || ctx.Subtask() != f.subtask {
		return errNotOpened
	}
	out.Collect(f.wear(stamp(f.bare(in), f.subtask)))
	return nil
}

type holder[T any] struct {
	dress[T]
	arg  int
	back []T
}

func (f *holder[T]) Process(_ *stream.ProcessContext, in T, out stream.Collector[T]) error {
	if held(f.bare(in), f.arg) {
		f.back = append(f.back, in)
	} else {
		out.Collect(in)
	}
	return nil
}

func (f *holder[T]) Finish(_ *stream.ProcessContext, out stream.Collector[T]) error {
	for _, value := range f.back {
		out.Collect(value)
	}
	return nil
}

// tallier emits the sum and number of its records, or with even the number alone, also where it is 0.
type tallier[T any] struct {
	dress[T]
	even  bool
	sum   int64
	count int
}

func (f *tallier[T]) Process(_ *stream.ProcessContext, in T, _ stream.Collector[T]) error {
	f.sum += int64(f.bare(in).Value)
	f.count++
	return nil
}

func (f *tallier[T]) Finish(_ *stream.ProcessContext, out stream.Collector[T]) error {
	switch {
	case f.even:
		out.Collect(f.wear(record{Value: int32(f.count)}))
	case f.count > 0:
		out.Collect(f.wear(record{Value: wrap(f.sum), Mark: uint16(f.count)}))
	}
	return nil
}

type coHolder[A, B any] struct {
	pair[A, B]
	back []B
}

func (f *coHolder[A, B]) Process1(_ *stream.ProcessContext, in A, out stream.Collector[A]) error {
	out.Collect(f.a.wear(either(f.a.bare(in), false)))
	return nil
}

func (f *coHolder[A, B]) Process2(_ *stream.ProcessContext, in B, _ stream.Collector[A]) error {
	f.back = append(f.back, in)
	return nil
}

func (f *coHolder[A, B]) Finish(_ *stream.ProcessContext, out stream.Collector[A]) error {
	for _, value := range f.back {
		out.Collect(f.a.wear(either(f.b.bare(value), true)))
	}
	return nil
}
