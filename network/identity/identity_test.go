package identity_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/network/identity/identitytest"
)

func load(t *testing.T, files identity.Files) *identity.Identity {
	t.Helper()
	i, err := identity.Load(files, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// meet has two processes shake hands; nil stands for no TLS. It returns what each makes of it.
func meet(t *testing.T, dialer, dialed *identity.Identity) (dialing, accepting *identity.Refused) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan *identity.Refused, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		refused := (*identity.Refused)(nil)
		if dialed == nil {
			conn = identity.Plain(conn, func(r *identity.Refused) { refused = r })
			_, err = conn.Read(make([]byte, 9))
		} else {
			secure := tls.Server(conn, dialed.Server())
			if err = secure.Handshake(); err != nil {
				refused = identity.Explain(err)
				identity.Tell(conn, err)
			} else {
				_, err = secure.Read(make([]byte, 9))
				conn = secure
			}
		}
		if err == nil {
			_, _ = conn.Write([]byte("yes"))
		}
		accepted <- refused
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if dialer == nil {
		conn = identity.Plain(conn, func(r *identity.Refused) { dialing = r })
	} else {
		conn = identity.Secured(tls.Client(conn, dialer.Peer()), func(r *identity.Refused) { dialing = r })
	}
	_, err = conn.Write([]byte("here I am"))
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, 3))
	}
	if dialing == nil {
		dialing = identity.Explain(err)
	}
	conn.Close()
	if dialing == nil && err != nil {
		t.Errorf("the dialer sees no refusal in %v", err)
	}
	return dialing, <-accepted
}

func TestWhoIsTaken(t *testing.T) {
	ours, theirs := identitytest.New(t), identitytest.New(t)
	right := load(t, ours.Issue(time.Hour, ours))
	for _, c := range []struct {
		name           string
		dialer, dialed *identity.Identity
		dialing, other string
	}{
		{"two of a cluster", right, load(t, ours.Issue(time.Hour, ours)), "", ""},
		{"neither has TLS", nil, nil, "", ""},
		{"plain text on a port with TLS", nil, right, identity.ByPeer, identity.PlainText},
		{"TLS on a port without", right, nil, identity.PlainText, identity.Encrypted},
		{"another cluster dials", load(t, theirs.Issue(time.Hour, ours)), right, identity.ByPeer, identity.Certificate},
		{"another cluster is dialed", right, load(t, theirs.Issue(time.Hour, ours)), identity.Certificate, identity.ByPeer},
		{"an expired certificate", load(t, ours.Issue(-time.Hour, ours)), right, identity.ByPeer, identity.Certificate},
		{"no certificate", load(t, identity.Files{Authorities: ours.Issue(time.Hour, ours).Authorities}), right, identity.ByPeer, identity.Certificate},
	} {
		t.Run(c.name, func(t *testing.T) {
			dialing, accepting := meet(t, c.dialer, c.dialed)
			if reason(dialing) != c.dialing || reason(accepting) != c.other {
				t.Errorf("the dialer says %q (%v), the other one %q (%v)", reason(dialing), dialing, reason(accepting), accepting)
			}
		})
	}
}

func reason(r *identity.Refused) string {
	if r == nil {
		return ""
	}
	return r.Reason
}

func TestHTTPTellsWhomItRefuses(t *testing.T) {
	a := identitytest.New(t)
	i := load(t, a.Issue(time.Hour, a))
	for _, secure := range []bool{true, false} {
		bound, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		told := make(chan *identity.Refused, 1)
		tell := func(peer string, r *identity.Refused) {
			if !strings.HasPrefix(peer, "127.0.0.1:") {
				t.Errorf("the peer is %q", peer)
			}
			told <- r
		}
		config, scheme := (*tls.Config)(nil), "https"
		if secure {
			config, scheme = i.Server(), "http"
		}
		server := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: identity.HTTPLog(tell, func(string) {}), ReadHeaderTimeout: 10 * time.Second}
		go func() { _ = server.Serve(identity.Listener(bound, config, tell)) }()
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: i.Peer()}}
		response, err := client.Get(scheme + "://" + bound.Addr().String())
		if err == nil {
			response.Body.Close()
		}
		want := identity.ErrNoTLS
		if !secure {
			want = identity.ErrEncrypted
			if identity.Explain(err) != identity.ErrNoTLS {
				t.Errorf("the client sees %v", err)
			}
		}
		if got := <-told; got != want {
			t.Errorf("with TLS %v: %v", secure, got)
		}
		server.Close()
	}
}

func TestFilesThatDoNotServe(t *testing.T) {
	a := identitytest.New(t)
	good, other := a.Issue(time.Hour, a), a.Issue(time.Hour, a)
	for name, files := range map[string]identity.Files{
		"nowhere.pem": {Certificate: "nowhere.pem", Key: good.Key}, other.Key: {Certificate: good.Certificate, Key: other.Key},
		"no certificate in it": {Certificate: good.Certificate, Key: good.Key, Authorities: good.Key},
	} {
		if _, err := identity.Load(files, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if identity.Explain(os.ErrDeadlineExceeded) != nil || identity.Explain(io.EOF) != nil || identity.Explain(nil) != nil || identity.Explain(errors.New("x")) != nil {
		t.Error("the network's failures are taken for refusals")
	}
}

func FuzzBegins(f *testing.F) {
	f.Add([]byte{0x16, 3, 1})
	f.Add([]byte{0x15, 3, 3, 0, 2, 2, 70})
	f.Add([]byte("GET / HTTP/1.1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r := identity.Begins(data); r != nil && (data[0] != 0x15 && data[0] != 0x16 || data[1] != 3) {
			t.Errorf("%x is taken for %v", data, r)
		}
	})
}
