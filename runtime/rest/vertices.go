package rest

import (
	"net/http"

	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/route"
	"github.com/weir-stream/weir/runtime/rest/view"
)

const vertexPath = "/jobs/:jobid/vertices/:vertexid"

func vertexEndpoints() []endpoint {
	return []endpoint{
		{route.Route{Method: "GET", Path: vertexPath, Success: 200, Answer: answer.Vertex{}, Summary: "A vertex with its subtasks"},
			ofVertex(func(j *view.Job, v *view.Vertex) any { return answer.DescribeVertex(j, v) })},
		{route.Route{Method: "GET", Path: vertexPath + "/subtasktimes", Success: 200, Answer: answer.SubtaskTimes{}, Summary: "When subtasks entered their states"},
			ofVertex(func(j *view.Job, v *view.Vertex) any { return answer.DescribeTimes(j, v) })},
		{route.Route{Method: "GET", Path: vertexPath + "/taskmanagers", Success: 200, Answer: answer.VertexTaskManagers{}, Summary: "A vertex by TaskManager"},
			ofVertex(func(j *view.Job, v *view.Vertex) any { return answer.GroupByTaskManager(j, v) })},
		{route.Route{Method: "GET", Path: vertexPath + "/accumulators", Success: 200, Answer: answer.VertexAccumulators{}, Summary: "A vertex's accumulators"},
			ofVertex(func(_ *view.Job, v *view.Vertex) any { return answer.DescribeVertexAccumulators(v) })},
		{route.Route{Method: "GET", Path: vertexPath + "/subtasks/accumulators", Success: 200, Answer: answer.SubtaskAccumulators{}, Summary: "A vertex's accumulators by subtask"},
			ofVertex(func(_ *view.Job, v *view.Vertex) any { return answer.DescribeSubtaskAccumulators(v) })},
		{route.Route{Method: "GET", Path: vertexPath + "/subtasks/:subtaskindex", Success: 200, Answer: answer.Attempt{}, Summary: "A subtask's current attempt"},
			ofSubtask(func(_ *call, j *view.Job, _ *view.Vertex, s *view.Subtask) (any, error) {
				return answer.DescribeAttempt(j, s.Index, &s.Current), nil
			})},
		{route.Route{Method: "GET", Path: vertexPath + "/subtasks/:subtaskindex/attempts/:attempt", Success: 200, Answer: answer.Attempt{}, Summary: "An attempt"},
			ofAttempt(func(j *view.Job, _ *view.Vertex, s *view.Subtask, a *view.Attempt) any {
				return answer.DescribeAttempt(j, s.Index, a)
			})},
		{route.Route{Method: "GET", Path: vertexPath + "/subtasks/:subtaskindex/attempts/:attempt/accumulators", Success: 200, Answer: answer.AttemptAccumulators{},
			Summary: "An attempt's accumulators"},
			ofAttempt(func(_ *view.Job, v *view.Vertex, s *view.Subtask, a *view.Attempt) any {
				return answer.DescribeAttemptAccumulators(v, s.Index, a)
			})},
		{route.Route{Method: "GET", Path: vertexPath + "/backpressure", Success: 200, Answer: answer.BackPressure{}, Summary: "How busy subtasks are"}, (*Server).backPressure},
		{route.Route{Method: "GET", Path: vertexPath + "/flamegraph", Success: 200, Query: []string{"type", "subtaskindex"}, Answer: answer.FlameGraph{}, Summary: "Sampled stacks"}, (*Server).flameGraph},
	}
}

func (s *Server) backPressure(c *call) (any, error) {
	if _, _, err := s.vertex(c); err != nil {
		return nil, err
	}
	all, err := s.cluster.Metrics(c.ctx)
	if err != nil {
		return nil, err
	}
	made, ok := answer.DescribeBackPressure(all.Vertex(c.path.Job, c.path.Vertex), s.clock.Now().UnixMilli())
	if !ok {
		return nil, refuse(http.StatusInternalServerError, classNoElement, "No value present: no subtask of the vertex has shown figures")
	}
	return made, nil
}

func (s *Server) flameGraph(c *call) (any, error) {
	_, vertex, err := s.vertex(c)
	if err != nil {
		return nil, err
	}
	if !s.options.FlameGraphs {
		return answer.DescribeFlameGraph(&view.FlameGraph{Disabled: true}), nil
	}
	if c.query.Subtask >= 0 && vertex.Subtask(c.query.Subtask) == nil {
		return nil, refuse(http.StatusNotFound, classHandler, "Invalid subtask index for vertex %s", vertex.ID)
	}
	kind := c.query.FlameGraph
	if kind == "" {
		kind = "FULL"
	}
	graph, err := s.cluster.FlameGraph(c.ctx, c.path.Job, c.path.Vertex, c.query.Subtask, kind)
	if err != nil {
		return nil, err
	}
	return answer.DescribeFlameGraph(graph), nil
}
