package watermark

import "github.com/weir-stream/weir/runtime/element"

// Generator makes the watermarks of one stream, or of one split of a source. One goroutine calls it.
type Generator[T any] interface {
	// OnEvent is called for each record, with its event time in milliseconds, after the record was emitted.
	OnEvent(event T, timestamp int64, out *Output)
	// OnPeriodic is called every pipeline.auto-watermark-interval of processing time.
	OnPeriodic(out *Output)
}

// Output takes what a generator says.
type Output struct{ said []element.Event }

// Emit says that no record with an event time at or before watermark follows. One that is not higher than all before it has no
// effect. It makes an idle stream active.
func (o *Output) Emit(watermark int64) {
	o.said = append(o.said, element.Event{Kind: element.Watermark, Time: watermark})
}

// Idle says that the stream no longer holds back event time.
func (o *Output) Idle() { o.said = append(o.said, element.Event{Kind: element.Idle}) }

// Active takes Idle back.
func (o *Output) Active() { o.said = append(o.said, element.Event{Kind: element.Active}) }

// punctuated finds watermarks in the records.
type punctuated[T any] struct {
	mark func(record T, timestamp int64) (watermark int64, ok bool)
}

func (p punctuated[T]) OnEvent(event T, timestamp int64, out *Output) {
	if mark, ok := p.mark(event, timestamp); ok {
		out.Emit(mark)
	}
}

func (punctuated[T]) OnPeriodic(*Output) {}
