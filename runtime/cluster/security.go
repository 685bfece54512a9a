package cluster

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/logs"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
)

// certificates are the files by which the processes of a cluster know each other; nil without TLS.
func certificates(c config.Configuration) *identity.Files {
	if !config.Get(c, config.InternalTLS) {
		return nil
	}
	return &identity.Files{
		Certificate: config.Get(c, config.InternalCertificate), Key: config.Get(c, config.InternalKey), Authorities: config.Get(c, config.InternalAuthorities),
	}
}

// proof reads those files. It returns nil without TLS.
func proof(c config.Configuration, around Surroundings) (*identity.Identity, error) {
	files := certificates(c)
	if files == nil {
		return nil, nil
	}
	for _, o := range []*config.Option[string]{config.InternalCertificate, config.InternalKey, config.InternalAuthorities} {
		if config.Get(c, o) == "" {
			return nil, fmt.Errorf("%s is set, and %s is not", config.InternalTLS.Key(), o.Key())
		}
	}
	return identity.Load(*files, around.Log)
}

// restProof reads the files by which REST's server proves who it is. It returns nil without TLS.
func restProof(c config.Configuration, around Surroundings) (*identity.Identity, error) {
	if !config.Get(c, config.RESTTLS) {
		return nil, nil
	}
	files := identity.Files{Certificate: config.Get(c, config.RESTCertificate), Key: config.Get(c, config.RESTKey)}
	needed := []*config.Option[string]{config.RESTCertificate, config.RESTKey}
	if config.Get(c, config.RESTAuthentication) {
		files.Authorities = config.Get(c, config.RESTAuthorities)
		needed = append(needed, config.RESTAuthorities)
	}
	for _, o := range needed {
		if config.Get(c, o) == "" {
			return nil, fmt.Errorf("%s is set, and %s is not", config.RESTTLS.Key(), o.Key())
		}
	}
	return identity.Load(files, around.Log)
}

// Token is what requests to the REST API have to bear; empty if nothing is asked for.
func Token(c config.Configuration) (string, error) {
	name := config.Get(c, config.RESTTokenFile)
	if name == "" {
		return config.Get(c, config.RESTToken), nil
	}
	if config.Get(c, config.RESTToken) != "" {
		return "", fmt.Errorf("%s and %s are both set: want one of them", config.RESTToken.Key(), config.RESTTokenFile.Key())
	}
	file, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", config.RESTTokenFile.Key(), err)
	}
	defer file.Close()
	line := bufio.NewScanner(file)
	line.Scan()
	token := strings.TrimSpace(line.Text())
	if err := line.Err(); err != nil {
		return "", fmt.Errorf("%s: %w", config.RESTTokenFile.Key(), err)
	}
	if token == "" {
		return "", fmt.Errorf("%s: %s has no token in its first line", config.RESTTokenFile.Key(), name)
	}
	return token, nil
}

// network is how a TaskManager's workers speak to their peers.
func network(c config.Configuration) *message.Network {
	silence := config.Get(c, config.SilenceTimeout)
	if silence == 0 {
		silence = config.Get(c, config.HeartbeatTimeout)
	}
	n := &message.Network{
		Compression: string(config.Get(c, config.Compression)), HandshakeNanos: config.Get(c, config.HandshakeTimeout).Nanoseconds(),
		ConnectNanos: config.Get(c, config.ConnectTimeout).Nanoseconds(), SilenceNanos: silence.Nanoseconds(),
		MaxRecord: int64(config.Get(c, config.MaxRecordSize)),
	}
	if files := certificates(c); files != nil && config.Get(c, config.DataTLS) {
		n.Certificates = &message.Certificates{Certificate: files.Certificate, Key: files.Key, Authorities: files.Authorities}
	}
	return n
}

// refusals counts and logs who was refused at a port of the process.
type refusals struct {
	port    string
	notes   *logs.Sparse
	counted map[string]*metrics.SharedCounter // by reason; only read
}

func newRefusals(group *metrics.Group, around Surroundings, port string) *refusals {
	r := &refusals{port: port, notes: logs.NewSparse(around.Clock, around.Log), counted: map[string]*metrics.SharedCounter{}}
	for _, reason := range identity.Reasons() {
		r.counted[reason] = group.AddPair("port", port).AddPair("reason", reason).SharedCounter("numRefusedConnections")
	}
	return r
}

// tell may be called from any goroutine.
func (r *refusals) tell(peer string, refused *identity.Refused) {
	r.counted[refused.Reason].Inc()
	r.notes.Warn(refused.Reason, "a connection was refused", "port", r.port, "peer", peer, "reason", refused.Reason, "error", refused.Text)
}
