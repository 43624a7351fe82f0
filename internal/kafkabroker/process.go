package kafkabroker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// process is one child process whose output goes to a file.
type process struct {
	cmd *exec.Cmd
	log string
	// logStart is where this process's own output begins in the log.
	logStart int64
	// done is closed when the process has ended and its result is in err.
	done chan struct{}
	err  error
}

// startProcess starts argv with its output appended to the file log.
func startProcess(log string, argv []string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := out.Stat()
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), log: log, logStart: info.Size(), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = childAttributes()
	started := make(chan error, 1)
	go p.run(out, started)
	return p, <-started
}

// run starts the process and waits for its end on one thread: the kernel kills
// the child when the thread that made it ends, not only when the process does, so
// that thread must stay.
func (p *process) run(out io.Closer, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	defer func() { _ = out.Close() }()
	if p.err = p.cmd.Start(); p.err != nil {
		started <- p.err
		return
	}
	started <- nil
	p.err = p.cmd.Wait()
}

// signal sends sig to the whole process group; a process that has ended is no error.
func (p *process) signal(sig syscall.Signal) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	err := syscall.Kill(-p.cmd.Process.Pid, sig)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// stop asks the process to end and waits until it has or ctx ends.
func (p *process) stop(ctx context.Context) error {
	if err := errors.Join(p.signal(syscall.SIGTERM), p.signal(syscall.SIGCONT)); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("process %d has not ended on SIGTERM: %w", p.cmd.Process.Pid, ctx.Err())
	}
}

// kill ends the process at once and waits for its end.
func (p *process) kill() error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

// alive tells whether the process has not ended. A paused one is alive.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// excerpt returns what the log says about the process's end: from its first error
// on, or, without one, the last lines.
func (p *process) excerpt() string {
	const lines = 40
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(data[p.logStart:]), "\n"), "\n")
	first := slices.IndexFunc(all, func(line string) bool {
		return strings.Contains(line, " ERROR ") || strings.Contains(line, " FATAL ") || strings.Contains(line, "Exception")
	})
	if first < 0 {
		first = max(0, len(all)-lines)
	}
	return strings.Join(all[first:min(len(all), first+lines)], "\n")
}
