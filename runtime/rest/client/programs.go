package client

import (
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"path/filepath"

	"github.com/weir-stream/weir/runtime/ident"
)

// Upload sends a job's binary and returns the id that the cluster gives it.
func (c *Client) Upload(ctx context.Context, file, name string) (id string, err error) {
	source, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer source.Close()
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	stop := context.AfterFunc(ctx, func() { w.CloseWithError(context.Cause(ctx)) })
	defer stop()
	go func() {
		part, err := form.CreateFormFile("jarfile", name)
		if err == nil {
			_, err = io.Copy(part, source)
		}
		if err == nil {
			err = form.Close()
		}
		w.CloseWithError(err) // a reader that has gone is seen by who sends
	}()
	defer r.Close()
	var uploaded struct {
		Name string `json:"filename"`
	}
	if err := c.send(ctx, http.MethodPost, "/jars/upload", form.FormDataContentType(), r, &uploaded); err != nil {
		return "", fmt.Errorf("upload %s: %w", filepath.Base(file), err)
	}
	return path.Base(uploaded.Name), nil
}

// Remove deletes a binary that was uploaded.
func (c *Client) Remove(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, "/jars/"+id, nil, nil)
}

// Run is how a binary is run.
type Run struct {
	Arguments        []string          `json:"programArgsList,omitempty"`
	Parallelism      int               `json:"parallelism,omitempty"`
	Savepoint        string            `json:"savepointPath,omitempty"`
	ClaimMode        string            `json:"claimMode,omitempty"`
	AllowNonRestored bool              `json:"allowNonRestoredState,omitempty"`
	Configuration    map[string]string `json:"flinkConfiguration,omitempty"`
}

// Run starts a binary and returns the job's id.
func (c *Client) Run(ctx context.Context, id string, r Run) (job ident.JobID, err error) {
	var run struct {
		Job string `json:"jobid"`
	}
	if err := c.Do(ctx, http.MethodPost, "/jars/"+id+"/run", r, &run); err != nil {
		return job, err
	}
	return ident.ParseID(run.Job)
}
