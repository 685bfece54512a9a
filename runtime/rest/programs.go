package rest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/jars"
	"github.com/weir-stream/weir/runtime/rest/route"
)

func programEndpoints() []endpoint {
	plan := []string{"programArg", "entry-class", "parallelism"}
	run := append([]string{"allowNonRestoredState", "savepointPath"}, plan...)
	return []endpoint{
		{route.Route{Method: "GET", Path: "/jars", Success: 200, Answer: answer.Jars{}, Summary: "Uploaded job binaries"}, (*Server).listJars},
		{route.Route{Method: "POST", Path: "/jars/upload", Success: 200, Upload: true, Answer: answer.Uploaded{}, Summary: "Uploads a job binary"}, (*Server).uploadJar},
		{route.Route{Method: "DELETE", Path: "/jars/:jarid", Success: 200, Answer: answer.Empty{}, Summary: "Deletes a job binary"}, (*Server).deleteJar},
		{route.Route{Method: "GET", Path: "/jars/:jarid/plan", Success: 200, Query: plan, Answer: answer.Plan{}, Summary: "A program's plan"}, (*Server).planJar},
		{route.Route{Method: "POST", Path: "/jars/:jarid/plan", Success: 200, Query: plan, Body: ProgramBody{}, Answer: answer.Plan{}, Summary: "A program's plan"}, (*Server).planJar},
		{route.Route{Method: "POST", Path: "/jars/:jarid/run", Success: 200, Query: run, Body: ProgramBody{}, Answer: answer.JarRun{}, Summary: "Runs a job binary"}, (*Server).runJar},
		{route.Route{Method: "POST", Path: "/jars/:jarid/run-application", Success: 202, Query: run, Body: ProgramBody{}, Answer: answer.ApplicationRun{}, Summary: "Runs a job binary"}, (*Server).runApplication},
	}
}

func (s *Server) listJars(c *call) (any, error) {
	all, err := s.jars.List()
	if err != nil {
		return nil, err
	}
	made := answer.Jars{Address: s.address(c), Files: []answer.Jar{}}
	for _, jar := range all {
		made.Files = append(made.Files, answer.DescribeJar(jar.ID, jar.Name, jar.Uploaded))
	}
	return made, nil
}

// address is where the client has reached the server.
func (s *Server) address(c *call) string {
	scheme := "http"
	if c.request.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.request.Host + s.prefix
}

func (s *Server) jobManagerLogURL(c *call) (any, error) {
	return answer.URL{URL: s.address(c) + "/#/job-manager/logs"}, nil
}

func (s *Server) taskManagerLogURL(c *call) (any, error) {
	return answer.URL{URL: fmt.Sprintf("%s/#/task-manager/%s/logs", s.address(c), escapeSegment(c.path.TaskManager))}, nil
}

// escapeSegment encodes what would end a segment; a colon, of which ids are made, stays.
func escapeSegment(text string) string { return (&url.URL{Path: text}).EscapedPath() }

func (s *Server) deleteJar(c *call) (any, error) {
	err := s.jars.Delete(c.path.Jar)
	if errors.Is(err, jars.ErrUnknown) {
		return nil, badRequest("File %s does not exist in %s.", c.path.Jar, s.jars.Dir())
	}
	return answer.Empty{}, err
}

// ClaimMode says to whom a savepoint belongs once a job was started from it.
type ClaimMode string

// UnmarshalText takes Flink's modes.
func (m *ClaimMode) UnmarshalText(text []byte) error {
	return enumerated(m, text, "CLAIM", "NO_CLAIM", "LEGACY")
}

// ProgramBody is the body of the requests that plan or run a job binary. What it has counts before the query.
type ProgramBody struct {
	EntryClass       *string           `json:"entryClass"`
	Arguments        []string          `json:"programArgsList"`
	Parallelism      *int              `json:"parallelism"`
	Job              *string           `json:"jobId"`
	AllowNonRestored *bool             `json:"allowNonRestoredState"`
	Savepoint        *string           `json:"savepointPath"`
	ClaimMode        ClaimMode         `json:"claimMode"`
	Configuration    map[string]string `json:"flinkConfiguration"`
}

func (s *Server) program(c *call) (Program, error) {
	var body ProgramBody
	if c.request.Method == http.MethodPost { // Flink's client sends an empty object with GET, too
		var err error
		if body, err = decode[ProgramBody](c, "JarRunRequestBody"); err != nil {
			return Program{}, err
		}
	}
	program, err := mergeProgram(body, c.query)
	if err != nil {
		return Program{}, err
	}
	jar, err := s.jars.Find(c.path.Jar)
	if errors.Is(err, jars.ErrUnknown) {
		return Program{}, refuse(http.StatusInternalServerError, classHandler, "Jar file %s does not exist", s.jars.Path(c.path.Jar))
	}
	program.Path = jar.Path
	return program, err
}

// mergeProgram puts body and query together.
func mergeProgram(body ProgramBody, query route.Query) (Program, error) {
	p := Program{
		Arguments: body.Arguments, Savepoint: query.SavepointPath, ClaimMode: string(body.ClaimMode), Configuration: body.Configuration,
	}
	if p.Arguments == nil {
		p.Arguments = query.ProgramArgs
	}
	if body.Savepoint != nil {
		p.Savepoint = *body.Savepoint
	}
	if allow := first(body.AllowNonRestored, query.AllowNonRestored); allow != nil {
		p.AllowNonRestored = *allow
	}
	if parallelism := first(body.Parallelism, query.Parallelism); parallelism != nil {
		if *parallelism < 1 && *parallelism != defaultParallelism {
			return Program{}, badRequest("Parallelism must be a positive number, and is %d.", *parallelism)
		}
		p.Parallelism = max(*parallelism, 0)
	}
	if body.Job != nil {
		id, err := ident.ParseID(*body.Job)
		if err != nil {
			return Program{}, badRequest("Cannot read the jobId %q: it must have 32 hexadecimal digits.", *body.Job)
		}
		p.Job = id
	}
	return p, nil
}

// defaultParallelism is how Flink's tools write that the configuration decides.
const defaultParallelism = -1

func first[T any](values ...*T) *T {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

func (s *Server) planJar(c *call) (any, error) {
	program, err := s.program(c)
	if err != nil {
		return nil, err
	}
	plan, err := s.cluster.Plan(c.ctx, program)
	if err != nil {
		return nil, err
	}
	return answer.Plan{Plan: plan}, nil
}

func (s *Server) run(c *call) (Run, error) {
	program, err := s.program(c)
	if err != nil {
		return Run{}, err
	}
	run, err := s.cluster.Run(c.ctx, program)
	if errors.Is(err, ErrInvalid) {
		return Run{}, badRequest("Could not execute application. %v", err)
	}
	if err == nil && run.Application.IsZero() {
		run.Application = run.Job
	}
	return run, err
}

func (s *Server) runJar(c *call) (any, error) {
	run, err := s.run(c)
	return answer.JarRun(run), err
}

func (s *Server) runApplication(c *call) (any, error) {
	run, err := s.run(c)
	return answer.ApplicationRun{Application: run.Application}, err
}
