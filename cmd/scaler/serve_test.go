package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// answers asks as KEDA does: GetMetrics, then IsActive.
func answers(t *testing.T, keda pb.ExternalScalerClient, ref *pb.ScaledObjectRef) (value int64, active bool, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m, err := keda.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: ref})
	if err != nil {
		return 0, false, err
	}
	a, err := keda.IsActive(ctx, ref)
	return m.GetMetricValues()[0].GetMetricValue(), a.GetResult(), err
}

func awaitValue(t *testing.T, keda pb.ExternalScalerClient, ref *pb.ScaledObjectRef, want int64) {
	t.Helper()
	eventually(t, fmt.Sprintf("value %d", want), func() (bool, any) {
		value, active, err := answers(t, keda, ref)
		return err == nil && value == want && active == (want > 0), fmt.Sprint(value, active, err)
	})
}

func awaitCode(t *testing.T, keda pb.ExternalScalerClient, ref *pb.ScaledObjectRef, want codes.Code, text string) {
	t.Helper()
	eventually(t, want.String(), func() (bool, any) {
		value, active, err := answers(t, keda, ref)
		return status.Code(err) == want && strings.Contains(err.Error(), text), fmt.Sprint(value, active, err)
	})
}

// TestServe walks one process through the days of its life, as KEDA sees them.
func TestServe(t *testing.T) {
	orders, audit := newFakePort(t), newFakePort(t)
	file := filepath.Join(t.TempDir(), "config.yaml")
	cluster := func(name string, f *fakePort) string {
		return fmt.Sprintf("  - {name: %s, bootstrapServers: [%q]}\n", name, f.address())
	}
	writeFile(t, file, "clusters:\n"+cluster("orders", orders))
	s := serveInProcess(t, "--config", file)
	keda, own := s.dial()
	trigger := func(cluster string) *pb.ScaledObjectRef {
		return &pb.ScaledObjectRef{Name: "shop", Namespace: "default", ScalerMetadata: map[string]string{
			"cluster": cluster, "topic": "orders", "consumerGroup": "shop", "lagThreshold": "10", "maxSnapshotAge": "3s",
		}}
	}

	// The cluster is not there at start: the scaler is ready all the same, the spec needs no Kafka, and a value is an error.
	if code, body := s.get("/readyz"); code != 200 {
		t.Errorf("/readyz: %d %s", code, body)
	}
	spec, err := keda.GetMetricSpec(t.Context(), trigger("orders"))
	if err != nil || spec.GetMetricSpecs()[0].GetTargetSize() != 10 {
		t.Errorf("GetMetricSpec: %v, %v", spec, err)
	}
	awaitCode(t, keda, trigger("orders"), codes.Unavailable, orders.address())

	// It comes up.
	orders.start(5)
	awaitValue(t, keda, trigger("orders"), 10)
	explained, err := own.Explain(t.Context(), &kafkascalerv1.ExplainRequest{Name: "shop", Namespace: "default", ScalerMetadata: trigger("orders").GetScalerMetadata()})
	if err != nil || len(explained.GetExplanations()) != 1 {
		t.Fatalf("Explain: %v, %v", explained, err)
	}
	if e := explained.GetExplanations()[0]; e.GetCluster() != "orders" || e.GetDecision().GetValue() != 10 || len(e.GetPartitions()) != 2 || len(e.GetDecision().GetSteps()) == 0 {
		t.Errorf("Explain: %v", e)
	}
	s.expectMetrics(
		`kafka_scaler_decision_value{metric="kafka-orders",namespace="default",scaledObject="shop"} 10`,
		`kafka_scaler_config_last_reload_successful 1`,
		`kafka_scaler_kafka_request_duration_seconds_count{api="OffsetFetch",cluster="orders"}`,
		`kafka_scaler_kafka_connections{cluster="orders"}`,
		`kafka_scaler_snapshot_age_seconds_count{cluster="orders"}`,
		`kafka_scaler_refresh_duration_seconds_count{cluster="orders"}`,
		`grpc_server_handled_total{grpc_code="OK",grpc_method="GetMetrics",grpc_service="externalscaler.ExternalScaler",grpc_type="unary"}`,
	)

	// A second cluster is unknown, until the configuration names it.
	awaitCode(t, keda, trigger("audit"), codes.NotFound, "audit")
	audit.start(2)
	writeFile(t, file, "clusters:\n"+cluster("orders", orders)+cluster("audit", audit))
	awaitValue(t, keda, trigger("audit"), 4)

	// A bad configuration changes nothing, and says so.
	writeFile(t, file, "clusters: 7\n")
	s.log.await(t, "the old one stays in force")
	s.expectMetrics(`kafka_scaler_config_last_reload_successful 0`)
	awaitValue(t, keda, trigger("audit"), 4)

	// A cluster that is gone from it is gone, and so are its series.
	writeFile(t, file, "clusters:\n"+cluster("orders", orders))
	awaitCode(t, keda, trigger("audit"), codes.NotFound, "audit")
	eventually(t, "the series of a cluster that is gone are gone", func() (bool, any) {
		_, page := s.get("/metrics")
		return !strings.Contains(page, `cluster="audit"`), page
	})

	// The cluster goes down: never a zero, and an error once the last known good is too old. Then it is back.
	orders.stop()
	eventually(t, "an error while the cluster is down", func() (bool, any) {
		value, active, err := answers(t, keda, trigger("orders"))
		if err == nil && (value != 10 || !active) {
			t.Fatalf("a value of %d, active %v, while the cluster is down", value, active)
		}
		return status.Code(err) == codes.Unavailable, err
	})
	if code, body := s.get("/readyz"); code != 200 {
		t.Errorf("/readyz while Kafka is down: %d %s", code, body)
	}
	orders.start(20)
	awaitValue(t, keda, trigger("orders"), 20)
}

// expectMetrics waits until each of the beginnings of lines is on the metrics page.
func (s *serving) expectMetrics(lines ...string) {
	s.t.Helper()
	for _, want := range lines {
		eventually(s.t, want+" on /metrics", func() (bool, any) {
			_, page := s.get("/metrics")
			return strings.Contains("\n"+page, "\n"+want), page
		})
	}
}

// TestServeWithoutConfig: any address is accepted, and the log says what that is for.
func TestServeWithoutConfig(t *testing.T) {
	kafka := newFakePort(t)
	kafka.start(1)
	s := serveInProcess(t)
	s.log.await(t, "no --config: any bootstrapServers in a trigger is accepted; for trying out only")
	keda, _ := s.dial()
	awaitValue(t, keda, &pb.ScaledObjectRef{Name: "shop", Namespace: "default", ScalerMetadata: map[string]string{
		"bootstrapServers": kafka.address(), "topic": "orders", "consumerGroup": "shop", "lagThreshold": "1",
	}}, 2)
	for path, want := range map[string]string{"/": "/metrics", "/healthz": "ok", "/readyz": "ok", "/metrics": "kafka_scaler_build_info{"} {
		if code, body := s.get(path); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if code, _ := s.get("/nowhere"); code != 404 {
		t.Errorf("/nowhere: %d, want 404", code)
	}
}
