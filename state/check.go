package state

import (
	"errors"
	"fmt"

	"github.com/weir-stream/weir/api/codec/schema"
)

// Check tells whether encoded values that come from a snapshot are whole, without decoding them.
type Check struct {
	skipper *schema.Skipper
	// times is the bytes of the time of last access before each value.
	times int
}

// NewCheck returns the check of the values of a state: of the elements of a list, of the values of a map.
func NewCheck(d Descriptor) Check {
	c := Check{}
	if d.TTL.Duration != 0 {
		c.times = timeBytes
	}
	if d.Schema != nil {
		c.skipper = d.Schema.Skipper(d.Schema.Root())
	}
	return c
}

// Next returns what follows the first value of encoded.
func (c Check) Next(encoded []byte) (rest []byte, err error) {
	if len(encoded) < c.times {
		return nil, errNoTime
	}
	if c.skipper == nil {
		return nil, nil
	}
	return c.skipper.Skip(encoded[c.times:])
}

// Value reports an error if encoded is not exactly one value.
func (c Check) Value(encoded []byte) error {
	rest, err := c.Next(encoded)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes after the value", len(rest))
	}
	return err
}

// timeBytes is the length of a time of last access.
const timeBytes = 8

var errNoTime = errors.New("the bytes end within a time of last access")
