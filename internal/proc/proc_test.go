package proc

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T, script string) *Process {
	t.Helper()
	p, err := Start("sh", filepath.Join(t.TempDir(), "log"), exec.Command("sh", "-c", script))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func TestStopIsGraceful(t *testing.T) {
	p := start(t, `trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done`)
	if err := p.WaitReady(10*time.Second, func() error {
		if !strings.Contains(p.Tail(5), "up") {
			return errors.New("not up")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	p.Stop(10 * time.Second)
	if p.Running() || !strings.Contains(p.Tail(5), "bye") {
		t.Errorf("running %v, log %q; want ended after its handler ran", p.Running(), p.Tail(5))
	}
}

func TestStopKillsTheDeaf(t *testing.T) {
	p := start(t, `trap '' TERM; while :; do sleep 0.05; done`)
	p.Stop(100 * time.Millisecond)
	if p.Running() {
		t.Error("still running after Stop")
	}
}

func TestPausedProcessDoesNotRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ticks")
	p := start(t, `while :; do echo x >> `+file+`; done`)
	if err := p.WaitReady(10*time.Second, func() error { _, err := os.Stat(file); return err }); err != nil {
		t.Fatal(err)
	}
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	time.Sleep(100 * time.Millisecond)
	if after := size(); after != before {
		t.Errorf("grew from %d to %d bytes while paused", before, after)
	}
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := p.WaitReady(10*time.Second, func() error {
		if size() == before {
			return errors.New("not running")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestWaitReadyTellsWhyItEnded(t *testing.T) {
	p := start(t, `echo no such file; exit 3`)
	err := p.WaitReady(10*time.Second, func() error { return errors.New("not yet") })
	if err == nil || !strings.Contains(err.Error(), "no such file") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v, want the log and the exit status", err)
	}
}

func TestStartOfWhatIsNotThere(t *testing.T) {
	if _, err := Start("nothing", filepath.Join(t.TempDir(), "log"), exec.Command("/does/not/exist")); err == nil {
		t.Error("no error")
	}
}

func TestExcerptBeginsAtTheFirstError(t *testing.T) {
	p := start(t, `echo fine; echo "12:00 ERROR no disk"; echo more; exit 3`)
	<-p.Done()
	if got := p.Excerpt(2); got != "12:00 ERROR no disk\nmore" || p.Err() == nil {
		t.Errorf("excerpt %q, result %v", got, p.Err())
	}
}
