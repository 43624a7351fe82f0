package proc

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestChildDiesWithItsParent kills a parent that had no chance to clean up.
func TestChildDiesWithItsParent(t *testing.T) {
	const variable = "PROC_TEST_PARENT"
	if dir := os.Getenv(variable); dir != "" {
		child, err := Start("child", filepath.Join(dir, "child.log"), exec.Command("sleep", "600"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "pid"), []byte(strconv.Itoa(child.PID())+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		<-child.Done()
		return
	}
	dir := t.TempDir()
	t.Setenv(variable, dir)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent, err := Start("parent", filepath.Join(dir, "parent.log"), exec.Command(self, "-test.run=^TestChildDiesWithItsParent$"))
	if err != nil {
		t.Fatal(err)
	}
	pid := ""
	await(t, func() bool {
		data, err := os.ReadFile(filepath.Join(dir, "pid"))
		pid = strings.TrimSpace(string(data))
		return err == nil && strings.HasSuffix(string(data), "\n")
	})
	parent.Kill()
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
