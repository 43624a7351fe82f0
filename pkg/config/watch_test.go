package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
)

// watched runs a Watcher over a file and records what comes of it. It runs
// inside a synctest bubble: time passes at once, and only when all is quiet.
type watched struct {
	path   string
	hup    chan os.Signal
	refuse error // what Apply returns

	mu       sync.Mutex
	applied  []string // log levels, in order
	attempts []error
}

const testInterval = time.Second

func startWatching(t *testing.T, path string) *watched {
	t.Helper()
	w := &watched{path: path, hup: make(chan os.Signal)}
	watcher := &Watcher{
		Path:     path,
		Override: func(c *Config) { c.HTTP.ListenAddress = ":1" },
		Interval: testInterval,
		Apply: func(c Config) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if c.HTTP.ListenAddress != ":1" {
				t.Error("Apply got a configuration without the override")
			}
			if w.refuse != nil {
				return w.refuse
			}
			w.applied = append(w.applied, c.Log.Level)
			return nil
		},
		Reloaded: func(err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.attempts = append(w.attempts, err)
		},
	}
	if _, err := watcher.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- watcher.Run(ctx, w.hup) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return w
}

// expect lets a few intervals pass and checks the attempts since the last call:
// "ok <level>" for a configuration applied, else a part of the error.
func (w *watched) expect(t *testing.T, want ...string) {
	t.Helper()
	time.Sleep(5 * testInterval)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.attempts) != len(want) {
		t.Fatalf("got %d attempts to reload (%v), want %d (%v)", len(w.attempts), w.attempts, len(want), want)
	}
	for i, err := range w.attempts {
		level, ok := strings.CutPrefix(want[i], "ok ")
		switch {
		case ok && err != nil:
			t.Errorf("attempt %d: %v, want success", i, err)
		case ok:
			if w.applied[0] != level {
				t.Errorf("attempt %d applied level %s, want %s", i, w.applied[0], level)
			}
			w.applied = w.applied[1:]
		case err == nil || !strings.Contains(err.Error(), want[i]):
			t.Errorf("attempt %d: %v, want an error with %q", i, err, want[i])
		}
	}
	w.attempts = nil
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWatcherFollowsTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "config.yaml")
		write(t, path, "log: {level: info}")
		w := startWatching(t, path)
		w.expect(t)

		write(t, path, "log: {level: debug}")
		w.expect(t, "ok debug")

		write(t, path, "log: {level: debug}") // unchanged content
		w.expect(t)

		write(t, path, "log: {level: loud}") // said once, not at each look
		w.expect(t, `(got "loud")`)

		write(t, path, "log: {level: debug}") // back to what is in force: healthy again
		w.expect(t, "ok debug")

		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		w.expect(t, "no such file")

		write(t, path, "log: {level: warn}")
		w.expect(t, "ok warn")
	})
}

// TestWatcherSIGHUP: a signal reloads at once, also what has not changed.
func TestWatcherSIGHUP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "config.yaml")
		write(t, path, "log: {level: info}")
		w := startWatching(t, path)
		w.hup <- os.Interrupt
		w.expect(t, "ok info")

		write(t, path, "log: {level: warn}")
		w.hup <- os.Interrupt
		w.expect(t, "ok warn")

		w.mu.Lock()
		w.refuse = errors.New("cannot be put in force")
		w.mu.Unlock()
		w.hup <- os.Interrupt
		w.expect(t, "cannot be put in force")
	})
}

// TestWatcherWaitsForPartialWrites: the file is valid YAML at each step of being
// written, and none of the steps is ever put in force.
func TestWatcherWaitsForPartialWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "config.yaml")
		write(t, path, "log: {level: info}")
		w := startWatching(t, path)
		// Steps are shorter than the time between two looks, so that no two looks see the same one.
		for _, part := range []string{"", "# a new file\n", "# a new file\nhttp: {}\n", "# a new file\nhttp: {}\nlog:\n", "# a new file\nhttp: {}\nlog:\n  level: warn\n"} {
			write(t, path, part)
			time.Sleep(testInterval * 9 / 10)
		}
		w.expect(t, "ok warn")
	})
}

// TestWatcherConfigMap does what the kubelet does: the file is a link through
// ..data, which is swapped for one to a new directory.
func TestWatcherConfigMap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		publish := func(version, content string) {
			t.Helper()
			if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, version, "config.yaml"), content)
			if err := os.Symlink(version, filepath.Join(dir, "..data_tmp")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
				t.Fatal(err)
			}
		}
		publish("..v1", "log: {level: info}")
		path := filepath.Join(dir, "config.yaml")
		if err := os.Symlink("..data/config.yaml", path); err != nil {
			t.Fatal(err)
		}
		w := startWatching(t, path)
		publish("..v2", "log: {level: error}")
		if err := os.RemoveAll(filepath.Join(dir, "..v1")); err != nil {
			t.Fatal(err)
		}
		w.expect(t, "ok error")
		publish("..v3", "log: {level: error}") // swapped, and nothing changed
		w.expect(t)
	})
}

func TestWatcherStartFails(t *testing.T) {
	w := &Watcher{Path: filepath.Join(t.TempDir(), "none.yaml")}
	if _, err := w.Start(); fault.KindOf(err) != fault.NotFound {
		t.Errorf("got %v, want a fault.NotFound", err)
	}
}
