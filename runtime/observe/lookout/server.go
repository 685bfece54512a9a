// Package lookout has the JobManager look at TaskManagers' processes and their workers: figures, goroutines, sampled stacks, profiles and logs. They go over HTTP
// beside the control plane, whose messages are small and must not wait behind what somebody wants to see.
package lookout

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/logs"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/observe"
)

// Worker is a process that runs a job's subtasks. Look asks it to show something.
type Worker struct {
	Job      ident.JobID
	JobName  string
	PID      int
	Started  time.Time
	Revision string
	Restarts int
	Look     func(context.Context, *message.Look) ([]byte, error) `json:"-"`
	// MemoryBytes is what it holds, MemoryLimitBytes what it may; 0 means no limit.
	MemoryBytes, MemoryLimitBytes int64
}

// Options are what a Server is made of. The functions may be called from any goroutine.
type Options struct {
	Clock clock.Clock
	Log   *slog.Logger
	// Secret is what whoever asks has to know.
	Secret string
	// Own is the TaskManager's process, Host the variable of all of its figures, Memory how much of it there may be.
	Own    *observe.Process
	Host   string
	Memory int64
	// Workers are those that run.
	Workers func() []Worker
	// Logs are the process's files; nil where it keeps none.
	Logs *logs.Group
}

// Server answers a JobManager. It is an [http.Handler].
//
//	New --> answers --Close--> the profile under way, if there is one, has ended
type Server struct {
	options  Options
	mux      *http.ServeMux
	profiler *observe.Profiler
}

// patience is how long a worker may take to show what is there at once.
const patience = 5 * time.Second

// New returns a Server.
func New(o Options) *Server {
	s := &Server{options: o, mux: http.NewServeMux()}
	s.profiler = observe.NewProfiler(o.Clock, s.profile)
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /metrics": s.metrics, "GET /goroutines": s.goroutines, "GET /stacks": s.stacks, "GET /process": s.process, "GET /logs": s.logs, "GET /logs/{name}": s.log,
		"GET /profiles": s.profiles, "POST /profiles": s.startProfile, "GET /profiles/{name}": s.profileFile,
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := handle(w, r); err != nil {
				http.Error(w, err.Error(), statusOf(err))
			}
		})
	}
	return s
}

// Close ends the profile that is being taken.
func (s *Server) Close() { s.profiler.Close() }

// Secret is what whoever asks has to know.
func (s *Server) Secret() string { return s.options.Secret }

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	known := "Bearer " + s.options.Secret
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(known)) != 1 {
		s.options.Log.Warn("somebody who does not know the secret of this TaskManager was refused", "from", r.RemoteAddr, "path", r.URL.Path)
		http.Error(w, "only the JobManager may look at this", http.StatusUnauthorized)
		return
	}
	s.mux.ServeHTTP(w, r)
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound
	case errors.Is(err, observe.ErrBusy):
		return http.StatusConflict
	case errors.Is(err, errMalformed):
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

var errMalformed = errors.New("the request cannot be read")

// Samples are the figures of the TaskManager and of its workers. Workers that do not answer are left out.
func (s *Server) Samples(ctx context.Context) []metrics.Sample {
	all := s.options.Own.Registry.Snapshot()
	host := metrics.Variable{Name: metrics.Host, Value: s.options.Host}
	var theirs []metrics.Sample
	s.ask(ctx, patience, s.options.Workers(), &message.Look{Body: &message.Look_Metrics{Metrics: &message.LookMetrics{}}}, func(w Worker, content []byte) {
		var samples message.MetricSamples
		if err := proto.Unmarshal(content, &samples); err == nil {
			theirs = append(theirs, observe.Decode(&samples, host)...)
		}
	})
	return append(addUp(all, theirs), theirs...)
}

// ask asks several workers at once, and has take called, one at a time, with what those show that answer.
func (s *Server) ask(ctx context.Context, limit time.Duration, workers []Worker, look *message.Look, take func(Worker, []byte)) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var going sync.WaitGroup
	var mu sync.Mutex
	for _, w := range workers {
		going.Go(func() {
			content, err := w.Look(ctx, look)
			if err != nil {
				s.options.Log.Warn("a worker does not show itself", "job", w.JobName, "id", w.Job, "pid", w.PID, "cause", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			take(w, content)
		})
	}
	going.Wait()
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	content, err := proto.Marshal(observe.Encode(s.Samples(r.Context())))
	if err == nil {
		_, _ = w.Write(content) // whoever is gone needs no more
	}
	return err
}

// Dump is the goroutines of a process.
type Dump struct{ Process, Text string }

func (s *Server) goroutines(w http.ResponseWriter, r *http.Request) error {
	own, err := observe.Goroutines()
	if err != nil {
		return err
	}
	all := []Dump{{"", string(own)}}
	s.ask(r.Context(), patience, s.options.Workers(), &message.Look{Body: &message.Look_Goroutines{Goroutines: &message.LookGoroutines{}}}, func(worker Worker, content []byte) {
		all = append(all, Dump{nameOf(worker), string(content)})
	})
	return json.NewEncoder(w).Encode(all)
}

func nameOf(w Worker) string { return "worker of " + w.JobName + " (" + strconv.Itoa(w.PID) + ")" }

func (s *Server) stacks(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	job, err1 := ident.ParseID(q.Get("job"))
	vertex, err2 := ident.ParseID(q.Get("vertex"))
	samples, err3 := strconv.Atoi(q.Get("samples"))
	pause, err4 := strconv.ParseInt(q.Get("pause"), 10, 64)
	depth, err5 := strconv.Atoi(q.Get("depth"))
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return errors.Join(errMalformed, err)
	}
	var of []Worker
	for _, worker := range s.options.Workers() {
		if worker.Job == job {
			of = append(of, worker)
		}
	}
	merged := &message.StackSamples{}
	look := &message.LookStacks{Vertex: message.IDBytes(vertex), Samples: int32(samples), PauseMillis: pause, Depth: int32(depth)}
	limit := patience + time.Duration(samples)*time.Duration(pause)*time.Millisecond*2
	s.ask(r.Context(), limit, of, &message.Look{Body: &message.Look_Stacks{Stacks: look}}, func(_ Worker, content []byte) {
		var shown message.StackSamples
		if proto.Unmarshal(content, &shown) == nil {
			observe.MergeStacks(merged, &shown)
		}
	})
	content, err := proto.Marshal(merged)
	if err == nil {
		_, _ = w.Write(content) // whoever is gone needs no more
	}
	return err
}

// Process is what a TaskManager's process is like. Memory is in bytes.
type Process struct {
	Cores                              int
	PhysicalMemory, FreeMemory, MayUse int64
	Workers                            []Worker
}

func (s *Server) process(w http.ResponseWriter, _ *http.Request) error {
	made := Process{Cores: runtime.NumCPU(), MayUse: s.options.Memory, Workers: s.options.Workers()}
	made.PhysicalMemory, made.FreeMemory = observe.MachineMemory()
	for i := range made.Workers {
		if made.Workers[i].MemoryBytes == 0 {
			made.Workers[i].MemoryBytes = observe.ResidentBytes(made.Workers[i].PID)
		}
	}
	return json.NewEncoder(w).Encode(made)
}

func (s *Server) logs(w http.ResponseWriter, _ *http.Request) error {
	files := []logs.File{}
	if s.options.Logs != nil {
		listed, err := s.options.Logs.List()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		files = append(files, listed...)
	}
	return json.NewEncoder(w).Encode(files)
}

// Names of a process's main files, whatever these are called.
const (
	MainLog = "*log"
	Output  = "*out"
)

func (s *Server) log(w http.ResponseWriter, r *http.Request) error {
	if s.options.Logs == nil {
		return fs.ErrNotExist
	}
	name := r.PathValue("name")
	switch name {
	case MainLog:
		name = s.options.Logs.Main()
	case Output:
		name = s.options.Logs.Output()
	}
	file, err := s.options.Logs.Read(name)
	if err != nil {
		return err
	}
	defer file.Close()
	_, _ = io.Copy(w, file) // whoever is gone needs no more
	return nil
}

func (s *Server) profiles(w http.ResponseWriter, _ *http.Request) error {
	return json.NewEncoder(w).Encode(s.profiler.List())
}

func (s *Server) startProfile(w http.ResponseWriter, r *http.Request) error {
	millis, err := strconv.ParseInt(r.URL.Query().Get("millis"), 10, 64)
	if err != nil || millis < 0 || millis > observe.LongestProfile.Milliseconds() {
		return errMalformed
	}
	made, err := s.profiler.Start(r.URL.Query().Get("mode"), time.Duration(millis)*time.Millisecond)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(made)
}

func (s *Server) profileFile(w http.ResponseWriter, r *http.Request) error {
	content, ok := s.profiler.Content(r.PathValue("name"))
	if !ok {
		return fs.ErrNotExist
	}
	_, _ = w.Write(content)
	return nil
}

// profile takes one of the TaskManager and its workers at once.
func (s *Server) profile(ctx context.Context, mode string, length time.Duration) ([]byte, error) {
	parts := make(chan observe.Named, 1)
	var failure error
	go func() {
		content, err := observe.TakeProfile(ctx, s.options.Clock, mode, length)
		failure = err
		parts <- observe.Named{Process: "TaskManager", Content: content}
	}()
	var all []observe.Named
	look := &message.Look{Body: &message.Look_Profile{Profile: &message.LookProfile{Mode: mode, Millis: length.Milliseconds()}}}
	s.ask(ctx, length+patience, s.options.Workers(), look, func(w Worker, content []byte) {
		all = append(all, observe.Named{Process: nameOf(w), Content: content})
	})
	own := <-parts
	if failure != nil {
		return nil, failure
	}
	return observe.MergeProfiles(append(all, own))
}

// addUp adds to the TaskManager's figures of its process those of its workers, in which a job's memory and work are.
func addUp(own, theirs []metrics.Sample) []metrics.Sample {
	sums := map[string]float64{}
	for _, s := range theirs {
		if s.Scope.Level != metrics.LevelTaskManagerJob {
			continue
		}
		id := s.Scope.Identifier(s.Name)
		switch v := s.Value.(type) {
		case int64:
			sums[id] += float64(v)
		case float64:
			sums[id] += v
		}
	}
	for i, s := range own {
		id := s.Scope.Identifier(s.Name)
		buffers := strings.HasPrefix(id, observe.BuffersPrefix)
		if !buffers && !strings.HasPrefix(id, observe.Prefix) || strings.HasSuffix(id, ".Max") {
			continue
		}
		switch v := s.Value.(type) {
		case int64:
			own[i].Value = v + int64(sums[id])
		case float64:
			own[i].Value = v + sums[id]
		}
		if id == observe.BuffersPrefix+"RequestedMemoryUsage" { // a part of the whole, not a sum
			own[i].Value = int64(100 * sums[observe.BuffersPrefix+"UsedMemory"] / max(1, sums[observe.BuffersPrefix+"TotalMemory"]))
		}
	}
	return own
}
