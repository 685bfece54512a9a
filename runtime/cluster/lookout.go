package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/memory"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/prometheus"
	"github.com/weir-stream/weir/runtime/observe"
	"github.com/weir-stream/weir/runtime/observe/lookout"
	"github.com/weir-stream/weir/runtime/taskmanager/processes"
)

// showProcess begins to show the process to the JobManager, at an address of its own and under a secret that only the JobManager is told.
func (t *TaskManager) showProcess() (*message.Lookout, error) {
	c := t.configuration
	limit := memory.Detect(os.DirFS("/"))
	t.lookout = lookout.New(lookout.Options{
		Clock: t.around.Clock, Log: t.around.Log, Secret: ident.NewID().String() + ident.NewID().String(),
		Own: &observe.Process{Registry: t.registry, Clock: t.around.Clock}, Host: config.Get(c, config.TaskManagerHost), Memory: limit.Bytes,
		Workers: t.workers, Logs: t.around.Logs,
	})
	t.onClose(func() error { t.lookout.Close(); return nil })
	listener, err := listenFirst(bindHost(c, config.TaskManagerBindHost, config.TaskManagerHost), config.Get(c, config.LookoutPort))
	if err != nil {
		return nil, fmt.Errorf("show the process to the JobManager (%s): %w", config.LookoutPort.Key(), err)
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	scheme := "http"
	if t.proof != nil {
		listener, scheme = tls.NewListener(listener, t.proof.Server()), "https"
	}
	t.serve(listener, t.lookout)
	return &message.Lookout{Base: scheme + "://" + net.JoinHostPort(config.Get(c, config.TaskManagerHost), port), Secret: t.lookout.Secret()}, t.report()
}

// report starts the Prometheus reporter, if there is to be one.
func (t *TaskManager) report() error {
	reporter, err := startReporter(t.configuration, func(ctx context.Context) []metrics.Sample { return t.lookout.Samples(ctx) })
	if err != nil || reporter == nil {
		return err
	}
	t.around.Log.Info("figures are served to Prometheus", "address", reporter.Addr())
	t.serve(reporter.Listener, reporter.handler)
	return nil
}

// reporter is where Prometheus finds the figures.
type reporter struct {
	net.Listener
	handler http.Handler
}

// startReporter returns nil if the configuration wants none.
func startReporter(c config.Configuration, samples func(context.Context) []metrics.Sample) (*reporter, error) {
	if !slices.Contains(config.Get(c, config.MetricsReporters), "prom") {
		return nil, nil
	}
	listener, err := listenFirst(config.Get(c, config.PrometheusHost), config.Get(c, config.PrometheusPort))
	if err != nil {
		return nil, fmt.Errorf("the Prometheus reporter (%s): %w", config.PrometheusPort.Key(), err)
	}
	return &reporter{listener, prometheus.Of(samples)}, nil
}

// listenFirst listens on the first free port of a list.
func listenFirst(host, ports string) (net.Listener, error) {
	return prometheus.ListenFirst(host, ports)
}

// serve answers requests until the process ends.
func (t *TaskManager) serve(listener net.Listener, handler http.Handler) {
	t.onClose(serveHTTP(listener, handler, t.failWith))
}

// serveHTTP answers requests until what it returns is called.
func serveHTTP(listener net.Listener, handler http.Handler, failWith func(error)) (shut func() error) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failWith(fmt.Errorf("serving at %s has ended: %w", listener.Addr(), err))
		}
	}()
	return func() error {
		err := server.Close()
		<-ended
		return err
	}
}

// registerFigures lists the figures of the TaskManager's own process.
func (t *TaskManager) registerFigures(id string) {
	group := t.registry.Root(metrics.LevelTaskManager,
		metrics.Variable{Name: metrics.Host, Value: config.Get(t.configuration, config.TaskManagerHost)}, metrics.Variable{Name: metrics.TaskManagerID, Value: id})
	limit := memory.Detect(os.DirFS("/")).Bytes
	observe.RegisterFigures(group, t.around.Clock, limit)
	observe.RegisterBuffers(group)
	managed := group.Add("Status").Add("Flink").Add("Memory").Add("Managed")
	for name, read := range map[string]func() int64{"Total": func() int64 { return limit }, "Used": t.stateBytes} {
		metrics.Gauge(managed, name, read)
	}
}

// stateBytes is what the workers hold.
func (t *TaskManager) stateBytes() (sum int64) {
	for _, w := range t.launcher.Workers() {
		sum += observe.ResidentBytes(w.PID)
	}
	return sum
}

// workers are the processes of jobs that run here.
func (t *TaskManager) workers() []lookout.Worker {
	var all []lookout.Worker
	for _, w := range t.launcher.Workers() {
		all = append(all, workerOf(w))
	}
	return all
}

func workerOf(w processes.Watched) lookout.Worker {
	return lookout.Worker{Job: w.Job, JobName: w.JobName, PID: w.PID, Started: w.Started, Revision: w.Revision, Restarts: w.Launch, Look: w.Look}
}

// sayHealth begins to say whether the process is well, if it is to: that it lives, and that it is registered.
func (t *TaskManager) sayHealth() error {
	ports := config.Get(t.configuration, config.HealthPort)
	if ports == "" {
		return nil
	}
	listener, err := listenFirst(config.Get(t.configuration, config.HealthHost), ports)
	if err != nil {
		return fmt.Errorf("say whether the process is well (%s): %w", config.HealthPort.Key(), err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /weir/v1/health/live", func(w http.ResponseWriter, _ *http.Request) {
		if cause := context.Cause(t.failed); cause != nil {
			http.Error(w, cause.Error(), http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /weir/v1/health/ready", func(w http.ResponseWriter, _ *http.Request) {
		if !t.registered.Load() {
			http.Error(w, "not registered with a JobManager", http.StatusServiceUnavailable)
		}
	})
	t.around.Log.Info("the process says whether it is well", "address", listener.Addr())
	t.serve(listener, mux)
	return nil
}
