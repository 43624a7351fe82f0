package kafkabroker

import "syscall"

// childAttributes put a child into a process group of its own, out of reach of
// the terminal's Ctrl-C, and have the kernel kill it when its parent dies.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
