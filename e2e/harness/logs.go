package harness

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// logs are the log files of every process there has been, by the name of the process.
func (w *World) logs() (map[string]string, error) {
	all := map[string]string{}
	if w.Scaler != nil {
		all["kafka-scaler"] = w.Scaler.Log()
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "stack", "logs", "*.log"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		name := filepath.Base(file)
		all[name[:len(name)-len(".log")]] = file
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, cluster := range w.clusters {
		nodes := cluster.Brokers()
		if c := cluster.Controller(); c != nil {
			nodes = append(nodes, c)
		}
		for _, n := range nodes {
			all[fmt.Sprintf("kafka-%s-%d-node-%d", cluster.Version(), i+1, n.ID)] = n.Log()
		}
	}
	return all, nil
}

// keepLogs copies the logs of a world that did not come up to e2e/out/start, and says so in the error.
func (w *World) keepLogs(failure error) error {
	out := filepath.Join(w.root, "e2e", "out", "start")
	logs, err := w.logs()
	if err == nil {
		err = os.MkdirAll(out, 0o755)
	}
	if err == nil {
		err = copyLogs(logs, nil, out)
	}
	return errors.Join(fmt.Errorf("start: %w (the logs of every process are in %s)", failure, out), err)
}

// copyLogs copies what the processes have logged beyond some sizes to <dir>/<process>.log.
func copyLogs(logs map[string]string, from map[string]int64, dir string) error {
	var errs []error
	for process, file := range logs {
		errs = append(errs, copyLog(file, from[process], filepath.Join(dir, process+".log")))
	}
	return errors.Join(errs...)
}

func copyLog(file string, from int64, to string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	if _, err := in.Seek(from, io.SeekStart); err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
