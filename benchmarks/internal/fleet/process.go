package fleet

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/weir-stream/weir/benchmarks/internal/cable"
)

// Process is the JobManager or a TaskManager:
//
//	runs --SIGSTOP--> frozen --SIGCONT--> runs
//	runs, frozen --SIGKILL--> ended
type Process struct {
	node  cable.Node
	log   string
	cmd   *exec.Cmd
	ended chan struct{}
}

func start(node cable.Node, log string, environment []string, binary string, arguments ...string) (*Process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &Process{node: node, log: log, cmd: exec.Command(binary, arguments...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = attributes()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	return p, nil
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Children are the processes that it has started and that run: a TaskManager's workers.
func (p *Process) Children() (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.PID()))
	for _, list := range lists {
		data, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(field); err == nil && state(pid) != zombie {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// zombie is the state of a process that has ended and that nobody has waited for.
const zombie = 'Z'

// state is the letter that Linux has for the state of a process; zombie if it is gone.
func state(pid int) byte {
	s, _ := stat(pid)
	return s
}

func parentOf(pid int) int {
	_, parent := stat(pid)
	return parent
}

func stat(pid int) (state byte, parent int) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return zombie, 0
	}
	_, rest, _ := strings.Cut(string(data), ") ") // behind the name
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return zombie, 0
	}
	parent, _ = strconv.Atoi(fields[1])
	return fields[0][0], parent
}

// Alive reports whether a process runs, or is frozen.
func Alive(pid int) bool { return state(pid) != zombie }

// Signal sends a signal to processes, as far as they are there.
func Signal(s syscall.Signal, pids ...int) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, s)
	}
}

func (p *Process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// tail is the end of what the process has written.
func (p *Process) tail() string {
	const most = 3000
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-most):])
}
