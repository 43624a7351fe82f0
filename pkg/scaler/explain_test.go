package scaler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

func explain(t *testing.T, s *Server, object *pb.ScaledObjectRef) *kafkascalerv1.Explanation {
	t.Helper()
	got, err := s.Explain(t.Context(), &kafkascalerv1.ExplainRequest{
		Name: object.GetName(), Namespace: object.GetNamespace(), ScalerMetadata: object.GetScalerMetadata(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.GetExplanations()); n != 1 {
		t.Fatalf("%d explanations, want 1", n)
	}
	return got.GetExplanations()[0]
}

func TestExplain(t *testing.T) {
	kafka, observer := newFakeKafka(), &seen{}
	kafka.lags(30, 0)
	s := newTestServer(t, Options{Clusters: kafka, Observer: observer})
	object := ref("worker")
	x := explain(t, s, object)
	if x.GetAskedAt() != nil || len(s.registry.Of("shop", "worker")) != 0 || observer.decided() != 0 {
		t.Error("explaining a trigger made it one that KEDA asked about")
	}
	metrics, err := s.GetMetrics(t.Context(), metricsRequest(object))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := x.GetDecision().GetValue(), metrics.GetMetricValues()[0].GetMetricValue(); got != want {
		t.Errorf("explained %d, KEDA got %d", got, want)
	}
	if x.GetCluster() != "main" || x.GetConsumerGroup() != "billing" || x.GetMetricName() != "kafka-orders" {
		t.Errorf("got %v", x)
	}
	if x.GetTotalLag() != 30 || len(x.GetPartitions()) != 2 || x.GetPartitions()[0].GetLag() != 30 || x.GetPartitions()[1].GetReason() != "caught_up" {
		t.Errorf("partitions: %v", x.GetPartitions())
	}
	d := x.GetDecision()
	if d.GetTarget() != 10 || !d.GetActive() || d.GetReplicas() != 2 || d.GetMaxReplicas() != 2 || d.GetLimit() == "" || len(d.GetSteps()) < 3 {
		t.Errorf("decision: %v", d)
	}
	if len(x.GetHorizontal()) == 0 || x.GetObservedAt() == nil || x.GetSnapshotAge() == nil {
		t.Errorf("got %v", x)
	}
	if explain(t, s, object).GetAskedAt() == nil {
		t.Error("KEDA has asked, and explain does not say when")
	}
}

// A group that never committed is likely to be a misspelt one; one that has in a single partition is not.
func TestExplainNotesAGroupWithoutCommits(t *testing.T) {
	kafka := newFakeKafka()
	s := newTestServer(t, Options{Clusters: kafka})
	for uncommitted, want := range map[int]bool{1: false, 2: true} {
		snapshot := snapshotOf(30, 0)
		for i := range uncommitted {
			snapshot.Offsets[i].Committed = lag.NoCommit
		}
		kafka.set(func() { kafka.snapshot = snapshot })
		note := explain(t, s, ref("worker")).GetConsumerGroups()[0].GetNote()
		if got := strings.Contains(note, "check the group's name; until it commits, "); got != want {
			t.Errorf("%d of 2 partitions without a commit: note %q", uncommitted, note)
		}
	}
}

func TestExplainPinsNothing(t *testing.T) {
	kafka := newFakeKafka()
	kafka.lags(5)
	s := newTestServer(t, Options{Clusters: kafka})
	object := ref("worker")
	if _, err := s.GetMetrics(t.Context(), metricsRequest(object)); err != nil {
		t.Fatal(err)
	}
	kafka.lags(0)
	explain(t, s, object)
	if got, err := s.IsActive(t.Context(), object); err != nil || !got.GetResult() {
		t.Errorf("Explain took or replaced the pinned decision: %v, %v", got, err)
	}
}

func TestExplainByName(t *testing.T) {
	kafka := newFakeKafka()
	kafka.lags(5)
	s := newTestServer(t, Options{Clusters: kafka})
	for _, object := range []*pb.ScaledObjectRef{
		ref("worker"), ref("worker", "topic", "payments"), ref("worker", "lagThreshold", "none"), ref("other"),
	} {
		_, _ = s.GetMetricSpec(t.Context(), object)
	}
	got, err := s.Explain(t.Context(), &kafkascalerv1.ExplainRequest{Namespace: "shop", Name: "worker"})
	if err != nil {
		t.Fatal(err)
	}
	var metrics []string
	for _, x := range got.GetExplanations() {
		metrics = append(metrics, x.GetMetricName())
		if (x.GetMetricName() == "") != (x.GetErrorKind() == "invalid") {
			t.Errorf("got %v", x)
		}
	}
	if strings.Join(metrics, " ") != " kafka-orders kafka-payments" {
		t.Errorf("explained %q", metrics)
	}
	for _, req := range []*kafkascalerv1.ExplainRequest{{Namespace: "shop", Name: "nobody"}, {}} {
		if _, err := s.Explain(t.Context(), req); status.Code(err) != codes.NotFound {
			t.Errorf("%v: %v, want NOT_FOUND", req, err)
		}
	}
	if _, err := s.Explain(t.Context(), &kafkascalerv1.ExplainRequest{ScalerMetadata: map[string]string{"topic": "x"}}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("invalid metadata: %v, want INVALID_ARGUMENT", err)
	}
}

func TestExplainGivesErrorsVerbatim(t *testing.T) {
	kafka := newFakeKafka()
	s := newTestServer(t, Options{Clusters: kafka})
	object := ref("worker")
	for name, prepare := range map[string]func(){
		"no snapshot": func() {
			kafka.fail(&fault.Error{Kind: fault.Unavailable, Op: "dial", Object: "broker \xff", Err: errors.New("refused")})
		},
		"a partition not known": func() {
			kafka.lags(3, 3)
			kafka.snapshot.Offsets[1].LogEnd = -1
			kafka.snapshot.Offsets[1].Err = &fault.Error{Kind: fault.Denied, Op: "read", Object: "\xff"}
		},
	} {
		prepare()
		_, err := s.GetMetrics(t.Context(), metricsRequest(object))
		if err == nil {
			t.Fatalf("%s: GetMetrics answered", name)
		}
		x := explain(t, s, object)
		if x.GetError() != status.Convert(err).Message() || x.GetErrorKind() == "" || x.GetDecision() != nil {
			t.Errorf("%s: explained %v\nGetMetrics: %v", name, x, err)
		}
		if _, err := proto.Marshal(x); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if x := explain(t, s, object); len(x.GetPartitions()) > 0 && x.GetPartitions()[1].GetError() == "" {
		t.Errorf("partitions: %v", x.GetPartitions())
	}
}

// namedKafka is a cluster that has a name of its own in the configuration.
type namedKafka struct{ *fakeKafka }

func (namedKafka) Name() string { return "main" }

func (k namedKafka) Resolve(string, trigger.Connection) (scaledobject.Snapshots, error) {
	return k, nil
}

// TestExplainNamesTheConfiguredCluster: addresses that belong to a configured cluster read that one.
func TestExplainNamesTheConfiguredCluster(t *testing.T) {
	kafka := newFakeKafka()
	kafka.lags(10)
	s := newTestServer(t, Options{Clusters: namedKafka{kafka}})
	resp, err := s.Explain(t.Context(), &kafkascalerv1.ExplainRequest{ScalerMetadata: map[string]string{
		"bootstrapServers": "kafka:9092", "consumerGroup": "billing", "topic": "orders",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.GetExplanations()[0].GetCluster(); got != "main" {
		t.Errorf("cluster %q, want main", got)
	}
}

// TestExplainIsBounded: whoever reaches the port can ask for explanations of metadata at will.
func TestExplainIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := newFakeKafka() // does not answer
		s := newTestServer(t, Options{Clusters: kafka})
		ctx, cancel := context.WithCancel(t.Context())
		ask := func(i int) error {
			object := ref("worker", "topic", fmt.Sprint("orders-", i))
			_, err := s.Explain(ctx, &kafkascalerv1.ExplainRequest{Namespace: "shop", Name: "worker", ScalerMetadata: object.GetScalerMetadata()})
			return err
		}
		var asking sync.WaitGroup
		for i := range maxExplains {
			asking.Go(func() { _ = ask(i) })
		}
		synctest.Wait()
		if err := ask(maxExplains); status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "32 explanations are being made already") {
			t.Errorf("one too many: %v", err)
		}
		cancel()
		asking.Wait()
		if err := ask(0); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// TestExplainFitsIntoAMessage: what is left out is counted, and is in the sums.
func TestExplainFitsIntoAMessage(t *testing.T) {
	const partitions = 100_000
	kafka := newFakeKafka()
	lags := make([]int64, partitions)
	for i := range lags {
		lags[i] = 1
	}
	kafka.lags(lags...)
	s := newTestServer(t, Options{Clusters: kafka})
	for _, topic := range []string{"orders", "payments"} {
		_, _ = s.GetMetricSpec(t.Context(), ref("worker", "topic", topic))
	}
	got, err := s.Explain(t.Context(), &kafkascalerv1.ExplainRequest{Namespace: "shop", Name: "worker"})
	if err != nil {
		t.Fatal(err)
	}
	if n := proto.Size(got); n > maxExplained || n < maxExplained/8 {
		t.Errorf("%d bytes", n)
	}
	for _, x := range got.GetExplanations() {
		if n := len(x.GetPartitions()) + int(x.GetPartitionsLeftOut()); n != partitions || x.GetTotalLag() != partitions {
			t.Errorf("%s: %d partitions are shown or counted, with a lag of %d in all; want %d", x.GetMetricName(), n, x.GetTotalLag(), partitions)
		}
	}
}

// TestExplainOfManyGroupsFitsIntoAMessage: what is said of groups counts too, and what finds no room is said in short.
func TestExplainOfManyGroupsFitsIntoAMessage(t *testing.T) {
	const triggers, most = 128, 4 << 20 // what a gRPC client takes
	kafka := &viewedGroups{newFakeGroups()}
	names := make([]string, 20)
	for i := range names {
		names[i] = fmt.Sprint(strings.Repeat("g", 100), i)
		kafka.has(names[i], lag.KindClassic, 1)
	}
	s := newTestServer(t, Options{Clusters: kafka})
	for i := range triggers {
		_, _ = s.GetMetricSpec(t.Context(), ref("worker", "consumerGroup", strings.Join(names, ","), "lagThreshold", fmt.Sprint(i+1)))
	}
	got, err := s.Explain(t.Context(), &kafkascalerv1.ExplainRequest{Namespace: "shop", Name: "worker"})
	if err != nil {
		t.Fatal(err)
	}
	if n := proto.Size(got); n > most || n < maxExplained/2 {
		t.Errorf("%d bytes", n)
	}
	short := 0
	for _, x := range got.GetExplanations() {
		if x.GetDecision() == nil || x.GetTotalLag() != int64(len(names)) || len(x.GetPartitions())+int(x.GetPartitionsLeftOut()) != len(names) {
			t.Errorf("explained %v", x)
		}
		if len(x.GetConsumerGroups()) == 0 {
			short++
		}
	}
	if len(got.GetExplanations()) != triggers || short == 0 || short == triggers {
		t.Errorf("%d of %d triggers are explained in short", short, len(got.GetExplanations()))
	}
}

// viewedGroups cannot tell what its groups are, for a reason as long as there are.
type viewedGroups struct{ *fakeGroups }

func (g *viewedGroups) Resolve(string, trigger.Connection) (scaledobject.Snapshots, error) {
	return g, nil
}

func (g *viewedGroups) Group(_ context.Context, name string) lag.Group {
	return lag.Group{Name: name, Members: -1, Err: errors.New(strings.Repeat("x", maxMessage))}
}

// TestExplainOnlyPeeks: an explanation, be it of a trigger that KEDA asks about, is no reason to keep anything fresh.
func TestExplainOnlyPeeks(t *testing.T) {
	kafka := &peekedKafka{fakeKafka: newFakeKafka()}
	kafka.lags(5)
	s := newTestServer(t, Options{Clusters: kafka})
	explain(t, s, ref("worker"))
	if _, err := s.GetMetricSpec(t.Context(), ref("worker")); err != nil {
		t.Fatal(err)
	}
	asked := kafka.asked()
	explain(t, s, ref("worker"))
	if _, err := s.Explain(t.Context(), &kafkascalerv1.ExplainRequest{Namespace: "shop", Name: "worker"}); err != nil {
		t.Fatal(err)
	}
	if kafka.peeks != 3 || kafka.asked() != asked {
		t.Errorf("3 explanations peeked %d times and asked for %d snapshots that are kept fresh", kafka.peeks, kafka.asked()-asked)
	}
}

// peekedKafka counts who only peeks.
type peekedKafka struct {
	*fakeKafka
	peeks int
}

func (k *peekedKafka) Resolve(string, trigger.Connection) (scaledobject.Snapshots, error) {
	return k, nil
}

func (k *peekedKafka) Peek(context.Context, *collector.Query) (*collector.Snapshot, error) {
	k.peeks++
	return k.snapshot, nil
}
