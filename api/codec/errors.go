package codec

import (
	"fmt"
	"reflect"
)

// FormatError says that bytes are not an encoding of the type that was to be decoded.
type FormatError struct {
	Type   string // the Go type that was to be decoded
	Path   string // of the place within it, such as ".Items[3].Price"; empty for the whole
	Reason string
	Cause  error // of a user's own codec or a protobuf message; else nil
}

// Error names the type, the place and what is wrong with the bytes.
func (e *FormatError) Error() string {
	text := fmt.Sprintf("codec: malformed %s%s: %s", e.Type, e.Path, e.Reason)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Cause }

// RefusedError says why there is no codec for a type, where the reason lies, and what to do.
type RefusedError struct {
	Type   string // the Go type that was asked for
	Path   string // of the refused place within it; empty for the type itself
	Inner  string // the Go type at that place
	Reason string
	Advice string
}

// Error names the type, the path to the refused field, its type, the reason and what to do.
func (e *RefusedError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("codec: type %s cannot be encoded: %s; %s", e.Type, e.Reason, e.Advice)
	}
	return fmt.Sprintf("codec: type %s cannot be encoded: its field %s of type %s: %s; %s", e.Type, e.Path, e.Inner, e.Reason, e.Advice)
}

// ValueError is what Append panics with when one particular value has no encoding although its type has one: it is
// nested too deeply (or contains itself), holds an unregistered type in an interface, or its own marshaler failed.
// It is a fault of the program that made the value.
type ValueError struct {
	Type   string
	Reason string
	Cause  error
}

// Error names the type and the reason.
func (e *ValueError) Error() string {
	text := fmt.Sprintf("codec: a value of type %s cannot be encoded: %s", e.Type, e.Reason)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *ValueError) Unwrap() error { return e.Cause }

// malformed is a FormatError whose type and path are filled in on the way out.
func malformed(format string, arguments ...any) *FormatError {
	return &FormatError{Reason: fmt.Sprintf(format, arguments...)}
}

// within adds the place at which an inner decoding failed.
func (e *FormatError) within(path string) *FormatError {
	e.Path = path + e.Path
	return e
}

// in names the type of the whole.
func (e *FormatError) in(t reflect.Type) *FormatError {
	e.Type = t.String()
	return e
}
