package scaler

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// Defaults of [Options].
const (
	// DefaultDeadline is longer than a collector's first read of a new query may take.
	DefaultDeadline = 5 * time.Second
	// DefaultDrainTimeout fits into Kubernetes' 30 s of grace beside a preStop sleep of 5 s.
	DefaultDrainTimeout = 20 * time.Second
)

const (
	// maxRequest bounds a request, in bytes. Metadata of a trigger is a few hundred.
	maxRequest = 256 << 10
	// maxHeaders bounds the headers of a request, in bytes. gRPC itself would take 16 MB. KEDA sends a few hundred.
	maxHeaders = 16 << 10
	// minPing is how often a client may ping.
	minPing = 10 * time.Second
	// pingAfter and pingTimeout find connections whose other end is gone.
	pingAfter   = 30 * time.Second
	pingTimeout = 10 * time.Second
	// maxConnectionAge makes clients connect again, so that they find new replicas of the scaler.
	maxConnectionAge = 30 * time.Minute
	// streamLifetime, give or take a tenth, is when a stream ends by itself, without an error. What is still
	// open when maxConnectionAgeGrace is over gets an error, after which KEDA waits ever longer to reopen.
	streamLifetime        = 30 * time.Minute
	maxConnectionAgeGrace = 40 * time.Minute
)

// Options are what a [Server] is made of. Only Clusters is required.
type Options struct {
	Clusters scaledobject.Clusters
	// Logger gets each trigger's failures, when they begin, change and end; at debug level every call.
	Logger *zap.Logger
	// Observer is told of decisions.
	Observer scaledobject.Observer
	// Registerer gets the gRPC metrics.
	Registerer prometheus.Registerer
	// Credentials are the server's TLS; nil serves plaintext.
	Credentials credentials.TransportCredentials
	// Deadline bounds every unary RPC. It must exceed what a collector allows for the first read of a query.
	Deadline time.Duration
	// DrainTimeout bounds the end of [Server.Run].
	DrainTimeout time.Duration
	// MemoryLimit is how many bytes of memory the process may use; 0 for any number. Open streams take at most
	// half of it, and nothing new is taken up while half of it is in use.
	MemoryLimit int64
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Registerer == nil {
		o.Registerer = prometheus.NewRegistry()
	}
	if o.Deadline <= 0 {
		o.Deadline = DefaultDeadline
	}
	if o.DrainTimeout <= 0 {
		o.DrainTimeout = DefaultDrainTimeout
	}
}

// Server answers KEDA's RPCs and our own, with health and reflection beside them.
type Server struct {
	pb.UnimplementedExternalScalerServer
	kafkascalerv1.UnimplementedKafkaScalerServiceServer

	registry  *scaledobject.Registry
	evaluator *scaledobject.Evaluator
	log       *zap.Logger
	panics    panics

	grpc         *grpc.Server
	health       *health.Server
	deadline     time.Duration
	drainTimeout time.Duration
	// specStreams is how many StreamMetricSpec are open.
	specStreams atomic.Int64
	// explains is how many Explain are underway.
	explains atomic.Int64
	// draining ends the streams.
	draining context.Context
	drain    context.CancelFunc
}

// NewServer returns a server that [Server.Run] starts. It fails where metrics of
// the same names are registered already.
func NewServer(o Options) (*Server, error) {
	o.setDefaults()
	s := &Server{
		log:          o.Logger,
		panics:       newPanics(o.Logger),
		health:       health.NewServer(),
		deadline:     o.Deadline,
		drainTimeout: o.DrainTimeout,
	}
	s.registry = scaledobject.NewRegistry(o.Observer, o.MemoryLimit, s.panics.catch)
	s.evaluator = scaledobject.NewEvaluator(o.Clusters, s.panics.catch)
	s.draining, s.drain = context.WithCancel(context.Background())
	metrics := grpcprom.NewServerMetrics(grpcprom.WithServerHandlingTimeHistogram())
	for _, c := range []prometheus.Collector{metrics, s.panics.count} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, err
		}
	}
	s.grpc = grpc.NewServer(append(s.interceptors(metrics), transport(o.Credentials)...)...)
	s.register()
	metrics.InitializeMetrics(s.grpc)
	return s, nil
}

// transport leaves the number of streams unlimited: KEDA holds two for every push
// trigger on one connection, and a limit would queue the unary calls behind them.
func transport(creds credentials.TransportCredentials) []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxRequest),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.WaitForHandlers(true),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time:                  pingAfter,
			Timeout:               pingTimeout,
			MaxConnectionAge:      maxConnectionAge,
			MaxConnectionAgeGrace: maxConnectionAgeGrace,
		}),
	}
	if creds != nil {
		options = append(options, grpc.Creds(creds))
	}
	return options
}

func (s *Server) register() {
	pb.RegisterExternalScalerServer(s.grpc, s)
	kafkascalerv1.RegisterKafkaScalerServiceServer(s.grpc, s)
	healthpb.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	for _, service := range []string{pb.ExternalScaler_ServiceDesc.ServiceName, kafkascalerv1.KafkaScalerService_ServiceDesc.ServiceName} {
		s.health.SetServingStatus(service, healthpb.HealthCheckResponse_SERVING)
	}
}

// Run serves on the listener, which it closes, until ctx is done, and then
// drains: health turns to NOT_SERVING, streams end without an error, calls in
// flight finish. It returns nil after a drain, and may be called once.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	var background sync.WaitGroup
	defer background.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	background.Go(func() { s.registry.Run(ctx) })
	background.Go(func() { s.evaluator.Plan(ctx, s.registry) })
	served := make(chan error, 1)
	background.Go(func() { served <- s.grpc.Serve(listener) })
	select {
	case err := <-served:
		s.stop()
		return err
	case <-ctx.Done():
		s.stop()
		// It is ErrServerStopped where ctx was done before the listener was served.
		if err := <-served; !errors.Is(err, grpc.ErrServerStopped) {
			return err
		}
		return nil
	}
}

func (s *Server) stop() {
	s.health.Shutdown()
	s.drain()
	timer := time.AfterFunc(s.drainTimeout, s.grpc.Stop)
	defer timer.Stop()
	s.grpc.GracefulStop()
}
