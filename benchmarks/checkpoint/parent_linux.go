package main

import "syscall"

// dieWithParent ends a job whose benchmark was killed.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
