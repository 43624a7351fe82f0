package scaler

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	middleware "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// interceptors are, outermost first: metrics, the log of every call, deadline or
// end of stream, and recovery, so that the others see a panic as an error.
func (s *Server) interceptors(metrics *grpcprom.ServerMetrics) []grpc.ServerOption {
	unary := []grpc.UnaryServerInterceptor{metrics.UnaryServerInterceptor()}
	stream := []grpc.StreamServerInterceptor{metrics.StreamServerInterceptor()}
	// The middleware gathers its fields before it looks at the level, so it is left out where they would be
	// dropped. Failures are logged by trigger, when they change: see Server.fail.
	if s.log.Core().Enabled(zap.DebugLevel) {
		calls := logging.LoggerFunc(s.logCall)
		options := []logging.Option{
			logging.WithLogOnEvents(logging.FinishCall),
			logging.WithLevels(func(codes.Code) logging.Level { return logging.LevelDebug }),
		}
		unary = append(unary, logging.UnaryServerInterceptor(calls, options...))
		stream = append(stream, logging.StreamServerInterceptor(calls, options...))
	}
	recovered := recovery.WithRecoveryHandlerContext(s.recovered)
	unary = append(unary, s.boundCall, recovery.UnaryServerInterceptor(recovered))
	stream = append(stream, s.boundStream, recovery.StreamServerInterceptor(recovered))
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(unary...), grpc.ChainStreamInterceptor(stream...)}
}

// boundCall gives every unary RPC the deadline that KEDA does not send.
func (s *Server) boundCall(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, s.deadline)
	defer cancel()
	return handler(ctx, req)
}

// errEnded is why a stream's context is done when the server ends the stream and not the client.
var errEnded = errors.New("the server ended the stream")

// boundStream ends a stream cleanly when the server drains and when the stream
// has lived for streamLifetime.
func (s *Server) boundStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	end := func() { cancel(errEnded) }
	defer context.AfterFunc(s.draining, end)()
	timer := time.AfterFunc(jittered(streamLifetime), end)
	defer timer.Stop()
	wrapped := middleware.WrapServerStream(stream)
	wrapped.WrappedContext = ctx
	err := handler(srv, wrapped)
	if errors.Is(context.Cause(ctx), errEnded) {
		return nil
	}
	return err
}

// jittered returns d give or take a tenth, so that streams opened together do not end together.
func jittered(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5) //nolint:gosec // no secret depends on it
}

// recovered makes an error of a panic in an RPC.
func (s *Server) recovered(ctx context.Context, p any) error {
	method, _ := grpc.Method(ctx)
	return statusOf(s.panics.note(method, p))
}

// logCall writes what the logging middleware gathered, keys and values in turn.
func (s *Server) logCall(_ context.Context, _ logging.Level, msg string, pairs ...any) {
	fields := make([]zap.Field, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		if key, ok := pairs[i].(string); ok {
			fields = append(fields, zap.Any(key, pairs[i+1]))
		}
	}
	s.log.Debug(msg, fields...)
}
