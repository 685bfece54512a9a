package storage

import (
	"context"
	"errors"
	"strings"
)

// Kind says what an error means for whoever made the call. It is an error itself, so that errors.Is(err, storage.NotFound) works.
type Kind uint8

// The kinds of errors.
const (
	// NotFound: there is no such object.
	NotFound Kind = iota + 1
	// Exists: Create lost against an object that was there before.
	Exists
	// Refused: permission, credentials, configuration or the request itself is wrong; doing it again fails again.
	Refused
	// Transient: it did not work this time and may later: a full disk, a lost connection, a server that is overloaded, the end of the
	// context.
	Transient
	// Ambiguous: only from Create, which may have succeeded or may yet; read the object back.
	Ambiguous
	// Damaged: bytes are missing or wrong.
	Damaged
)

var kindWords = [...]string{
	NotFound: "not found", Exists: "exists already", Refused: "refused", Transient: "failed for now",
	Ambiguous: "may or may not have happened", Damaged: "damaged",
}

// Error returns the kind in words.
func (k Kind) Error() string {
	if int(k) < len(kindWords) && kindWords[k] != "" {
		return kindWords[k]
	}
	return "unclassified"
}

// Error is why an operation on a store failed.
type Error struct {
	Kind Kind
	// Op is the method in lower case: create, put, read, open, stat, list, delete; or link.
	Op string
	// Store is the store's String.
	Store string
	// Object is the name, or the prefix of a listing.
	Object string
	// Advice is what to do about it, or "".
	Advice string
	// Err is the cause; nil where the kind says it all.
	Err error
}

// Error tells place, operation, object, cause and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Store)
	b.WriteString(": ")
	b.WriteString(e.Op)
	if e.Object != "" {
		b.WriteString(" " + e.Object)
	}
	b.WriteString(": " + e.Kind.Error())
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Advice != "" {
		b.WriteString(" (" + e.Advice + ")")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes an error equal to its kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// KindOf returns the kind of an error of this package: [Transient] for the end of a context, 0 for nil and for what is no error of a store.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return Transient
	}
	return 0
}

// MayPass reports whether what failed may succeed when all of it is done again later.
func MayPass(err error) bool {
	k := KindOf(err)
	return k == Transient || k == Ambiguous
}

// Ended is the error of an operation that did nothing because its context is done; nil while it is not.
func Ended(ctx context.Context, op, store, object string) error {
	if ctx.Err() == nil {
		return nil
	}
	return &Error{Kind: Transient, Op: op, Store: store, Object: object, Err: context.Cause(ctx)}
}
