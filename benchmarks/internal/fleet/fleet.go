// Package fleet runs the processes of a cluster on this machine, for tests that harm them: weir jobmanager and weir taskmanager, with a network between
// them that can be cut.
package fleet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/weir-stream/weir/benchmarks/internal/cable"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/rest/client"
)

// Master is the JobManager's node; TaskManagers are the next ones.
const Master cable.Node = 0

// port is that of the JobManager at its address, which nobody else has.
const port = "6123"

// Options are what a Fleet is made of.
type Options struct {
	// Weir is the path of the weir binary, Folder where logs and temporary files go.
	Weir, Folder string
	TaskManagers int
	// Properties are key=value of options of all processes.
	Properties []string
	// Direct has the processes reach each other without the network that can be cut.
	Direct bool
}

// Build builds the weir binary into a folder. It needs the source that this program was built from as the working directory's module.
func Build(ctx context.Context, folder string) (path string, err error) {
	path = filepath.Join(folder, "weir")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/weir-stream/weir/cmd/weir").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build weir: %w: %s", err, out)
	}
	return path, nil
}

// Fleet is a cluster:
//
//	running --Close--> ended, all processes killed
//
// Its methods are called from one goroutine, which stays on its thread: the processes end with that.
type Fleet struct {
	options Options
	Network *cable.Network
	starts  int

	mu        sync.Mutex
	processes []*Process // by node; nil where none runs
}

// New starts no process yet.
func New(o Options) (*Fleet, error) {
	for _, folder := range []string{o.Folder, filepath.Join(o.Folder, "tmp")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
	}
	f := &Fleet{options: o, processes: make([]*Process, 1+o.TaskManagers)}
	nodes := len(f.processes)
	if o.Direct {
		nodes = 0
	}
	f.Network = cable.New(nodes, f.all, f.owner)
	return f, nil
}

// Process is the process of a node; nil if none runs.
func (f *Fleet) Process(node cable.Node) *Process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.processes[node]
}

// TaskManagers are the nodes of those that run.
func (f *Fleet) TaskManagers() (nodes []cable.Node) {
	for n := range f.processes[1:] {
		if node := cable.Node(1 + n); f.Process(node) != nil {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// all are the ids of the processes of all nodes.
func (f *Fleet) all() (pids []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.processes {
		if p != nil {
			pids = append(append(pids, p.PID()), p.Children()...)
		}
	}
	return pids
}

func (f *Fleet) owner(pid int) (cable.Node, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.processes {
		if p != nil && (p.PID() == pid || parentOf(pid) == p.PID()) {
			return p.node, true
		}
	}
	return 0, false
}

func (f *Fleet) host(node cable.Node) string {
	if f.options.Direct {
		return f.Network.Hidden(node)
	}
	return f.Network.Announced(node)
}

// Start starts the process of a node, which has none.
func (f *Fleet) Start(node cable.Node) error {
	role, hidden := "taskmanager", f.Network.Hidden(node)
	properties := []string{
		"jobmanager.rpc.address=" + f.host(Master), "jobmanager.rpc.port=" + port, "io.tmp.dirs=" + filepath.Join(f.options.Folder, "tmp"),
		"taskmanager.host=" + f.host(node), "taskmanager.bind-host=" + hidden,
	}
	if node == Master {
		role = "jobmanager"
		properties = append(properties, "jobmanager.bind-host="+hidden, "rest.address="+hidden)
	}
	f.starts++
	name := fmt.Sprintf("%s-%d-%d", role, node, f.starts)
	arguments := []string{role, "--number", strconv.Itoa(f.starts)}
	for _, p := range append(properties, f.options.Properties...) {
		arguments = append(arguments, "-D", p)
	}
	p, err := start(node, filepath.Join(f.options.Folder, name+".log"), []string{"WEIR_LOG_DIR=" + filepath.Join(f.options.Folder, "workers")}, f.options.Weir, arguments...)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.processes[node] = p
	return nil
}

// Kill ends the process of a node by SIGKILL, and returns when it is gone.
func (f *Fleet) Kill(node cable.Node) {
	p := f.Process(node)
	if p == nil {
		return
	}
	p.kill()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.processes[node] = nil
}

// REST asks the JobManager, past the network that can be cut.
func (f *Fleet) REST() *client.Client {
	return &client.Client{Base: "http://" + f.Network.Hidden(Master) + ":8081", HTTP: client.NewHTTP(nil), Clock: clock.System()}
}

// Await waits until the cluster has so many slots.
func (f *Fleet) Await(ctx context.Context, slots int) error {
	rest := f.REST()
	defer rest.HTTP.CloseIdleConnections()
	for {
		overview, err := rest.Overview(ctx)
		if err == nil && overview.Slots >= slots {
			return nil
		}
		if gone := f.Check(); gone != nil {
			return gone
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the cluster is not there: %w (%v, %d slots)", context.Cause(ctx), err, overview.Slots)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Check reports a process that has ended without having been killed here.
func (f *Fleet) Check() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.processes {
		if p == nil {
			continue
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s has ended: %s", p.log, p.tail())
		default:
		}
	}
	return nil
}

// Close kills all processes.
func (f *Fleet) Close() {
	for node := range f.processes {
		f.Kill(cable.Node(node))
	}
	f.Network.Close()
}
