// Package rest serves Flink's REST API over whatever implements [Cluster]: its paths, statuses, errors and asynchronous operations. What a job or a process looks like is a view
// (runtime/rest/view), what the JSON looks like a pure function of it (runtime/rest/answer), and which requests there are a table (runtime/rest/route); this
// package brings them together.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/jars"
	"github.com/weir-stream/weir/runtime/rest/openapi"
	"github.com/weir-stream/weir/runtime/rest/operations"
	"github.com/weir-stream/weir/runtime/rest/route"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Options say how a server serves. Those that are zero have a default where one is named.
type Options struct {
	Clock clock.Clock  // that of the system
	Log   *slog.Logger // slog's default
	// Metrics is where the server counts what it refuses; nil means nowhere.
	Metrics *metrics.Group
	Build   view.Build
	// Prefix stands before all paths (rest.path, rest.url-prefix).
	Prefix string
	// Token, if there is one, must come with every request as a bearer token.
	Token string
	// Refresh is how often the dashboard asks (web.refresh-interval); 3 s.
	Refresh time.Duration
	// StoreFor is how long outcomes of asynchronous operations are kept (rest.async.store-duration), 5 minutes; MostOperations how many
	// operations there are at most, 1000.
	StoreFor       time.Duration
	MostOperations int
	// Timeout bounds what a request waits for the cluster (web.timeout); 10 minutes.
	Timeout time.Duration
	// LargestBody bounds a request's body in bytes (rest.server.max-content-length), 100 MiB; AllUploads all uploaded jars together, no limit.
	LargestBody, AllUploads int64
	// UploadDir is the folder for uploaded jars (web.upload.dir). It must be set unless NoSubmit is.
	UploadDir string
	// NoSubmit takes away upload and run (web.submit.enable); NoCancel and Rescale change what the dashboard shows.
	NoSubmit, NoCancel, Rescale bool
	// Profiling and FlameGraphs turn those on (rest.profiling.enabled, rest.flamegraph.enabled).
	Profiling, FlameGraphs bool
	// AllowOrigin is the CORS header of answers (web.access-control-allow-origin); "*".
	AllowOrigin string
	// Static are files that are served where no endpoint is: a web UI. May be nil.
	Static fs.FS
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Metrics == nil {
		o.Metrics = metrics.NewRegistry(o.Clock, nil).Root(metrics.LevelJobManager)
	}
	o.Refresh = positive(o.Refresh, 3*time.Second)
	o.StoreFor = positive(o.StoreFor, 5*time.Minute)
	o.MostOperations = positive(o.MostOperations, 1000)
	o.Timeout = positive(o.Timeout, 10*time.Minute)
	o.LargestBody = positive(o.LargestBody, 100<<20)
	if o.AllowOrigin == "" {
		o.AllowOrigin = "*"
	}
	return o
}

func positive[T int | int64 | time.Duration](value, otherwise T) T {
	if value > 0 {
		return value
	}
	return otherwise
}

// Server answers requests. It is an [http.Handler] that any goroutine may call.
//
//	New --> serves --Close--> refuses new operations, those under way have ended
type Server struct {
	cluster   Cluster
	options   Options
	clock     clock.Clock
	log       *slog.Logger
	prefix    string
	table     *route.Table
	endpoints []endpoint
	async     *async
	jars      *jars.Store // nil with NoSubmit
	gate      *gate
	document  map[string]any
	failures  *metrics.SharedCounter
	tls       *metrics.SharedCounter
}

// New returns a server of the cluster. It fails if the folder for uploads cannot be used.
func New(cluster Cluster, options Options) (*Server, error) {
	options = options.withDefaults()
	s := &Server{
		cluster: cluster, options: options, clock: options.Clock, log: options.Log, prefix: cleanPrefix(options.Prefix),
		async:    newAsync(options.Clock, operations.NewBook[answer.Operation](options.StoreFor, options.MostOperations)),
		failures: options.Metrics.SharedCounter("restInternalErrors"), tls: options.Metrics.SharedCounter("restRefusedHandshakes"),
	}
	s.gate = newGate(options.Token, options.Clock, options.Log, options.Metrics.SharedCounter("restRefusedTokens"))
	if !options.NoSubmit {
		store, err := jars.Open(options.UploadDir, options.LargestBody, options.AllUploads)
		if err != nil {
			return nil, err
		}
		s.jars = store
	}
	s.endpoints = endpointsOf(options)
	routes := make([]route.Route, len(s.endpoints))
	for i, e := range s.endpoints {
		routes[i] = e.Route
	}
	s.table, s.document = route.NewTable(routes), openapi.Describe(routes, options.Build.Revision)
	return s, nil
}

// endpointsOf are those that the options leave on.
func endpointsOf(options Options) []endpoint {
	var all []endpoint
	for _, some := range [][]endpoint{
		jobEndpoints(), applicationEndpoints(), vertexEndpoints(), snapshotEndpoints(), metricEndpoints(), rescaleEndpoints(), processEndpoints(), weirEndpoints(), healthEndpoints(),
	} {
		all = append(all, some...)
	}
	if options.Profiling {
		all = append(all, profilerEndpoints()...)
	}
	if !options.NoSubmit {
		all = append(all, programEndpoints()...)
	}
	return all
}

func cleanPrefix(prefix string) string {
	if prefix = strings.Trim(prefix, "/"); prefix == "" {
		return ""
	}
	return "/" + prefix
}

// Close ends asynchronous operations and waits for them. Requests may still come; they find the service unavailable where it needs one.
func (s *Server) Close() error {
	s.async.close()
	if s.jars != nil {
		return s.jars.Close()
	}
	return nil
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.recover(w, r)
	w.Header().Set("Access-Control-Allow-Origin", s.options.AllowOrigin)
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), s.prefix)
	if !ok || s.prefix != "" && path != "" && path[0] != '/' {
		s.write(w, r, nil, s.notRegistered(r.Method, r.URL.Path), 0)
		return
	}
	if !s.gate.admits(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		s.write(w, r, nil, bareText(http.StatusUnauthorized, "This cluster asks for a bearer token: send it in the header Authorization."), 0)
		return
	}
	index, values, found := s.table.Match(r.Method, withoutVersion(path))
	if !found {
		s.serveFile(w, r, path)
		return
	}
	content, err := s.call(w, r, s.endpoints[index], values)
	s.write(w, r, content, err, s.endpoints[index].Success)
}

// withoutVersion takes away the version before a path, which Flink's client always sends and its dashboard never does.
func withoutVersion(path string) string {
	if rest, ok := strings.CutPrefix(path, "/v1"); ok && strings.HasPrefix(rest, "/") {
		return rest
	}
	return path
}

func (s *Server) call(w http.ResponseWriter, r *http.Request, e endpoint, values map[string]string) (any, error) {
	path, err := route.ReadPath(values)
	if err != nil {
		return nil, err
	}
	query, err := route.ReadQuery(e.Query, r.URL.Query())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.options.Timeout)
	defer cancel()
	r.Body = http.MaxBytesReader(w, r.Body, s.options.LargestBody)
	return e.handle(s, &call{ctx: ctx, path: path, query: query, request: r})
}

// write sends an answer.
func (s *Server) write(w http.ResponseWriter, r *http.Request, content any, err error, success int) {
	if f, ok := content.(*file); ok && err == nil {
		s.writeFile(w, r, f)
		return
	}
	status := success
	if err != nil {
		refused := refusalOf(err)
		status, content = refused.status, answer.Errors{Errors: refused.texts()}
		if status == http.StatusInternalServerError {
			s.failures.Inc()
			s.log.Debug("a REST request could not be answered", "method", r.Method, "path", r.URL.Path, "error", err)
		}
	}
	encoded, err := encode(content)
	if err != nil {
		s.failures.Inc()
		s.log.Error("a REST answer cannot be written as JSON", "path", r.URL.Path, "error", err)
		status, encoded = http.StatusInternalServerError, []byte(`{"errors":["Internal server error."]}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(encoded)))
	w.WriteHeader(status)
	_, _ = w.Write(encoded) // a client that is gone needs no answer
}

func encode(content any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(content); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

func (s *Server) writeFile(w http.ResponseWriter, r *http.Request, f *file) {
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	_, err := io.Copy(w, f.content)
	if err = errors.Join(err, f.content.Close()); err != nil {
		s.log.Debug("a file could not be sent whole", "path", r.URL.Path, "error", err)
	}
}

// recover answers a request whose handler has panicked.
func (s *Server) recover(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler {
		panic(cause)
	}
	s.log.Error("a REST request was not answered because of a bug in Weir", "method", r.Method, "path", r.URL.Path, "panic", cause, "stack", string(debug.Stack()))
	s.write(w, r, nil, refuse(http.StatusInternalServerError, classIllegalState, "a bug in Weir: %v", cause), 0)
}

// notRegistered is the answer where no endpoint is, in the words of Flink's file server.
func (s *Server) notRegistered(method, path string) error {
	if method == http.MethodGet {
		return bareText(http.StatusNotFound, "Unable to load requested file %s.", path)
	}
	return bareText(http.StatusNotFound, "Not found: %s", path)
}

// serveFile answers where no endpoint is: with a file of the web UI if there is one.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, path string) {
	name := strings.Trim(r.URL.Path[min(len(s.prefix), len(r.URL.Path)):], "/")
	if name == "" {
		name = "index.html"
	}
	if s.options.Static == nil || r.Method != http.MethodGet || !fs.ValidPath(name) {
		s.write(w, r, nil, s.notRegistered(r.Method, path), 0)
		return
	}
	if info, err := fs.Stat(s.options.Static, name); err != nil || info.IsDir() {
		s.write(w, r, nil, s.notRegistered(r.Method, path), 0)
		return
	}
	http.ServeFileFS(w, r, s.options.Static, name)
}
