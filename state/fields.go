package state

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Field is one handle found in a function.
type Field struct {
	Descriptor Descriptor
	handle     handle
}

// handle is what Value, List, Map, Reducing and Aggregating have in common.
type handle interface {
	// describe returns a descriptor that lacks name and options.
	describe() (Descriptor, error)
	bind(store Store, c Column, d Descriptor, now func() int64)
	// expire drops what has outlived its time of the current key's state.
	expire()
}

var handleType = reflect.TypeFor[handle]()

// Bind makes the handle show the state of a column of an opened backend, which was opened with the field's descriptor
// there. now is the processing time in milliseconds, by which a time to live is measured; it may be nil if there is none.
func (f Field) Bind(store Store, c Column, now func() int64) {
	f.handle.bind(store, c, f.Descriptor, now)
}

// Expire drops what has outlived its time of the current key's state, for which Bind has been called.
func (f Field) Expire() { f.handle.expire() }

// Fields finds the state handles among the fields of a function: fn is a pointer to a struct, and the structs that it holds by
// value, embedded or not, are searched too. A struct with handles that is not behind a pointer is an error. Anything else has no
// state: the result is empty.
//
// A field's state is named by its tag, `state:"name"`, or else by the field. Options follow after commas: ttl=24h, with
// ttl-update=onCreateAndWrite (or onReadAndWrite), ttl-visibility=neverReturnExpired (or returnExpiredIfNotCleanedUp) and
// ttl-cleanup=onRead. Two states of one name, an unknown option, a handle that is not exported and a type that no codec can be
// derived for are errors that name the field.
func Fields(fn any) ([]Field, error) {
	var fields []Field
	err := search(fn, handleType, func(v reflect.Value, field reflect.StructField, names names, at string) error {
		h := v.Addr().Interface().(handle)
		d, err := h.describe()
		if err != nil {
			return err
		}
		d.Name = field.Name
		if err := parseTag(field.Tag.Get("state"), &d); err != nil {
			return err
		}
		fields = append(fields, Field{d, h})
		return names.take(d.Name, at)
	})
	if err != nil {
		return nil, err
	}
	if len(fields) > MaxColumns {
		return nil, fmt.Errorf("%T declares %d states, at most %d are possible: put values that belong together into one struct", fn, len(fields), MaxColumns)
	}
	return fields, nil
}

// parseTag reads name[,option=value]... into d.
func parseTag(tag string, d *Descriptor) error {
	name, options, more := strings.Cut(tag, ",")
	if name != "" {
		d.Name = name
	}
	var ttl TTL
	for more {
		var option string
		option, options, more = strings.Cut(options, ",")
		if err := parseOption(option, &ttl); err != nil {
			return err
		}
	}
	if ttl.Duration > 0 {
		*d = d.WithTTL(ttl)
	} else if ttl != (TTL{}) {
		return fmt.Errorf("its tag has options of a time to live but no ttl=DURATION")
	}
	return nil
}

func parseOption(option string, ttl *TTL) (err error) {
	key, value, _ := strings.Cut(option, "=")
	switch key {
	case "ttl":
		ttl.Duration, err = time.ParseDuration(value)
		if err != nil || ttl.Duration < time.Millisecond {
			return fmt.Errorf("ttl=%s in its tag is not a duration of at least a millisecond, such as 24h", value)
		}
	case "ttl-update":
		ttl.Update, err = choose(option, value, OnCreateAndWrite, OnReadAndWrite)
	case "ttl-visibility":
		ttl.Visibility, err = choose(option, value, NeverReturnExpired, ReturnExpiredIfNotCleanedUp)
	case "ttl-cleanup":
		if ttl.NoCleanup = value == "onRead"; !ttl.NoCleanup {
			err = fmt.Errorf("%s in its tag: it must be onRead", option)
		}
	default:
		err = fmt.Errorf("unknown option %q in its tag; known: ttl=DURATION, ttl-update=UPDATE, ttl-visibility=VISIBILITY, ttl-cleanup=onRead", option)
	}
	return err
}

// choose returns the one of two choices that has this name.
func choose[T fmt.Stringer](option, name string, first, second T) (T, error) {
	switch name {
	case first.String():
		return first, nil
	case second.String():
		return second, nil
	}
	return first, fmt.Errorf("%s in its tag: it must be %s or %s", option, first, second)
}
