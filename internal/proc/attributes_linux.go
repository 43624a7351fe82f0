package proc

import "syscall"

// attributes make the child lead a process group, and have the kernel kill it when the parent dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
