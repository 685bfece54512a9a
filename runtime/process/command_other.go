//go:build !linux

package process

import "syscall"

// attributes puts the child into a process group of its own. It learns of its parent's end from the socket alone.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
