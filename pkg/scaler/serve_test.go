package scaler

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionalphapb "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// patience is how long a test waits for what should happen at once.
const patience = 30 * time.Second

// running is a server in Run and a connection to it.
type running struct {
	t     testing.TB
	core  *Server
	conn  *grpc.ClientConn
	keda  pb.ExternalScalerClient
	stop  context.CancelFunc
	ended chan error
}

func runServer(t testing.TB, o Options) *running {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	return runOn(t, o, listener, "passthrough:bufconn", func(ctx context.Context, _ string) (net.Conn, error) {
		return listener.DialContext(ctx)
	})
}

func runOn(t testing.TB, o Options, listener net.Listener, target string, dial func(context.Context, string) (net.Conn, error)) *running {
	t.Helper()
	s, err := NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	if dial != nil {
		options = append(options, grpc.WithContextDialer(dial))
	}
	conn, err := grpc.NewClient(target, options...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{t: t, core: s, conn: conn, keda: pb.NewExternalScalerClient(conn), stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- s.Run(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		_ = conn.Close()
		r.waitForEnd()
	})
	return r
}

// waitForEnd may be called more than once.
func (r *running) waitForEnd() {
	r.t.Helper()
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Errorf("Run: %v", err)
		}
		r.ended <- nil
	case <-time.After(patience):
		r.t.Error("Run did not end")
	}
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func TestServeOverTCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	kafka := newFakeKafka()
	kafka.lags(12, 0, 0)
	r := runOn(t, Options{Clusters: kafka}, listener, listener.Addr().String(), nil)
	ctx := within(t)
	got, err := r.keda.GetMetrics(ctx, metricsRequest(ref("worker")))
	if err != nil {
		t.Fatal(err)
	}
	if v := kedaValue(got.GetMetricValues()[0]); v != 12 {
		t.Errorf("value %v, want 12", v)
	}
	if active, err := r.keda.IsActive(ctx, ref("worker")); err != nil || !active.GetResult() {
		t.Errorf("active: %v, %v", active, err)
	}
	stream, err := r.keda.StreamIsActive(ctx, ref("worker"))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := stream.Recv(); err != nil || !m.GetResult() {
		t.Errorf("stream: %v, %v", m, err)
	}
	x, err := kafkascalerv1.NewKafkaScalerServiceClient(r.conn).Explain(ctx, &kafkascalerv1.ExplainRequest{Namespace: "shop", Name: "worker"})
	if err != nil || len(x.GetExplanations()) != 1 {
		t.Errorf("explain: %v, %v", x, err)
	}
}

func TestInvalidMetadataOverTheWire(t *testing.T) {
	r := runServer(t, Options{Clusters: newFakeKafka()})
	ctx := within(t)
	object := ref("worker", "lagThreshold", "-1")
	_, want := trigger.Parse(object.GetScalerMetadata())
	_, unary := r.keda.GetMetrics(ctx, metricsRequest(object))
	active, err := r.keda.StreamIsActive(ctx, object)
	if err != nil {
		t.Fatal(err)
	}
	_, activeErr := active.Recv()
	spec, err := r.keda.StreamMetricSpec(ctx, object)
	if err != nil {
		t.Fatal(err)
	}
	_, specErr := spec.Recv()
	for call, got := range map[string]error{"GetMetrics": unary, "StreamIsActive": activeErr, "StreamMetricSpec": specErr} {
		if status.Code(got) != codes.InvalidArgument || status.Convert(got).Message() != want.Error() {
			t.Errorf("%s: %v, want %v", call, got, want)
		}
	}
}

func TestDrainEndsStreamsCleanly(t *testing.T) {
	kafka := newFakeKafka()
	kafka.lags(0)
	r := runServer(t, Options{Clusters: kafka})
	ctx := within(t)
	health := healthpb.NewHealthClient(r.conn)
	watch, err := health.Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := watch.Recv(); err != nil || m.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Fatalf("health: %v, %v", m, err)
	}
	var streams []func() error
	for range 20 {
		active, err := r.keda.StreamIsActive(ctx, ref("worker"))
		if err != nil {
			t.Fatal(err)
		}
		spec, err := r.keda.StreamMetricSpec(ctx, ref("worker"))
		if err != nil {
			t.Fatal(err)
		}
		if m, err := spec.Recv(); err != nil || len(m.GetMetricSpecs()) != 1 {
			t.Fatalf("spec: %v, %v", m, err)
		}
		streams = append(streams,
			func() error { _, err := active.Recv(); return err },
			func() error { _, err := spec.Recv(); return err })
	}
	r.stop()
	for _, receive := range streams {
		if err := receive(); !errors.Is(err, io.EOF) {
			t.Errorf("stream ended with %v; KEDA reopens at once only after EOF", err)
		}
	}
	for err == nil {
		var m *healthpb.HealthCheckResponse
		if m, err = watch.Recv(); err == nil && m.GetStatus() == healthpb.HealthCheckResponse_SERVING {
			t.Error("health says SERVING while draining")
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("health watch ended with %v", err)
	}
	r.waitForEnd()
	for _, name := range []string{"", "externalscaler.ExternalScaler"} {
		if m, err := r.core.health.Check(ctx, &healthpb.HealthCheckRequest{Service: name}); m.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
			t.Errorf("health of %q after the end: %v, %v", name, m, err)
		}
	}
}

// TestManyStreamsOnOneConnection: KEDA holds two streams for every push trigger
// on the connection that it also polls on, and does without the second where it is refused.
func TestManyStreamsOnOneConnection(t *testing.T) {
	kafka := newFakeKafka()
	kafka.lags(3)
	r := runServer(t, Options{Clusters: kafka})
	ctx := within(t)
	const triggers = 1100
	for i := range triggers {
		object := ref(fmt.Sprint("worker-", i))
		active, err := r.keda.StreamIsActive(ctx, object)
		if err != nil {
			t.Fatal(err)
		}
		spec, err := r.keda.StreamMetricSpec(ctx, object)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := active.Recv(); err != nil {
			t.Fatalf("stream %d: %v", i, err)
		}
		want := codes.OK
		if i >= maxSpecStreams {
			want = codes.Unimplemented
		}
		if _, err := spec.Recv(); status.Code(err) != want {
			t.Fatalf("stream %d: %v, want %s", i, err, want)
		}
	}
	if _, err := r.keda.GetMetrics(ctx, metricsRequest(ref("worker-0"))); err != nil {
		t.Errorf("a poll beside %d streams: %v", 2*triggers, err)
	}
}

// TestDrainIsBounded: a call that does not end is cut off.
func TestDrainIsBounded(t *testing.T) {
	kafka := newFakeKafka() // never answers
	r := runServer(t, Options{Clusters: kafka, Deadline: patience * 2, DrainTimeout: 50 * time.Millisecond})
	failed := make(chan error, 1)
	go func() {
		_, err := r.keda.GetMetrics(context.Background(), metricsRequest(ref("worker"))) // as KEDA does, forever
		failed <- err
	}()
	for deadline := time.Now().Add(patience); kafka.asked() == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	r.stop()
	r.waitForEnd()
	if err := <-failed; err == nil {
		t.Error("the call was answered")
	}
}

func TestCallsWithoutDeadlineGetOne(t *testing.T) {
	r := runServer(t, Options{Clusters: newFakeKafka(), Deadline: 20 * time.Millisecond})
	_, err := r.keda.GetMetrics(within(t), metricsRequest(ref("worker")))
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}

func TestHealthByName(t *testing.T) {
	r := runServer(t, Options{Clusters: newFakeKafka()})
	health := healthpb.NewHealthClient(r.conn)
	for _, name := range []string{"", "externalscaler.ExternalScaler", "kafkascaler.v1.KafkaScalerService"} {
		got, err := health.Check(within(t), &healthpb.HealthCheckRequest{Service: name})
		if err != nil || got.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	if _, err := health.Check(within(t), &healthpb.HealthCheckRequest{Service: "nobody"}); status.Code(err) != codes.NotFound {
		t.Errorf("unknown service: %v", err)
	}
}

func TestReflection(t *testing.T) {
	r := runServer(t, Options{Clusters: newFakeKafka()})
	want := []string{
		"externalscaler.ExternalScaler", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
		"grpc.reflection.v1alpha.ServerReflection", "kafkascaler.v1.KafkaScalerService",
	}
	stream, err := reflectionpb.NewServerReflectionClient(r.conn).ServerReflectionInfo(within(t))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(q *reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
		if err := stream.Send(q); err != nil {
			t.Fatal(err)
		}
		got, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	list := ask(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
	var names []string
	for _, service := range list.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	slices.Sort(names)
	if !slices.Equal(names, want) {
		t.Errorf("listed %q, want %q", names, want)
	}
	for _, name := range want {
		file := ask(&reflectionpb.ServerReflectionRequest{
			MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name},
		})
		if len(file.GetFileDescriptorResponse().GetFileDescriptorProto()) == 0 {
			t.Errorf("%s: no descriptor, so grpcurl cannot call it: %v", name, file)
		}
	}
	_ = stream.CloseSend()
	old, err := reflectionalphapb.NewServerReflectionClient(r.conn).ServerReflectionInfo(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Send(&reflectionalphapb.ServerReflectionRequest{MessageRequest: &reflectionalphapb.ServerReflectionRequest_ListServices{}}); err != nil { //nolint:staticcheck // old clients use it
		t.Fatal(err)
	}
	if got, err := old.Recv(); err != nil || len(got.GetListServicesResponse().GetService()) != len(want) { //nolint:staticcheck // see above
		t.Errorf("v1alpha: %v, %v", got, err)
	}
	_ = old.CloseSend()
}

// panicking is a cluster whose code has a defect.
type panicking struct{}

func (panicking) Resolve(string, trigger.Connection) (scaledobject.Snapshots, error) { panic("s3cr3t") }

func TestPanicIsAnError(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	metrics := prometheus.NewRegistry()
	r := runServer(t, Options{Clusters: panicking{}, Logger: zap.New(core), Registerer: metrics})
	for range 2 {
		_, err := r.keda.GetMetrics(within(t), metricsRequest(ref("worker")))
		if status.Code(err) != codes.Internal || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("got %v", err)
		}
	}
	if n := logs.FilterMessage("panic in RPC").Len(); n != 2 {
		t.Errorf("%d panics logged, want 2", n)
	}
	if n := sumOf(t, metrics, "kafka_scaler_grpc_panics_total"); n != 2 {
		t.Errorf("%v panics counted, want 2", n)
	}
	if n := sumOf(t, metrics, "grpc_server_handled_total"); n != 2 {
		t.Errorf("%v calls counted, want 2", n)
	}
}

// sumOf adds up a counter's series.
func sumOf(t *testing.T, metrics prometheus.Gatherer, name string) (sum float64) {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			for _, m := range family.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func TestMetricsAreRegisteredOnce(t *testing.T) {
	metrics := prometheus.NewRegistry()
	newTestServer(t, Options{Registerer: metrics})
	if _, err := NewServer(Options{Registerer: metrics}); err == nil {
		t.Error("a second server took the first one's metrics")
	}
}

// TestFailuresAreLoggedOnChange: KEDA repeats a failing call several times a minute for as long as it fails.
func TestFailuresAreLoggedOnChange(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	kafka := newFakeKafka()
	s := newTestServer(t, Options{Clusters: kafka, Logger: zap.New(core)})
	ask := func(times int) {
		for range times {
			_, _ = s.GetMetrics(t.Context(), metricsRequest(ref("worker")))
		}
	}
	for age := range 5 { // the text of the same outage changes at every call
		kafka.fail(&fault.Error{Kind: fault.Unavailable, Op: "dial", Err: fmt.Errorf("read %d s ago", age)})
		ask(1)
	}
	kafka.fail(&fault.Error{Kind: fault.Denied, Op: "read"})
	ask(5)
	kafka.fail(context.Canceled) // says nothing about the trigger
	ask(5)
	kafka.lags(1)
	ask(5)
	var got []string
	for _, entry := range logs.All() {
		kind, _ := entry.ContextMap()["kind"].(string)
		got = append(got, entry.Level.String()+" "+kind)
	}
	if want := []string{"warn unavailable", "warn denied", "info "}; !slices.Equal(got, want) {
		t.Errorf("logged %q, want %q", got, want)
	}
}

func TestTLS(t *testing.T) {
	// Only for the certificate that net/http/httptest makes.
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	defer web.Close()
	listener := bufconn.Listen(1 << 20)
	trusted := x509.NewCertPool()
	trusted.AddCert(web.Certificate())
	runOn(t, Options{
		Clusters:    newFakeKafka(),
		Credentials: credentials.NewTLS(&tls.Config{Certificates: web.TLS.Certificates}),
	}, listener, "passthrough:bufconn", nil)
	conn, err := grpc.NewClient("passthrough:bufconn",
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: trusted, ServerName: "example.com"})),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := pb.NewExternalScalerClient(conn).GetMetricSpec(within(t), ref("worker")); err != nil {
		t.Error(err)
	}
}

func TestRunForgetsIdleTriggers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t, Options{Clusters: newFakeKafka()})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx, bufconn.Listen(1)) }()
		s.registry.Get(refOf(ref("worker")))
		time.Sleep(10 * time.Minute)
		if len(s.registry.Of("shop", "worker")) == 0 {
			t.Error("forgotten too soon")
		}
		time.Sleep(time.Minute)
		if len(s.registry.Of("shop", "worker")) != 0 {
			t.Error("not forgotten")
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestClustersFunc(t *testing.T) {
	kafka, missing := newFakeKafka(), errors.New("not configured")
	clusters := scaledobject.ClustersFunc(func(_ string, c trigger.Connection) (*fakeKafka, error) {
		if c.Cluster != "main" {
			return nil, missing
		}
		return kafka, nil
	})
	if got, err := clusters.Resolve("shop", trigger.Connection{Cluster: "main"}); got != scaledobject.Snapshots(kafka) || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := clusters.Resolve("shop", trigger.Connection{Cluster: "other"}); got != nil || !errors.Is(err, missing) {
		t.Errorf("got %v, %v; a nil pointer in an interface is not nil", got, err)
	}
}

func TestRunAfterTheEnd(t *testing.T) {
	s := newTestServer(t, Options{Clusters: newFakeKafka()})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := s.Run(ctx, bufconn.Listen(1)); err != nil {
		t.Error(err)
	}
}

func TestRunEndsWithItsListener(t *testing.T) {
	s := newTestServer(t, Options{Clusters: newFakeKafka()})
	listener := bufconn.Listen(1)
	_ = listener.Close()
	if err := s.Run(t.Context(), listener); err == nil {
		t.Error("no error")
	}
}
