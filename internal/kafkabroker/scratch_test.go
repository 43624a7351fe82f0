package kafkabroker

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSweepRemovesWhatTheDeadLeft(t *testing.T) {
	parent := t.TempDir()
	leave := func(age time.Duration, kept bool) *scratch {
		s, err := newScratch(parent)
		if err != nil {
			t.Fatal(err)
		}
		s.keep = kept
		if kept {
			if err := s.remove(); err != nil {
				t.Fatal(err)
			}
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(s.dir, then, then); err != nil {
			t.Fatal(err)
		}
		return s
	}
	inUse, dead, young := leave(time.Hour, false), leave(time.Hour, false), leave(time.Second, false)
	kept, keptLong := leave(time.Hour, true), leave(48*time.Hour, true)
	dead.unlock()
	young.unlock()
	if err := sweep(parent, time.Now()); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		s    *scratch
		want bool
	}{
		"in use": {inUse, true}, "dead": {dead, false}, "about to take its lock": {young, true},
		"kept": {kept, true}, "kept for two days": {keptLong, false},
	} {
		_, err := os.Stat(test.s.dir)
		if got := err == nil; got != test.want {
			t.Errorf("%s: still there %v, want %v", name, got, test.want)
		}
	}
	inUse.unlock()
}

func TestLogsAreCopiedWhereTheEnvironmentSays(t *testing.T) {
	into := t.TempDir()
	t.Setenv(KeepLogsVariable, into)
	s, err := newScratch(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "broker-1.log"), []byte("words"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.remove(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(into, filepath.Base(s.dir), "broker-1.log"))
	if string(got) != "words" {
		t.Errorf("copied log %q, %v", got, err)
	}
	if _, err := os.Stat(s.dir); err == nil {
		t.Error("the data is still there")
	}
}
