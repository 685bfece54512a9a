// Package identity is how the processes of a cluster prove to each other who they are: certificates in files, which are read anew when they have
// changed, and the words for connections that are refused because of them.
package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Files names what an identity is made of, all in PEM.
type Files struct {
	// Certificate, with the chain behind it, and its Key are what a process shows. A client that shows nothing leaves both empty.
	Certificate, Key string
	// Authorities has the certificates of those whose signature is trusted. If it is empty a server asks for no certificate, and a client trusts whom the
	// system trusts.
	Authorities string
}

func (f Files) names() [3]string { return [3]string{f.Certificate, f.Key, f.Authorities} }

// Identity is what the files say. They are looked at before each handshake and read again if one has changed. Its methods may be called from any
// goroutine.
type Identity struct {
	files Files
	log   *slog.Logger

	mu          sync.Mutex
	read        [3]stamp
	certificate *tls.Certificate
	authorities *x509.CertPool
}

// stamp tells one version of a file from another.
type stamp struct {
	modified time.Time
	size     int64
}

// Load reads the files for the first time. The log is told of those that are read again, and of those that cannot be.
func Load(files Files, log *slog.Logger) (*Identity, error) {
	i := &Identity{files: files, log: log}
	now, err := i.stamps()
	if err == nil {
		err = i.load(now)
	}
	if err != nil {
		return nil, fmt.Errorf("files of TLS: %w", err)
	}
	return i, nil
}

func (i *Identity) stamps() (all [3]stamp, err error) {
	for n, file := range i.files.names() {
		if file == "" {
			continue
		}
		info, err := os.Stat(file)
		if err != nil {
			return all, err
		}
		all[n] = stamp{info.ModTime(), info.Size()}
	}
	return all, nil
}

func (i *Identity) load(now [3]stamp) error {
	var certificate *tls.Certificate
	var authorities *x509.CertPool
	if i.files.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(i.files.Certificate, i.files.Key)
		if err != nil {
			return fmt.Errorf("certificate %s with key %s: %w", i.files.Certificate, i.files.Key, err)
		}
		certificate = &pair
	}
	if i.files.Authorities != "" {
		pem, err := os.ReadFile(i.files.Authorities)
		if err != nil {
			return err
		}
		if authorities = x509.NewCertPool(); !authorities.AppendCertsFromPEM(pem) {
			return fmt.Errorf("authorities %s: there is no certificate in it", i.files.Authorities)
		}
	}
	i.read, i.certificate, i.authorities = now, certificate, authorities
	return nil
}

// current returns what the files say now. Files that cannot be read, as while they are being replaced, leave what was.
func (i *Identity) current() (*tls.Certificate, *x509.CertPool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now, err := i.stamps()
	if err == nil && now != i.read {
		if err = i.load(now); err == nil {
			i.log.Info("certificates were read again", "certificate", i.files.Certificate)
		}
	}
	if err != nil {
		i.log.Warn("certificates cannot be read again; the old ones stay in use", "error", err)
	}
	return i.certificate, i.authorities
}

// Server is for connections that are accepted. Whoever connects must show a certificate of the authorities, if there are any.
func (i *Identity) Server() *tls.Config {
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			certificate, _ := i.current()
			if certificate == nil {
				return nil, errors.New("there is no certificate")
			}
			return certificate, nil
		},
	}
	if i.files.Authorities != "" {
		config.ClientAuth = tls.RequireAnyClientCert
		config.VerifyConnection = i.verifying(x509.ExtKeyUsageClientAuth, "")
	}
	return config
}

// Peer is for connections between processes of one cluster that are dialed. Names in certificates are not looked at, since processes come and go at any
// address: whoever has a certificate of these authorities belongs to the cluster.
func (i *Identity) Peer() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, GetClientCertificate: i.show,
		InsecureSkipVerify: true, // the chain is verified below, without a name
		VerifyConnection:   i.verifying(x509.ExtKeyUsageServerAuth, ""),
	}
}

// Client is for connections to a server whose certificate has to have its name.
func (i *Identity) Client() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetClientCertificate: i.show}
	_, config.RootCAs = i.current()
	return config
}

func (i *Identity) show(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	if certificate, _ := i.current(); certificate != nil {
		return certificate, nil
	}
	return &tls.Certificate{}, nil
}

// verifying checks the chain of a peer against the authorities of the moment.
func (i *Identity) verifying(usage x509.ExtKeyUsage, name string) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		chain := state.PeerCertificates
		if len(chain) == 0 {
			return errors.New("the peer has shown no certificate")
		}
		_, authorities := i.current()
		options := x509.VerifyOptions{Roots: authorities, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{usage}, DNSName: name}
		for _, c := range chain[1:] {
			options.Intermediates.AddCert(c)
		}
		_, err := chain[0].Verify(options)
		return err
	}
}
