package process

import (
	"errors"
	"fmt"
	"net"
	"os"
)

// Role is what a job's binary does in a process.
type Role string

// The roles.
const (
	// Local runs the whole job in this process.
	Local Role = "local"
	// Plan builds the graph, hands it over and ends.
	Plan Role = "plan"
	// Worker runs the job's subtasks of one TaskManager.
	Worker Role = "worker"
)

// Protocol is the version of the messages between a binary and who starts it. Binaries of another version are refused.
const Protocol = 3

// RoleVariable is set by whoever starts a job's binary for another role than the one that a person wants.
const RoleVariable = "WEIR_ROLE"

// descriptor is that of the socket in the binary: the first behind the standard ones. The next is that of the pipe for crashes, and then that of the
// listener, if there is one.
const descriptor = 3

// RoleOf decides the role of a process from its environment.
func RoleOf(getenv func(string) string) (Role, error) {
	switch role := Role(getenv(RoleVariable)); role {
	case "", Local:
		return Local, nil
	case Plan, Worker:
		return role, nil
	default:
		return "", fmt.Errorf("%s is %q: this version of Weir knows the roles %s, %s and %s", RoleVariable, role, Local, Plan, Worker)
	}
}

// Parent returns the socket to who has started this process. It is called once.
func Parent() (net.Conn, error) {
	file := os.NewFile(descriptor, "parent")
	defer file.Close()
	c, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("this process was started as %s=%s, but has not inherited a socket: only a JobManager or TaskManager starts it so: %w",
			RoleVariable, os.Getenv(RoleVariable), errors.Unwrap(err))
	}
	return c, nil
}

// Listener returns the listener that this process has inherited beside the socket. It is called once.
func Listener() (net.Listener, error) {
	file := os.NewFile(crashDescriptor+1, "listener")
	defer file.Close()
	l, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("this process was started without a listener for its peers: %w", err)
	}
	return l, nil
}
