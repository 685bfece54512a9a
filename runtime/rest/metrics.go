package rest

import (
	"maps"
	"slices"

	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/route"
	"github.com/weir-stream/weir/runtime/rest/view"
)

func metricEndpoints() []endpoint {
	get, aggregated := []string{"get"}, func(filter string) []string { return []string{"get", "agg", filter} }
	one := func(path, summary string, choose func(*view.Metrics, *call) []view.Metric) endpoint {
		return endpoint{route.Route{Method: "GET", Path: path, Success: 200, Query: get, Answer: []answer.Metric{}, Summary: summary}, ofMetrics(choose)}
	}
	many := func(path, filter, summary string, choose func(*view.Metrics, *call) ([][]view.Metric, error)) endpoint {
		return endpoint{route.Route{Method: "GET", Path: path, Success: 200, Query: aggregated(filter), Answer: []answer.AggregatedMetric{}, Summary: summary}, aggregateOf(choose)}
	}
	return []endpoint{
		one("/jobmanager/metrics", "The JobManager's metrics", func(m *view.Metrics, _ *call) []view.Metric { return m.JobManager }),
		one("/taskmanagers/:taskmanagerid/metrics", "A TaskManager's metrics", func(m *view.Metrics, c *call) []view.Metric { return m.TaskManagers[c.path.TaskManager] }),
		one("/jobs/:jobid/metrics", "A job's metrics", func(m *view.Metrics, c *call) []view.Metric { return m.Job(c.path.Job) }),
		one(vertexPath+"/metrics", "A vertex's metrics by subtask", vertexMetrics),
		one(vertexPath+"/jm-operator-metrics", "Metrics of a vertex's coordinators", coordinatorMetrics),
		one(vertexPath+"/subtasks/:subtaskindex/metrics", "A subtask's metrics", subtaskMetrics),
		{route.Route{Method: "GET", Path: vertexPath + "/watermarks", Success: 200, Answer: []answer.Metric{}, Summary: "Watermarks of subtasks"}, (*Server).watermarks},
		many("/jobs/metrics", "jobs", "Metrics of jobs, aggregated", allJobs),
		many("/taskmanagers/metrics", "taskmanagers", "Metrics of TaskManagers, aggregated", allTaskManagers),
		many(vertexPath+"/subtasks/metrics", "subtasks", "Metrics of a vertex's subtasks, aggregated", allSubtasks),
	}
}

// ofMetrics answers with the metrics that are chosen.
func ofMetrics(choose func(*view.Metrics, *call) []view.Metric) handler {
	return func(s *Server, c *call) (any, error) {
		all, err := s.cluster.Metrics(c.ctx)
		if err != nil {
			return nil, err
		}
		return answer.ListMetrics(choose(all, c), c.query.Get), nil
	}
}

// aggregateOf answers with aggregates of the lists that are chosen.
func aggregateOf(choose func(*view.Metrics, *call) ([][]view.Metric, error)) handler {
	return func(s *Server, c *call) (any, error) {
		all, err := s.cluster.Metrics(c.ctx)
		if err != nil {
			return nil, err
		}
		lists, err := choose(all, c)
		if err != nil {
			return nil, err
		}
		return answer.AggregateMetrics(lists, c.query.Get, c.query.Aggregate), nil
	}
}

func vertexMetrics(m *view.Metrics, c *call) []view.Metric {
	if vertex := m.Vertex(c.path.Job, c.path.Vertex); vertex != nil {
		return answer.PrefixSubtasks(vertex)
	}
	return nil
}

func coordinatorMetrics(m *view.Metrics, c *call) []view.Metric {
	if vertex := m.Vertex(c.path.Job, c.path.Vertex); vertex != nil {
		return vertex.Coordinator
	}
	return nil
}

func subtaskMetrics(m *view.Metrics, c *call) []view.Metric {
	if vertex := m.Vertex(c.path.Job, c.path.Vertex); vertex != nil {
		return vertex.Subtasks[c.path.Subtask]
	}
	return nil
}

func (s *Server) watermarks(c *call) (any, error) {
	all, err := s.cluster.Metrics(c.ctx)
	if err != nil {
		return nil, err
	}
	vertex := all.Vertex(c.path.Job, c.path.Vertex)
	if vertex == nil {
		return []answer.Metric{}, nil
	}
	return answer.Watermarks(vertex), nil
}

func allJobs(m *view.Metrics, c *call) ([][]view.Metric, error) {
	var lists [][]view.Metric
	for id, job := range m.Jobs {
		if counts(c.query.Jobs, id) {
			lists = append(lists, job.Own)
		}
	}
	return lists, nil
}

func allTaskManagers(m *view.Metrics, c *call) ([][]view.Metric, error) {
	var lists [][]view.Metric
	for id, all := range m.TaskManagers {
		if counts(c.query.TaskManagers, id) {
			lists = append(lists, all)
		}
	}
	return lists, nil
}

// counts says whether one is among the chosen; none chosen means all.
func counts[T comparable](chosen []T, one T) bool {
	return len(chosen) == 0 || slices.Contains(chosen, one)
}

func allSubtasks(m *view.Metrics, c *call) ([][]view.Metric, error) {
	vertex := m.Vertex(c.path.Job, c.path.Vertex)
	if vertex == nil || len(vertex.Subtasks) == 0 {
		return nil, nil
	}
	indexes := slices.Sorted(maps.Keys(vertex.Subtasks))
	chosen, err := route.Ranges(c.query.Subtasks, indexes[len(indexes)-1]+1)
	if err != nil {
		return nil, err
	}
	var lists [][]view.Metric
	for _, index := range indexes {
		if index >= 0 && chosen[index] {
			lists = append(lists, vertex.Subtasks[index])
		}
	}
	return lists, nil
}
