package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/runtime/ident"
)

// The handshake is one message each way: a hello of the side that dialed, a welcome of the other one.
//
//	"WEIR" | version: 2 | length: 2 | body
//
// Whatever the version, these eight bytes stay, so that a version that is not spoken can be refused by name.
const (
	magic           = "WEIR"
	protocolVersion = 1
	preambleSize    = 8
	maxHandshake    = 4 << 10
)

// hello is who dials whom.
type hello struct {
	cluster  string
	job      ident.JobID
	from, to string // locations
	// process tells the dialing process from others that had its location before, connection numbers what it dialed.
	process    ident.ID
	connection uint64
	epoch      uint64
	// compressions are what the dialer can and wants, best first.
	compressions []Compression
}

// welcome answers a hello.
type welcome struct {
	reason      refusal
	text        string
	epoch       uint64
	process     ident.ID
	compression Compression
}

func appendText(dst []byte, text string) []byte {
	text = text[:min(len(text), maxHandshake/8)]
	return append(binary.LittleEndian.AppendUint16(dst, uint16(len(text))), text...)
}

func (h hello) append(dst []byte) []byte {
	return appendMessage(dst, func(b []byte) []byte {
		b = appendText(b, h.cluster)
		b = append(b, h.job[:]...)
		b = appendText(appendText(b, h.from), h.to)
		b = append(b, h.process[:]...)
		b = binary.LittleEndian.AppendUint64(b, h.connection)
		b = binary.LittleEndian.AppendUint64(b, h.epoch)
		b = append(b, byte(len(h.compressions)))
		for _, c := range h.compressions {
			b = append(b, byte(c))
		}
		return b
	})
}

func (w welcome) append(dst []byte) []byte {
	return appendMessage(dst, func(b []byte) []byte {
		b = append(b, byte(w.reason))
		b = appendText(b, w.text)
		b = binary.LittleEndian.AppendUint64(b, w.epoch)
		b = append(b, w.process[:]...)
		return append(b, byte(w.compression))
	})
}

func appendMessage(dst []byte, body func([]byte) []byte) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint16(dst, protocolVersion)
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = body(dst)
	binary.LittleEndian.PutUint16(dst[start+6:], uint16(len(dst)-start-preambleSize))
	return dst
}

// readMessage reads the body of a handshake message. It returns a *refusedError for what is none of this version.
func readMessage(from io.Reader) ([]byte, error) {
	var preamble [preambleSize]byte
	if n, err := io.ReadFull(from, preamble[:]); err != nil {
		if secure := identity.Begins(preamble[:n]); secure != nil { // an alert is shorter
			return nil, refuse(refusedTLS, "%s", secure.Text)
		}
		return nil, cutOff(err)
	}
	if secure := identity.Begins(preamble[:]); secure != nil {
		return nil, refuse(refusedTLS, "%s", secure.Text)
	}
	if string(preamble[:len(magic)]) != magic {
		return nil, refuse(refusedMalformed, "it begins with %q, which is no worker of this kind", preamble[:len(magic)])
	}
	if v := binary.LittleEndian.Uint16(preamble[4:]); v != protocolVersion {
		return nil, refuse(refusedVersion, "it speaks version %d of the protocol, this worker %d: run the same release everywhere", v, protocolVersion)
	}
	length := int(binary.LittleEndian.Uint16(preamble[6:]))
	if length > maxHandshake {
		return nil, refuse(refusedMalformed, "a handshake of %d bytes, of which %d are the most", length, maxHandshake)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(from, body); err != nil {
		return nil, cutOff(err)
	}
	return body, nil
}

// cutOff tells a connection that ended inside the handshake from one that failed.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return refuse(refusedMalformed, "it ended in the middle of the handshake")
	}
	return fmt.Errorf("handshake: %w", err)
}

// fields reads a message's body field by field; after the first that is cut off all are empty.
type fields struct {
	left []byte
	bad  bool
}

func (f *fields) take(n int) []byte {
	if n > len(f.left) {
		f.bad, f.left = true, nil
		return make([]byte, n)
	}
	taken := f.left[:n]
	f.left = f.left[n:]
	return taken
}

func (f *fields) byte() byte     { return f.take(1)[0] }
func (f *fields) uint64() uint64 { return binary.LittleEndian.Uint64(f.take(8)) }
func (f *fields) id() ident.ID   { return ident.ID(f.take(16)) }
func (f *fields) text() string {
	n := int(binary.LittleEndian.Uint16(f.take(2)))
	if n > maxHandshake {
		f.bad, n = true, 0
	}
	return string(f.take(n))
}

func (f *fields) end(what string) error {
	if f.bad || len(f.left) > 0 {
		return refuse(refusedMalformed, "its %s is cut off or has %d bytes too many", what, len(f.left))
	}
	return nil
}

func parseHello(body []byte) (h hello, err error) {
	f := fields{left: body}
	h.cluster, h.job = f.text(), f.id()
	h.from, h.to = f.text(), f.text()
	h.process, h.connection, h.epoch = f.id(), f.uint64(), f.uint64()
	for range f.byte() {
		h.compressions = append(h.compressions, Compression(f.byte()))
	}
	return h, f.end("hello")
}

func parseWelcome(body []byte) (w welcome, err error) {
	f := fields{left: body}
	w.reason, w.text = refusal(f.byte()), f.text()
	w.epoch, w.process, w.compression = f.uint64(), f.id(), Compression(f.byte())
	return w, f.end("welcome")
}

// host is what the side that is dialed holds a hello against.
type host struct {
	cluster, location string
	// joined says that the hello's job is here; what follows is its.
	joined bool
	epoch  uint64
	// process and connection are those of the peer's newest connection.
	process    ident.ID
	connection uint64
}

// judge decides whether a hello is taken up.
func (s host) judge(h hello) *refusedError {
	switch {
	case h.cluster != s.cluster:
		return refuse(refusedCluster, "it belongs to the cluster %q, this worker to %q", h.cluster, s.cluster)
	case h.to != s.location:
		return refuse(refusedWorker, "it looks for the worker at %s, this is the one at %s", h.to, s.location)
	case !dials(h.from, h.to):
		return refuse(refusedWorker, "the worker at %s is dialed by this one, not the other way round", h.from)
	case !s.joined:
		return refuse(refusedJob, "job %s has no worker here", h.job)
	case h.epoch < s.epoch:
		return refuse(refusedEpoch, "it serves a leader of epoch %d, this worker one of epoch %d: it was replaced", h.epoch, s.epoch)
	case h.process == s.process && h.connection <= s.connection:
		return refuse(refusedStale, "its connection %d is older than its connection %d", h.connection, s.connection)
	}
	return nil
}

// dials reports which of two workers makes the connection between them: always the one whose location comes first. So two
// that need each other at the same time make one connection, not two.
func dials(from, to string) bool { return from < to }
