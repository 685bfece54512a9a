package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/runtime/ident"
)

// authority signs certificates for a test.
type authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, _ = x509.ParseCertificate(der)
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// issue writes a certificate of the authority, and those trusted, to the folder.
func (a *authority) issue(folder string, expired bool, trusted ...*authority) *identity.Files {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<60))
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "worker"}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if expired {
		template.NotAfter = time.Now().Add(-time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, _ := x509.MarshalECPrivateKey(key)
	var authorities []byte
	for _, other := range trusted {
		authorities = append(authorities, other.pem...)
	}
	files := &identity.Files{Certificate: filepath.Join(folder, "cert.pem"), Key: filepath.Join(folder, "key.pem"), Authorities: filepath.Join(folder, "ca.pem")}
	for name, content := range map[string][]byte{
		files.Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		files.Key:         pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), files.Authorities: authorities,
	} {
		// A new modification time, whatever the file system's resolution.
		if err := os.WriteFile(name, content, 0o600); err != nil {
			a.t.Fatal(err)
		}
		at := time.Now().Add(-time.Duration(serial.Int64() % 1e12))
		if err := os.Chtimes(name, at, at); err != nil {
			a.t.Fatal(err)
		}
	}
	return files
}

func withTLS(files *identity.Files) func(*Config) { return func(c *Config) { c.TLS = files } }

func TestTLSCarriesFrames(t *testing.T) {
	a := newAuthority(t)
	p := newPair(t, withTLS(a.issue(t.TempDir(), false, a)))
	there, back := open(t, p.first, p.second, key(1), 4).ready(t), open(t, p.second, p.first, key(2), 4).ready(t)
	full := strings.Repeat("y", PayloadSize)
	for range 50 {
		await(t, "credit", func() bool { return there.Ready() && back.Ready() })
		there.send(full, false)
		back.send("small", false)
		if there.next(t) != full || back.next(t) != "small" {
			t.Fatal("a frame has changed")
		}
	}
	p.nodes[0].mu.Lock()
	for c := range p.nodes[0].connections {
		if _, ok := c.net.(*tls.Conn); !ok {
			t.Error("the connection is not encrypted")
		}
	}
	p.nodes[0].mu.Unlock()
}

// newUnequalPair is a pair whose sides have files of their own.
func newUnequalPair(t *testing.T, dialer, dialed *identity.Files) *pair {
	t.Helper()
	checkGoroutines(t)
	for {
		p := &pair{t: t}
		for i, files := range []*identity.Files{dialer, dialed} {
			p.nodes[i] = listen(t, withTLS(files))
		}
		if dials(p.nodes[0].Location(), p.nodes[1].Location()) {
			job := ident.NewID()
			p.first, p.second = p.nodes[0].join(t, job), p.nodes[1].join(t, job)
			return p
		}
	}
}

// TestWrongCertificatesAreRefusedOnBothSides has the dialer, then the one that is dialed, show what the other does not trust.
func TestWrongCertificatesAreRefusedOnBothSides(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	right := ours.issue(t.TempDir(), false, ours)
	for name, wrong := range map[string]*identity.Files{
		"another authority":         theirs.issue(t.TempDir(), false, theirs),
		"a stranger that trusts us": theirs.issue(t.TempDir(), false, ours),
		"an expired certificate":    ours.issue(t.TempDir(), true, ours),
		"no TLS":                    nil,
	} {
		for _, wrongDials := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				dialer, dialed := right, wrong
				if wrongDials {
					dialer, dialed = wrong, right
				}
				p := newUnequalPair(t, dialer, dialed)
				failed := make(chan error, 1)
				if _, err := p.first.Send(p.second.Location(), key(1), func(err error) { failed <- err }); err != nil {
					t.Fatal(err)
				}
				select {
				case err := <-failed: // long before the time that channels wait for a connection
					if !strings.Contains(err.Error(), "security.ssl") && !strings.Contains(err.Error(), "certificate") {
						t.Errorf("the failure does not help: %v", err)
					}
				case <-time.After(10 * time.Second):
					t.Fatal("there was no failure")
				}
				for _, n := range p.nodes {
					await(t, "a count and a line of the log", func() bool {
						return n.counts.refused[refusedTLS].Count() > 0 && n.log.has("was refused")
					})
				}
			})
		}
	}
}

// TestCertificatesAreReadAgain replaces the authority of both sides while they run.
func TestCertificatesAreReadAgain(t *testing.T) {
	old, fresh := newAuthority(t), newAuthority(t)
	folder := t.TempDir()
	p := newPair(t, withTLS(old.issue(folder, false, old)))
	serial := func() *big.Int {
		p.nodes[0].mu.Lock()
		defer p.nodes[0].mu.Unlock()
		for c := range p.nodes[0].connections {
			return c.net.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber
		}
		return nil
	}
	open(t, p.first, p.second, key(1), 1).ready(t)
	first := serial()
	// Half of the files are there: the old ones stay in use.
	if err := os.WriteFile(filepath.Join(folder, "key.pem"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.reconnect(t, 2)
	if serial().Cmp(first) != 0 || !p.nodes[0].log.has("cannot be read again") {
		t.Error("half a pair of files was taken")
	}
	fresh.issue(folder, false, fresh)
	p.reconnect(t, 3)
	if serial().Cmp(first) == 0 {
		t.Error("the new certificate is not in use")
	}
}

// reconnect ends the connection and makes another one.
func (p *pair) reconnect(t *testing.T, attempt int) {
	t.Helper()
	for _, n := range p.nodes {
		n.mu.Lock()
		var all []*connection
		for c := range n.connections {
			all = append(all, c)
		}
		n.mu.Unlock()
		for _, c := range all {
			c.fail(errPeerLeft)
		}
	}
	await(t, "no connection", func() bool {
		p.nodes[1].mu.Lock()
		defer p.nodes[1].mu.Unlock()
		return len(p.nodes[1].connections) == 0
	})
	open(t, p.first, p.second, key(attempt), 1).ready(t)
}

func TestFilesThatAreMissingAreNamed(t *testing.T) {
	config := configOf(&logged{})
	config.TLS = &identity.Files{Certificate: "nowhere.pem"}
	if _, err := Listen(config); err == nil || !strings.Contains(err.Error(), "nowhere.pem") {
		t.Errorf("got %v", err)
	}
}
