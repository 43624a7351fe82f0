//go:build unix && !linux

package kafkabroker

import "syscall"

// childAttributes put a child into a process group of its own. Only Linux kills
// it when its parent dies; elsewhere a test binary that is killed leaves it.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
