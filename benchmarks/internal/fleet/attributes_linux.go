package fleet

import "syscall"

// attributes has a process die with the thread that has started it, and keeps Ctrl-C from it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
