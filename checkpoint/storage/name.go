package storage

import (
	"fmt"
	"strings"
)

// Limits of names. With a bucket's prefix before it a name must stay within S3's 1,024 bytes, and a segment of it is a file's name.
const (
	maxName    = 768
	maxSegment = 200
)

// CheckName reports what is wrong with a name. Names are segments of letters, digits and -_.=+@,~ joined by single slashes. A segment
// does not begin with a dot: names cannot lead out of the store, and those that do begin with one are free for a store's own use.
func CheckName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("the name has %d bytes: the limit is %d", len(name), maxName)
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" {
			return fmt.Errorf("the name %q has an empty part", name)
		}
		if err := checkSegment(name, segment); err != nil {
			return err
		}
	}
	return nil
}

// CheckPrefix reports what is wrong with the prefix of a listing: it must be empty or the beginning of a valid name.
func CheckPrefix(prefix string) error {
	whole := strings.TrimSuffix(prefix, "/")
	if whole == "" && prefix == "" {
		return nil
	}
	return CheckName(whole)
}

func checkSegment(name, segment string) error {
	if segment[0] == '.' {
		return fmt.Errorf("the name %q has a part that begins with a dot", name)
	}
	if len(segment) > maxSegment {
		return fmt.Errorf("the name %q has a part of %d bytes: the limit is %d", name, len(segment), maxSegment)
	}
	for i := range len(segment) {
		if !nameByte(segment[i]) {
			return fmt.Errorf("the name %q has the byte %q: only letters, digits and -_.=+@,~ are allowed", name, segment[i])
		}
	}
	return nil
}

func nameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.=+@,~", c) >= 0
}

// CheckNames is what a store begins an operation with: the name must be valid and the context not done.
func CheckNames(op, store string, names ...string) error {
	for _, name := range names {
		if err := CheckName(name); err != nil {
			return &Error{Kind: Refused, Op: op, Store: store, Err: err, Advice: "this is an error of the program"}
		}
	}
	return nil
}

// CheckListing is [CheckNames] for a listing.
func CheckListing(store, prefix, after string) error {
	for _, p := range []string{prefix, after} {
		if err := CheckPrefix(p); err != nil {
			return &Error{Kind: Refused, Op: "list", Store: store, Err: err, Advice: "this is an error of the program"}
		}
	}
	return nil
}

// CheckBody refuses a body of Create that is too big.
func CheckBody(store, name string, body []byte) error {
	if len(body) > MaxBody {
		return &Error{Kind: Refused, Op: "create", Store: store, Object: name, Err: fmt.Errorf("%d bytes, the limit is %d", len(body), MaxBody)}
	}
	return nil
}
