//go:build realkafka

package wake

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kafka-scaler/kafka-scaler/internal/proc"
)

// product is the scaler as a process of its own.
type product struct {
	pb.ExternalScalerClient
	process *proc.Process
	http    string
}

func build(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "kafka-scaler")
	if out, err := exec.Command("go", "build", "-o", path, "github.com/kafka-scaler/kafka-scaler/cmd/scaler").CombinedOutput(); err != nil {
		b.Fatalf("build the product: %v\n%s", err, out)
	}
	return path
}

func start(b *testing.B, binary string, bootstrap []string, way way) *product {
	b.Helper()
	dir := b.TempDir()
	file := filepath.Join(dir, "config.yaml")
	config := fmt.Sprintf("clusters:\n  - name: bench\n    bootstrapServers: [%s]\n    pushActivation: %s\n    refreshInterval: %s\n",
		strings.Join(bootstrap, ","), way.push, way.refresh)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	grpcAddress, httpAddress := freeAddress(b), freeAddress(b)
	cmd := exec.Command(binary, "serve", "--config", file, "--grpc-listen-address", grpcAddress, "--http-listen-address", httpAddress)
	process, err := proc.Start("kafka-scaler", filepath.Join(dir, "log"), cmd)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		process.Stop(20 * time.Second)
		if b.Failed() {
			b.Logf("the end of the product's log:\n%s", process.Tail(30))
		}
	})
	if err := process.WaitReady(30*time.Second, func() error { return dial(grpcAddress) }); err != nil {
		b.Fatal(err)
	}
	conn, err := grpc.NewClient(grpcAddress, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return &product{ExternalScalerClient: pb.NewExternalScalerClient(conn), process: process, http: httpAddress}
}

func dial(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// metrics returns the product's own metrics, by name with labels.
func (p *product) metrics(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.http+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	values := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, number, ok := strings.Cut(lines.Text(), "} ")
		if !ok {
			continue
		}
		if v, err := strconv.ParseFloat(number, 64); err == nil {
			values[strings.TrimPrefix(name, "kafka_scaler_")+"}"] = v
		}
	}
	return values, nil
}

// requests is how many requests the product has had answered, in all or of one API.
func requests(metrics map[string]float64, api string) (n float64) {
	for name, v := range metrics {
		if strings.HasPrefix(name, "kafka_request_duration_seconds_count") && strings.Contains(name, `api="`+api) {
			n += v
		}
	}
	return n
}

const ticksPerSecond = 100 // USER_HZ, the same on every Linux

// cpu is the CPU time that the product has used.
func (p *product) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.process.PID()))
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, may hold spaces. user and system time are fields 14 and 15.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return 0, errors.New("unexpected /proc/PID/stat")
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond, errors.Join(err1, err2)
}
