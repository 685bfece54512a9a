package collection

import (
	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
)

type reader[T any] struct {
	source Source[T]
	queue  splits.Queue
	values cursor[T] // nil while there is no split
	next   int64
}

func (r *reader[T]) Open() error {
	r.queue.Request()
	return nil
}

func (r *reader[T]) AddSplits(splits []connector.Split) error {
	r.queue.Add(splits)
	return nil
}

func (r *reader[T]) NoMoreSplits() { r.queue.NoMore() }

func (r *reader[T]) Poll(out *connector.Output[T]) (connector.Status, error) {
	if r.values == nil {
		split, ok := r.queue.Next()
		if !ok {
			return r.queue.Status(), nil
		}
		if err := r.begin(split); err != nil {
			return connector.More, err
		}
	}
	out.Split(splitID)
	n, more, err := r.values.copyTo(out, r.source.timestamps)
	r.next += int64(n)
	if !more {
		r.end()
		if err == nil {
			out.FinishSplit(splitID)
		}
	}
	return connector.More, err
}

func (r *reader[T]) begin(split connector.Split) (err error) {
	if r.next, err = decodeIndex(split.State); err != nil {
		return err
	}
	r.values, err = r.source.open(r.next)
	return err
}

func (r *reader[T]) end() {
	if r.values != nil {
		r.values.close()
		r.values = nil
	}
}

func (r *reader[T]) Snapshot() ([]connector.Split, error) {
	left := append([]connector.Split(nil), r.queue.Waiting()...)
	if r.values != nil {
		left = append(left, connector.Split{ID: splitID, State: encodeIndex(r.next)})
	}
	return left, nil
}

func (r *reader[T]) Close() error {
	r.end()
	return nil
}
