// Package cluster is the processes of a cluster: a JobManager, and TaskManagers that run jobs' binaries as workers.
package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage/stores"
	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/actors/remote"
	"github.com/weir-stream/weir/runtime/blob"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/jobmanager"
	"github.com/weir-stream/weir/runtime/jobmanager/planner"
	"github.com/weir-stream/weir/runtime/logs"
	"github.com/weir-stream/weir/runtime/memory"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/process"
)

// Surroundings are what a process of a cluster gets from where it runs.
type Surroundings struct {
	Clock clock.Clock
	Log   *slog.Logger
	// Environ is the process's environment.
	Environ []string
	// Logs are the process's own files; nil where it keeps none.
	Logs *logs.Group
}

// JobManager is the process that takes in jobs and leads them:
//
//	serving --Close, an actor panicked--> closed
//
// Its methods may be called from any goroutine.
type JobManager struct {
	configuration config.Configuration
	around        Surroundings
	folder        string
	stores        *stores.Opener
	starter       *process.Starter
	planner       *planner.Planner
	blobs         *blob.Store
	binaries      binaries
	server        *http.Server
	system        *actors.System
	endpoint      *remote.Endpoint
	manager       *jobmanager.JobManager
	epoch         uint64
	bound         net.Listener // that of the REST API
	proof         *identity.Identity
	registry      *metrics.Registry
	group         *metrics.Group

	failed   context.Context
	failWith context.CancelCauseFunc
	closers  []func() error
}

// StartJobManager starts a JobManager.
func StartJobManager(c config.Configuration, around Surroundings) (_ *JobManager, err error) {
	j := &JobManager{configuration: c, around: around, epoch: epochOf(around.Clock)}
	j.registry = metrics.NewRegistry(around.Clock, func(problem string) { around.Log.Warn(problem) })
	j.group = j.registry.Root(metrics.LevelJobManager, metrics.Variable{Name: metrics.Host, Value: restHost(c)})
	j.failed, j.failWith = context.WithCancelCause(context.Background())
	defer func() {
		if err != nil {
			err = fmt.Errorf("start the JobManager: %w", errors.Join(err, j.Close()))
		}
	}()
	if j.proof, err = proof(c, around); err != nil {
		return nil, err
	}
	if err := j.makeFolder(); err != nil {
		return nil, err
	}
	blobs, err := j.serveBlobs()
	if err != nil {
		return nil, err
	}
	j.stores = stores.New(c, around.Clock)
	j.onClose(func() error { j.stores.Close(); return nil })
	j.starter = process.NewStarter()
	j.onClose(func() error { j.starter.Close(); return nil })
	j.planner = &planner.Planner{
		Starter: j.starter, Clock: around.Clock, Limit: config.Get(c, config.PlanTimeout), OutputRate: int64(config.Get(c, config.WorkerOutputRate)),
		Memory: cmp.Or(int64(config.Get(c, config.PlanMemory)), memory.Detect(os.DirFS("/")).Bytes/4),
	}
	if err := j.startActors(blobs); err != nil {
		return nil, err
	}
	return j, j.serveREST()
}

// epochOf is the epoch of a leader that nobody elects: later processes have later ones, if clocks do not go back. Where they do, TaskManagers tell runs
// of a JobManager apart by the cluster's id, which is random, and turn to the one that answers once they have lost the other.
func epochOf(c clock.Clock) uint64 { return uint64(c.Now().UnixMilli()) }

func (j *JobManager) onClose(f func() error) { j.closers = append(j.closers, f) }

func (j *JobManager) makeFolder() (err error) {
	root := config.Get(j.configuration, config.TemporaryDirectories)
	if j.folder, err = os.MkdirTemp(root, "weir-jobmanager-*"); err != nil {
		return err
	}
	j.onClose(func() error { return os.RemoveAll(j.folder) })
	return nil
}

// serveBlobs opens the store of blobs and serves it, and returns from where.
func (j *JobManager) serveBlobs() (base string, err error) {
	c := j.configuration
	folder := config.Get(c, config.BlobFolder)
	if folder == "" {
		folder = filepath.Join(j.folder, "blobs")
	}
	if j.blobs, err = blob.Open(folder, int64(config.Get(c, config.BlobLimit))); err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", net.JoinHostPort(bindHost(c, config.JobManagerBindHost, config.JobManagerAddress), strconv.Itoa(config.Get(c, config.BlobPort))))
	if err != nil {
		return "", fmt.Errorf("serve blobs (%s): %w", config.BlobPort.Key(), err)
	}
	scheme, secure := "http", (*tls.Config)(nil)
	if j.proof != nil && config.Get(c, config.BlobTLS) {
		scheme, secure = "https", j.proof.Server()
	}
	port, refused := l.Addr().(*net.TCPAddr).Port, newRefusals(j.group, j.around, "blob").tell
	l = identity.Listener(l, secure, refused)
	j.server = &http.Server{Handler: blob.Handler(j.blobs), ReadHeaderTimeout: 10 * time.Second, ErrorLog: identity.HTTPLog(refused, func(line string) {
		j.around.Log.Debug("a connection of the server of blobs was given up", "reason", line)
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := j.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			j.failWith(fmt.Errorf("serving blobs has ended: %w", err))
		}
	}()
	j.onClose(func() error {
		err := j.server.Close()
		<-ended
		return err
	})
	return scheme + "://" + net.JoinHostPort(config.Get(c, config.JobManagerAddress), strconv.Itoa(port)), nil
}

// bindHost is the host to listen on: the bound one, or else the announced.
func bindHost(c config.Configuration, bound, announced *config.Option[string]) string {
	if host := config.Get(c, bound); host != "" {
		return host
	}
	return config.Get(c, announced)
}

func (j *JobManager) startActors(blobs string) (err error) {
	c := j.configuration
	j.system = newSystem(j.around, j.failWith)
	j.onClose(func() error { j.system.Shutdown(); return nil })
	refused := newRefusals(j.group, j.around, "control")
	options := remote.Options{
		Bind: bindHost(c, config.JobManagerBindHost, config.JobManagerAddress), Port: config.Get(c, config.JobManagerPort),
		Advertised: config.Get(c, config.JobManagerAddress), Refused: func(peer string, _ bool, r *identity.Refused) { refused.tell(peer, r) },
	}
	if j.proof != nil {
		options.Server, options.Client = j.proof.Server(), j.proof.Peer()
	}
	j.endpoint, err = remote.Listen(j.system, options)
	if err != nil {
		return fmt.Errorf("%w (%s)", err, config.JobManagerPort.Key())
	}
	j.onClose(j.endpoint.Close)
	j.manager, err = jobmanager.Start(j.system, jobmanager.Options{
		Configuration: c, LeaderEpoch: j.epoch, Stores: j.stores.Open, Registered: true, Blobs: blobs, Cluster: ident.NewID().String(),
		Ended: j.binaries.ended,
	})
	if err != nil {
		return err
	}
	j.onClose(func() error { j.manager.Stop(); return nil })
	return nil
}

func newSystem(around Surroundings, failWith context.CancelCauseFunc) *actors.System {
	return actors.NewSystem(actors.Options{Clock: around.Clock, Log: around.Log, Panicked: func(p *actors.Panic) {
		around.Log.Error("the process has failed", "error", p, "stack", p.Stack)
		failWith(fmt.Errorf("a bug has ended the process: %w", p))
	}})
}

// Failed is done when the process cannot go on; its cause says why.
func (j *JobManager) Failed() context.Context { return j.failed }

// Address is host:port by which TaskManagers reach this JobManager.
func (j *JobManager) Address() string { return j.endpoint.Address() }

// Upload keeps a binary, of so many bytes at the most, and returns its key.
func (j *JobManager) Upload(r io.Reader, most int64) (blob.Key, int64, error) {
	return j.blobs.Put(r, most)
}

// Submission is a job to be started.
type Submission struct {
	Binary    blob.Key
	Arguments []string
	// Configuration has key and text of each option that is set for the job alone.
	Configuration map[string]string
}

// Submit plans a job and starts it. The error is a [*planner.Refused] if the program does not build a graph.
func (j *JobManager) Submit(ctx context.Context, s Submission) (ident.JobID, error) {
	held, err := j.blobs.Hold(s.Binary)
	if err != nil {
		return ident.JobID{}, err
	}
	id, environment, plan, err := j.plan(ctx, held.Path, s.Arguments, s.Configuration)
	if err != nil {
		held.Release()
		return id, err
	}
	if err := j.keepCheckpoints(ctx, plan.Configuration); err != nil {
		held.Release()
		return id, err
	}
	size := held.Size
	j.binaries.keep(id, held)
	_, err = j.Ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Submit{Submit: &message.SubmitJob{
		Description: plan.Description, Configuration: plan.Configuration,
		Program: &message.JobProgram{
			Binary: s.Binary[:], Size: size, Arguments: s.Arguments, Environment: environment, Description: plan.Description,
		},
	}}})
	if err != nil && ctx.Err() == nil || j.over(ctx, id) {
		j.binaries.release(id) // nobody will say that the job has ended
	}
	return id, err
}

// over reports whether a job has ended, as one may have whose id was taken by a submission before.
func (j *JobManager) over(ctx context.Context, id ident.JobID) bool {
	list, err := j.Ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_List{List: &message.ListJobs{}}})
	if err != nil {
		return false
	}
	for _, known := range list.GetList().GetJobs() {
		if one, err := message.ID(known.GetJob()); err == nil && one == id {
			return known.GetState().Ended()
		}
	}
	return false
}

// plan runs a binary to learn its graph, with the environment that its workers are to have, too.
func (j *JobManager) plan(ctx context.Context, binary string, arguments []string, configuration map[string]string) (id ident.JobID, environment []string, _ *planner.Plan, err error) {
	properties := j.configuration.Properties()
	for key, text := range configuration {
		properties[key] = text
	}
	id = ident.NewID()
	if fixed := properties[config.JobID.Key()]; fixed != "" {
		if id, err = ident.ParseID(fixed); err != nil {
			return id, nil, nil, fmt.Errorf("%s: %w", config.JobID.Key(), err)
		}
	}
	properties[config.JobID.Key()] = id.String()
	for _, key := range config.OfProcesses() {
		delete(properties, key)
	}
	environment = process.Environment(j.around.Environ, config.Get(j.configuration, config.JobEnvironment))
	plan, err := j.planner.Plan(ctx, planner.Job{
		ID: id, Binary: binary, Arguments: arguments, Configuration: properties, Environment: environment, Folder: j.folder,
	})
	if err != nil {
		return id, nil, nil, err
	}
	if plan.Configuration == nil {
		plan.Configuration = map[string]string{}
	}
	plan.Configuration[config.JobRevision.Key()] = plan.Build
	for _, notice := range plan.Notices {
		j.around.Log.Warn(notice, "id", id)
	}
	return id, environment, plan, nil
}

// Ask has the Dispatcher answer a request.
func (j *JobManager) Ask(ctx context.Context, request *message.ClientRequest) (*message.ClientResponse, error) {
	either, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(j.failed, func() { cancel(context.Cause(j.failed)) })()
	request.LeaderEpoch = j.epoch
	return j.system.Ask(either, j.manager.Dispatcher.Address(), timing(j.configuration), request)
}

func timing(c config.Configuration) message.Timing {
	return message.Timing{Interval: config.Get(c, config.HeartbeatInterval), Timeout: config.Get(c, config.HeartbeatTimeout)}
}

// Close ends the process's part in the cluster. Jobs that run are left as they are: TaskManagers end their workers when they miss it, and a JobManager
// that starts later can go on from their checkpoints.
func (j *JobManager) Close() error {
	j.failWith(errors.New("the JobManager was closed"))
	var err error
	for len(j.closers) > 0 {
		last := len(j.closers) - 1
		err = errors.Join(err, j.closers[last]())
		j.closers = j.closers[:last]
	}
	return err
}
