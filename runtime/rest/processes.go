package rest

import (
	"errors"
	"io"
	"net/http"
	"path"
	"time"

	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/route"
	"github.com/weir-stream/weir/runtime/rest/view"
)

func processEndpoints() []endpoint {
	get := func(path string, zero any, summary string, handle handler) endpoint {
		return endpoint{route.Route{Method: "GET", Path: path, Success: 200, Answer: zero, Summary: summary}, handle}
	}
	return []endpoint{
		get("/overview", answer.Overview{}, "The cluster in a few figures", (*Server).overview),
		get("/config", answer.Config{}, "What the dashboard needs to know", (*Server).dashboard),
		{route.Route{Method: "DELETE", Path: "/cluster", Success: 200, Answer: answer.Empty{}, Summary: "Ends the cluster"}, (*Server).shutdown},
		get("/taskmanagers", answer.TaskManagers{}, "All TaskManagers", (*Server).taskManagers),
		get("/taskmanagers/:taskmanagerid", answer.TaskManagerDetails{}, "A TaskManager", (*Server).taskManager),
		get("/jobmanager/config", []answer.Setting{}, "The JobManager's configuration", (*Server).configuration),
		get("/jobmanager/environment", answer.Environment{}, "What the JobManager runs on", (*Server).environment),
		get("/jobmanager/logs", answer.Logs{}, "The JobManager's log files", (*Server).logs),
		get("/taskmanagers/:taskmanagerid/logs", answer.Logs{}, "A TaskManager's log files", (*Server).logs),
		get("/jobmanager/logs/:filename", nil, "A log file of the JobManager", (*Server).logFile),
		get("/taskmanagers/:taskmanagerid/logs/:filename", nil, "A log file of a TaskManager", (*Server).logFile),
		get("/jobmanager/log", nil, "The JobManager's log", logNamed(MainLog)),
		get("/taskmanagers/:taskmanagerid/log", nil, "A TaskManager's log", logNamed(MainLog)),
		get("/jobmanager/stdout", nil, "The JobManager's output", logNamed(Stdout)),
		get("/taskmanagers/:taskmanagerid/stdout", nil, "A TaskManager's output", logNamed(Stdout)),
		get("/jobmanager/thread-dump", answer.ThreadDump{}, "The JobManager's goroutines", (*Server).threadDump),
		get("/taskmanagers/:taskmanagerid/thread-dump", answer.ThreadDump{}, "A TaskManager's goroutines", (*Server).threadDump),
	}
}

func profilerEndpoints() []endpoint {
	var all []endpoint
	for _, of := range []string{"/jobmanager", "/taskmanagers/:taskmanagerid"} {
		all = append(all,
			endpoint{route.Route{Method: "GET", Path: of + "/profiler", Success: 200, Answer: answer.Profiles{}, Summary: "Profiles that were taken"}, (*Server).profiles},
			endpoint{route.Route{Method: "POST", Path: of + "/profiler", Success: 200, Body: ProfileBody{}, Answer: answer.Profile{}, Summary: "Takes a profile"}, (*Server).startProfile},
			endpoint{route.Route{Method: "GET", Path: of + "/profiler/:filename", Success: 200, Summary: "A profile"}, (*Server).profileFile},
		)
	}
	return all
}

func (s *Server) overview(c *call) (any, error) {
	figures, err := s.cluster.Overview(c.ctx)
	if err != nil {
		return nil, err
	}
	return answer.DescribeOverview(figures, s.options.Build.Revision), nil
}

func (s *Server) dashboard(*call) (any, error) {
	return answer.DescribeConfig(s.options.Refresh, s.clock.Now(), s.options.Build, answer.Features{
		Submit: !s.options.NoSubmit, Cancel: !s.options.NoCancel, Rescale: s.options.Rescale,
	}), nil
}

func (s *Server) shutdown(c *call) (any, error) {
	s.log.Info("the cluster is told to end by a REST request", "from", c.request.RemoteAddr)
	return answer.Empty{}, s.cluster.Shutdown(c.ctx)
}

func (s *Server) taskManagers(c *call) (any, error) {
	all, err := s.cluster.TaskManagers(c.ctx)
	if err != nil {
		return nil, err
	}
	return answer.ListTaskManagers(all), nil
}

func (s *Server) taskManager(c *call) (any, error) {
	one, err := s.cluster.TaskManager(c.ctx, c.path.TaskManager)
	if errors.Is(err, ErrUnknownTaskManager) {
		return nil, taskManagerMissing(c.path.TaskManager)
	}
	if err != nil {
		return nil, err
	}
	return answer.DescribeTaskManager(one), nil
}

func (s *Server) configuration(c *call) (any, error) {
	all, err := s.cluster.Configuration(c.ctx)
	if err != nil {
		return nil, err
	}
	return answer.ListSettings(all), nil
}

func (s *Server) environment(c *call) (any, error) {
	environment, err := s.cluster.Environment(c.ctx)
	if err != nil {
		return nil, err
	}
	return answer.DescribeEnvironment(environment), nil
}

func process(c *call) view.Process { return view.Process{TaskManager: c.path.TaskManager} }

// ofProcess makes the answer to an error of a process that is not there.
func ofProcess(c *call, err error) error {
	if errors.Is(err, ErrUnknownTaskManager) {
		return notFound("Failed to transfer file from TaskExecutor %s because it was unknown.", c.path.TaskManager)
	}
	return err
}

func (s *Server) logs(c *call) (any, error) {
	files, err := s.cluster.Logs(c.ctx, process(c))
	if err != nil {
		return nil, ofProcess(c, err)
	}
	return answer.ListLogs(files), nil
}

func (s *Server) logFile(c *call) (any, error) { return s.openLog(c, c.path.File) }

func logNamed(name string) handler {
	return func(s *Server, c *call) (any, error) { return s.openLog(c, name) }
}

func (s *Server) openLog(c *call, name string) (any, error) {
	content, err := s.cluster.OpenLog(c.ctx, process(c), name)
	return opened(c, content, err, "text/plain")
}

func opened(c *call, content io.ReadCloser, err error, kind string) (any, error) {
	switch {
	case errors.Is(err, ErrUnknownFile) && c.path.TaskManager == "":
		return nil, bareText(http.StatusNotFound, "This file does not exist in JobManager log dir.")
	case errors.Is(err, ErrUnknownFile):
		return nil, notFound("Failed to transfer file from TaskExecutor %s: %s does not exist there.", c.path.TaskManager, c.path.File)
	case err != nil:
		return nil, ofProcess(c, err)
	}
	return &file{content: content, kind: kind}, nil
}

func (s *Server) threadDump(c *call) (any, error) {
	all, err := s.cluster.ThreadDump(c.ctx, process(c))
	if err != nil {
		return nil, ofProcess(c, err)
	}
	return answer.ListThreads(all), nil
}

func (s *Server) profiles(c *call) (any, error) {
	all, err := s.cluster.Profiles(c.ctx, process(c))
	if err != nil {
		return nil, ofProcess(c, err)
	}
	return answer.ListProfiles(all), nil
}

// ProfileMode is what a profile shows.
type ProfileMode string

// UnmarshalText takes Flink's modes.
func (m *ProfileMode) UnmarshalText(text []byte) error {
	return enumerated(m, text, ProfileMode(view.ProfileCPU), ProfileMode(view.ProfileLock), ProfileMode(view.ProfileWall), ProfileMode(view.ProfileAlloc), ProfileMode(view.ProfileITIMER))
}

// ProfileBody is the body of the POST requests that end in profiler.
type ProfileBody struct {
	Mode     ProfileMode `json:"mode"`
	Duration int         `json:"duration"` // seconds
}

// longestProfile bounds how long a profile may be taken, in seconds, as Flink does.
const longestProfile = 300

func (s *Server) startProfile(c *call) (any, error) {
	body, err := decode[ProfileBody](c, "ProfilingRequestBody")
	if err != nil {
		return nil, err
	}
	if body.Duration <= 0 || body.Duration > longestProfile {
		return nil, badRequest("`duration` must be set between (0s, %ds].", longestProfile)
	}
	if body.Mode == "" {
		body.Mode = ProfileMode(view.ProfileITIMER)
	}
	profile, err := s.cluster.StartProfile(c.ctx, process(c), view.ProfileMode(body.Mode), time.Duration(body.Duration)*time.Second)
	if err != nil {
		return nil, ofProcess(c, err)
	}
	return answer.DescribeProfile(profile), nil
}

func (s *Server) profileFile(c *call) (any, error) {
	content, err := s.cluster.OpenProfile(c.ctx, process(c), c.path.File)
	kind := "application/octet-stream"
	if path.Ext(c.path.File) == ".html" {
		kind = "text/html; charset=UTF-8"
	}
	return opened(c, content, err, kind)
}
