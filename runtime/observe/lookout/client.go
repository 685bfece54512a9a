package lookout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/logs"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/observe"
)

// Client looks at one TaskManager. Its methods may be called from any goroutine.
type Client struct {
	HTTP *http.Client
	At   *message.Lookout
}

// mostAnswered bounds an answer that is read whole, in bytes.
const mostAnswered = 256 << 20

// ErrNone says that a TaskManager shows nothing of itself.
var ErrNone = errors.New("the TaskManager shows nothing of itself")

// open sends a request. The error wraps fs.ErrNotExist, observe.ErrBusy or what prevented an answer.
func (c *Client) open(ctx context.Context, method, path string, query url.Values) (io.ReadCloser, error) {
	if c.At.GetBase() == "" {
		return nil, ErrNone
	}
	request, err := http.NewRequestWithContext(ctx, method, c.At.GetBase()+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.At.GetSecret())
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, fmt.Errorf("look at the TaskManager: %w", err)
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer response.Body.Close()
	const mostText = 4 << 10
	text, _ := io.ReadAll(io.LimitReader(response.Body, mostText))
	err = fmt.Errorf("the TaskManager at %s answers: %s: %s", c.At.GetBase(), response.Status, strings.TrimSpace(string(text)))
	switch response.StatusCode {
	case http.StatusNotFound:
		return nil, errors.Join(fs.ErrNotExist, err)
	case http.StatusConflict:
		return nil, errors.Join(observe.ErrBusy, err)
	}
	return nil, err
}

// stream is open for what is read when ctx, which bounds the way to it, may have ended.
func (c *Client) stream(ctx context.Context, path string) (io.ReadCloser, error) {
	open, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	body, err := c.open(open, http.MethodGet, path, nil)
	stop()
	if err != nil {
		cancel()
		return nil, err
	}
	return &streamed{body, cancel}, nil
}

type streamed struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close ends the request too.
func (s *streamed) Close() error {
	defer s.cancel()
	return s.ReadCloser.Close()
}

func (c *Client) read(ctx context.Context, method, path string, query url.Values) ([]byte, error) {
	body, err := c.open(ctx, method, path, query)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	content, err := io.ReadAll(io.LimitReader(body, mostAnswered+1))
	if err == nil && len(content) > mostAnswered {
		err = fmt.Errorf("the answer of the TaskManager at %s is larger than %d bytes", c.At.GetBase(), mostAnswered)
	}
	return content, err
}

func (c *Client) readJSON(ctx context.Context, method, path string, query url.Values, to any) error {
	content, err := c.read(ctx, method, path, query)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, to)
}

// Metrics are the figures of the TaskManager and its workers.
func (c *Client) Metrics(ctx context.Context) ([]metrics.Sample, error) {
	content, err := c.read(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return nil, err
	}
	var m message.MetricSamples
	if err := proto.Unmarshal(content, &m); err != nil {
		return nil, err
	}
	return observe.Decode(&m), nil
}

// Goroutines are those of the TaskManager, whose name is empty, and of its workers.
func (c *Client) Goroutines(ctx context.Context) (all []Dump, err error) {
	err = c.readJSON(ctx, http.MethodGet, "/goroutines", nil, &all)
	return all, err
}

// Process describes the process.
func (c *Client) Process(ctx context.Context) (p Process, err error) {
	err = c.readJSON(ctx, http.MethodGet, "/process", nil, &p)
	return p, err
}

// Stacks looks several times at what the subtasks of a vertex do.
func (c *Client) Stacks(ctx context.Context, job ident.JobID, vertex ident.VertexID, samples int, pause time.Duration, depth int) (*message.StackSamples, error) {
	content, err := c.read(ctx, http.MethodGet, "/stacks", url.Values{
		"job": {job.String()}, "vertex": {vertex.String()}, "samples": {strconv.Itoa(samples)}, "pause": {strconv.FormatInt(pause.Milliseconds(), 10)}, "depth": {strconv.Itoa(depth)},
	})
	if err != nil {
		return nil, err
	}
	var made message.StackSamples
	return &made, proto.Unmarshal(content, &made)
}

// Logs lists the process's files.
func (c *Client) Logs(ctx context.Context) (files []logs.File, err error) {
	err = c.readJSON(ctx, http.MethodGet, "/logs", nil, &files)
	return files, err
}

// OpenLog opens a file, or MainLog or Output. The error wraps fs.ErrNotExist if there is no such file.
func (c *Client) OpenLog(ctx context.Context, name string) (io.ReadCloser, error) {
	return c.stream(ctx, "/logs/"+url.PathEscape(name))
}

// Profiles lists those that were taken.
func (c *Client) Profiles(ctx context.Context) (all []observe.Profile, err error) {
	err = c.readJSON(ctx, http.MethodGet, "/profiles", nil, &all)
	return all, err
}

// StartProfile begins one. The error wraps observe.ErrBusy if one is being taken.
func (c *Client) StartProfile(ctx context.Context, mode string, length time.Duration) (made observe.Profile, err error) {
	err = c.readJSON(ctx, http.MethodPost, "/profiles", url.Values{"mode": {mode}, "millis": {strconv.FormatInt(length.Milliseconds(), 10)}}, &made)
	return made, err
}

// OpenProfile opens one that has finished. The error wraps fs.ErrNotExist if there is no such one.
func (c *Client) OpenProfile(ctx context.Context, name string) (io.ReadCloser, error) {
	return c.stream(ctx, "/profiles/"+url.PathEscape(name))
}
