package buildcache_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/internal/buildcache"
)

// source is a module with one file, and an empty cache folder.
func source(t *testing.T) (s buildcache.Source, write func(content string)) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	s = buildcache.Source{Name: "tool", Dir: t.TempDir(), Files: []string{"go.mod"}}
	write = func(content string) {
		if err := os.WriteFile(filepath.Join(s.Dir, "go.mod"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("module a")
	return s, write
}

func TestBuiltOnceForEachContent(t *testing.T) {
	s, write := source(t)
	var builds atomic.Int32
	build := func(_ context.Context, path string) error {
		builds.Add(1)
		return os.WriteFile(path, []byte("binary"), 0o600)
	}
	get := func() string {
		path, err := buildcache.Get(t.Context(), s, build)
		if err != nil {
			t.Error(err)
		}
		return path
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { get() })
	}
	all.Wait()
	first := get()
	if got, err := os.ReadFile(first); err != nil || string(got) != "binary" || builds.Load() != 1 {
		t.Errorf("%d builds left %q, %v", builds.Load(), got, err)
	}
	write("module b")
	if second := get(); second == first || builds.Load() != 2 {
		t.Errorf("%d builds; another module is at %s, the first at %s", builds.Load(), second, first)
	}
}

func TestFailedBuildIsMadeAgain(t *testing.T) {
	s, _ := source(t)
	broken := errors.New("no space left")
	_, err := buildcache.Get(t.Context(), s, func(_ context.Context, path string) error {
		return errors.Join(os.WriteFile(path, []byte("half"), 0o600), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	path, err := buildcache.Get(t.Context(), s, func(_ context.Context, path string) error {
		return os.WriteFile(path, []byte("whole"), 0o600)
	})
	if got, _ := os.ReadFile(path); err != nil || string(got) != "whole" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestNothingToBuildFrom(t *testing.T) {
	s, _ := source(t)
	s.Files = []string{"missing"}
	if _, err := buildcache.Get(t.Context(), s, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that the file does not exist", err)
	}
}
