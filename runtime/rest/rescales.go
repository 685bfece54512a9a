package rest

import (
	"errors"
	"net/http"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/route"
	"github.com/weir-stream/weir/runtime/rest/view"
)

func rescaleEndpoints() []endpoint {
	const path = "/jobs/:jobid/rescales"
	requirements := map[ident.VertexID]answer.Requirement{}
	return []endpoint{
		{route.Route{Method: "GET", Path: path + "/config", Success: 200, Answer: answer.RescaleConfig{}, Summary: "Options of a job's rescaling"}, (*Server).rescaleConfig},
		{route.Route{Method: "GET", Path: path + "/overview", Success: 200, Answer: answer.RescalesOverview{}, Summary: "A job's rescales in a few figures"},
			ofRescales(func(_ *call, r *view.Rescales) (any, error) { return answer.DescribeRescales(r), nil })},
		{route.Route{Method: "GET", Path: path + "/summary", Success: 200, Answer: answer.RescalesSummary{}, Summary: "How long a job's rescales took"},
			ofRescales(func(_ *call, r *view.Rescales) (any, error) { return answer.SummarizeRescales(r), nil })},
		{route.Route{Method: "GET", Path: path + "/history", Success: 200, Answer: []answer.Rescale{}, Summary: "A job's rescales"},
			ofRescales(func(_ *call, r *view.Rescales) (any, error) { return answer.ListRescales(r), nil })},
		{route.Route{Method: "GET", Path: path + "/details/:rescaleuuid", Success: 200, Answer: answer.Rescale{}, Summary: "A rescale"}, ofRescales(rescale)},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/resource-requirements", Success: 200, Answer: requirements, Summary: "What parallelism a job asks for"}, (*Server).requirements},
		{route.Route{Method: "PUT", Path: "/jobs/:jobid/resource-requirements", Success: 200, Body: requirements, Answer: answer.Empty{}, Summary: "Changes what parallelism a job asks for"}, (*Server).require},
		{route.Route{Method: "PATCH", Path: "/jobs/:jobid/rescaling", Success: 200, Answer: answer.Triggered{}, Summary: "Refused: replaced by resource-requirements"}, rescalingDisabled},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/rescaling/:triggerid", Success: 200, Answer: answer.Operation{}, Summary: "Refused: replaced by resource-requirements"}, rescalingDisabled},
	}
}

func rescalingDisabled(*Server, *call) (any, error) {
	return nil, refuse(http.StatusServiceUnavailable, classHandler, "Rescaling is temporarily disabled. See FLINK-12312. Use resource-requirements instead.")
}

func (s *Server) rescaleConfig(c *call) (any, error) {
	all, err := s.cluster.Rescales(c.ctx, c.path.Job)
	switch {
	case errors.Is(err, ErrDefaultScheduler):
		return nil, refuse(http.StatusNotFound, classHandler, "AdaptiveScheduler is not enabled for this job (%s).", c.path.Job)
	case errors.Is(err, ErrUnknownJob):
		return nil, noSuchJob(c.path.Job)
	case err != nil:
		return nil, err
	}
	return answer.DescribeRescaleSettings(all.Settings), nil
}

func ofRescales(describe func(*call, *view.Rescales) (any, error)) handler {
	return func(s *Server, c *call) (any, error) {
		all, err := s.cluster.Rescales(c.ctx, c.path.Job)
		switch {
		case errors.Is(err, ErrDefaultScheduler), err == nil && all.Settings.HistorySize <= 0:
			return nil, refuse(http.StatusNotFound, classRescales, "The job `%s` has not enabled the `Adaptive` scheduler, or it has been enabled but the value of "+
				"configuration option `web.adaptive-scheduler.rescale-history.size` has not been set to greater than `0`.", c.path.Job)
		case errors.Is(err, ErrUnknownJob):
			return nil, noSuchJob(c.path.Job)
		case err != nil:
			return nil, err
		}
		return describe(c, all)
	}
}

func rescale(c *call, all *view.Rescales) (any, error) {
	one := all.Find(c.path.Rescale)
	if one == nil {
		return nil, notFound("Could not find the rescale %s.", c.path.Rescale)
	}
	return answer.DescribeRescale(one), nil
}

func (s *Server) requirements(c *call) (any, error) {
	all, err := s.cluster.Requirements(c.ctx, c.path.Job)
	if errors.Is(err, ErrUnknownJob) {
		return nil, jobMissing(c.path.Job)
	}
	if err != nil {
		return nil, err
	}
	return answer.DescribeRequirements(all), nil
}

func (s *Server) require(c *call) (any, error) {
	body, err := decode[map[ident.VertexID]answer.Requirement](c, "JobResourceRequirementsBody")
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return nil, badRequest("Request body does not specify resource requirements.")
	}
	wanted := map[ident.VertexID]view.Bounds{}
	for id, r := range body {
		if r.Parallelism.Lower < 1 || r.Parallelism.Upper < r.Parallelism.Lower {
			return nil, badRequest("The bounds of vertex %s must be lowerBound >= 1 and upperBound >= lowerBound, and are %d and %d.", id, r.Parallelism.Lower, r.Parallelism.Upper)
		}
		wanted[id] = view.Bounds(r.Parallelism)
	}
	err = s.cluster.Require(c.ctx, c.path.Job, wanted)
	if errors.Is(err, ErrUnknownJob) {
		return nil, jobMissing(c.path.Job)
	}
	return answer.Empty{}, err
}
