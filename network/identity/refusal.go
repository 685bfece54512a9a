package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// Refused is why a connection was not taken up, at either end of it.
type Refused struct {
	// Reason is one of a few words, which a counter may have as its label.
	Reason string
	// Text says it to people, with what to do.
	Text string
}

// The reasons.
const (
	PlainText   = "plain"       // the peer has no TLS, and this side has
	Encrypted   = "tls"         // the peer has TLS, and this side has none
	Certificate = "certificate" // this side does not take the peer's
	ByPeer      = "peer"        // the peer does not take what this side is or shows
)

// Reasons are all of them.
func Reasons() []string { return []string{PlainText, Encrypted, Certificate, ByPeer} }

// Error is the text.
func (e *Refused) Error() string { return e.Text }

// ErrEncrypted is what a plain port makes of the beginning of TLS.
var ErrEncrypted = &Refused{Encrypted, "the peer speaks TLS, and this port does not: give both the same security.ssl options"}

// ErrNoTLS is what TLS makes of a peer without it.
var ErrNoTLS = &Refused{PlainText, "the peer does not speak TLS, and this side does: give both the same security.ssl options"}

// ErrWantsTLS is what a plain client makes of a server that answers with TLS.
var ErrWantsTLS = &Refused{ByPeer, "the peer wants TLS, and this side does not speak it: give both the same security.ssl options"}

// Explain returns why a handshake has failed, if it was refused: the same error in words that say what to do. It returns nil if the network has failed.
func Explain(err error) *Refused {
	refused := (*Refused)(nil)
	if errors.As(err, &refused) {
		return refused
	}
	var record tls.RecordHeaderError
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var unverified *tls.CertificateVerificationError
	switch {
	case errors.As(err, &record):
		return ErrNoTLS
	case errors.As(err, &unknown):
		return &Refused{Certificate, fmt.Sprintf("the peer's certificate is of another authority, as one of another cluster is: %v", err)}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return &Refused{Certificate, fmt.Sprintf("the peer's certificate is not valid now: %v", err)}
	case errors.As(err, &invalid), errors.As(err, &name), errors.As(err, &unverified):
		return &Refused{Certificate, fmt.Sprintf("the peer's certificate does not serve: %v", err)}
	case isAlert(err) && strings.HasSuffix(err.Error(), alertText):
		return ErrNoTLS
	case isAlert(err):
		return &Refused{ByPeer, fmt.Sprintf("the peer does not take this side's certificate, or wants one (%v): see the peer's log, and give both the same security.ssl options", err)}
	case err != nil && strings.HasPrefix(err.Error(), "tls: "):
		return &Refused{Certificate, err.Error()}
	}
	return nil
}

// isAlert reports whether the peer has sent a TLS alert, which is wrapped as an error of the network.
func isAlert(err error) bool {
	var alert tls.AlertError
	if errors.As(err, &alert) {
		return true
	}
	operation := (*net.OpError)(nil)
	return errors.As(err, &operation) && operation.Op == "remote error"
}

// Types of TLS records, which a connection of TLS begins with.
const (
	alertRecord     = 0x15
	handshakeRecord = 0x16
)

// alert is a TLS record that says protocol_version: to either side it means that the other one does not speak as it does.
var alert = []byte{alertRecord, 3, 1, 0, 2, 2, 70}

// alertText is how crypto/tls words that alert.
const alertText = "tls: protocol version not supported"

// Tell tells a peer whose handshake has failed with err that this port wants TLS, if it has none, and lets any peer read why before the connection is
// closed, which the caller does. It may block as long as the connection's deadline lets it.
func Tell(conn net.Conn, err error) {
	var record tls.RecordHeaderError
	if errors.As(err, &record) && record.Conn != nil {
		_, _ = conn.Write(alert)
	}
	linger(conn)
}

// mostIgnored is how much of what a peer has sent is read before its connection is closed: with unread bytes the system would reset it, and the alert would
// be lost.
const mostIgnored = 16 << 10

func linger(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, conn, mostIgnored)
	}
}

// Begins says what the first two bytes of a connection without TLS tell of the peer: nil if it does not speak TLS either.
func Begins(bytes []byte) *Refused {
	switch {
	case len(bytes) < 2 || bytes[1] != 3:
		return nil
	case bytes[0] == handshakeRecord:
		return ErrEncrypted
	case bytes[0] == alertRecord:
		return ErrWantsTLS
	}
	return nil
}

// Plain watches how a connection without TLS begins, and reading ends with a [*Refused] if the peer speaks TLS.
func Plain(conn net.Conn, told func(*Refused)) net.Conn { return &plain{Conn: conn, told: told} }

type plain struct {
	net.Conn
	told func(*Refused)

	once    sync.Once
	refused *Refused
}

func (p *plain) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	p.once.Do(func() {
		if p.refused = Begins(b[:n]); p.refused == nil {
			return
		}
		p.told(p.refused)
		if p.refused == ErrEncrypted {
			_, _ = p.Write(alert)
			linger(p.Conn)
		}
	})
	if p.refused != nil {
		return 0, p.refused
	}
	return n, err
}

// ReadFrom lets files be sent without a copy where the system can.
func (p *plain) ReadFrom(r io.Reader) (int64, error) { return io.Copy(p.Conn, r) }

// Secured watches the first answer on a connection with TLS, since a server's refusal of a client's certificate comes after the handshake.
func Secured(conn net.Conn, told func(*Refused)) net.Conn { return &secured{Conn: conn, told: told} }

type secured struct {
	net.Conn
	told func(*Refused)
	once sync.Once
}

func (s *secured) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	s.once.Do(func() {
		if err == nil {
			return
		}
		if refused := Explain(err); refused != nil {
			s.told(refused)
		}
	})
	return n, err
}

// Listener has the connections of a listener watched, and tells who was refused. It is TLS if there is a configuration.
func Listener(l net.Listener, config *tls.Config, told func(peer string, refused *Refused)) net.Listener {
	if config != nil {
		return tls.NewListener(l, config)
	}
	return &listener{l, told}
}

type listener struct {
	net.Listener
	told func(peer string, refused *Refused)
}

func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return Plain(conn, func(refused *Refused) { l.told(conn.RemoteAddr().String(), refused) }), nil
}
