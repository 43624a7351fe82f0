// Package procfs reads from Linux' /proc what another process has used.
package procfs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc: USER_HZ, which is 100 on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// Usage is what a process has used so far, or uses now.
type Usage struct {
	// CPU is user and system time, of all its threads.
	CPU time.Duration
	// Waited is how long its threads were ready to run and had no core.
	Waited time.Duration
	// RSS and PeakRSS are the resident memory, now and at most, in bytes.
	RSS, PeakRSS int64
	// Connections are its established TCP connections that it has opened itself, by remote port.
	Connections map[int]int
	// Accepted are its established TCP connections that others have opened, and Descriptors all that it has open.
	Accepted, Descriptors int
}

// Read returns what the process uses.
func Read(pid int) (Usage, error) {
	u := Usage{Connections: map[int]int{}}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	// The second field is the program's name in parentheses, and may hold spaces.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const utime, stime = 11, 12 // proc(5) numbers them 14 and 15, from 1 and with the first two
	if len(fields) <= stime {
		return u, errors.New("/proc/PID/stat: too short")
	}
	for _, i := range []int{utime, stime} {
		ticks, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil {
			return u, fmt.Errorf("/proc/PID/stat: %w", err)
		}
		u.CPU += time.Duration(ticks) * tick
	}
	if u.Waited, err = waited(pid); err != nil {
		return u, err
	}
	if u.RSS, u.PeakRSS, err = memory(pid); err != nil {
		return u, err
	}
	return u, u.countConnections(pid)
}

// waited sums the second field of the threads' schedstat, which is in nanoseconds:
// https://docs.kernel.org/scheduler/sched-stats.html.
func waited(pid int) (time.Duration, error) {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, thread := range threads {
		page, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", pid, thread.Name()))
		if err != nil {
			continue // it has ended meanwhile, or the kernel does not count
		}
		fields := strings.Fields(string(page))
		if len(fields) < 2 {
			continue
		}
		ns, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/PID/task/TID/schedstat: %w", err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

func memory(pid int) (rss, peak int64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kB, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "VmRSS:":
			rss = kB << 10
		case "VmHWM:":
			peak = kB << 10
		}
	}
	return rss, peak, nil
}

// socket is one line of /proc/PID/net/tcp.
type socket struct{ local, remote int }

func (u *Usage) countConnections(pid int) error {
	const established, listening = "01", "0A"
	open, listens := map[string]socket{}, map[int]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		page, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // a kernel without IPv6
		}
		for line := range strings.Lines(string(page)) {
			f := strings.Fields(line)
			if len(f) < 10 || f[0] == "sl" {
				continue
			}
			s := socket{local: port(f[1]), remote: port(f[2])}
			switch f[3] {
			case established:
				open[f[9]] = s
			case listening:
				listens[s.local] = true
			}
		}
	}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return err
	}
	u.Descriptors = len(entries)
	for _, e := range entries {
		target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name()))
		if err != nil {
			continue // closed meanwhile
		}
		inode, found := strings.CutPrefix(target, "socket:[")
		s, known := open[strings.TrimSuffix(inode, "]")]
		switch {
		case !found || !known:
		case listens[s.local]:
			u.Accepted++
		default:
			u.Connections[s.remote]++
		}
	}
	return nil
}

func port(address string) int {
	_, hex, _ := strings.Cut(address, ":")
	n, _ := strconv.ParseInt(hex, 16, 32)
	return int(n)
}

// ConnectionsTo counts the connections to any of the ports.
func (u Usage) ConnectionsTo(ports map[int]bool) int {
	n := 0
	for port, count := range u.Connections {
		if ports[port] {
			n += count
		}
	}
	return n
}

// LoadAverage is how many processes wanted to run, on average over the last minute.
func LoadAverage() float64 {
	page, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return -1
	}
	first, _, _ := strings.Cut(string(page), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}
