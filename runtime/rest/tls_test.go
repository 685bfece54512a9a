package rest_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/rest"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, _ := x509.ParseCertificate(der)
	return &authority{certificate, key}
}

// issue returns a certificate and its key as PEM.
func (a *authority) issue(t *testing.T, serial int64) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// lockedBuffer is a log that the test reads while the server writes.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func TestTLS(t *testing.T) {
	own, foreign := newAuthority(t, "own"), newAuthority(t, "foreign")
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certificate, key := own.issue(t, 10)
	files := identity.Files{Certificate: write("cert.pem", certificate), Key: write("key.pem", key), Authorities: write("ca.pem", own.pem())}

	group := metrics.NewRegistry(clock.System(), nil).Root(metrics.LevelJobManager)
	var log lockedBuffer
	server, _ := newServer(t, rest.Options{Metrics: group, Log: slog.New(slog.NewTextHandler(&log, nil))}, "running")
	bound, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proof, err := identity.Load(files, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listener := rest.Listen(server, bound, proof.Server(), time.Minute)
	served := make(chan error, 1)
	go func() { served <- listener.Serve() }()
	address := bound.Addr().String()

	trust := x509.NewCertPool()
	trust.AddCert(own.certificate)
	ask := func(client *authority) (serial int64, err error) {
		config := &tls.Config{RootCAs: trust}
		if client != nil {
			pair, err := tls.X509KeyPair(client.issue(t, 20))
			if err != nil {
				t.Fatal(err)
			}
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
		transport := &http.Transport{TLSClientConfig: config}
		defer transport.CloseIdleConnections()
		answer, err := (&http.Client{Transport: transport}).Get("https://" + address + "/overview")
		if err != nil {
			return 0, err
		}
		defer answer.Body.Close()
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer.TLS.PeerCertificates[0].SerialNumber.Int64(), nil
	}
	if serial, err := ask(own); err != nil || serial != 10 {
		t.Errorf("own certificate: %d, %v", serial, err)
	}
	for name, client := range map[string]*authority{"no certificate": nil, "another cluster's certificate": foreign} {
		if _, err := ask(client); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	answer, err := http.Get("http://" + address + "/overview")
	if err == nil {
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest || strings.Contains(string(body), "taskmanagers") {
			t.Errorf("plain text: %d %s", answer.StatusCode, body)
		}
	}
	refused := group.SharedCounter("restRefusedHandshakes")
	for refused.Count() < 3 {
	}
	if !strings.Contains(log.String(), "a REST connection was refused") {
		t.Errorf("log: %s", log.String())
	}

	certificate, key = own.issue(t, 11)
	write("cert.pem", certificate)
	if serial, err := ask(own); err != nil || serial != 10 {
		t.Errorf("with the new certificate and the old key: %d, %v", serial, err)
	}
	write("key.pem", append(key, '\n'))
	if serial, err := ask(own); err != nil || serial != 11 {
		t.Errorf("with the new certificate: %d, %v", serial, err)
	}
	if err := listener.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestTLSOnAPlainPort(t *testing.T) {
	group := metrics.NewRegistry(clock.System(), nil).Root(metrics.LevelJobManager)
	var log lockedBuffer
	server, _ := newServer(t, rest.Options{Metrics: group, Log: slog.New(slog.NewTextHandler(&log, nil))}, "running")
	bound, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := rest.Listen(server, bound, nil, time.Minute)
	served := make(chan error, 1)
	go func() { served <- listener.Serve() }()
	_, err = tls.Dial("tcp", bound.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if explained := identity.Explain(err); explained != identity.ErrNoTLS {
		t.Errorf("TLS on a plain port: %v", err)
	}
	if group.SharedCounter("restRefusedHandshakes").Count() != 1 || !strings.Contains(log.String(), "the peer speaks TLS") || !strings.Contains(log.String(), "peer=127.0.0.1:") {
		t.Errorf("log: %s", log.String())
	}
	if answer, err := http.Get("http://" + bound.Addr().String() + "/overview"); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("plain text: %v", err)
	}
	if err := listener.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
