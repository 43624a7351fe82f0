// Package proc runs the real programs that tests speak to as child processes:
// started with a log file, ended gracefully or by force, paused and resumed, and
// never left behind, even when the test binary is killed.
package proc

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Process is a running child process and its log.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

// Start starts the command; its output is appended to the file log. The process
// leads a process group of its own, and on Linux the kernel kills it when the parent dies.
func Start(name, log string, cmd *exec.Cmd) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Process{name: name, cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // its ProcessState says it all
		close(p.done)
	}()
	return p, nil
}

// Name returns the name that Start was given.
func (p *Process) Name() string { return p.name }

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Running reports whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Stop asks the process to end and kills it when it has not after grace.
func (p *Process) Stop(grace time.Duration) {
	if !p.Running() {
		return
	}
	_ = p.signal(syscall.SIGCONT)
	_ = p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(grace):
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

// Pause stops the process from running; its connections stay open and silent.
func (p *Process) Pause() error { return p.signal(syscall.SIGSTOP) }

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

// Tail returns the last lines of the log.
func (p *Process) Tail(lines int) string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
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
