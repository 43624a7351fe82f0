// Package buildcache keeps what takes minutes to build, such as Kubernetes and
// KEDA's own scalers, in the user's cache folder.
package buildcache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Source is what is built, and from what.
type Source struct {
	// Name begins the name in the cache folder.
	Name string
	// Dir is the folder of the Go module, Files those of it whose content decides whether a build is still good,
	// besides the version of Go.
	Dir   string
	Files []string
}

// Get returns the path of what was built, a file or a folder, and has build make it
// at another path where there is none yet. Two processes do not build at once, and a
// build that fails leaves nothing that counts.
func Get(ctx context.Context, s Source, build func(ctx context.Context, path string) error) (string, error) {
	path, err := s.path()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", fmt.Errorf("make the cache folder for %s: %w", s.Name, err)
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return path, err
	}
	partial := path + ".partial"
	if err := build(ctx, partial); err != nil {
		return "", err
	}
	if err := os.Rename(partial, path); err != nil {
		return "", fmt.Errorf("keep what was built for %s: %w", s.Name, err)
	}
	return path, nil
}

func (s Source) path() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder: %w", err)
	}
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtime.GOARCH)
	for _, name := range s.Files {
		content, err := os.ReadFile(filepath.Join(s.Dir, name))
		if err != nil {
			return "", fmt.Errorf("see what %s is built from: %w", s.Name, err)
		}
		sum.Write(content)
	}
	return filepath.Join(base, "kafka-scaler", s.Name+"-"+hex.EncodeToString(sum.Sum(nil))[:16]), nil
}

// lock waits for the lock, which ends with unlock or with the process.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock %s: %w", path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}
