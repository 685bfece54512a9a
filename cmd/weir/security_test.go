package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/network/identity/identitytest"
	"github.com/weir-stream/weir/runtime/config"
)

// internal are the options by which processes show certificates to each other.
func internal(files identity.Files) []string {
	return []string{
		"-D", config.InternalTLS.Key() + "=true", "-D", config.InternalCertificate.Key() + "=" + files.Certificate, "-D", config.InternalKey.Key() + "=" + files.Key,
		"-D", config.InternalAuthorities.Key() + "=" + files.Authorities,
	}
}

// external are those for the REST API.
func external(files identity.Files) []string {
	return []string{
		"-D", config.RESTTLS.Key() + "=true", "-D", config.RESTAuthentication.Key() + "=true", "-D", config.RESTCertificate.Key() + "=" + files.Certificate,
		"-D", config.RESTKey.Key() + "=" + files.Key, "-D", config.RESTAuthorities.Key() + "=" + files.Authorities,
	}
}

func flat(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// metric adds up the metrics of the JobManager whose names have all of these words.
func (s *shell) metric(words ...string) (sum float64) {
	s.Helper()
	var ids []struct{ ID, Value string }
	s.ask("/jobmanager/metrics", &ids)
	for _, id := range ids {
		fits := true
		for _, w := range words {
			fits = fits && strings.Contains(id.ID, w)
		}
		if !fits {
			continue
		}
		var values []struct{ ID, Value string }
		s.ask("/jobmanager/metrics?get="+id.ID, &values)
		for _, v := range values {
			var number float64
			if json.Unmarshal([]byte(v.Value), &number) == nil {
				sum += number
			}
		}
	}
	return sum
}

// ask sends a request to the cluster that was started here.
func (s *shell) ask(path string, into any) {
	s.Helper()
	c := newRoot()
	c.SetErr(os.Stderr)
	s.Setenv(pidVariable, s.run)
	cluster, _, err := new(target).open(c)
	if err == nil {
		err = cluster.Do(s.Context(), http.MethodGet, path, nil, into)
	}
	if err != nil {
		s.Fatal(err)
	}
}

// strangerAtTheDataPlane connects to a worker without TLS.
func (s *shell) strangerAtTheDataPlane() {
	s.Helper()
	var list struct{ TaskManagers []struct{ DataPort int } }
	s.ask("/taskmanagers", &list)
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", list.TaskManagers[0].DataPort))
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	answer := make([]byte, 2)
	if _, err = conn.Write([]byte("here I am")); err == nil {
		_, err = io.ReadFull(conn, answer)
	}
	if err != nil || identity.Begins(answer) != identity.ErrWantsTLS {
		s.Errorf("a worker answers plain text with %x: %v", answer, err)
	}
	for end := time.Now().Add(20 * time.Second); ; {
		files, _ := filepath.Glob(s.logs + "/*taskmanager*")
		for _, f := range files {
			if data, err := os.ReadFile(f); err == nil && strings.Contains(string(data), "a connection of the data plane was refused") && strings.Contains(string(data), "reason=tls") {
				return
			}
		}
		if time.Now().After(end) {
			s.Fatal("no worker's log says who was refused")
		}
	}
}

// awaitMetric waits until so much was counted: metrics are gathered once in a while.
func (s *shell) awaitMetric(least float64, words ...string) {
	s.Helper()
	for end := time.Now().Add(20 * time.Second); s.metric(words...) < least; {
		if time.Now().After(end) {
			s.Fatalf("%v of %v were counted", s.metric(words...), words)
		}
	}
}

// TestASecureCluster has all connections encrypted, and everybody refused who has no right to them.
func TestASecureCluster(t *testing.T) {
	s := newShell(t)
	ours, theirs := identitytest.New(t), identitytest.New(t)
	inside, outside := ours.Issue(time.Hour, ours), ours.Issue(time.Hour, ours)
	tokens := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(tokens, []byte("open sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("REST at https://localhost:", flat([]string{"start-cluster", "-D", config.RESTTokenFile.Key() + "=" + tokens, "-D", config.RESTAddress.Key() + "=localhost"},
		anyPorts, internal(inside), external(outside))...)
	records, err := readRecords(s.run)
	if err != nil {
		t.Fatal(err)
	}
	master := records[len(records)-1]
	log := func() string {
		data, err := os.ReadFile(master.Log)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}

	// What was started here is known here. Two subtasks on two TaskManagers exchange records.
	job := s.submitted(s.must("Job has been submitted", "run", "-d", "-p", "2", built(t, "steady")))
	s.awaitRunning(job)
	s.must("completed", "checkpoint", job)

	s.strangerAtTheDataPlane()

	// Strangers at the REST API.
	there := []string{"list", "-m", master.REST}
	plain := []string{"list", "-m", strings.TrimPrefix(master.REST, "https://")}
	token := func(text string) []string { return []string{"-D", config.RESTToken.Key() + "=" + text} }
	mine := external(ours.Issue(time.Hour, ours))
	s.must(job, flat(there, mine, token("open sesame"))...)
	for name, c := range map[string]struct {
		arguments []string
		words     string
	}{
		"wrong token":                   {flat(there, mine, token("shut sesame")), "WEIR_REST_TOKEN"},
		"no token":                      {flat(there, mine), "WEIR_REST_TOKEN"},
		"plain text":                    {flat(plain, token("open sesame")), "https://"},
		"another cluster's certificate": {flat(there, external(theirs.Issue(time.Hour, ours)), token("open sesame")), "refuses this client's certificate"},
		"expired certificate":           {flat(there, external(ours.Issue(-time.Hour, ours)), token("open sesame")), "refuses this client's certificate"},
		"a server that is not trusted":  {flat(there, external(ours.Issue(time.Hour, theirs)), token("open sesame")), "security.ssl.rest.ca-file"},
	} {
		before := time.Now()
		if out, code := s.weir(c.arguments...); code != exitFailed || !strings.Contains(out, c.words) {
			t.Errorf("%s: %d, %s", name, code, out)
		}
		if took := time.Since(before); took > 10*time.Second {
			t.Errorf("%s: it was told after %v", name, took)
		}
	}
	s.awaitMetric(2, "restRefusedTokens")
	s.awaitMetric(4, "restRefusedHandshakes")
	for _, words := range []string{"a REST request was refused", "wrong token", "a REST connection was refused", "reason=certificate", "peer=127.0.0.1:"} {
		if !strings.Contains(log(), words) {
			t.Errorf("the log does not say %q", words)
		}
	}
	if strings.Contains(log(), "sesame") {
		t.Error("the log has the token")
	}

	// Strangers among the TaskManagers: they end at once and say why.
	_, port, _ := strings.Cut(master.RPC, ":")
	join := flat([]string{"taskmanager", "-D", "jobmanager.rpc.port=" + port}, anyPorts[4:])
	for name, c := range map[string]struct {
		options []string
		words   string
	}{
		"no TLS":                        {nil, "the peer wants TLS"},
		"another cluster's certificate": {internal(theirs.Issue(time.Hour, ours)), "does not take this side's certificate"},
		"another authority is trusted":  {internal(ours.Issue(time.Hour, theirs)), "of another authority"},
	} {
		if out, code := s.weir(flat(join, c.options)...); code != exitFailed || !strings.Contains(out, "do not trust each other") || !strings.Contains(out, c.words) {
			t.Errorf("%s: %d, %s", name, code, out)
		}
	}
	s.awaitMetric(3, "port.control", "numRefusedConnections")
	if !strings.Contains(log(), "a connection was refused\" port=control") {
		t.Error("the log does not say who was refused")
	}
	s.must("Cancelled job", "cancel", job)
}

// TestAPlainClusterRefusesTLS has those with TLS come to a cluster without.
func TestAPlainClusterRefusesTLS(t *testing.T) {
	s := newShell(t)
	s.must("1 slots", append([]string{"start-cluster", "--taskmanagers", "1"}, anyPorts...)...)
	records, err := readRecords(s.run)
	if err != nil {
		t.Fatal(err)
	}
	master := records[len(records)-1]
	a := identitytest.New(t)
	files := a.Issue(time.Hour, a)
	if out, code := s.weir("list", "-m", strings.Replace(master.REST, "http:", "https:", 1)); code != exitFailed || !strings.Contains(out, "does not serve its REST API with TLS") {
		t.Errorf("%d, %s", code, out)
	}
	_, port, _ := strings.Cut(master.RPC, ":")
	out, code := s.weir(flat([]string{"taskmanager", "-D", "jobmanager.rpc.port=" + port}, anyPorts[4:], internal(files))...)
	if code != exitFailed || !strings.Contains(out, "the peer does not speak TLS") {
		t.Errorf("%d, %s", code, out)
	}
	s.awaitMetric(1, "port.control", "reason.tls")
	s.awaitMetric(1, "restRefusedHandshakes")
}

func TestTLSWithoutFilesIsNamed(t *testing.T) {
	s := newShell(t)
	for _, key := range []string{config.InternalTLS.Key(), config.RESTTLS.Key()} {
		out, code := s.weir(flat([]string{"jobmanager", "-D", key + "=true"}, anyPorts)...)
		if code != exitFailed || !strings.Contains(out, fmt.Sprintf("%s is set, and %s", key, strings.TrimSuffix(key, "enabled"))) {
			t.Errorf("%d, %s", code, out)
		}
	}
}
