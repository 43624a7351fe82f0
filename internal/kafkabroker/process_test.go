package kafkabroker

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestProcess(t *testing.T) {
	begin := func(t *testing.T, script string) *process {
		t.Helper()
		p, err := startProcess(filepath.Join(t.TempDir(), "log"), []string{"sh", "-c", script})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.kill(); err != nil {
				t.Error(err)
			}
		})
		return p
	}
	t.Run("a program that is not there", func(t *testing.T) {
		if _, err := startProcess(filepath.Join(t.TempDir(), "log"), []string{"/does/not/exist"}); err == nil {
			t.Error("no error")
		}
	})
	t.Run("ends by itself", func(t *testing.T) {
		p := begin(t, "echo last words; exit 3")
		<-p.done
		if p.alive() || p.err == nil || p.excerpt() != "last words" {
			t.Errorf("alive %v, result %v, log %q", p.alive(), p.err, p.excerpt())
		}
	})
	t.Run("stops in order", func(t *testing.T) {
		p := begin(t, "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done")
		await(t, func() bool { return p.excerpt() == "up" })
		if err := p.stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := p.excerpt(); !strings.HasSuffix(got, "bye") {
			t.Errorf("log %q", got)
		}
	})
	t.Run("does not stop", func(t *testing.T) {
		p := begin(t, "trap '' TERM; echo up; while :; do sleep 0.05; done")
		await(t, func() bool { return p.excerpt() == "up" })
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if err := p.stop(ctx); err == nil || !p.alive() {
			t.Errorf("stop = %v, alive %v", err, p.alive())
		}
	})
}

// TestChildDiesWithItsParent kills a parent that had no chance to clean up.
func TestChildDiesWithItsParent(t *testing.T) {
	const variable = "KAFKABROKER_TEST_PARENT"
	if dir := os.Getenv(variable); dir != "" {
		child, err := startProcess(filepath.Join(dir, "child.log"), []string{"sleep", "600"})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "pid"), []byte(strconv.Itoa(child.cmd.Process.Pid)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		<-child.done
		return
	}
	dir := t.TempDir()
	t.Setenv(variable, dir)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent, err := startProcess(filepath.Join(dir, "parent.log"), []string{self, "-test.run=^TestChildDiesWithItsParent$"})
	if err != nil {
		t.Fatal(err)
	}
	pid := ""
	await(t, func() bool {
		data, err := os.ReadFile(filepath.Join(dir, "pid"))
		pid = strings.TrimSpace(string(data))
		return err == nil && strings.HasSuffix(string(data), "\n")
	})
	if err := parent.kill(); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool {
		status, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
		return err != nil || strings.Contains(string(status), "State:\tZ")
	})
}

// await polls until something is so, for as long as a busy machine may take.
func await(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to pass within 30 s")
		}
	}
}
