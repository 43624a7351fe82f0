package scaler

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// fakeGroups is a cluster with a different snapshot for each group.
type fakeGroups struct{ by map[string]*fakeKafka }

func newFakeGroups() *fakeGroups { return &fakeGroups{map[string]*fakeKafka{}} }

func (g *fakeGroups) Resolve(string, trigger.Connection) (scaledobject.Snapshots, error) {
	return g, nil
}

func (g *fakeGroups) Snapshot(ctx context.Context, q *collector.Query) (*collector.Snapshot, error) {
	return g.by[q.ConsumerGroup].Snapshot(ctx, q)
}

func (g *fakeGroups) Peek(ctx context.Context, q *collector.Query) (*collector.Snapshot, error) {
	return g.by[q.ConsumerGroup].Peek(ctx, q)
}

func (g *fakeGroups) Wait(ctx context.Context, q *collector.Query, after collector.Version) (collector.Version, error) {
	return g.by[q.ConsumerGroup].Wait(ctx, q, after)
}

func (g *fakeGroups) WaitForRecords(ctx context.Context, q *collector.Query, after collector.Version) (collector.Version, error) {
	return g.by[q.ConsumerGroup].WaitForRecords(ctx, q, after)
}

// has gives the group one topic with these lags.
func (g *fakeGroups) has(group string, kind lag.GroupKind, lags ...int64) {
	if g.by[group] == nil {
		g.by[group] = newFakeKafka()
	}
	s := snapshotOf(lags...)
	s.Group = lag.Group{Name: group, Kind: kind}
	g.by[group].set(func() { g.by[group].snapshot, g.by[group].err = s, nil })
}

func TestSeveralGroups(t *testing.T) {
	kafka := newFakeGroups()
	kafka.has("payments", lag.KindClassic, 40, 15)
	kafka.has("audit", lag.KindShare, 39)
	s := newTestServer(t, Options{Clusters: kafka})
	for mode, want := range map[string]int64{"sum": 20 + 39, "max": 39} {
		r := ref("worker", "consumerGroup", "payments,audit", "consumerGroupMode", mode)
		answer, err := s.GetMetrics(t.Context(), metricsRequest(r))
		if err != nil {
			t.Fatal(err)
		}
		// Payments is capped at 2 partitions x 10; a share group has no cap.
		if got := answer.GetMetricValues()[0].GetMetricValue(); got != want {
			t.Errorf("%s: got %d, want %d", mode, got, want)
		}
	}
	r := ref("worker", "consumerGroup", "payments,audit")
	x, err := s.Explain(t.Context(), &kafkascalerv1.ExplainRequest{Name: r.Name, Namespace: r.Namespace, ScalerMetadata: r.ScalerMetadata})
	if err != nil {
		t.Fatal(err)
	}
	explained := x.GetExplanations()[0]
	var got []string
	for _, g := range explained.GetConsumerGroups() {
		got = append(got, g.GetName()+" "+g.GetKind())
	}
	if want := []string{"payments classic", "audit share"}; !slices.Equal(got, want) || explained.GetTotalLag() != 94 {
		t.Errorf("groups %v, total %d", got, explained.GetTotalLag())
	}
	if p := explained.GetPartitions(); len(p) != 3 || p[2].GetConsumerGroup() != "audit" {
		t.Errorf("partitions %v", p)
	}
}

// What one group's cluster does not tell makes the whole unknown: a number without it would be too low.
func TestSeveralGroupsOneUnknown(t *testing.T) {
	kafka := newFakeGroups()
	kafka.by["audit"] = newFakeKafka()
	kafka.has("payments", lag.KindClassic, 40)
	kafka.by["audit"].fail(&fault.Error{Kind: fault.Denied, Op: "read"})
	s := newTestServer(t, Options{Clusters: kafka})
	object := ref("worker", "consumerGroup", "payments,audit")
	if got, err := s.GetMetrics(t.Context(), metricsRequest(object)); status.Code(err) != codes.PermissionDenied || status.Convert(err).Message() != "read" {
		t.Errorf("%v, %v; want PERMISSION_DENIED", got, err)
	}
	// What is known is enough to run at all.
	if got, err := s.IsActive(t.Context(), object); err != nil || !got.GetResult() {
		t.Errorf("IsActive: %v, %v; want true", got, err)
	}
	kafka.has("payments", lag.KindClassic, 0)
	if got, err := s.IsActive(t.Context(), object); status.Code(err) != codes.PermissionDenied {
		t.Errorf("IsActive without known lag: %v, %v; want PERMISSION_DENIED", got, err)
	}
	kafka.by["payments"].fail(&fault.Error{Kind: fault.Denied, Op: "read, too"})
	if got, err := s.IsActive(t.Context(), object); status.Convert(err).Message() != "read, too" {
		t.Errorf("IsActive where nothing is known: %v, %v; want the first group's error", got, err)
	}
}

// A record for any of the groups wakes the workload.
func TestSeveralGroupsStream(t *testing.T) {
	for _, wakes := range []string{"payments", "audit"} {
		synctest.Test(t, func(t *testing.T) {
			kafka := newFakeGroups()
			kafka.has("payments", lag.KindClassic, 0)
			kafka.has("audit", lag.KindClassic, 0)
			a := openActivityOn(t, kafka, ref("worker", "consumerGroup", "payments,audit"))
			synctest.Wait()
			if sent := a.stream.take(); len(sent) != 0 {
				t.Errorf("sent %v without lag", sent)
			}
			kafka.has(wakes, lag.KindClassic, 5)
			synctest.Wait()
			if sent := a.stream.take(); !slices.Equal(sent, []string{"0s true"}) {
				t.Errorf("%s: sent %v, want true at once", wakes, sent)
			}
			a.close()
			if err := <-a.ended; status.Code(err) != codes.Canceled {
				t.Errorf("the stream ended with %v", err)
			}
		})
	}
}
