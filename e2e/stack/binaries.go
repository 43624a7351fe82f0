package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/kafka-scaler/kafka-scaler/internal/buildcache"
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
	source := buildcache.Source{Name: "e2e", Dir: tools, Files: []string{"go.mod", "go.sum"}}
	return buildcache.Get(ctx, source, func(ctx context.Context, dir string) error { return build(ctx, tools, dir) })
}

// build builds one package after the other into dir, so that the links, which take
// up to 3 GiB each, do not overlap.
func build(ctx context.Context, tools, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"server", "kube-apiserver", "kube-controller-manager", "operator", "adapter", "webhooks"} {
		fmt.Fprintf(os.Stderr, "e2e: building %s (cached afterwards)\n", binaries[name])
		cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, name), binaries[name])
		cmd.Dir = tools
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", binaries[name], err, out)
		}
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
