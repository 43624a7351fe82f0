// Package proc runs the real programs that tests speak to as child processes:
// started with a log file, ended gracefully or by force, paused and resumed, and
// never left behind, even when the test binary is killed.
package proc

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
	"time"
)

// Process is a running child process and its log.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  string
	// logStart is where this process's own output begins in the log.
	logStart int64
	done     chan struct{}
	err      error // to be read when done is closed
}

// Start starts the command; its output is appended to the file log. The process
// leads a process group of its own, out of reach of the terminal's Ctrl-C, and on
// Linux the kernel kills it when the parent dies.
func Start(name, log string, cmd *exec.Cmd) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	info, err := out.Stat()
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = attributes()
	p := &Process{name: name, cmd: cmd, log: log, logStart: info.Size(), done: make(chan struct{})}
	started := make(chan error, 1)
	go p.run(out, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// run starts the process and waits for its end on one thread: the kernel kills
// the child when the thread that made it ends, not only when the parent does, so
// that thread must stay.
func (p *Process) run(out io.Closer, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	defer func() { _ = out.Close() }()
	p.err = p.cmd.Start()
	started <- p.err
	if p.err == nil {
		p.err = p.cmd.Wait()
	}
}

// Name returns the name that Start was given.
func (p *Process) Name() string { return p.name }

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the process ended, nil for exit code 0. It must not be called before Done is closed.
func (p *Process) Err() error { return p.err }

// Running reports whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Terminate asks the process to end and waits until it has, or ctx ends.
func (p *Process) Terminate(ctx context.Context) error {
	if !p.Running() {
		return nil
	}
	_ = p.signal(syscall.SIGTERM)
	_ = p.signal(syscall.SIGCONT)
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s has not ended on SIGTERM: %w", p.name, ctx.Err())
	}
}

// Stop asks the process to end and kills it when it has not after grace.
func (p *Process) Stop(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if p.Terminate(ctx) != nil {
		p.Kill()
	}
}

// Kill ends the process at once and waits until it is gone.
func (p *Process) Kill() {
	if p.Running() {
		_ = p.signal(syscall.SIGKILL)
	}
	<-p.done
}

// Pause stops the process from running, and returns when nothing of it runs any
// more; its connections stay open and silent.
func (p *Process) Pause() error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return awaitStop(p.cmd.Process.Pid)
}

// Resume continues a paused process.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

// Signal sends a signal to the process.
func (p *Process) Signal(s syscall.Signal) error { return p.signal(s) }

func (p *Process) signal(s syscall.Signal) error {
	if !p.Running() {
		return fmt.Errorf("signal %s with %s: it has ended", p.name, s)
	}
	return syscall.Kill(-p.cmd.Process.Pid, s)
}

// Failure is an error that says that the process has ended or did not become
// ready, with the end of its log.
func (p *Process) Failure(what string) error {
	if !p.Running() {
		return fmt.Errorf("%s: %s has ended (%s); the end of its log:\n%s", what, p.name, p.cmd.ProcessState, p.Tail(20))
	}
	return fmt.Errorf("%s: %s is not ready; the end of its log:\n%s", what, p.name, p.Tail(20))
}

// Tail returns the last lines of what the process has logged.
func (p *Process) Tail(lines int) string {
	all, err := p.lines()
	if err != nil {
		return err.Error()
	}
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Excerpt returns so many lines of what the process has logged, from its first
// error on, or, where there is none, the last ones.
func (p *Process) Excerpt(lines int) string {
	all, err := p.lines()
	if err != nil {
		return err.Error()
	}
	first := slices.IndexFunc(all, func(line string) bool {
		return strings.Contains(line, " ERROR ") || strings.Contains(line, " FATAL ") || strings.Contains(line, "Exception")
	})
	if first < 0 {
		first = max(0, len(all)-lines)
	}
	return strings.Join(all[first:min(len(all), first+lines)], "\n")
}

func (p *Process) lines() ([]string, error) {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return nil, err
	}
	own := content[min(p.logStart, int64(len(content))):]
	return strings.Split(strings.TrimRight(string(own), "\n"), "\n"), nil
}

// WaitReady calls ready until it returns nil. It gives up when the process ends
// or after limit, with the last error and the end of the log.
func (p *Process) WaitReady(limit time.Duration, ready func() error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(limit)
	var last error
	for {
		if last = ready(); last == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.Failure("wait for " + p.name)
		case <-deadline:
			return fmt.Errorf("%w\nlast answer: %w", p.Failure(fmt.Sprintf("wait %s for %s", limit, p.name)), last)
		case <-tick.C:
		}
	}
}
