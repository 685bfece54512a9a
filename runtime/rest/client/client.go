// Package client speaks to a cluster's REST API, as the command line does.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/runtime/clock"
)

// Client asks one cluster. Its methods may be called from any goroutine.
type Client struct {
	// Base is scheme, host and port, and a prefix if there is one.
	Base  string
	HTTP  *http.Client
	Clock clock.Clock
	// Token is sent with each request; empty without one.
	Token string
}

// Refused is what the cluster answers that does not do what it is asked.
type Refused struct {
	Status int
	// Texts are those of the answer.
	Texts []string
}

// class is the name of an exception of Flink's, which answers begin with for its tools.
var class = regexp.MustCompile(`^([a-z][a-z0-9]*\.)+[A-Za-z]*(Exception|Error): `)

// hints say what to do about answers whose text does not.
var hints = map[int]string{
	http.StatusUnauthorized: "give the cluster's token in rest.authentication.token-file or the variable WEIR_REST_TOKEN",
	http.StatusBadRequest:   "give its address with https://, or set security.ssl.rest.enabled",
}

// unreachable says why nothing came back, and what to do.
func (c *Client) unreachable(err error) error {
	refused := identity.Explain(err)
	switch {
	case errors.Is(err, http.ErrSchemeMismatch) || refused == identity.ErrNoTLS:
		return fmt.Errorf("the cluster at %s does not serve its REST API with TLS: give its address without https://, and do not set security.ssl.rest.enabled", c.Base)
	case refused != nil && refused.Reason == identity.ByPeer:
		return fmt.Errorf("the cluster at %s refuses this client's certificate, or asks for one: set security.ssl.rest.authentication-enabled with security.ssl.rest.certificate-file and key-file: %w", c.Base, err)
	case refused != nil:
		return fmt.Errorf("the cluster at %s shows a certificate that is not trusted here: set security.ssl.rest.ca-file to that of its authority: %w", c.Base, err)
	}
	return fmt.Errorf("the cluster at %s does not answer: %w", c.Base, err)
}

// Error is the answer's first text without the stack that Flink's answers have behind it.
func (e *Refused) Error() string {
	if len(e.Texts) == 0 {
		return http.StatusText(e.Status)
	}
	text, _, _ := strings.Cut(e.Texts[len(e.Texts)-1], "\n")
	text = class.ReplaceAllString(text, "")
	if e.Status == http.StatusUnauthorized || strings.Contains(text, "HTTP request to an HTTPS server") {
		text = strings.TrimSuffix(text, ".") + ": " + hints[e.Status]
	}
	return text
}

// mostAnswer bounds an answer.
const mostAnswer = 64 << 20

// Do sends a request with a body, nil for none, and reads the answer. The error is a [*Refused] if the cluster refuses.
func (c *Client) Do(ctx context.Context, method, path string, body, into any) error {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(data)
	}
	return c.send(ctx, method, path, "application/json", content, into)
}

func (c *Client) send(ctx context.Context, method, path, kind string, content io.Reader, into any) error {
	response, err := c.ask(ctx, method, path, kind, content)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err != nil {
		return fmt.Errorf("the answer of the cluster at %s: %w", c.Base, err)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("the answer of the cluster at %s to %s: %w", c.Base, path, err)
	}
	return nil
}

// ask sends a request and returns the answer, whose body the caller closes, unless it is a refusal.
func (c *Client) ask(ctx context.Context, method, path, kind string, content io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.Base+path, content)
	if err != nil {
		return nil, err
	}
	if content != nil {
		request.Header.Set("Content-Type", kind)
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if response.StatusCode/100 == 2 {
		return response, nil
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err != nil {
		return nil, fmt.Errorf("the answer of the cluster at %s: %w", c.Base, err)
	}
	return nil, refusal(response.StatusCode, data)
}

func refusal(status int, data []byte) error {
	var body struct {
		Errors []string `json:"errors"`
	}
	if json.Unmarshal(data, &body) != nil || len(body.Errors) == 0 {
		body.Errors = []string{strings.TrimSpace(string(data[:min(len(data), 1000)]))}
	}
	return &Refused{Status: status, Texts: body.Errors}
}

// operation is how an asynchronous operation stands.
type operation struct {
	Status struct {
		ID string `json:"id"`
	} `json:"status"`
	Operation struct {
		Location   string `json:"location"`
		Checkpoint uint64 `json:"checkpointId"`
		// Failure and its namesake are of savepoints and of checkpoints.
		Failure  *failure `json:"failure-cause"`
		Failure2 *failure `json:"failureCause"`
	} `json:"operation"`
}

type failure struct {
	Class string `json:"class"`
	Stack string `json:"stack-trace"`
}

// Failed is how an operation has ended that was begun and has failed.
type Failed struct{ Text string }

func (e *Failed) Error() string { return e.Text }

const (
	firstPoll = 5 * time.Millisecond
	lastPoll  = 500 * time.Millisecond
)

// trigger begins an operation and waits for its end.
func (c *Client) trigger(ctx context.Context, path string, body any, poll string) (*operation, error) {
	var triggered struct {
		Request string `json:"request-id"`
	}
	if err := c.Do(ctx, http.MethodPost, path, body, &triggered); err != nil {
		return nil, err
	}
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		var o operation
		if err := c.Do(ctx, http.MethodGet, poll+"/"+triggered.Request, nil, &o); err != nil {
			return nil, err
		}
		if o.Status.ID == "COMPLETED" {
			return &o, o.failed()
		}
		if err := c.Clock.Sleep(ctx, pause); err != nil {
			return nil, context.Cause(ctx)
		}
	}
}

func (o *operation) failed() error {
	for _, f := range []*failure{o.Operation.Failure, o.Operation.Failure2} {
		if f == nil {
			continue
		}
		text, _, _ := strings.Cut(f.Stack, "\n")
		return &Failed{strings.TrimPrefix(text, f.Class+": ")}
	}
	return nil
}
