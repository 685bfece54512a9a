package client

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Overview counts what the cluster has.
func (c *Client) Overview(ctx context.Context) (o answer.Overview, err error) {
	return o, c.Do(ctx, http.MethodGet, "/overview", nil, &o)
}

// Jobs lists the jobs that run and those that have ended of late.
func (c *Client) Jobs(ctx context.Context) ([]answer.JobSummary, error) {
	var list answer.JobsOverview
	return list.Jobs, c.Do(ctx, http.MethodGet, "/jobs/overview", nil, &list)
}

// State is the state of a job.
func (c *Client) State(ctx context.Context, job ident.JobID) (view.JobState, error) {
	var s answer.JobStatus
	return s.Status, c.Do(ctx, http.MethodGet, "/jobs/"+job.String()+"/status", nil, &s)
}

// Ended are the states that a job does not leave.
func Ended(s view.JobState) bool {
	switch s {
	case "FINISHED", "CANCELED", "FAILED", "SUSPENDED":
		return true
	}
	return false
}

// Await waits until a job has ended, and returns how.
func (c *Client) Await(ctx context.Context, job ident.JobID) (view.JobState, error) {
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		state, err := c.State(ctx, job)
		if err != nil || Ended(state) {
			return state, err
		}
		if err := c.Clock.Sleep(ctx, pause); err != nil {
			return state, context.Cause(ctx)
		}
	}
}

// Failure is why a job has failed; empty if it has not, or if that is not known.
func (c *Client) Failure(ctx context.Context, job ident.JobID) (string, error) {
	var e struct {
		Root    *string `json:"root-exception"`
		History struct {
			Entries []struct {
				Stack string `json:"stacktrace"`
			} `json:"entries"`
		} `json:"exceptionHistory"`
	}
	err := c.Do(ctx, http.MethodGet, "/jobs/"+job.String()+"/exceptions", nil, &e)
	switch {
	case err != nil:
		return "", err
	case e.Root != nil && *e.Root != "":
		return class.ReplaceAllString(*e.Root, ""), nil
	case len(e.History.Entries) > 0:
		return class.ReplaceAllString(e.History.Entries[0].Stack, ""), nil
	}
	return "", nil
}

// Alive tells the cluster that a job's client lives and will be heard of again until a time: if it is not, the job is canceled.
func (c *Client) Alive(ctx context.Context, job ident.JobID, until time.Time) error {
	return c.Do(ctx, http.MethodPatch, "/jobs/"+job.String()+"/clientHeartbeat", map[string]int64{"expiredTimestamp": until.UnixMilli()}, nil)
}

// Cancel asks a job to end, and returns before it has.
func (c *Client) Cancel(ctx context.Context, job ident.JobID) error {
	return c.Do(ctx, http.MethodPatch, "/jobs/"+job.String()+"?mode=cancel", struct{}{}, nil)
}

// Savepoint says what is wanted of a savepoint.
type Savepoint struct {
	// Directory is where its folder is made; empty means where the cluster's configuration says.
	Directory string
	// Native asks for the format of the state backend.
	Native bool
	// Stop has the job end with it, Drain its sources before.
	Stop, Drain bool
}

func (s Savepoint) format() string {
	if s.Native {
		return "NATIVE"
	}
	return "CANONICAL"
}

// directory is null for the default.
func (s Savepoint) directory() *string {
	if s.Directory == "" {
		return nil
	}
	return &s.Directory
}

// Save takes a savepoint and returns where it is, when it is complete and, if the job stops with it, has ended.
func (c *Client) Save(ctx context.Context, job ident.JobID, s Savepoint) (location string, err error) {
	of := "/jobs/" + job.String()
	path, body := of+"/savepoints", any(map[string]any{"target-directory": s.directory(), "cancel-job": false, "formatType": s.format()})
	if s.Stop {
		path, body = of+"/stop", map[string]any{"targetDirectory": s.directory(), "drain": s.Drain, "formatType": s.format()}
	}
	o, err := c.trigger(ctx, path, body, of+"/savepoints")
	if err != nil {
		return "", err
	}
	return o.Operation.Location, nil
}

// Checkpoint takes a checkpoint, one that stands on its own if full is set, and returns its number.
func (c *Client) Checkpoint(ctx context.Context, job ident.JobID, full bool) (number uint64, err error) {
	kind := "CONFIGURED"
	if full {
		kind = "FULL"
	}
	of := "/jobs/" + job.String() + "/checkpoints"
	o, err := c.trigger(ctx, of, map[string]any{"checkpointType": kind}, of)
	if err != nil {
		return 0, err
	}
	return o.Operation.Checkpoint, nil
}

// Dispose deletes a savepoint.
func (c *Client) Dispose(ctx context.Context, path string) error {
	_, err := c.trigger(ctx, "/savepoint-disposal", map[string]any{"savepoint-path": path}, "/savepoint-disposal")
	return err
}

// patience bounds those requests that are answered at once.
const patience = 30 * time.Second

// NewHTTP returns what a Client needs; secure says how it speaks TLS, and is nil for the defaults.
func NewHTTP(secure *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: secure, ResponseHeaderTimeout: patience, IdleConnTimeout: time.Minute}}
}
