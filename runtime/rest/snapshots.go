package rest

import (
	"context"
	"errors"
	"net/http"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/operations"
	"github.com/weir-stream/weir/runtime/rest/route"
	"github.com/weir-stream/weir/runtime/rest/view"
)

func snapshotEndpoints() []endpoint {
	const checkpoints = "/jobs/:jobid/checkpoints"
	return []endpoint{
		{route.Route{Method: "GET", Path: checkpoints, Success: 200, Answer: answer.Checkpoints{}, Summary: "A job's checkpoints"}, (*Server).listCheckpoints},
		{route.Route{Method: "GET", Path: checkpoints + "/config", Success: 200, Answer: answer.CheckpointConfig{}, Summary: "Options of a job's checkpoints"}, (*Server).checkpointConfig},
		{route.Route{Method: "GET", Path: checkpoints + "/details/:checkpointid", Success: 200, Answer: answer.Checkpoint{}, Summary: "A checkpoint"}, (*Server).showCheckpoint},
		{route.Route{Method: "GET", Path: checkpoints + "/details/:checkpointid/subtasks/:vertexid", Success: 200, Answer: answer.SubtaskCheckpoints{},
			Summary: "A vertex's part of a checkpoint"}, (*Server).subtaskCheckpoints},
		{route.Route{Method: "POST", Path: checkpoints, Success: 202, Body: CheckpointBody{}, Answer: answer.Triggered{}, Summary: "Takes a checkpoint"}, (*Server).takeCheckpoint},
		{route.Route{Method: "GET", Path: checkpoints + "/:triggerid", Success: 200, Answer: answer.Operation{}, Summary: "Polls a checkpoint"}, (*Server).pollCheckpoint},
		{route.Route{Method: "POST", Path: "/jobs/:jobid/savepoints", Success: 202, Body: SavepointBody{}, Answer: answer.Triggered{}, Summary: "Takes a savepoint"}, (*Server).takeSavepoint},
		{route.Route{Method: "POST", Path: "/jobs/:jobid/stop", Success: 202, Body: StopBody{}, Answer: answer.Triggered{}, Summary: "Stops a job with a savepoint"}, (*Server).stopJob},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/savepoints/:triggerid", Success: 200, Answer: answer.Operation{}, Summary: "Polls a savepoint or a stop"}, (*Server).pollSavepoint},
		{route.Route{Method: "POST", Path: "/savepoint-disposal", Success: 200, Body: DisposalBody{}, Answer: answer.Triggered{}, Summary: "Deletes a savepoint"}, (*Server).disposeSavepoint},
		{route.Route{Method: "GET", Path: "/savepoint-disposal/:triggerid", Success: 200, Answer: answer.Operation{}, Summary: "Polls the deletion of a savepoint"}, (*Server).pollDisposal},
	}
}

func (s *Server) checkpoints(c *call) (*view.Checkpoints, error) {
	all, err := s.cluster.Checkpoints(c.ctx, c.path.Job)
	switch {
	case errors.Is(err, ErrUnknownJob):
		return nil, noSuchJob(c.path.Job)
	case err != nil:
		return nil, err
	case all == nil:
		return nil, refuse(http.StatusNotFound, classHandler, "Checkpointing has not been enabled.")
	}
	return all, nil
}

func (s *Server) listCheckpoints(c *call) (any, error) {
	all, err := s.checkpoints(c)
	if err != nil {
		return nil, err
	}
	return answer.DescribeCheckpoints(all), nil
}

func (s *Server) checkpointConfig(c *call) (any, error) {
	all, err := s.checkpoints(c)
	if err != nil {
		return nil, err
	}
	return answer.DescribeCheckpointSettings(all.Settings), nil
}

func (s *Server) checkpoint(c *call) (*view.Checkpoint, error) {
	all, err := s.checkpoints(c)
	if err != nil {
		return nil, err
	}
	one := all.Find(c.path.Checkpoint)
	if one == nil {
		return nil, refuse(http.StatusNotFound, classHandler, "Could not find checkpointing statistics for checkpoint %d.", c.path.Checkpoint)
	}
	return one, nil
}

func (s *Server) showCheckpoint(c *call) (any, error) {
	one, err := s.checkpoint(c)
	if err != nil {
		return nil, err
	}
	return answer.DescribeCheckpoint(one), nil
}

func (s *Server) subtaskCheckpoints(c *call) (any, error) {
	one, err := s.checkpoint(c)
	if err != nil {
		return nil, err
	}
	vertex := one.Vertex(c.path.Vertex)
	if vertex == nil {
		return nil, notFound("There is no checkpoint statistics for task %s.", c.path.Vertex)
	}
	return answer.DescribeSubtaskCheckpoints(one, vertex), nil
}

// Format is the format of a savepoint.
type Format string

// UnmarshalText takes Flink's formats.
func (f *Format) UnmarshalText(text []byte) error { return enumerated(f, text, "CANONICAL", "NATIVE") }

// SavepointBody is the body of POST /jobs/:jobid/savepoints.
type SavepointBody struct {
	Directory *string `json:"target-directory"`
	Cancel    bool    `json:"cancel-job"`
	Format    Format  `json:"formatType"`
	Trigger   *string `json:"triggerId"`
}

// StopBody is the body of POST /jobs/:jobid/stop.
type StopBody struct {
	Directory *string `json:"targetDirectory"`
	Drain     bool    `json:"drain"`
	Format    Format  `json:"formatType"`
	Trigger   *string `json:"triggerId"`
}

func (s *Server) takeSavepoint(c *call) (any, error) {
	body, err := decode[SavepointBody](c, "SavepointTriggerRequestBody")
	if err != nil {
		return nil, err
	}
	return s.beginSavepoint(body.Trigger, SavepointRequest{
		Job: c.path.Job, Directory: text(body.Directory), Native: body.Format == "NATIVE", Cancel: body.Cancel,
	})
}

func (s *Server) stopJob(c *call) (any, error) {
	body, err := decode[StopBody](c, "StopWithSavepointRequestBody")
	if err != nil {
		return nil, err
	}
	return s.beginSavepoint(body.Trigger, SavepointRequest{
		Job: c.path.Job, Directory: text(body.Directory), Native: body.Format == "NATIVE", Stop: true, Drain: body.Drain,
	})
}

func (s *Server) beginSavepoint(trigger *string, request SavepointRequest) (any, error) {
	id, err := triggerID(trigger)
	if err != nil {
		return nil, err
	}
	request.Trigger = id
	key := operations.Key{Kind: operations.Savepoint, Job: request.Job, Trigger: id}
	err = s.async.trigger(key, func(ctx context.Context) answer.Operation {
		location, err := s.cluster.TakeSavepoint(ctx, request)
		return outcomeOf(answer.Location{Location: location}, err, request.Job, false)
	})
	return triggered(id), err
}

func text(optional *string) string {
	if optional == nil {
		return ""
	}
	return *optional
}

func (s *Server) pollSavepoint(c *call) (any, error) {
	made, ok := s.async.poll(operations.Key{Kind: operations.Savepoint, Job: c.path.Job, Trigger: c.path.Trigger})
	if !ok {
		return nil, refuse(http.StatusNotFound, classHandler, "There is no savepoint operation with triggerId=%s for job %s.", c.path.Trigger, c.path.Job)
	}
	return made, nil
}

// CheckpointType is how much a checkpoint holds.
type CheckpointType string

// UnmarshalText takes Flink's types.
func (t *CheckpointType) UnmarshalText(text []byte) error {
	return enumerated(t, text, "CONFIGURED", "FULL", "INCREMENTAL")
}

// CheckpointBody is the body of POST /jobs/:jobid/checkpoints.
type CheckpointBody struct {
	Type    CheckpointType `json:"checkpointType"`
	Trigger *string        `json:"triggerId"`
}

func (s *Server) takeCheckpoint(c *call) (any, error) {
	body, err := decode[CheckpointBody](c, "CheckpointTriggerRequestBody")
	if err != nil {
		return nil, err
	}
	if body.Type == "INCREMENTAL" {
		return nil, refuse(http.StatusInternalServerError, classIllegalState, "Flink does not support triggering incremental checkpoint explicitly. Use CONFIGURED or FULL.")
	}
	id, err := triggerID(body.Trigger)
	if err != nil {
		return nil, err
	}
	request := CheckpointRequest{Job: c.path.Job, Trigger: id, Full: body.Type == "FULL"}
	key := operations.Key{Kind: operations.Checkpoint, Job: request.Job, Trigger: id}
	err = s.async.trigger(key, func(ctx context.Context) answer.Operation {
		number, err := s.cluster.TakeCheckpoint(ctx, request)
		return outcomeOf(answer.CheckpointTaken{Checkpoint: number}, err, request.Job, true)
	})
	return triggered(id), err
}

func (s *Server) pollCheckpoint(c *call) (any, error) {
	made, ok := s.async.poll(operations.Key{Kind: operations.Checkpoint, Job: c.path.Job, Trigger: c.path.Trigger})
	if !ok {
		return nil, refuse(http.StatusNotFound, classHandler, "There is no checkpoint operation with triggerId=%s for job %s.", c.path.Trigger, c.path.Job)
	}
	return made, nil
}

// DisposalBody is the body of POST /savepoint-disposal.
type DisposalBody struct {
	Path    string  `json:"savepoint-path"`
	Trigger *string `json:"triggerId"`
}

func (s *Server) disposeSavepoint(c *call) (any, error) {
	body, err := decode[DisposalBody](c, "SavepointDisposalRequest")
	if err != nil {
		return nil, err
	}
	if body.Path == "" {
		return nil, badRequest("Field savepoint-path must not be omitted or be null.")
	}
	id, err := triggerID(body.Trigger)
	if err != nil {
		return nil, err
	}
	err = s.async.trigger(operations.Key{Kind: operations.Disposal, Trigger: id}, func(ctx context.Context) answer.Operation {
		return outcomeOf(answer.Empty{}, s.cluster.DisposeSavepoint(ctx, body.Path), ident.JobID{}, false)
	})
	return triggered(id), err
}

func (s *Server) pollDisposal(c *call) (any, error) {
	return s.pollKeyed(operations.Key{Kind: operations.Disposal, Trigger: c.path.Trigger})
}

// deleteDataSet has nothing to delete, which Flink takes for a success.
func (s *Server) deleteDataSet(*call) (any, error) {
	id := ident.NewID()
	err := s.async.trigger(operations.Key{Kind: operations.DataSet, Trigger: id}, func(context.Context) answer.Operation { return answer.Done(answer.Empty{}) })
	return triggered(id), err
}

func (s *Server) pollDataSet(c *call) (any, error) {
	return s.pollKeyed(operations.Key{Kind: operations.DataSet, Trigger: c.path.Trigger})
}

func (s *Server) pollKeyed(key operations.Key) (any, error) {
	made, ok := s.async.poll(key)
	if !ok {
		return nil, notFound("Operation not found under key: %s", key.Trigger)
	}
	return made, nil
}
