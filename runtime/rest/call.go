package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/route"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// call is a request whose path and query have been read.
type call struct {
	ctx     context.Context
	path    route.Path
	query   route.Query
	request *http.Request // with a body that is bounded
}

// handler answers a call: with a value that becomes JSON, or a *file.
type handler func(*Server, *call) (any, error)

// endpoint is a route and what answers it.
type endpoint struct {
	route.Route
	handle handler
}

// file is an answer that is no JSON. The server closes it.
type file struct {
	content io.ReadCloser
	kind    string
}

// largestJSON bounds bodies that are decoded in memory.
const largestJSON = 8 << 20

// decode reads a JSON body. None at all is an empty object; unknown keys are ignored. format is Flink's name of the body.
func decode[T any](c *call, format string) (body T, err error) {
	content, err := io.ReadAll(http.MaxBytesReader(nil, c.request.Body, largestJSON))
	if err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			return body, err
		}
		return body, badRequest("The request's body has not arrived whole.")
	}
	if len(bytes.TrimSpace(content)) == 0 {
		return body, nil
	}
	if err := json.Unmarshal(content, &body); err != nil {
		var none T
		return none, badRequest("Request did not match expected format %s.", format)
	}
	return body, nil
}

// enumerated reads a text that must be one of a few.
func enumerated[T ~string](to *T, text []byte, allowed ...T) error {
	for _, value := range allowed {
		if string(text) == string(value) {
			*to = value
			return nil
		}
	}
	return errors.New("no such value")
}

// job returns the job of the path.
func (s *Server) job(c *call) (*view.Job, error) {
	job, err := s.cluster.Job(c.ctx, c.path.Job)
	if errors.Is(err, ErrUnknownJob) {
		return nil, noSuchJob(c.path.Job)
	}
	return job, err
}

// ofJob answers from the job of the path.
func ofJob(describe func(*call, *view.Job) any) handler {
	return func(s *Server, c *call) (any, error) {
		job, err := s.job(c)
		if err != nil {
			return nil, err
		}
		return describe(c, job), nil
	}
}

// ofVertex answers from the vertex of the path.
func ofVertex(describe func(*view.Job, *view.Vertex) any) handler {
	return func(s *Server, c *call) (any, error) {
		job, vertex, err := s.vertex(c)
		if err != nil {
			return nil, err
		}
		return describe(job, vertex), nil
	}
}

func (s *Server) vertex(c *call) (*view.Job, *view.Vertex, error) {
	job, err := s.job(c)
	if err != nil {
		return nil, nil, err
	}
	vertex := job.Vertex(c.path.Vertex)
	if vertex == nil {
		return nil, nil, notFound("JobVertex %s not found", c.path.Vertex)
	}
	return job, vertex, nil
}

// ofSubtask answers from the subtask of the path.
func ofSubtask(describe func(*call, *view.Job, *view.Vertex, *view.Subtask) (any, error)) handler {
	return func(s *Server, c *call) (any, error) {
		job, vertex, err := s.vertex(c)
		if err != nil {
			return nil, err
		}
		subtask := vertex.Subtask(c.path.Subtask)
		if subtask == nil {
			return nil, refuse(http.StatusNotFound, classHandler, "Invalid subtask index for vertex %s", vertex.ID)
		}
		return describe(c, job, vertex, subtask)
	}
}

// ofAttempt answers from the attempt of the path.
func ofAttempt(describe func(*view.Job, *view.Vertex, *view.Subtask, *view.Attempt) any) handler {
	return ofSubtask(func(c *call, job *view.Job, vertex *view.Vertex, subtask *view.Subtask) (any, error) {
		attempt := subtask.Attempt(c.path.Attempt)
		if attempt == nil {
			return nil, refuse(http.StatusNotFound, classHandler, "Invalid attempt num %d", c.path.Attempt)
		}
		return describe(job, vertex, subtask, attempt), nil
	})
}

// triggered answers what has begun an operation.
func triggered(trigger ident.ID) answer.Triggered { return answer.Triggered{Request: trigger.String()} }
