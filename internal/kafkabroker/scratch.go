package kafkabroker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// KeepLogsVariable is the environment variable that names a directory into which
// [Cluster.Close] copies the log of every node.
const KeepLogsVariable = "KAFKA_SCALER_KEEP_LOGS"

// scratchPattern is what a cluster's temporary directory is called.
const scratchPattern = "kafka-scaler-kafka-*"

// scratch is a cluster's temporary directory. A lock inside says that it is in
// use: one without was left by a process that died, and may be swept.
type scratch struct {
	dir    string
	unlock func()
	keep   bool
}

func newScratch(parent string) (*scratch, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	if err := sweep(parent, time.Now()); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, scratchPattern)
	if err != nil {
		return nil, err
	}
	unlock, err := tryLock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &scratch{dir: dir, unlock: unlock}, nil
}

// sweep removes the directories of clusters whose process died. Very young ones
// are left alone, since theirs may be about to take its lock, and so are those
// that were kept on purpose, until they are a day old.
func sweep(parent string, now time.Time) error {
	found, err := filepath.Glob(filepath.Join(parent, scratchPattern))
	if err != nil {
		return err
	}
	for _, dir := range found {
		age := time.Minute
		if _, err := os.Stat(filepath.Join(dir, "kept")); err == nil {
			age = 24 * time.Hour
		}
		info, err := os.Stat(dir)
		if err != nil || now.Sub(info.ModTime()) < age {
			continue
		}
		unlock, err := tryLock(filepath.Join(dir, "lock"))
		if err != nil {
			continue
		}
		err = os.RemoveAll(dir)
		unlock()
		if err != nil {
			return fmt.Errorf("remove what a dead cluster left: %w", err)
		}
	}
	return nil
}

// remove deletes the directory, or, where it is to be kept, marks and leaves it.
// Before that it copies the logs to where the environment asks for them.
func (s *scratch) remove() error {
	defer s.unlock()
	var errs []error
	if into := os.Getenv(KeepLogsVariable); into != "" {
		errs = append(errs, s.copyLogs(filepath.Join(into, filepath.Base(s.dir))))
	}
	if s.keep {
		return errors.Join(append(errs, os.WriteFile(filepath.Join(s.dir, "kept"), nil, 0o600))...)
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

func (s *scratch) copyLogs(into string) error {
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	logs, err := filepath.Glob(filepath.Join(s.dir, "*.log"))
	if err != nil {
		return err
	}
	for _, log := range logs {
		data, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(into, filepath.Base(log)), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
