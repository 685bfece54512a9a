package snapshot

import (
	"fmt"
	"strings"
)

// ClaimMode says who owns the snapshot that a job is started from (execution.state-recovery.claim-mode).
type ClaimMode uint8

const (
	// NoClaim leaves it to the user: the job never deletes it, and its first checkpoint is full, so that it can be deleted then.
	NoClaim ClaimMode = iota
	// TakeOver gives it to the job, which deletes it when it needs it no more (CLAIM).
	TakeOver
)

// String returns Flink's name.
func (m ClaimMode) String() string {
	if m == TakeOver {
		return "CLAIM"
	}
	return "NO_CLAIM"
}

// ParseClaimMode reads Flink's name, in any case.
func ParseClaimMode(text string) (ClaimMode, error) {
	switch strings.ToUpper(text) {
	case "NO_CLAIM":
		return NoClaim, nil
	case "CLAIM":
		return TakeOver, nil
	case "LEGACY":
		return 0, fmt.Errorf("claim mode LEGACY: nobody would own the snapshot, so it could neither be deleted safely nor kept for sure;" +
			" use NO_CLAIM (it stays yours and may be deleted after the first checkpoint) or CLAIM (the job owns it)")
	}
	return 0, fmt.Errorf("claim mode %q: it must be NO_CLAIM or CLAIM", text)
}
