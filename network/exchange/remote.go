package exchange

import (
	"fmt"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/network/transport"
)

// Remote says how the records of an edge leave their process.
type Remote[T any] struct {
	Codec codec.Codec[T]
	// Edge names the edge in errors, as "producer -> consumer".
	Edge string
	// MaxRecord bounds the encoding of one record, in bytes; DefaultMaxRecord if 0.
	MaxRecord int
}

// DefaultMaxRecord bounds the encoding of one record where nothing else is said. One that is larger than a frame is put together at the
// consumer, in memory beside that of its credit.
const DefaultMaxRecord = 64 << 20

func (r Remote[T]) maxRecord() int {
	if r.MaxRecord > 0 {
		return r.MaxRecord
	}
	return DefaultMaxRecord
}

// NewSendingChannel makes the producer's end of a channel to another process. Batches are encoded by the goroutine that publishes them, so
// that this work is spread like that of the tasks; what was published leaves by the connection's goroutine.
func NewSendingChannel[T any](to *transport.Sender, r Remote[T]) *Channel[T] {
	return &Channel[T]{sending: newSending(to, r)}
}

// NewReceivingChannel makes the consumer's end of a channel from another process. Frames are decoded by the consumer when it
// looks at them.
func NewReceivingChannel[T any](from *transport.Receiver, r Remote[T]) *Channel[T] {
	return &Channel[T]{receiving: &receiving[T]{from: from, remote: r, shells: new(shells[T])}}
}

// SendingChannelOf is NewSendingChannel with the codec of T.
func SendingChannelOf[T any](to *transport.Sender, edge string) (*Channel[T], error) {
	c, err := codec.For[T]()
	if err != nil {
		return nil, err
	}
	return NewSendingChannel(to, Remote[T]{Codec: c, Edge: edge, MaxRecord: to.LargestRecord()}), nil
}

// ReceivingChannelOf is NewReceivingChannel with the codec of T.
func ReceivingChannelOf[T any](from *transport.Receiver, edge string) (*Channel[T], error) {
	c, err := codec.For[T]()
	if err != nil {
		return nil, err
	}
	return NewReceivingChannel(from, Remote[T]{Codec: c, Edge: edge, MaxRecord: from.LargestRecord()}), nil
}

// EncodingError is a record that cannot leave its process. It is the panic of a Writer, as of a user's function: the record is the user's.
type EncodingError struct {
	Edge  string
	Cause error
}

// Error names the edge.
func (e *EncodingError) Error() string {
	return fmt.Sprintf("a record of the stream %s cannot be sent to another worker: %v", e.Edge, e.Cause)
}

// Unwrap returns the cause.
func (e *EncodingError) Unwrap() error { return e.Cause }

// DecodingError is a frame that cannot be read.
type DecodingError struct {
	Edge  string
	Cause error
}

// Error names the edge and says what to do.
func (e *DecodingError) Error() string {
	return fmt.Sprintf("a frame of the stream %s cannot be read: %v; both workers must run the same binary", e.Edge, e.Cause)
}

// Unwrap returns the cause.
func (e *DecodingError) Unwrap() error { return e.Cause }

// Environmental says whose fault it is.
func (e *DecodingError) Environmental() bool { return true }
