package proc

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// attributes make the child lead a process group, and have the kernel kill it when the parent dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitStop returns when every thread of a process that was told to stop has
// stopped. The signal alone does not say so: a thread on another processor goes on
// until the kernel gets hold of it, and on a busy machine still answers a request.
func awaitStop(pid int) error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WSTOPPED|unix.WNOHANG|unix.WNOWAIT, nil)
		switch {
		case err != nil && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("wait until process %d has stopped: %w", pid, err)
		case err == nil && info.Signo == int32(unix.SIGCHLD):
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("process %d has not stopped within 10 s", pid)
		}
	}
}
