// Package remote serves a worker's Host to a TaskManager at the other end of a socket.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage/stores"
	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/memory"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/observe"
	"github.com/weir-stream/weir/runtime/process"
	"github.com/weir-stream/weir/runtime/worker"
)

// Config is what a worker process is made of.
type Config struct {
	Program       *graph.JobGraph
	Configuration config.Configuration
	// TaskExecutor is the id of the TaskManager's.
	TaskExecutor string
	LeaderEpoch  uint64
	// Peers is where the job's other workers connect to, Location how they know it, and Cluster the cluster that they must be of.
	Peers             net.Listener
	Location, Cluster string
	// Memory is how many bytes the process may use; 0 if nobody has said.
	Memory int64
	// Network is how the worker speaks to them; nil for the defaults.
	Network *message.Network
	Clock   clock.Clock
	Log     *slog.Logger
}

// patience is how long tasks have to end once the TaskManager wants no more of them. It kills a process that takes longer, or is gone itself.
const patience = 2 * time.Second

// Serve runs a Host until the link ends, and ends all of its tasks then. The error says that some did not end, so that the process has to.
func Serve(link *process.Link, c Config) error {
	limit := memory.Detect(os.DirFS("/"))
	if c.Memory > 0 && c.Memory < limit.Bytes {
		limit = memory.Limit{Bytes: c.Memory, Enforced: true}
	}
	memory.Apply(limit.GoMemory())
	opener := stores.New(c.Configuration, c.Clock)
	defer opener.Close()
	registry := metrics.NewRegistry(c.Clock, func(problem string) { c.Log.Warn("metrics", "problem", problem) })
	group := registry.Root(metrics.LevelTaskManagerJob,
		metrics.Variable{Name: metrics.TaskManagerID, Value: c.TaskExecutor},
		metrics.Variable{Name: metrics.JobID, Value: c.Program.ID.String()},
		metrics.Variable{Name: metrics.JobName, Value: c.Program.Name})
	defer group.Close()
	observe.RegisterFigures(group, c.Clock, limit.Bytes)
	shown := &observe.Process{Registry: registry, Clock: c.Clock}
	link.Show(shown.Answer)
	plane, err := listen(c, group)
	if err != nil {
		return err
	}
	defer plane.Close()
	member, err := plane.Join(c.Program.ID)
	if err != nil {
		return err
	}
	blocked := make(chan *message.Failure, 1)
	host := worker.NewHost(worker.Config{
		Program: c.Program, Settings: worker.SettingsOf(c.Configuration, c.Program), Clock: c.Clock, Log: c.Log, Metrics: group, Network: member,
		Checkpoints: worker.CheckpointsOf(c.Configuration, c.Program, opener.Open),
		Report: func(m *message.FromWorker) {
			link.Tell(&message.FromProcess{Body: &message.FromProcess_Worker{Worker: message.Clean(m)}})
		},
	})
	link.Tell(&message.FromProcess{Body: &message.FromProcess_Ready{Ready: &message.WorkerReady{}}})
	host.WatchMailboxes(config.Get(c.Configuration, config.MailboxTimeout), func(failure *message.Failure) { blocked <- failure })
	host.MeasureMailboxes()
	defer link.Expect(c.Clock, config.Get(c.Configuration, config.HeartbeatTimeout))()
	defer tellProgress(host, c)()
	received := make(chan error, 1)
	go func() { received <- receive(link, host) }()
	select {
	case failure := <-blocked:
		// Its goroutine cannot be ended, so the process has to. It says why, and ends with that.
		link.Tell(&message.FromProcess{Body: &message.FromProcess_Worker{Worker: message.Clean(&message.FromWorker{
			LeaderEpoch: c.LeaderEpoch, Body: &message.FromWorker_Stopped{Stopped: &message.WorkerStopped{Failure: failure}},
		})}})
		return errors.New(failure.GetMessage())
	case err = <-received:
	}
	host.Close()
	timer := c.Clock.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-host.Closed():
	case <-timer.C():
		return fmt.Errorf("tasks of job %q still run %v after they were canceled: they wait in calls that do not watch their context", c.Program.Name, patience)
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// listen opens the data plane as the TaskManager wants it, whatever the job's own configuration says.
func listen(c Config, group *metrics.Group) (*transport.Transport, error) {
	compression, err := transport.ParseCompression(c.Network.GetCompression())
	if err != nil {
		return nil, err
	}
	n := c.Network
	made := transport.Config{
		Cluster: c.Cluster, Listener: c.Peers, Location: c.Location, Clock: c.Clock, Log: c.Log, Metrics: group, Compression: compression,
		HandshakeTimeout: time.Duration(n.GetHandshakeNanos()), ConnectTimeout: time.Duration(n.GetConnectNanos()), Silence: time.Duration(n.GetSilenceNanos()),
		LargestRecord: int(n.GetMaxRecord()),
	}
	if files := n.GetCertificates(); files != nil {
		made.TLS = &identity.Files{Certificate: files.GetCertificate(), Key: files.GetKey(), Authorities: files.GetAuthorities()}
	}
	return transport.Listen(made)
}

// tellProgress has the host tell how far its subtasks are with each heartbeat, though not more often than once a second, until it is stopped.
func tellProgress(host *worker.Host, c Config) (stop func()) {
	pause := max(time.Second, config.Get(c.Configuration, config.HeartbeatInterval))
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		for c.Clock.Sleep(ctx, pause) == nil {
			host.ReportProgress()
		}
	}()
	return stop
}

// receive hands messages to the host until there are no more.
func receive(link *process.Link, host *worker.Host) error {
	for {
		m, err := link.Receive()
		if err != nil {
			return err
		}
		if given := m.GetMemory(); given != nil {
			memory.Change(memory.Limit{Bytes: given.GetBytes(), Enforced: true}.GoMemory())
			continue
		}
		host.Send(m.GetWorker())
	}
}
