// Package blob keeps files by their SHA-256: binaries of jobs, and messages that are too large for actors. The JobManager has those that were
// uploaded; TaskManagers fetch them over HTTP when they need them, verify them and keep them for the next job.
package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Key names a blob: the SHA-256 of what it holds.
type Key [sha256.Size]byte

// String returns 64 hexadecimal digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// ParseKey reads what String wrote.
func ParseKey(text string) (k Key, err error) {
	if len(text) != hex.EncodedLen(len(k)) {
		return k, fmt.Errorf("blob key %.80q: want %d hexadecimal digits", text, hex.EncodedLen(len(k)))
	}
	if _, err := hex.Decode(k[:], []byte(text)); err != nil {
		return k, fmt.Errorf("blob key %q: %w", text, err)
	}
	return k, nil
}

// KeyOf makes a key of its bytes.
func KeyOf(sum []byte) (k Key, err error) {
	if len(sum) != len(k) {
		return k, fmt.Errorf("blob key of %d bytes: want %d", len(sum), len(k))
	}
	copy(k[:], sum)
	return k, nil
}
