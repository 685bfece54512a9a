package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/cluster"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/client"
)

// target is the cluster that a command speaks to.
type target struct {
	options
	master string
	json   bool
}

func (t *target) flags(c *cobra.Command) {
	t.options.flags(c)
	c.Flags().StringVarP(&t.master, "jobmanager", "m", "", "`host:port` of the cluster's REST API (default: rest.address and rest.port of the configuration, "+
		"or those of the cluster that start-cluster has started here)")
}

func (t *target) withJSON(c *cobra.Command) {
	c.Flags().BoolVar(&t.json, "json", false, "print JSON")
}

// open returns a client of the cluster.
func (t *target) open(c *cobra.Command) (*client.Client, config.Configuration, error) {
	configuration, err := t.load(c)
	if err != nil {
		return nil, configuration, err
	}
	base, known, err := t.base(configuration)
	if err != nil {
		return nil, configuration, err
	}
	if known != nil { // of a cluster that was started here it is known how to speak to it
		if configuration, err = t.load(c, known.properties()...); err != nil {
			return nil, configuration, err
		}
	}
	made, err := clientOf(configuration, base)
	return made, configuration, err
}

// tokenVariable has the token of a cluster's REST API.
const tokenVariable = "WEIR_REST_TOKEN"

// clientOf makes a client that shows what the configuration has.
func clientOf(c config.Configuration, base string) (*client.Client, error) {
	token, err := cluster.Token(c)
	if err != nil {
		return nil, err
	}
	if token == "" {
		token = os.Getenv(tokenVariable)
	}
	files := identity.Files{Authorities: config.Get(c, config.RESTAuthorities)}
	if config.Get(c, config.RESTAuthentication) {
		files.Certificate, files.Key = config.Get(c, config.RESTCertificate), config.Get(c, config.RESTKey)
	}
	proof, err := identity.Load(files, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.RESTAuthorities.Key(), err)
	}
	return &client.Client{Base: base, HTTP: client.NewHTTP(proof.Client()), Clock: clock.System(), Token: token}, nil
}

// base is the URL of the cluster's REST API, and the record of its JobManager if that is how it was found.
func (t *target) base(c config.Configuration) (string, *record, error) {
	scheme := "http://"
	if config.Get(c, config.RESTTLS) {
		scheme = "https://"
	}
	if t.master != "" {
		if strings.Contains(t.master, "://") {
			return strings.TrimRight(t.master, "/"), nil, nil
		}
		return scheme + t.master, nil, nil
	}
	_, host := config.Lookup(c, config.RESTAddress)
	_, port := config.Lookup(c, config.RESTPort)
	if host || port {
		return scheme + net.JoinHostPort(cmp.Or(config.Get(c, config.RESTAddress), "localhost"), strconv.Itoa(config.Get(c, config.RESTPort))), nil, nil
	}
	if folder, err := folderOf(pidVariable, "run"); err == nil {
		known, err := readRecords(folder)
		if err != nil {
			return "", nil, err
		}
		for _, r := range known {
			if r.REST != "" && r.lives() {
				return r.REST, r, nil
			}
		}
	}
	return scheme + net.JoinHostPort("localhost", strconv.Itoa(config.Get(c, config.RESTPort))), nil, nil
}

// print writes JSON, indented for people.
func print(c *cobra.Command, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", data)
	return err
}

// jobOf reads the argument that names a job.
func jobOf(c *cobra.Command, text string) (ident.JobID, error) {
	id, err := ident.ParseID(text)
	if err != nil {
		return id, wrong(c, fmt.Errorf("%q is no job id, which has 32 hexadecimal digits; weir list shows them", text))
	}
	return id, nil
}

// forJob makes a command that does something with one job.
func forJob(use, short string, t *target, do func(ctx context.Context, c *cobra.Command, cluster *client.Client, job ident.JobID) error) *cobra.Command {
	c := &cobra.Command{Use: use + " JOB", Short: short, Args: exactly(1, "a job's id"), RunE: func(c *cobra.Command, arguments []string) error {
		job, err := jobOf(c, arguments[0])
		if err != nil {
			return err
		}
		cluster, _, err := t.open(c)
		if err != nil {
			return err
		}
		return do(c.Context(), c, cluster, job)
	}}
	t.flags(c)
	c.ValidArgsFunction = t.completing
	return c
}

// path makes a path on this machine absolute, since the cluster works elsewhere.
func absolutePath(path string) (string, error) {
	if path == "" || strings.Contains(path, ":/") {
		return path, nil
	}
	if strings.HasPrefix(path, "/") {
		return path, nil
	}
	here, err := os.Getwd()
	return here + "/" + path, err
}
