package socket

import (
	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
)

type reader struct {
	source     Source
	ctx        connector.ReaderContext
	queue      splits.Queue
	connection *connection // nil until there is a split
	rest       []string
	ended      bool
}

func (r *reader) Open() error {
	r.queue.Request()
	return nil
}

func (r *reader) AddSplits(added []connector.Split) error {
	for _, split := range added {
		if err := r.source.checkSplit(split); err != nil {
			return err
		}
	}
	r.queue.Add(added)
	return nil
}

func (r *reader) NoMoreSplits() { r.queue.NoMore() }

func (r *reader) Poll(out *connector.Output[string]) (connector.Status, error) {
	if r.connection == nil && !r.ended {
		if _, ok := r.queue.Next(); !ok {
			return r.queue.Status(), nil
		}
		r.connection = startConnection(r.ctx.Context(), r.source, r.ctx.Clock, r.ctx.Wake)
	}
	out.Split(splitID)
	for !r.ended && out.Room() > 0 {
		if len(r.rest) == 0 && !r.receive() {
			return connector.Waiting, nil
		}
		r.rest = r.rest[copy(out.Extend(len(r.rest)), r.rest):]
	}
	if r.ended {
		return r.end(out)
	}
	return connector.More, nil
}

// receive takes what has come and reports whether there was anything, be it the end.
func (r *reader) receive() bool {
	select {
	case records, ok := <-r.connection.chunks:
		r.rest, r.ended = records, !ok
		return true
	default:
		return false
	}
}

func (r *reader) end(out *connector.Output[string]) (connector.Status, error) {
	if r.connection != nil {
		if r.connection.err != nil {
			return connector.More, r.connection.err
		}
		r.connection = nil
		out.FinishSplit(splitID)
	}
	r.queue.Request()
	return r.queue.Status(), nil
}

// Snapshot keeps the address as long as the connection has not ended; what was received is not kept.
func (r *reader) Snapshot() ([]connector.Split, error) {
	left := append([]connector.Split(nil), r.queue.Waiting()...)
	if r.connection != nil {
		left = append(left, r.source.split())
	}
	return left, nil
}

func (r *reader) Close() error {
	if r.connection != nil {
		r.connection.stop()
		r.connection = nil
	}
	return nil
}
