package deploy_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kafka-scaler/kafka-scaler/internal/proc"
)

// The pod as the manifest describes it, without a kubelet: the Deployment's
// arguments and the ConfigMap's file start the binary, its probes succeed although
// no Kafka is there, and SIGTERM ends it within the grace period.
func TestPodStartsAnswersItsProbesAndEnds(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "kafka-scaler")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/scaler")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte(configuration(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	pod := podOf(t)
	grpcAddress, httpAddress := freeAddress(t), freeAddress(t)
	args := []string{"--grpc-listen-address=" + grpcAddress, "--http-listen-address=" + httpAddress}
	for _, arg := range pod.Containers[0].Args {
		args = append(args, strings.Replace(arg, "/etc/kafka-scaler/config.yaml", file, 1))
	}
	command := exec.Command(binary, args...)
	p, err := proc.Start("kafka-scaler", filepath.Join(dir, "log"), command)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()

	c := pod.Containers[0]
	for name, probe := range map[string]httpProbe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
		if probe.HTTPGet.Port != "http" || probe.HTTPGet.Path == "" {
			t.Errorf("%s probe: asks port %q and path %q, not the port named http", name, probe.HTTPGet.Port, probe.HTTPGet.Path)
			continue
		}
		if err := p.WaitReady(30*time.Second, func() error { return get(t.Context(), "http://"+httpAddress+probe.HTTPGet.Path) }); err != nil {
			t.Errorf("%s probe: %v", name, err)
		}
	}
	if conn, err := net.DialTimeout("tcp", grpcAddress, 5*time.Second); err != nil {
		t.Errorf("gRPC port: %v", err)
	} else {
		conn.Close()
	}

	p.Stop(time.Duration(pod.TerminationGracePeriodSeconds-c.Lifecycle.PreStop.Sleep.Seconds) * time.Second)
	if code := command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("after SIGTERM: exit code %d, want 0; the end of its log:\n%s", code, p.Tail(20))
	}
}

func get(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return nil
}

// freeAddress returns a loopback address that nothing listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
