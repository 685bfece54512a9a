package operator

import (
	"fmt"

	"github.com/weir-stream/weir/api/codec"
)

// Copier returns a function that copies records through their codec, for pipeline.object-reuse=false. It is used by one
// goroutine and panics with an error that says why a record cannot be copied.
func Copier[T any]() func(T) T {
	c, err := codec.For[T]()
	if err != nil {
		return func(T) T {
			panic(fmt.Errorf("pipeline.object-reuse=false copies records through their codec: %w", err))
		}
	}
	var scratch []byte
	return func(value T) (copied T) {
		scratch = c.Append(scratch[:0], &value)
		if _, err := c.Decode(scratch, &copied); err != nil {
			panic(fmt.Errorf("pipeline.object-reuse=false: copy of a %T: %w", value, err))
		}
		return copied
	}
}
