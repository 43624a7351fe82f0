package hostile

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// cage is a memory cgroup around one process, as Kubernetes makes one around a
// container: beyond its limit the kernel kills. Where none can be made, the limit
// still stands: the peak of the resident memory, which the kernel notes, is
// compared with it.
type cage struct{ dir string }

// newCage puts a process in a cgroup of its own, of version 1 or 2, if that can be done.
func newCage(pid int, limit int64) *cage {
	name := fmt.Sprintf("kafka-scaler-hostile-%d", pid)
	for _, try := range []struct{ root, limit string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
		{"/sys/fs/cgroup", "memory.max"},
	} {
		dir := filepath.Join(try.root, name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		if os.WriteFile(filepath.Join(dir, try.limit), []byte(strconv.FormatInt(limit, 10)), 0o600) == nil &&
			os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o600) == nil {
			return &cage{dir: dir}
		}
		_ = os.Remove(dir)
	}
	return &cage{}
}

// holds tells whether the kernel enforces the limit.
func (c *cage) holds() bool { return c.dir != "" }

// open removes the cgroup of a process that has ended.
func (c *cage) open() {
	if c.dir != "" {
		_ = os.Remove(c.dir)
	}
}
