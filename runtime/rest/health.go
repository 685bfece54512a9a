package rest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/route"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// healthEndpoints are for orchestrators: 200 where all is well, and otherwise 503 with what is not.
func healthEndpoints() []endpoint {
	get := func(path, summary string, handle handler) endpoint {
		return endpoint{route.Route{Method: "GET", Path: path, Success: 200, Answer: answer.Health{}, Summary: summary}, handle}
	}
	return []endpoint{
		get("/weir/v1/health/live", "Whether the JobManager's process works", (*Server).working),
		get("/weir/v1/health/ready", "Whether the JobManager leads the cluster and answers", (*Server).working),
		get("/weir/v1/health/jobs", "Whether all jobs are well", (*Server).jobsHealth),
		get("/weir/v1/health/jobs/:jobid", "Whether a job is well: it runs, does not restart in a loop, and its checkpoints complete", (*Server).jobHealth),
	}
}

// working has the actors that lead the cluster answer.
func (s *Server) working(c *call) (any, error) {
	if _, err := s.cluster.Overview(c.ctx); err != nil {
		return nil, refuse(http.StatusServiceUnavailable, classHandler, "The JobManager does not answer: %v", err)
	}
	return answer.DescribeHealth(nil), nil
}

func (s *Server) jobsHealth(c *call) (any, error) {
	jobs, err := s.cluster.Health(c.ctx)
	if err != nil {
		return nil, err
	}
	return healthy(jobs)
}

func (s *Server) jobHealth(c *call) (any, error) {
	jobs, err := s.cluster.Health(c.ctx)
	if err != nil {
		return nil, err
	}
	for _, j := range jobs {
		if j.Job == c.path.Job {
			return healthy([]view.JobHealth{j})
		}
	}
	return nil, noSuchJob(c.path.Job)
}

func healthy(jobs []view.JobHealth) (any, error) {
	var problems []string
	for _, j := range jobs {
		if len(j.Problems) > 0 {
			problems = append(problems, fmt.Sprintf("job %s (%s): %s", j.Name, ident.ID(j.Job), strings.Join(j.Problems, "; ")))
		}
	}
	if len(problems) > 0 {
		return nil, bareText(http.StatusServiceUnavailable, "%s", strings.Join(problems, "\n"))
	}
	return answer.DescribeHealth(jobs), nil
}
