package transport

import (
	"errors"
	"fmt"

	"github.com/weir-stream/weir/runtime/ident"
)

// BrokenError is what every channel of a connection ends with when that ends before them.
type BrokenError struct {
	Job  ident.JobID
	Peer string // the location of the worker at the other end
	// Cause is why, as this side knows it.
	Cause error
}

// Error names job and peer and says what to do.
func (e *BrokenError) Error() string {
	return fmt.Sprintf("job %s: the connection to the worker at %s is broken: %v; if restarts do not mend it, look into that worker's log and check that its address can be reached",
		e.Job, e.Peer, e.Cause)
}

// Unwrap returns the cause.
func (e *BrokenError) Unwrap() error { return e.Cause }

// Environmental says whose fault it is.
func (e *BrokenError) Environmental() bool { return true }

// breach says how a connection went against the protocol, or why it broke; it is the label of a counter.
type breach string

const (
	brokenPeer     breach = "peer"      // end of file, reset, a time-out of the system
	brokenSilence  breach = "silence"   // nothing was heard for too long
	brokenReplaced breach = "replaced"  // the same peer has made a new connection
	truncated      breach = "truncated" // it ended in the middle of a frame
	badFrame       breach = "malformed"
	oversized      breach = "oversized"
	uncredited     breach = "uncredited" // a frame without credit
	foreign        breach = "foreign"    // a channel that was never opened
)

var breaches = []breach{brokenPeer, brokenSilence, brokenReplaced, truncated, badFrame, oversized, uncredited, foreign}

// protocolError is a peer's offence against the protocol.
type protocolError struct {
	breach breach
	text   string
}

func (e *protocolError) Error() string { return "protocol error (" + string(e.breach) + "): " + e.text }

func malformed(format string, args ...any) error {
	return &protocolError{breach: badFrame, text: fmt.Sprintf(format, args...)}
}

// offends reports whether a connection ends with an offence of a peer that listens, and so is told.
func offends(err error) bool {
	offence := (*protocolError)(nil)
	return errors.As(err, &offence) && offence != errSilent
}

// breachOf labels the error that a connection broke with.
func breachOf(err error) breach {
	if e := (*protocolError)(nil); errors.As(err, &e) {
		return e.breach
	}
	return brokenPeer
}

var (
	errSilent   = &protocolError{brokenSilence, "nothing was heard of the peer for too long: it is frozen, or the network is cut"}
	errReplaced = &protocolError{brokenReplaced, "the peer has made a new connection"}
	errClosed   = errors.New("this worker's data plane is closed")
	errPeerLeft = errors.New("the peer has closed it")
	errSevered  = errors.New("it was cut on purpose")
)

// refusal says why a connection was not taken up; it is the label of a counter.
type refusal uint8

const (
	accepted refusal = iota
	refusedMalformed
	refusedVersion
	refusedCluster
	refusedJob
	refusedWorker
	refusedEpoch
	refusedStale
	refusedTLS
	refusedBusy
	refusedTimeout

	refusals
)

var refusalNames = [refusals]string{"none", "malformed", "version", "cluster", "job", "worker", "epoch", "stale", "tls", "busy", "timeout"}

func (r refusal) String() string {
	if r < refusals {
		return refusalNames[r]
	}
	return fmt.Sprintf("refusal %d", uint8(r))
}

// final reports whether trying again is of no use.
func (r refusal) final() bool {
	switch r {
	case refusedVersion, refusedCluster, refusedEpoch, refusedTLS:
		return true
	}
	return false
}

// refusedError is why a handshake failed.
type refusedError struct {
	reason refusal
	// byPeer says who refused.
	byPeer bool
	text   string
}

func (e *refusedError) Error() string {
	by := "refused"
	if e.byPeer {
		by = "refused by the peer"
	}
	return fmt.Sprintf("%s (%s): %s", by, e.reason, e.text)
}

func refuse(reason refusal, format string, args ...any) *refusedError {
	return &refusedError{reason: reason, text: fmt.Sprintf(format, args...)}
}
