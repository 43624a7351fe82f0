//go:build realkafka

package acceptance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kafka-scaler/kafka-scaler/internal/proc"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// binary builds the product once for all tests and returns its path.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "kafka-scaler-acceptance")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "kafka-scaler")
	build := exec.Command("go", "build", "-o", path, "github.com/kafka-scaler/kafka-scaler/cmd/scaler")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the product: %w\n%s", err, out)
	}
	return path, nil
})

// product is a running kafka-scaler serve, and clients of its services.
type product struct {
	KEDA    pb.ExternalScalerClient
	Own     kafkascalerv1.KafkaScalerServiceClient
	address string
	// http is where its pages are.
	http string
	// config is its configuration file, if it has one, and log what it has logged.
	config, log string
	process     *proc.Process
}

// serve runs the product with a configuration, or without one where it is empty.
func serve(t *testing.T, config string) *product {
	t.Helper()
	path, err := binary()
	must(t, err)
	dir := t.TempDir()
	p := &product{address: freeAddress(t), http: freeAddress(t), log: filepath.Join(dir, "log")}
	args := []string{"serve", "--http-listen-address", p.http, "--grpc-listen-address", p.address}
	if config != "" {
		p.config = filepath.Join(dir, "config.yaml")
		must(t, os.WriteFile(p.config, []byte(config), 0o600))
		args = append(args, "--config", p.config)
	}
	p.process, err = proc.Start("kafka-scaler", p.log, exec.Command(path, args...))
	must(t, err)
	t.Cleanup(func() {
		p.process.Stop(20 * time.Second)
		if t.Failed() {
			t.Logf("the end of the product's log:\n%s", p.process.Tail(30))
		}
	})
	must(t, p.process.WaitReady(30*time.Second, func() error {
		conn, err := net.Dial("tcp", p.address)
		if err != nil {
			return err
		}
		return conn.Close()
	}))
	conn := connect(t, p.address)
	p.KEDA, p.Own = pb.NewExternalScalerClient(conn), kafkascalerv1.NewKafkaScalerServiceClient(conn)
	return p
}

func connect(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// reconnected is the same product to a KEDA that comes over an address, with a connection of its own.
func (p *product) reconnected(t *testing.T, address string) (client *product, closes func()) {
	t.Helper()
	conn := connect(t, address)
	again := *p
	again.KEDA = pb.NewExternalScalerClient(conn)
	return &again, func() { _ = conn.Close() }
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// run runs one command of the product and returns its output and exit code.
func runProduct(ctx context.Context, t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	path, err := binary()
	must(t, err)
	var out, problems strings.Builder
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return out.String(), problems.String(), exit.ExitCode()
	}
	must(t, err)
	return out.String(), problems.String(), 0
}

// outcome is one evaluation as KEDA makes it: GetMetrics, then IsActive.
type outcome struct {
	value  int64
	active bool
}

// evaluate asks for a trigger as KEDA does, and checks that floats and integers agree.
func (p *product) evaluate(ctx context.Context, t *testing.T, metadata map[string]string) (outcome, error) {
	t.Helper()
	ref := &pb.ScaledObjectRef{Namespace: "acceptance", Name: t.Name(), ScalerMetadata: metadata}
	spec, err := p.KEDA.GetMetricSpec(ctx, ref)
	if err != nil {
		return outcome{}, err
	}
	metrics, err := p.KEDA.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: ref, MetricName: spec.GetMetricSpecs()[0].GetMetricName()})
	if err != nil {
		return outcome{}, err
	}
	active, err := p.KEDA.IsActive(ctx, ref)
	if err != nil {
		return outcome{}, err
	}
	values := metrics.GetMetricValues()
	if len(values) != 1 || float64(values[0].GetMetricValue()) != values[0].GetMetricValueFloat() {
		t.Errorf("values %v: want one, its integer and float equal", values)
	}
	return outcome{values[0].GetMetricValue(), active.GetResult()}, nil
}

// metadataOn returns trigger metadata for the shared cluster, more added to it.
func metadataOn(group, topic string, more map[string]string) map[string]string {
	m := map[string]string{"bootstrapServers": strings.Join(cluster.Bootstrap(), ","), "consumerGroup": group, "topic": topic}
	maps.Copy(m, more)
	return m
}

// decode reads JSON that the product printed.
func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}
