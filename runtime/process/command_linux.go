package process

import "syscall"

// attributes has the child die with the thread that starts it, in a process group of its own: Ctrl-C in a terminal is for the parent alone.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
