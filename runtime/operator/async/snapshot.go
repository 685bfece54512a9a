package async

import (
	"errors"
	"fmt"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

// listName is the name of the operator's state: its queue.
const listName = "queue"

// queuedElement is an entry of the queue in a snapshot. Results that have come are not kept: the record is invoked again.
type queuedElement[In any] struct {
	Kind      uint8
	Timestamp int64
	// Value is the record, and empty for an event.
	Value []In
}

// The kinds of queued elements in snapshots, which are there to stay.
const (
	queuedRecord uint8 = iota
	queuedWatermark
	queuedIdle
	queuedActive
)

// Mark implements operator.Stateful.
func (o *waiting[In, Out]) Mark(snapshot.MarkKind) (operator.Capture, error) {
	list := describe(o.codec)
	for e := o.queue.first; e != nil; e = e.next {
		q := queuedElement[In]{Timestamp: e.timestamp}
		switch e.kind {
		case element.Watermark:
			q.Kind = queuedWatermark
		case element.Idle:
			q.Kind = queuedIdle
		case element.Active:
			q.Kind = queuedActive
		default:
			q.Value = []In{e.value}
		}
		list.Elements = append(list.Elements, o.codec.Append(nil, &q))
	}
	return operator.Taken{State: &snapshot.Operator{Groups: o.Ctx.KeyGroups, Lists: []snapshot.List{list}}}, nil
}

// Lists describes the operator's state, for the graph. An error says that a record has no codec.
func Lists[In any]() ([]snapshot.List, error) {
	elements, err := codec.For[queuedElement[In]]()
	if err != nil {
		return nil, err
	}
	return []snapshot.List{describe(elements)}, nil
}

func describe[In any](elements codec.Codec[queuedElement[In]]) snapshot.List {
	return snapshot.List{Name: listName, Redistribution: snapshot.Split, Element: elements.Schema()}
}

// restore puts this subtask's share of the restored queues into its own.
func (o *waiting[In, Out]) restore() error {
	list, err := snapshot.DealList(o.Ctx.Restored, listName, snapshot.Split, o.Ctx.Subtask, o.Ctx.Parallelism)
	switch {
	case err != nil:
		return fmt.Errorf("restore the queue: %w", err)
	case list == nil:
		return nil
	case list.Element == nil:
		return errors.New("restore the queue: the snapshot does not say of what type its records are: it is damaged")
	}
	decoder, err := codec.Resolve[queuedElement[In]](list.Element)
	if err != nil {
		return fmt.Errorf("restore the queue: %w", err)
	}
	for _, encoded := range list.Elements {
		var q queuedElement[In]
		rest, err := decoder.Decode(encoded, &q)
		if err == nil && len(rest) > 0 {
			err = errors.New("bytes follow the element")
		}
		if err != nil {
			return fmt.Errorf("restore the queue: %w", err)
		}
		e, err := entryOf[In, Out](q)
		if err != nil {
			return fmt.Errorf("restore the queue: %w", err)
		}
		o.push(e)
	}
	return nil
}

func entryOf[In, Out any](q queuedElement[In]) (*entry[In, Out], error) {
	e := &entry[In, Out]{timestamp: q.Timestamp}
	switch {
	case q.Kind == queuedRecord && len(q.Value) == 1:
		e.value = q.Value[0]
	case q.Kind == queuedWatermark:
		e.kind = element.Watermark
	case q.Kind == queuedIdle:
		e.kind = element.Idle
	case q.Kind == queuedActive:
		e.kind = element.Active
	default:
		return nil, fmt.Errorf("an element of kind %d with %d values", q.Kind, len(q.Value))
	}
	return e, nil
}
