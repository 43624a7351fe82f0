package scaler

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// kedaValue is how KEDA reads a value: v2.21.0, externalScaler.GetMetricsAndActivity.
func kedaValue(v *pb.MetricValue) float64 {
	if v.GetMetricValueFloat() > 0 {
		return v.GetMetricValueFloat()
	}
	return float64(v.GetMetricValue())
}

// kedaTarget is how KEDA reads a target: v2.21.0, externalScaler.buildMetricSpecs.
func kedaTarget(s *pb.MetricSpec) float64 {
	if s.GetTargetSizeFloat() > 0 {
		return s.GetTargetSizeFloat()
	}
	return float64(s.GetTargetSize())
}

// TestVectors asks as KEDA does, in the order in which KEDA does, for lags whose
// outcome under KEDA's own kafka trigger is known.
func TestVectors(t *testing.T) {
	ten := func(first int64) []int64 { return append([]int64{first}, make([]int64, 9)...) }
	for _, c := range []struct {
		lags      []int64
		threshold string
		flags     string
		want      int64
		active    bool
	}{
		{[]int64{10, 10, 10, 10, 10}, "5", "", 25, true},
		{[]int64{29, 0, 0, 0, 0}, "5", "", 29, true},
		{[]int64{30, 0, 0, 0, 0}, "5", "", 25, true},
		{[]int64{100, 0, 0, 0, 0}, "10", "limitToPartitionsWithLag", 10, true},
		{[]int64{19, 0, 0, 0, 0}, "10", "limitToPartitionsWithLag", 19, true},
		{ten(0), "10", "ensureEvenDistributionOfPartitions", 10, false},
		{ten(11), "10", "ensureEvenDistributionOfPartitions", 20, true},
		{ten(51), "10", "ensureEvenDistributionOfPartitions", 100, true},
		{ten(1000), "10", "ensureEvenDistributionOfPartitions allowIdleConsumers", 100, true},
		{[]int64{100, -500}, "10", "", 0, false},
	} {
		t.Run(fmt.Sprintf("%v/%s/%s", c.lags, c.threshold, c.flags), func(t *testing.T) {
			pairs := []string{"compatibility", "keda", "lagThreshold", c.threshold}
			for flag := range strings.FieldsSeq(c.flags) {
				pairs = append(pairs, flag, "true")
			}
			kafka := newFakeKafka()
			kafka.lags(c.lags...)
			s := newTestServer(t, Options{Clusters: kafka})
			object := ref("worker", pairs...)
			value, active := evaluateAsKEDA(t, s, object)
			if value != float64(c.want) || active != c.active {
				t.Errorf("value %v, active %v; want %d, %v", value, active, c.want, c.active)
			}
		})
	}
}

// evaluateAsKEDA makes the three calls of one evaluation.
func evaluateAsKEDA(t *testing.T, s *Server, object *pb.ScaledObjectRef) (value float64, active bool) {
	t.Helper()
	ctx := t.Context()
	specs, err := s.GetMetricSpec(ctx, object)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(specs.GetMetricSpecs()); n != 1 {
		t.Fatalf("%d metric specs, want 1", n)
	}
	metrics, err := s.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: object, MetricName: specs.GetMetricSpecs()[0].GetMetricName()})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(metrics.GetMetricValues()); n != 1 {
		t.Fatalf("%d values, want 1: the HPA adds them up", n)
	}
	state, err := s.IsActive(ctx, object)
	if err != nil {
		t.Fatal(err)
	}
	return kedaValue(metrics.GetMetricValues()[0]), state.GetResult()
}

func TestGetMetricSpec(t *testing.T) {
	kafka := newFakeKafka() // never answers
	s := newTestServer(t, Options{Clusters: kafka})
	got, err := s.GetMetricSpec(t.Context(), ref("worker", "lagThreshold", "25"))
	if err != nil {
		t.Fatal(err)
	}
	spec := got.GetMetricSpecs()[0]
	if spec.GetMetricName() != "kafka-orders" || spec.GetTargetSize() != 25 || spec.GetTargetSizeFloat() != 25 || kedaTarget(spec) != 25 {
		t.Errorf("got %v", spec)
	}
	if kafka.asked() != 0 {
		t.Error("GetMetricSpec read the cluster")
	}
}

func TestGetMetricSpecInSeconds(t *testing.T) {
	s := newTestServer(t, Options{Clusters: newFakeKafka()})
	got, err := s.GetMetricSpec(t.Context(), ref("worker", "lagThreshold", "", "lagSecondsThreshold", "30"))
	if err != nil {
		t.Fatal(err)
	}
	spec := got.GetMetricSpecs()[0]
	if spec.GetMetricName() != "kafka-orders-seconds" || spec.GetTargetSize() != 30 || spec.GetTargetSizeFloat() != 30 {
		t.Errorf("got %v", spec)
	}
}

// Records without timestamps have an age that is not known, and that is no 0.
func TestAgeUnknown(t *testing.T) {
	kafka := newFakeKafka()
	kafka.lags(29, 0)
	s := newTestServer(t, Options{Clusters: kafka})
	for _, key := range []string{"lagSecondsThreshold", "activationLagSeconds"} {
		request := metricsRequest(ref("worker", "lagThreshold", "", key, "30"))
		request.MetricName = "" // it differs with the unit
		if got, err := s.GetMetrics(t.Context(), request); status.Code(err) != codes.Unavailable {
			t.Errorf("%s: %v, %v; want UNAVAILABLE", key, got, err)
		}
	}
}

func TestValuesForOldAndNewKEDA(t *testing.T) {
	kafka := newFakeKafka()
	s := newTestServer(t, Options{Clusters: kafka})
	for _, n := range []int64{0, 1, 42, 1 << 30} {
		kafka.lags(n)
		got, err := s.GetMetrics(t.Context(), metricsRequest(ref("worker", "allowIdleConsumers", "true")))
		if err != nil {
			t.Fatal(err)
		}
		v := got.GetMetricValues()[0]
		if v.GetMetricValue() != n || v.GetMetricValueFloat() != float64(n) || math.IsNaN(v.GetMetricValueFloat()) {
			t.Errorf("lag %d: got %v", n, v)
		}
		if kedaValue(v) != float64(n) {
			t.Errorf("lag %d: KEDA reads %v", n, kedaValue(v))
		}
	}
}

func TestMetricNames(t *testing.T) {
	kafka := newFakeKafka()
	kafka.lags(5)
	s := newTestServer(t, Options{Clusters: kafka})
	for asked, ok := range map[string]bool{
		"kafka-orders":       true,
		"s0-kafka-orders":    true,
		"s12-kafka-orders":   true,
		"":                   true,
		"s-kafka-orders":     false,
		"sx-kafka-orders":    false,
		"s1-s1-kafka-orders": false,
		"kafka-payments":     false,
	} {
		got, err := s.GetMetrics(t.Context(), &pb.GetMetricsRequest{ScaledObjectRef: ref("worker"), MetricName: asked})
		if !ok {
			if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), `"kafka-orders"`) {
				t.Errorf("%q: got %v, want INVALID_ARGUMENT that names the metric", asked, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", asked, err)
			continue
		}
		want := asked
		if want == "" {
			want = "kafka-orders"
		}
		if v := got.GetMetricValues()[0]; v.GetMetricName() != want || v.GetMetricValue() != 5 {
			t.Errorf("%q: got %v", asked, v)
		}
	}
}

func TestPin(t *testing.T) {
	kafka := newFakeKafka()
	kafka.lags(5)
	s := newTestServer(t, Options{Clusters: kafka})
	object := ref("worker")
	active := func() bool {
		got, err := s.IsActive(t.Context(), object)
		if err != nil {
			t.Fatal(err)
		}
		return got.GetResult()
	}
	if _, err := s.GetMetrics(t.Context(), metricsRequest(object)); err != nil {
		t.Fatal(err)
	}
	kafka.lags(0)
	if !active() {
		t.Error("IsActive after GetMetrics answered from another decision")
	}
	if active() {
		t.Error("the pinned decision was given twice")
	}
}

func TestPinExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := newFakeKafka()
		kafka.lags(5)
		s := newTestServer(t, Options{Clusters: kafka})
		object := ref("worker")
		if _, err := s.GetMetrics(t.Context(), metricsRequest(object)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		kafka.lags(0)
		if got, err := s.IsActive(t.Context(), object); err != nil || got.GetResult() {
			t.Errorf("got %v, %v; want the present state", got, err)
		}
	})
}

// TestKEDAPersistentLag: KEDA compares successive calls that return metrics, so
// nothing but GetMetrics may count as a call.
func TestKEDAPersistentLag(t *testing.T) {
	kafka := newFakeKafka()
	kafka.lags(7)
	s := newTestServer(t, Options{Clusters: kafka})
	object := ref("worker", "compatibility", "keda", "excludePersistentLag", "true")
	for range 3 { // none of these advances the memory
		if _, err := s.IsActive(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		explain(t, s, object)
	}
	value := func() int64 {
		got, err := s.GetMetrics(t.Context(), metricsRequest(object))
		if err != nil {
			t.Fatal(err)
		}
		return got.GetMetricValues()[0].GetMetricValue()
	}
	if got := value(); got != 7 {
		t.Errorf("first call: %d, want 7", got)
	}
	if got := explain(t, s, object).GetDecision().GetValue(); got != 0 {
		t.Errorf("explained %d, want 0, which is what the next call gets", got)
	}
	if got := value(); got != 0 {
		t.Errorf("second call with the same commit: %d, want 0", got)
	}
	if got, err := s.IsActive(t.Context(), object); err != nil || !got.GetResult() {
		t.Errorf("persistent lag must keep the workload active: %v, %v", got, err)
	}
	kafka.fail(errors.New("down"))
	if _, err := s.GetMetrics(t.Context(), metricsRequest(object)); err == nil {
		t.Fatal("no error")
	}
	kafka.lags(7)
	if got := value(); got != 7 {
		t.Errorf("after an error: %d, want 7, as KEDA has a new scaler then", got)
	}
}

func TestErrors(t *testing.T) {
	gone := &fault.Error{Kind: fault.NotFound, Op: "find", Object: `topic "orders"`, Err: errors.New("unknown topic"), Remedy: "create it"}
	for name, c := range map[string]struct {
		prepare func(*fakeKafka)
		want    codes.Code
	}{
		"unknown cluster":       {func(k *fakeKafka) { k.unknown = gone }, codes.NotFound},
		"no snapshot":           {func(k *fakeKafka) { k.fail(&fault.Error{Kind: fault.Unavailable, Op: "dial"}) }, codes.Unavailable},
		"denied":                {func(k *fakeKafka) { k.fail(&fault.Error{Kind: fault.Denied, Op: "read"}) }, codes.PermissionDenied},
		"precondition":          {func(k *fakeKafka) { k.fail(&fault.Error{Kind: fault.Precondition, Op: "read"}) }, codes.FailedPrecondition},
		"defect":                {func(k *fakeKafka) { k.fail(errors.New("oops")) }, codes.Internal},
		"caller's deadline":     {func(k *fakeKafka) { k.fail(context.DeadlineExceeded) }, codes.DeadlineExceeded},
		"caller went away":      {func(k *fakeKafka) { k.fail(context.Canceled) }, codes.Canceled},
		"broker's deadline":     {func(k *fakeKafka) { k.fail(&fault.Error{Kind: fault.Unavailable, Err: context.DeadlineExceeded}) }, codes.Unavailable},
		"topic missing":         {func(k *fakeKafka) { k.lags(0); k.snapshot.Err = gone }, codes.NotFound},
		"a partition not known": {func(k *fakeKafka) { k.lags(0, 1); k.snapshot.Offsets[1].ObservedAt = time.Time{} }, codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			kafka, observer := newFakeKafka(), &seen{}
			c.prepare(kafka)
			s := newTestServer(t, Options{Clusters: kafka, Observer: observer})
			_, err := s.GetMetrics(t.Context(), metricsRequest(ref("worker")))
			if status.Code(err) != c.want {
				t.Errorf("GetMetrics: %v, want %v", err, c.want)
			}
			if len(observer.decisions) != 1 || observer.decisions[0].Err == nil {
				t.Errorf("observer was told %+v", observer.decisions)
			}
			if _, err := s.IsActive(t.Context(), ref("worker")); status.Code(err) != c.want {
				t.Errorf("IsActive: %v, want %v", err, c.want)
			}
			if _, err := s.GetMetricSpec(t.Context(), ref("worker")); err != nil {
				t.Errorf("GetMetricSpec must not depend on Kafka: %v", err)
			}
		})
	}
}

// TestKnownLagIsProofEnough: what is known wakes a workload although there is no number; it
// never lets one sleep, and never becomes a number.
func TestKnownLagIsProofEnough(t *testing.T) {
	gone := &fault.Error{Kind: fault.NotFound, Op: "find", Object: `topic "payments"`}
	for name, c := range map[string]struct {
		pairs   []string
		prepare func(*fakeKafka)
		want    codes.Code
		active  bool
	}{
		"a partition that cannot be read":  {nil, func(k *fakeKafka) { k.snapshot.Offsets[1].ObservedAt = time.Time{} }, codes.Unavailable, true},
		"as much as is tolerated":          {[]string{"activationLagThreshold", "5"}, func(k *fakeKafka) { k.snapshot.Offsets[1].ObservedAt = time.Time{} }, codes.Unavailable, false},
		"one of several topics":            {nil, func(k *fakeKafka) { k.snapshot.Err = gone }, codes.NotFound, true},
		"the trigger itself is wrong":      {nil, func(k *fakeKafka) { k.snapshot.Err = &fault.Error{Kind: fault.Invalid, Op: "select"} }, codes.InvalidArgument, false},
		"KEDA's own trigger knows no such": {[]string{"compatibility", "keda"}, func(k *fakeKafka) { k.snapshot.Err = gone }, codes.NotFound, false},
		"the others may be at work": {
			[]string{"excludePersistentLag", "true", "excludePersistentLagFromActivation", "true"},
			func(k *fakeKafka) { k.snapshot.Err = gone }, codes.NotFound, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			kafka, observer := newFakeKafka(), &seen{}
			kafka.lags(5, 0)
			c.prepare(kafka)
			s := newTestServer(t, Options{Clusters: kafka, Observer: observer})
			object := ref("worker", c.pairs...)
			if got, err := s.GetMetrics(t.Context(), metricsRequest(object)); status.Code(err) != c.want {
				t.Errorf("GetMetrics: %v, %v, want %v", got, err, c.want)
			}
			got, err := s.IsActive(t.Context(), object)
			switch {
			case c.active && (err != nil || !got.GetResult()):
				t.Errorf("IsActive: %v, %v, want true", got, err)
			case !c.active && status.Code(err) != c.want:
				t.Errorf("IsActive: %v, %v, want %v", got, err, c.want)
			}
			if d := observer.decisions[0]; d.Err == nil || d.Active != c.active {
				t.Errorf("observer was told %+v", d)
			}
			x := explain(t, s, object)
			if x.GetError() == "" || x.GetDecision() != nil || strings.Contains(x.GetKnownActivation().GetReason(), "known record") != c.active {
				t.Errorf("explained %v", x)
			}
		})
	}
}

// TestDecisionsOfAClusterThatWasReplaced: nothing that was decided, pinned or remembered about it
// counts for the one that took its place.
func TestDecisionsOfAClusterThatWasReplaced(t *testing.T) {
	before, after := newFakeKafka(), newFakeKafka()
	before.lags(7)
	after.lags(0)
	var cluster scaledobject.Clusters = before
	resolve := func(ns string, c trigger.Connection) (scaledobject.Snapshots, error) { return cluster.Resolve(ns, c) }
	s := newTestServer(t, Options{Clusters: scaledobject.ClustersFunc(resolve)})
	value := func(object *pb.ScaledObjectRef) int64 {
		t.Helper()
		got, err := s.GetMetrics(t.Context(), metricsRequest(object))
		if err != nil {
			t.Fatal(err)
		}
		return got.GetMetricValues()[0].GetMetricValue()
	}
	object := ref("worker")
	keda := ref("keda", "compatibility", "keda", "excludePersistentLag", "true")
	for _, want := range []int64{7, 0} { // the second call finds the same commit
		if got := value(keda); got != want {
			t.Errorf("KEDA's arithmetic before: %d, want %d", got, want)
		}
	}
	if got := value(object); got != 7 {
		t.Errorf("before: %d, want 7", got)
	}
	cluster = after
	if got, err := s.IsActive(t.Context(), object); err != nil || got.GetResult() {
		t.Errorf("IsActive: %v, %v; want what the new cluster says, not what was pinned", got, err)
	}
	if got := value(object); got != 0 {
		t.Errorf("after: %d, want 0", got)
	}
	after.lags(7)
	if got := explain(t, s, keda).GetDecision().GetValue(); got != 7 {
		t.Errorf("KEDA's arithmetic, explained: %d, want 7", got)
	}
	if got := value(keda); got != 7 {
		t.Errorf("KEDA's arithmetic after: %d, want 7: the commits of the old cluster say nothing about it", got)
	}
}

func TestInvalidMetadata(t *testing.T) {
	s := newTestServer(t, Options{Clusters: newFakeKafka()})
	object := ref("worker", "lagThreshold", "many", "consumerGroup", "", "topick", "orders")
	_, spec := s.GetMetricSpec(t.Context(), object)
	_, metrics := s.GetMetrics(t.Context(), metricsRequest(object))
	_, active := s.IsActive(t.Context(), object)
	for call, err := range map[string]error{"GetMetricSpec": spec, "GetMetrics": metrics, "IsActive": active} {
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v, want INVALID_ARGUMENT", call, err)
			continue
		}
		for _, field := range []string{"lagThreshold", "consumerGroup", "topick"} {
			if !strings.Contains(err.Error(), field) {
				t.Errorf("%s: %v does not name %s", call, err, field)
			}
		}
	}
	if _, err := s.GetMetricSpec(t.Context(), nil); status.Code(err) != codes.InvalidArgument {
		t.Errorf("no reference at all: %v", err)
	}
}

// TestTargetLatency: the metric counts replicas. KEDA 2.17 and later prefer the float, whose target is 1; those before
// read the integers only, and get thousandths so that they land on the same number.
func TestTargetLatency(t *testing.T) {
	kafka := newFakeKafka()
	kafka.lags(3)
	s := newTestServer(t, Options{Clusters: kafka})
	object := ref("worker", "lagThreshold", "", "targetLatency", "30s")
	specs, err := s.GetMetricSpec(t.Context(), object)
	if err != nil {
		t.Fatal(err)
	}
	if spec := specs.GetMetricSpecs()[0]; spec.GetMetricName() != "kafka-orders-replicas" || spec.GetTargetSize() != 1000 || spec.GetTargetSizeFloat() != 1 {
		t.Errorf("got %v", spec)
	}
	if got, err := s.GetMetrics(t.Context(), &pb.GetMetricsRequest{ScaledObjectRef: object}); status.Code(err) != codes.Unavailable {
		t.Errorf("GetMetrics before there is a decision: %v, %v; want UNAVAILABLE, and nothing by lag", got, err)
	}
	if got, err := s.IsActive(t.Context(), object); err != nil || !got.GetResult() {
		t.Errorf("IsActive: %v, %v; want what lag says", got, err)
	}
	value := valueResponse("m", policy.Decision{Value: 2500, Target: 1000, Unit: policy.Millireplicas}).GetMetricValues()[0]
	if value.GetMetricValue() != 2500 || value.GetMetricValueFloat() != 2.5 {
		t.Errorf("got %v", value)
	}
	advise := ref("worker", "targetLatency", "30s", "latencyMode", "advise")
	if got, err := s.GetMetrics(t.Context(), metricsRequest(advise)); err != nil || got.GetMetricValues()[0].GetMetricValue() != 3 {
		t.Errorf("advise: %v, %v; want the lag", got, err)
	}
}

func TestMessageIsShortAndValid(t *testing.T) {
	text := messageOf(errors.New(strings.Repeat("\xff\u00e4", maxMessage)))
	if len(text) > maxMessage+len(" ...") || !strings.HasSuffix(text, " ...") {
		t.Errorf("%d bytes", len(text))
	}
	if strings.ToValidUTF8(text, "") != text {
		t.Error("not UTF-8")
	}
}

// TestMessageIsPrintable: what a broker wrote moves no cursor and forges no line of a log.
func TestMessageIsPrintable(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	kafka := newFakeKafka()
	kafka.fail(&fault.Error{Kind: fault.Unavailable, Op: "read", Err: errors.New("broker says \x1b[2J\r\nERROR all is lost\u202e")})
	s := newTestServer(t, Options{Clusters: kafka, Logger: zap.New(core)})
	const want = `read: broker says \x1b[2J\r\nERROR all is lost\u202e`
	_, err := s.GetMetrics(t.Context(), metricsRequest(ref("worker")))
	if got := status.Convert(err).Message(); got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	if got := logs.All()[0].ContextMap()["error"]; got != want {
		t.Errorf("logged %q, want %q", got, want)
	}
}

// TestManyCallers is for the race detector.
func TestManyCallers(t *testing.T) {
	kafka := newFakeKafka()
	kafka.lags(5)
	s := newTestServer(t, Options{Clusters: kafka, Observer: &seen{}})
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			object := ref("worker", "compatibility", "keda", "excludePersistentLag", "true")
			for n := range 200 {
				switch (i + n) % 5 {
				case 0:
					kafka.lags(int64(n))
				case 1:
					_, _ = s.IsActive(t.Context(), object)
				case 2:
					_, _ = s.GetMetricSpec(t.Context(), ref(fmt.Sprint("worker-", n%7)))
				case 3:
					s.registry.Look(refOf(object))
				default:
					_, _ = s.GetMetrics(t.Context(), metricsRequest(object))
				}
			}
		})
	}
	callers.Wait()
}
