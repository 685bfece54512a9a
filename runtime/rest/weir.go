package rest

import (
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/route"
)

// weirEndpoints are those that Flink does not have.
func weirEndpoints() []endpoint {
	return []endpoint{
		{route.Route{Method: "GET", Path: "/weir/v1/version", Success: 200, Answer: answer.Version{}, Summary: "What the cluster was built from"}, (*Server).version},
		{route.Route{Method: "GET", Path: "/weir/v1/workers", Success: 200, Answer: answer.Workers{}, Summary: "Processes that run jobs' subtasks"}, (*Server).workers},
		{route.Route{Method: "GET", Path: "/weir/v1/openapi.json", Success: 200, Answer: map[string]any{}, Summary: "This description"}, (*Server).openAPI},
	}
}

func (s *Server) version(*call) (any, error) { return answer.DescribeVersion(s.options.Build), nil }

func (s *Server) workers(c *call) (any, error) {
	all, err := s.cluster.Workers(c.ctx)
	if err != nil {
		return nil, err
	}
	return answer.ListWorkers(all), nil
}

func (s *Server) openAPI(*call) (any, error) { return s.document, nil }
