package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/weir-stream/weir/runtime/buildinfo"
	"github.com/weir-stream/weir/runtime/cluster/restapi"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/memory"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/observe"
	"github.com/weir-stream/weir/runtime/rest"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// ErrShutdown is the cause of Failed after a REST request to end the cluster.
var ErrShutdown = errors.New("the cluster was told to end by a REST request")

// restGrace is how long requests under way may take when the process ends.
const restGrace = 2 * time.Second

// serveREST serves Flink's REST API until the process ends.
func (j *JobManager) serveREST() (err error) {
	c := j.configuration
	secure, err := restProof(c, j.around)
	if err != nil {
		return err
	}
	token, err := Token(c)
	if err != nil {
		return err
	}
	bind := cmp.Or(config.Get(c, config.RESTBindAddress), restHost(c))
	j.bound, err = net.Listen("tcp", net.JoinHostPort(bind, strconv.Itoa(config.Get(c, config.RESTPort))))
	if err != nil {
		return fmt.Errorf("serve REST (%s): %w", config.RESTPort.Key(), err)
	}
	j.onClose(func() error { return ignoreClosed(j.bound.Close()) })

	observe.RegisterFigures(j.group, j.around.Clock, memory.Detect(os.DirFS("/")).Bytes)
	transport := &http.Transport{IdleConnTimeout: time.Minute}
	if j.proof != nil {
		transport.TLSClientConfig = j.proof.Peer()
	}
	j.onClose(func() error { transport.CloseIdleConnections(); return nil })
	api := restapi.New(restapi.Options{
		Configuration: c, Clock: j.around.Clock, Ask: j.Ask, Plan: j.planFile, Submit: j.submitFile, Stores: j.stores.Open, Registry: j.registry, Logs: j.around.Logs,
		Log: j.around.Log, Host: restHost(c), HTTP: &http.Client{Transport: transport},
		MetricsAge: config.Get(c, config.MetricsUpdate), MetricsTimeout: config.Get(c, config.MetricsFetchTimeout),
		Flames: restapi.FlameOptions{
			Enabled: config.Get(c, config.FlameGraphs), Refresh: config.Get(c, config.FlameGraphRefresh), Samples: config.Get(c, config.FlameGraphSamples),
			Pause: config.Get(c, config.FlameGraphPause), Depth: config.Get(c, config.FlameGraphDepth),
		},
		Health: restapi.HealthOptions{
			Restarts: config.Get(c, config.HealthRestarts), Window: config.Get(c, config.HealthRestartsWindow), CheckpointAge: config.Get(c, config.HealthCheckpointAge),
			Startup: config.Get(c, config.HealthStartup),
		},
		Shutdown: func() { j.failWith(ErrShutdown) },
	})
	j.onClose(func() error { api.Close(); return nil })
	if err := j.report(api); err != nil {
		return err
	}

	options := j.restOptions(j.group)
	options.Token = token
	server, err := rest.New(api, options)
	if err != nil {
		return err
	}
	j.onClose(server.Close)
	encryption := (*tls.Config)(nil)
	if secure != nil {
		encryption = secure.Server()
	}
	listener := rest.Listen(server, j.bound, encryption, config.Get(c, config.RESTIdle))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := listener.Serve(); err != nil {
			j.failWith(err)
		}
	}()
	j.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), restGrace)
		defer cancel()
		err := listener.Shutdown(ctx)
		<-ended
		if errors.Is(err, context.DeadlineExceeded) {
			return nil // its connections were closed all the same
		}
		return err
	})
	return nil
}

// report starts the Prometheus reporter, if there is to be one.
func (j *JobManager) report(api *restapi.Cluster) error {
	reporter, err := startReporter(j.configuration, func(ctx context.Context) []metrics.Sample {
		samples, err := api.Samples(ctx)
		if err != nil {
			j.around.Log.Warn("figures for Prometheus are not all there", "cause", err)
		}
		return samples
	})
	if err != nil || reporter == nil {
		return err
	}
	j.around.Log.Info("figures are served to Prometheus", "address", reporter.Addr())
	j.onClose(serveHTTP(reporter.Listener, reporter.handler, j.failWith))
	return nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (j *JobManager) restOptions(group *metrics.Group) rest.Options {
	c := j.configuration
	return rest.Options{
		Clock: j.around.Clock, Log: j.around.Log, Metrics: group,
		Build:   view.Build{Revision: buildinfo.Revision(), GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH},
		Refresh: config.Get(c, config.WebRefresh), StoreFor: config.Get(c, config.RESTStoreFor), Timeout: config.Get(c, config.WebTimeout),
		LargestBody: int64(config.Get(c, config.RESTLargestBody)), AllUploads: int64(config.Get(c, config.BlobLimit)), UploadDir: cmp.Or(config.Get(c, config.WebUploads), filepath.Join(j.folder, "uploads")),
		NoSubmit: !config.Get(c, config.WebSubmit), NoCancel: !config.Get(c, config.WebCancel), Profiling: config.Get(c, config.RESTProfiling), FlameGraphs: config.Get(c, config.FlameGraphs),
		AllowOrigin: config.Get(c, config.WebAllowOrigin),
	}
}

// restHost is the host by which clients reach the REST API.
func restHost(c config.Configuration) string {
	return cmp.Or(config.Get(c, config.RESTAddress), config.Get(c, config.JobManagerAddress))
}

// RESTURL is where clients on this machine reach the REST API. With TLS its host is the name that the certificate has to have.
func (j *JobManager) RESTURL() string {
	if !config.Get(j.configuration, config.RESTTLS) {
		return "http://" + j.RESTAddress()
	}
	return "https://" + net.JoinHostPort(restHost(j.configuration), strconv.Itoa(j.bound.Addr().(*net.TCPAddr).Port))
}

// RESTAddress is host:port by which clients on this machine reach the REST API.
func (j *JobManager) RESTAddress() string { return j.bound.Addr().String() }

func (j *JobManager) planFile(ctx context.Context, binary string, arguments []string, configuration map[string]string) ([]byte, error) {
	_, _, plan, err := j.plan(ctx, binary, arguments, configuration)
	if err != nil {
		return nil, err
	}
	return plan.Description, nil
}

func (j *JobManager) submitFile(ctx context.Context, binary string, arguments []string, configuration map[string]string) (ident.JobID, error) {
	key, err := j.blobs.PutFile(binary)
	if err != nil {
		return ident.JobID{}, err
	}
	return j.Submit(ctx, Submission{Binary: key, Arguments: arguments, Configuration: configuration})
}
