package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/actors/remote"
	"github.com/weir-stream/weir/runtime/blob"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/jobmanager"
	"github.com/weir-stream/weir/runtime/memory"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/observe/lookout"
	"github.com/weir-stream/weir/runtime/process"
	"github.com/weir-stream/weir/runtime/taskmanager"
	"github.com/weir-stream/weir/runtime/taskmanager/confine"
	"github.com/weir-stream/weir/runtime/taskmanager/processes"
)

// TaskManager is the process that offers slots and starts workers:
//
//	serving --Close, its actor panicked--> closed
//
// Its methods may be called from any goroutine.
type TaskManager struct {
	configuration config.Configuration
	around        Surroundings
	folder        string
	starter       *process.Starter
	fetcher       *blob.Fetcher
	launcher      *processes.Launcher
	proof         *identity.Identity
	group         *metrics.Group
	system        *actors.System
	endpoint      *remote.Endpoint
	executor      *taskmanager.TaskExecutor
	registry      *metrics.Registry
	lookout       *lookout.Server
	// leader is nil until it is known who leads.
	leader atomic.Pointer[message.Leader]
	// registered says that the ResourceManager knows this TaskManager.
	registered atomic.Bool

	failed   context.Context
	failWith context.CancelCauseFunc
	closers  []func() error
}

// StartTaskManager starts a TaskManager, which looks for the JobManager by itself. output opens what a job's workers write to.
func StartTaskManager(c config.Configuration, around Surroundings, output func(taskmanager.Spec) (stdout, stderr io.WriteCloser, err error)) (_ *TaskManager, err error) {
	t := &TaskManager{configuration: c, around: around}
	t.registry = metrics.NewRegistry(around.Clock, func(problem string) { around.Log.Warn("metrics", "problem", problem) })
	t.group = t.registry.Root(metrics.LevelTaskManager, metrics.Variable{Name: metrics.Host, Value: config.Get(c, config.TaskManagerHost)})
	t.failed, t.failWith = context.WithCancelCause(context.Background())
	defer func() {
		if err != nil {
			err = fmt.Errorf("start the TaskManager: %w", errors.Join(err, t.Close()))
		}
	}()
	if t.proof, err = proof(c, around); err != nil {
		return nil, err
	}
	ports, err := config.ParsePorts(config.Get(c, config.DataPort))
	if err != nil {
		return nil, err
	}
	if t.folder, err = os.MkdirTemp(config.Get(c, config.TemporaryDirectories), "weir-taskmanager-*"); err != nil {
		return nil, err
	}
	t.onClose(func() error { return os.RemoveAll(t.folder) })
	if err := t.openBlobs(); err != nil {
		return nil, err
	}
	t.starter = process.NewStarter()
	t.onClose(func() error { t.starter.Close(); return nil })
	confined, err := t.memory()
	if err != nil {
		return nil, err
	}
	t.launcher = processes.New(processes.Options{
		Memory: confined, OutputRate: int64(config.Get(c, config.WorkerOutputRate)),
		Starter: t.starter, Clock: around.Clock, Log: around.Log, Output: output, Folder: t.folder, Grace: config.Get(c, config.WorkerGrace), Heartbeat: config.Get(c, config.HeartbeatInterval),
		Timeout: config.Get(c, config.HeartbeatTimeout), Start: config.Get(c, config.PlanTimeout),
		Bind: bindHost(c, config.TaskManagerBindHost, config.TaskManagerHost), Advertised: config.Get(c, config.TaskManagerHost),
		Ports: ports, Network: network(c), Binary: t.binary, Cluster: func() string { return t.leader.Load().GetCluster() },
	})
	t.onClose(func() error { t.launcher.Wait(); return nil })
	return t, t.startActors()
}

func (t *TaskManager) onClose(f func() error) { t.closers = append(t.closers, f) }

// memory divides the memory among workers, and finds out how they can be held to it.
func (t *TaskManager) memory() (*processes.Memory, error) {
	c := t.configuration
	shares, notice, err := confine.Divide(c, memory.Detect(os.DirFS("/")), config.Get(c, config.TaskSlots))
	if err != nil {
		return nil, err
	}
	if notice != "" {
		t.around.Log.Warn(notice)
	}
	groups, why, err := confine.FindGroups("/", config.Get(c, config.WorkerGroup), os.Getpid())
	if err != nil {
		return nil, err
	}
	if groups == nil {
		t.around.Log.Info("workers have no control group: their memory is looked at instead", "cause", why)
	}
	memory.Apply(shares.Own)
	return &processes.Memory{Shares: shares, Interval: config.Get(c, config.WorkerMemoryInterval), Groups: groups}, nil
}

func (t *TaskManager) openBlobs() error {
	folder := config.Get(t.configuration, config.BlobFolder)
	if folder == "" {
		folder = filepath.Join(t.folder, "blobs")
	}
	store, err := blob.Open(folder, int64(config.Get(t.configuration, config.BlobLimit)))
	if err != nil {
		return err
	}
	transport := &http.Transport{ResponseHeaderTimeout: 10 * time.Second, IdleConnTimeout: time.Minute}
	if t.proof != nil {
		transport.TLSClientConfig = t.proof.Peer()
	}
	t.fetcher = &blob.Fetcher{
		Store: store, Client: &http.Client{Transport: transport}, Clock: t.around.Clock, Tries: 6, Pause: 100 * time.Millisecond,
		Base: func() (string, error) {
			if leader := t.leader.Load(); leader != nil {
				return leader.Blobs, nil
			}
			return "", errors.New("it is not known yet who leads")
		},
	}
	t.onClose(func() error { transport.CloseIdleConnections(); return nil })
	return nil
}

// binary brings a job's binary here. It stays held while it runs.
func (t *TaskManager) binary(ctx context.Context, sum []byte, size int64) (string, func(), error) {
	key, err := blob.KeyOf(sum)
	if err != nil {
		return "", nil, err
	}
	held, err := t.fetcher.Fetch(ctx, key, size)
	if err != nil {
		return "", nil, err
	}
	return held.Path, held.Release, nil
}

func (t *TaskManager) startActors() (err error) {
	c := t.configuration
	t.system = newSystem(t.around, t.failWith)
	t.onClose(func() error { t.system.Shutdown(); return nil })
	refused := newRefusals(t.group, t.around, "control")
	options := remote.Options{
		Bind: bindHost(c, config.TaskManagerBindHost, config.TaskManagerHost), Port: config.Get(c, config.TaskManagerPort),
		Advertised: config.Get(c, config.TaskManagerHost),
		Refused: func(peer string, dialed bool, r *identity.Refused) {
			refused.tell(peer, r)
			if dialed && t.leader.Load() == nil { // it would be so the next time as well
				t.failWith(fmt.Errorf("the TaskManager and the JobManager at %s do not trust each other: %w", peer, r))
			}
		},
	}
	if t.proof != nil {
		options.Server, options.Client = t.proof.Server(), t.proof.Peer()
	}
	t.endpoint, err = remote.Listen(t.system, options)
	if err != nil {
		return fmt.Errorf("%w (%s)", err, config.TaskManagerPort.Key())
	}
	t.onClose(t.endpoint.Close)
	shown, err := t.showProcess()
	if err != nil {
		return err
	}
	master := net.JoinHostPort(config.Get(c, config.JobManagerAddress), strconv.Itoa(config.Get(c, config.JobManagerPort)))
	t.executor, err = taskmanager.Start(t.system, taskmanager.Options{
		Configuration: c, Slots: config.Get(c, config.TaskSlots), Launcher: t.launcher, CanKill: true, Apart: true,
		Registrar: &message.Address{Host: master, Id: jobmanager.RegistrarName},
		Led:       t.leader.Store, Registered: t.registered.Store, Lookout: shown,
	})
	if err != nil {
		return err
	}
	t.registerFigures(t.executor.Address().GetId())
	t.onClose(func() error {
		t.executor.Stop()
		<-t.executor.Ended()
		return nil
	})
	return t.sayHealth()
}

// Failed is done when the process cannot go on; its cause says why.
func (t *TaskManager) Failed() context.Context { return t.failed }

// Close ends the workers and leaves the cluster.
func (t *TaskManager) Close() error {
	t.failWith(errors.New("the TaskManager was closed"))
	var err error
	for len(t.closers) > 0 {
		last := len(t.closers) - 1
		err = errors.Join(err, t.closers[last]())
		t.closers = t.closers[:last]
	}
	return err
}
