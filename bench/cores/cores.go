// Package cores decides which processes share a core, on Linux.
package cores

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Layout are the cores that this process may use, one of which can be kept for
// the device under test.
type Layout struct {
	all, own, rest unix.CPUSet
}

// Read returns the layout of this process' cores. It fails where there are fewer than two.
func Read() (*Layout, error) {
	l := &Layout{}
	if err := unix.SchedGetaffinity(0, &l.all); err != nil {
		return nil, fmt.Errorf("the cores of this process: %w", err)
	}
	if l.all.Count() < 2 {
		return nil, errors.New("a core for the device under test alone needs two")
	}
	l.rest = l.all
	for cpu := range len(l.all) * strconv.IntSize {
		if l.all.IsSet(cpu) {
			l.own.Zero()
			l.own.Set(cpu)
		}
	}
	for cpu := range len(l.all) * strconv.IntSize {
		if l.own.IsSet(cpu) {
			l.rest.Clear(cpu)
		}
	}
	return l, nil
}

// Own confines a process to the one core.
func (l *Layout) Own(pid int) error { return confine(pid, &l.own) }

// Rest keeps a process away from the one core.
func (l *Layout) Rest(pid int) error { return confine(pid, &l.rest) }

// Share lets a process use all cores again.
func (l *Layout) Share(pid int) error { return confine(pid, &l.all) }

// confine sets the cores of all threads of a process, those included that begin meanwhile.
func confine(pid int, cpus *unix.CPUSet) error {
	return eachThread(pid, func(tid int) error { return unix.SchedSetaffinity(tid, cpus) })
}

// Prefer sets the niceness of all threads of a process: -20, the most preferred, to 19.
// Less than it is needs the right to do so, CAP_SYS_NICE.
func Prefer(pid, nice int) error {
	return eachThread(pid, func(tid int) error { return unix.Setpriority(unix.PRIO_PROCESS, tid, nice) })
}

// eachThread does something to all threads of a process, until it finds no new ones: those that
// are begun take after the thread that begins them.
func eachThread(pid int, do func(tid int) error) error {
	done := map[string]bool{}
	for {
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			return fmt.Errorf("the threads of process %d: %w", pid, err)
		}
		found := false
		for _, thread := range threads {
			if done[thread.Name()] {
				continue
			}
			found, done[thread.Name()] = true, true
			tid, err := strconv.Atoi(thread.Name())
			if err != nil {
				return err
			}
			if err := do(tid); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("thread %d of process %d: %w", tid, pid, err)
			}
		}
		if !found {
			return nil
		}
	}
}
