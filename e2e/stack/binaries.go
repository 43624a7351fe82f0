package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// binaries maps the name of a process to the package that it is built from.
var binaries = map[string]string{
	"server":                  "go.etcd.io/etcd/server/v3",
	"kube-apiserver":          "k8s.io/kubernetes/cmd/kube-apiserver",
	"kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
	"operator":                "github.com/kedacore/keda/v2/cmd/operator",
	"adapter":                 "github.com/kedacore/keda/v2/cmd/adapter",
	"webhooks":                "github.com/kedacore/keda/v2/cmd/webhooks",
}

// Binaries returns the folder that holds the built processes, building them
// first where the cache does not have them: 12 to 20 minutes on two cores, then
// never again until a version in tools changes. tools is the path of e2e/tools.
// Two callers at once build once.
func Binaries(ctx context.Context, tools string) (string, error) {
	dir, err := cacheDir(tools)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder for the control plane: %w", err)
	}
	unlock, err := lock(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	return dir, build(ctx, tools, dir)
}

func cacheDir(tools string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder: %w", err)
	}
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtime.GOARCH)
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(tools, name))
		if err != nil {
			return "", err
		}
		sum.Write(content)
	}
	return filepath.Join(base, "kafka-scaler", "e2e-"+hex.EncodeToString(sum.Sum(nil))[:16]), nil
}

// build builds one package after the other, so that the links, which take up to
// 3 GiB each, do not overlap, and shows the whole set at once by a rename.
func build(ctx context.Context, tools, dir string) error {
	partial := dir + ".partial"
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"server", "kube-apiserver", "kube-controller-manager", "operator", "adapter", "webhooks"} {
		fmt.Fprintf(os.Stderr, "e2e: building %s (cached afterwards)\n", binaries[name])
		cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", filepath.Join(partial, name), binaries[name])
		cmd.Dir = tools
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", binaries[name], err, out)
		}
	}
	if err := os.Rename(partial, dir); err != nil {
		return fmt.Errorf("keep the built control plane: %w", err)
	}
	return nil
}

// kedaConfig returns the config folder of the KEDA module: CRDs and RBAC as KEDA ships them.
func kedaConfig(ctx context.Context, tools string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/kedacore/keda/v2")
	cmd.Dir = tools
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find KEDA's module: %w", err)
	}
	dir := string(out[:max(0, len(out)-1)])
	if dir == "" {
		return "", errors.New("find KEDA's module: not downloaded; run go mod download in e2e/tools")
	}
	return filepath.Join(dir, "config"), nil
}

func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}
