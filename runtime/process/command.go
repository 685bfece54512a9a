package process

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Command is a job's binary with all that it is started with.
type Command struct {
	// Binary is the path of the file, Arguments are the job's own.
	Binary    string
	Arguments []string
	Role      Role
	// Environment has name=value of all variables but the role's.
	Environment []string
	// Folder is the working directory.
	Folder string
	// Listener is handed to the process, nil without one: it accepts connections that come before the process is up, and those of its successor.
	Listener *os.File
	// Output takes what the process writes to its standard output, and Errors what it writes to its standard error.
	Output, Errors io.Writer
}

// past is a time that has passed.
var past = time.Unix(1, 0)

// outputDelay is how long the output of an ended process is waited for, which those that it has started may still hold open.
const outputDelay = time.Second

// Child is a process that was started:
//
//	running --ends by itself, Kill, its parent's end--> ended
type Child struct {
	// Conn is the socket to it. The owner of the Child closes it.
	Conn  net.Conn
	cmd   *exec.Cmd
	crash *report
	ended chan struct{}
	end   error
}

// Starter starts processes from one thread of the operating system, which lives until Close: Linux ends a child with the thread that has started
// it, and threads of the Go runtime come and go. Its methods may be called from any goroutine.
//
//	serving --Close--> closed, and all children with it
type Starter struct {
	requests chan func()
	closing  chan struct{}
	closed   sync.Once
}

// NewStarter returns a Starter.
func NewStarter() *Starter {
	s := &Starter{requests: make(chan func()), closing: make(chan struct{})}
	go s.serve()
	return s
}

func (s *Starter) serve() {
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	for {
		select {
		case start := <-s.requests:
			start()
		case <-s.closing:
			return
		}
	}
}

// Close ends the thread, and with it the children that still run.
func (s *Starter) Close() { s.closed.Do(func() { close(s.closing) }) }

var errClosed = errors.New("processes are no longer started: this process is ending")

// Start starts a process.
func (s *Starter) Start(c Command) (*Child, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Binary, err)
	}
	defer theirs.Close()
	crash, crashes, err := os.Pipe()
	if err != nil {
		ours.Close()
		return nil, fmt.Errorf("start %s: %w", c.Binary, err)
	}
	defer crashes.Close()
	inherited := []*os.File{theirs, crashes}
	if c.Listener != nil {
		inherited = append(inherited, c.Listener)
	}
	child := &Child{Conn: ours, ended: make(chan struct{}), crash: &report{pipe: crash, read: make(chan struct{})}, cmd: &exec.Cmd{
		Path: c.Binary, Args: append([]string{c.Binary}, c.Arguments...), Env: append(c.Environment[:len(c.Environment):len(c.Environment)], RoleVariable+"="+string(c.Role)),
		Dir: c.Folder, Stdout: c.Output, Stderr: c.Errors, ExtraFiles: inherited, SysProcAttr: attributes(), WaitDelay: outputDelay,
	}}
	started := make(chan error, 1)
	select {
	case s.requests <- func() { started <- child.cmd.Start() }:
		err = <-started
	case <-s.closing:
		err = errClosed
	}
	if err != nil {
		ours.Close()
		crash.Close()
		return nil, fmt.Errorf("start %s: %w", c.Binary, err)
	}
	go child.crash.take()
	go child.wait()
	return child, nil
}

func (c *Child) wait() {
	c.end = c.cmd.Wait()
	c.crash.finish()
	close(c.ended)
}

// PID is the number of the process.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Ended is closed when the process has ended and all of its output was taken.
func (c *Child) Ended() <-chan struct{} { return c.ended }

// End says in words how the process has ended, once it has.
func (c *Child) End() string {
	state := c.cmd.ProcessState
	status, ok := state.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled() && status.Signal() == syscall.SIGKILL:
		return "it was killed (SIGKILL): by the operating system for want of memory, or by somebody"
	case ok && status.Signaled():
		return "it was ended by the signal " + status.Signal().String()
	case c.end != nil && state.Success(): // the process itself was fine
		return c.end.Error()
	}
	return fmt.Sprintf("it has exited with code %d", state.ExitCode())
}

// Crash is what the process has said of its crash, once it has ended.
func (c *Child) Crash() Crash { return parseCrash(c.crash.text) }

// Kill ends the process and what it has started at once.
func (c *Child) Kill() {
	_ = syscall.Kill(-c.PID(), syscall.SIGKILL)
}

// Signal sends a signal to the process alone.
func (c *Child) Signal(s syscall.Signal) error { return c.cmd.Process.Signal(s) }

// pair returns the two ends of a socket.
func pair() (ours net.Conn, theirs *os.File, err error) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs = os.NewFile(uintptr(ends[1]), "child's socket")
	file := os.NewFile(uintptr(ends[0]), "socket to a child")
	defer file.Close()
	if ours, err = net.FileConn(file); err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}
