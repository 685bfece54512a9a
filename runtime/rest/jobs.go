package rest

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/route"
	"github.com/weir-stream/weir/runtime/rest/view"
)

func jobEndpoints() []endpoint {
	return []endpoint{
		{route.Route{Method: "GET", Path: "/jobs", Success: 200, Answer: answer.JobIDs{}, Summary: "Ids and states of jobs"}, (*Server).listJobs},
		{route.Route{Method: "GET", Path: "/jobs/overview", Success: 200, Answer: answer.JobsOverview{}, Summary: "All jobs in a few figures"}, (*Server).jobsOverview},
		{route.Route{Method: "GET", Path: "/jobs/:jobid", Success: 200, Answer: answer.Job{}, Summary: "A job with its vertices"},
			ofJob(func(_ *call, j *view.Job) any { return answer.DescribeJob(j) })},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/status", Success: 200, Answer: answer.JobStatus{}, Summary: "A job's state as it is now"}, (*Server).jobStatus},
		{route.Route{Method: "PATCH", Path: "/jobs/:jobid", Success: 202, Query: []string{"mode"}, Answer: answer.Empty{}, Summary: "Cancels a job"}, (*Server).cancelJob},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/yarn-cancel", Success: 202, Answer: answer.Empty{}, Summary: "Cancels a job"}, (*Server).cancelJob},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/yarn-stop", Success: 202, Answer: answer.Empty{}, Summary: "Refused: was removed from Flink"}, stopRemoved},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/plan", Success: 200, Answer: answer.Plan{}, Summary: "A job's plan"},
			ofJob(func(_ *call, j *view.Job) any { return answer.Plan{Plan: j.Plan} })},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/config", Success: 200, Answer: answer.JobConfig{}, Summary: "What a job's program sets"},
			ofJob(func(_ *call, j *view.Job) any { return answer.DescribeSettings(j) })},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/exceptions", Success: 200, Query: []string{"maxExceptions", "failureLabelFilter"}, Answer: answer.Exceptions{},
			Summary: "A job's failures"}, ofJob(exceptions)},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/execution-result", Success: 200, Answer: answer.ExecutionResult{}, Summary: "How a job ended"}, (*Server).executionResult},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/accumulators", Success: 200, Query: []string{"includeSerializedValue"}, Answer: answer.JobAccumulators{},
			Summary: "A job's accumulators"}, ofJob(func(_ *call, j *view.Job) any { return answer.DescribeJobAccumulators(j) })},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/jobmanager/config", Success: 200, Answer: []answer.Setting{}, Summary: "The configuration that holds for a job"}, (*Server).jobConfiguration},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/jobmanager/environment", Success: 200, Answer: answer.Environment{}, Summary: "What the job's JobManager runs on"}, (*Server).environment},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/jobmanager/log-url", Success: 200, Answer: answer.URL{}, Summary: "Where the JobManager's logs are shown"}, (*Server).jobManagerLogURL},
		{route.Route{Method: "GET", Path: "/jobs/:jobid/taskmanagers/:taskmanagerid/log-url", Success: 200, Answer: answer.URL{}, Summary: "Where a TaskManager's logs are shown"}, (*Server).taskManagerLogURL},
		{route.Route{Method: "PATCH", Path: "/jobs/:jobid/clientHeartbeat", Success: 202, Body: HeartbeatBody{}, Answer: answer.Empty{}, Summary: "Says that a job's client lives"}, (*Server).heartbeat},
		{route.Route{Method: "POST", Path: "/jobs/:jobid/coordinators/:operatorUid", Success: 200, Answer: answer.Empty{}, Summary: "Refused: serialized Java objects"}, (*Server).coordinator},
		{route.Route{Method: "POST", Path: "/jobs", Success: 202, Upload: true, Answer: answer.Empty{}, Summary: "Refused: a serialized Java job graph"}, (*Server).submitJava},
		{route.Route{Method: "GET", Path: "/datasets", Success: 200, Answer: answer.DataSets{}, Summary: "Results kept for other jobs: none"}, listDataSets},
		{route.Route{Method: "DELETE", Path: "/datasets/:datasetid", Success: 202, Answer: answer.Triggered{}, Summary: "Deletes a result kept for other jobs"}, (*Server).deleteDataSet},
		{route.Route{Method: "GET", Path: "/datasets/delete/:triggerid", Success: 200, Answer: answer.Operation{}, Summary: "Polls the deletion of a result"}, (*Server).pollDataSet},
	}
}

func (s *Server) listJobs(c *call) (any, error) {
	jobs, err := s.cluster.Jobs(c.ctx)
	if err != nil {
		return nil, err
	}
	return answer.ListJobs(jobs), nil
}

func (s *Server) jobsOverview(c *call) (any, error) {
	jobs, err := s.cluster.Jobs(c.ctx)
	if err != nil {
		return nil, err
	}
	return answer.SummarizeJobs(jobs), nil
}

func (s *Server) jobStatus(c *call) (any, error) {
	state, err := s.cluster.JobState(c.ctx, c.path.Job)
	if errors.Is(err, ErrUnknownJob) {
		return nil, jobMissing(c.path.Job)
	}
	if err != nil {
		return nil, err
	}
	return answer.JobStatus{Status: state}, nil
}

func (s *Server) cancelJob(c *call) (any, error) {
	if c.query.StopMode {
		return stopRemoved(s, c)
	}
	return answer.Empty{}, cancelled(s.cluster.Cancel(c.ctx, c.path.Job))
}

// cancelled makes an answer of how a cancellation ended. A job that is canceled already is as it was wanted.
func cancelled(err error) error {
	var over *EndedError
	switch {
	case errors.As(err, &over) && over.State == view.JobCanceled:
		return nil
	case errors.As(err, &over):
		return refuse(http.StatusConflict, classHandler, "Job cancellation failed because the job has already reached another terminal state (%s).", over.State)
	case errors.Is(err, ErrUnknownJob):
		return refuse(http.StatusNotFound, classHandler, "Job could not be found.")
	}
	return err
}

func stopRemoved(*Server, *call) (any, error) {
	return nil, refuse(http.StatusPermanentRedirect, classHandler, "The termination mode \"stop\" has been removed. For an ungraceful shutdown, please use \"cancel\" instead. "+
		"For a graceful shutdown, please use \"jobs/:jobId/stop\" instead.")
}

// defaultExceptions is how many failures are shown unless another number is asked for.
const defaultExceptions = 20

func exceptions(c *call, j *view.Job) any {
	limit := defaultExceptions
	if c.query.MaxExceptions != nil {
		limit = max(*c.query.MaxExceptions, 0)
	}
	return answer.DescribeExceptions(j, limit, c.query.Labels)
}

func (s *Server) executionResult(c *call) (any, error) {
	job, err := s.cluster.Job(c.ctx, c.path.Job)
	if errors.Is(err, ErrUnknownJob) {
		return nil, refuse(http.StatusNotFound, classHandler, "%s: Could not find Flink job (%s)", classJobNotFound, c.path.Job)
	}
	if err != nil {
		return nil, err
	}
	return answer.DescribeResult(job), nil
}

func (s *Server) jobConfiguration(c *call) (any, error) {
	job, err := s.job(c)
	if err != nil {
		return nil, err
	}
	if job.Configuration != nil {
		return answer.ListSettings(job.Configuration), nil
	}
	return s.configuration(c)
}

// HeartbeatBody is the body of PATCH /jobs/:jobid/clientHeartbeat.
type HeartbeatBody struct {
	// Expires is a time in milliseconds since the epoch.
	Expires int64 `json:"expiredTimestamp"`
}

func (s *Server) heartbeat(c *call) (any, error) {
	body, err := decode[HeartbeatBody](c, "JobClientHeartbeatRequestBody")
	if err != nil {
		return nil, err
	}
	err = s.cluster.Heartbeat(c.ctx, c.path.Job, time.UnixMilli(body.Expires))
	if errors.Is(err, ErrUnknownJob) {
		return nil, noSuchJob(c.path.Job)
	}
	return answer.Empty{}, err
}

func (s *Server) coordinator(*call) (any, error) {
	return nil, refuse(http.StatusInternalServerError, classUnsupported,
		"Weir's coordinators take no serialized Java requests. Collect the results of a job with a sink of its program.")
}

func (s *Server) submitJava(c *call) (any, error) {
	if err := drain(c.request.Body); err != nil {
		return nil, err
	}
	if isMultipart(c.request) {
		return nil, badRequest("Weir cannot run a Java job graph. Build the program with Go and submit its binary: weir run PACKAGE.")
	}
	return nil, badRequest("The jobGraphFileName field must not be omitted or be null. Weir takes no Java job graph; submit a program with weir run PACKAGE.")
}

func listDataSets(*Server, *call) (any, error) {
	return answer.DataSets{DataSets: []answer.Empty{}}, nil
}

func applicationEndpoints() []endpoint {
	return []endpoint{
		{route.Route{Method: "GET", Path: "/applications/overview", Success: 200, Answer: answer.Applications{}, Summary: "All applications in a few figures"}, (*Server).applications},
		{route.Route{Method: "GET", Path: "/applications/:applicationid", Success: 200, Answer: answer.Application{}, Summary: "An application with its jobs"}, (*Server).showApplication},
		{route.Route{Method: "POST", Path: "/applications/:applicationid/cancel", Success: 202, Answer: answer.Empty{}, Summary: "Cancels an application's jobs"}, (*Server).cancelApplication},
		{route.Route{Method: "GET", Path: "/applications/:applicationid/exceptions", Success: 200, Answer: answer.ApplicationExceptions{}, Summary: "Why an application's jobs have failed"}, (*Server).applicationExceptions},
		{route.Route{Method: "GET", Path: "/applications/:applicationid/jobmanager/config", Success: 200, Answer: []answer.Setting{}, Summary: "The configuration that holds for an application"}, (*Server).applicationConfiguration},
	}
}

func (s *Server) applications(c *call) (any, error) {
	all, err := s.cluster.Applications(c.ctx)
	if err != nil {
		return nil, err
	}
	return answer.ListApplications(all), nil
}

func (s *Server) application(c *call) (*view.Application, error) {
	all, err := s.cluster.Applications(c.ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(a view.Application) bool { return a.ID == c.path.Application })
	if at < 0 {
		return nil, refuse(http.StatusInternalServerError, classApplication, "Could not find Flink application (%s)", c.path.Application)
	}
	return &all[at], nil
}

func (s *Server) showApplication(c *call) (any, error) {
	application, err := s.application(c)
	if err != nil {
		return nil, err
	}
	return answer.DescribeApplication(application), nil
}

// cancelApplication cancels all jobs that still run.
func (s *Server) cancelApplication(c *call) (any, error) {
	all, err := s.cluster.Applications(c.ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(a view.Application) bool { return a.ID == c.path.Application })
	if at < 0 {
		return nil, refuse(http.StatusNotFound, classHandler, "Application could not be found.")
	}
	if state := all[at].State; state == view.ApplicationFinished || state == view.ApplicationFailed {
		return nil, refuse(http.StatusConflict, classHandler, "Application cancellation failed because the application has already reached another terminal state (%s).", state)
	}
	var over *EndedError
	for _, j := range all[at].Jobs {
		if err := s.cluster.Cancel(c.ctx, j.ID); err != nil && !errors.As(err, &over) && !errors.Is(err, ErrUnknownJob) {
			return nil, err
		}
	}
	return answer.Empty{}, nil
}

func (s *Server) applicationExceptions(c *call) (any, error) {
	application, err := s.application(c)
	if err != nil {
		return nil, err
	}
	var jobs []*view.Job
	for _, summary := range application.Jobs {
		job, err := s.cluster.Job(c.ctx, summary.ID)
		if errors.Is(err, ErrUnknownJob) {
			continue
		}
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	return answer.DescribeApplicationExceptions(jobs), nil
}

func (s *Server) applicationConfiguration(c *call) (any, error) {
	if _, err := s.application(c); err != nil {
		return nil, err
	}
	return s.configuration(c)
}
