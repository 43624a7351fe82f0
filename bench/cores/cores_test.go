package cores

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAProcessGetsACoreOfItsOwn(t *testing.T) {
	l, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	if l.own.Count() != 1 || l.rest.Count() != l.all.Count()-1 {
		t.Fatalf("%d of %d cores for one process, %d for the others", l.own.Count(), l.all.Count(), l.rest.Count())
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	for name, set := range map[string]struct {
		to   func(int) error
		want unix.CPUSet
	}{"own": {l.Own, l.own}, "rest": {l.Rest, l.rest}, "share": {l.Share, l.all}} {
		if err := set.to(child.Process.Pid); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got unix.CPUSet
		if err := unix.SchedGetaffinity(child.Process.Pid, &got); err != nil {
			t.Fatal(err)
		}
		if got != set.want {
			t.Errorf("%s: %v, want %v", name, got, set.want)
		}
	}
	if err := l.Own(1 << 30); err == nil {
		t.Error("a process that does not exist got a core")
	}
	if err := Prefer(os.Getpid(), 0); err != nil {
		t.Errorf("as preferred as before: %v", err)
	}
}
