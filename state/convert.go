package state

import (
	"errors"
	"fmt"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/api/codec/schema"
)

// Conversion turns entries that an older version of a state has written into today's.
type Conversion struct {
	list bool
	// wasTimed and isTimed say whether values stand behind a time of last access; now is what they get that had none.
	wasTimed, isTimed bool
	now               int64
	// value converts one value from the front of src.
	value func(dst, src []byte) (out, rest []byte, err error)
}

// resolving is a Transcoder that reads older versions of its type.
type resolving interface {
	resolve(old *schema.Schema) (func(dst, src []byte) (out, rest []byte, err error), error)
}

func (t transcoder[T]) resolve(old *schema.Schema) (func(dst, src []byte) (out, rest []byte, err error), error) {
	decoder, err := codec.Resolve[T](old)
	if err != nil {
		return nil, err
	}
	return func(dst, src []byte) ([]byte, []byte, error) {
		value := new(T)
		rest, err := decoder.Decode(src, value)
		if err != nil {
			return nil, nil, err
		}
		return t.codec.Append(dst, value), rest, nil
	}, nil
}

func (t timedTranscoder) resolve(old *schema.Schema) (func(dst, src []byte) (out, rest []byte, err error), error) {
	return t.value.(resolving).resolve(old)
}

// Convert returns what converts the entries of a state whose values had an older schema, and a time to live or not. It is nil
// if they can be taken as they are. now is the time of last access of values that had no time to live. The error says why
// the types do not fit.
func (d Descriptor) Convert(old *schema.Schema, timed bool, now int64) (*Conversion, error) {
	migration, err := schema.Compatible(old, d.Schema)
	if err != nil {
		return nil, err
	}
	c := &Conversion{list: d.Kind == KindList, wasTimed: timed, isTimed: d.TTL.Duration > 0, now: now}
	if migration.AsIs() && c.wasTimed == c.isTimed {
		return nil, nil
	}
	r, ok := d.Transcoder.(resolving)
	if !ok {
		return nil, fmt.Errorf("its values have changed (%s), and its transcoder %T cannot read older ones", migration, d.Transcoder)
	}
	c.value, err = r.resolve(old)
	return c, err
}

// Append appends the converted value of an entry: one value, or all elements of a list.
func (c *Conversion) Append(dst, value []byte) (_ []byte, err error) {
	for more := true; more; more = len(value) > 0 {
		if dst, value, err = c.one(dst, value); err != nil {
			return nil, err
		}
		if !c.list && len(value) > 0 {
			return nil, fmt.Errorf("%d bytes after the value", len(value))
		}
	}
	return dst, nil
}

func (c *Conversion) one(dst, src []byte) (out, rest []byte, err error) {
	at := c.now
	if c.wasTimed {
		if len(src) < timeBytes {
			return nil, nil, errNoTime
		}
		at, src = timeOf(src), src[timeBytes:]
	}
	if c.isTimed {
		dst = appendTime(dst, at)
	}
	before := len(src)
	if out, rest, err = c.value(dst, src); err != nil {
		return nil, nil, err
	}
	if c.list && len(rest) == before {
		return nil, nil, errors.New("an element takes no bytes")
	}
	return out, rest, nil
}
