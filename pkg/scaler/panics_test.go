package scaler

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// defective is a cluster that panics in one of its methods.
type defective struct {
	*fakeKafka
	in string
}

func (d *defective) Resolve(string, trigger.Connection) (scaledobject.Snapshots, error) {
	return d, nil
}

func (d *defective) panicIn(method string) {
	if d.in == method {
		panic("s3cr3t")
	}
}

func (d *defective) Snapshot(ctx context.Context, q *collector.Query) (*collector.Snapshot, error) {
	d.panicIn("Snapshot")
	return d.fakeKafka.Snapshot(ctx, q)
}

func (d *defective) Wait(ctx context.Context, q *collector.Query, after collector.Version) (collector.Version, error) {
	d.panicIn("Wait")
	return d.fakeKafka.Wait(ctx, q, after)
}

func (d *defective) WaitForRecords(ctx context.Context, q *collector.Query, after collector.Version) (collector.Version, error) {
	d.panicIn("WaitForRecords")
	return d.fakeKafka.WaitForRecords(ctx, q, after)
}

// TestPanicsOfOneTrigger: in goroutines that calls start, no interceptor sees a panic. It
// fails that call, and nothing else.
func TestPanicsOfOneTrigger(t *testing.T) {
	one, two := ref("worker"), ref("worker", "consumerGroup", "payments,audit")
	unary := func(t *testing.T, s *Server) error {
		_, err := s.GetMetrics(t.Context(), metricsRequest(two))
		return err
	}
	stream := func(groups string) func(*testing.T, *Server) error {
		return func(t *testing.T, s *Server) error {
			object := one
			if groups == "two" {
				object = two
			}
			a := openActivityOf(t, s, object)
			return <-a.ended
		}
	}
	for name, c := range map[string]struct {
		in   string
		call func(*testing.T, *Server) error
	}{
		"a snapshot of several groups":       {"Snapshot", unary},
		"a stream's decision":                {"Snapshot", stream("one")},
		"a stream's wait for several groups": {"WaitForRecords", stream("two")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				core, logs := observer.New(zap.ErrorLevel)
				metrics := prometheus.NewRegistry()
				kafka := &defective{newFakeKafka(), c.in}
				kafka.lags(3)
				s := newTestServer(t, Options{Clusters: kafka, Logger: zap.New(core), Registerer: metrics})
				err := c.call(t, s)
				if status.Code(err) != codes.Internal || strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("got %v, want INTERNAL without the panic's text", err)
				}
				lines := logs.FilterMessage("panic in RPC").All()
				if len(lines) == 0 || sumOf(t, metrics, "kafka_scaler_grpc_panics_total") != float64(len(lines)) {
					t.Fatalf("%d panics logged, %v counted", len(lines), sumOf(t, metrics, "kafka_scaler_grpc_panics_total"))
				}
				if stack, _ := lines[0].ContextMap()["stack"].(string); !strings.Contains(stack, "panicIn") {
					t.Errorf("the stack does not show where: %s", stack)
				}
			})
		})
	}
}
