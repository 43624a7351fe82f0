package load

import (
	"context"
	"errors"
	"net"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
)

// Echo is an external scaler that knows nothing and answers at once: what any
// external scaler in Go costs at least.
type Echo struct {
	pb.UnimplementedExternalScalerServer
}

// Serve answers on the address until ctx ends.
func (e Echo) Serve(ctx context.Context, address string) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	pb.RegisterExternalScalerServer(server, e)
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	if err := server.Serve(l); !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil
}

// GetMetricSpec implements pb.ExternalScalerServer.
func (Echo) GetMetricSpec(context.Context, *pb.ScaledObjectRef) (*pb.GetMetricSpecResponse, error) {
	return &pb.GetMetricSpecResponse{MetricSpecs: []*pb.MetricSpec{{MetricName: "kafka-bench-topic-0000", TargetSize: 10, TargetSizeFloat: 10}}}, nil
}

// GetMetrics implements pb.ExternalScalerServer.
func (Echo) GetMetrics(_ context.Context, req *pb.GetMetricsRequest) (*pb.GetMetricsResponse, error) {
	return &pb.GetMetricsResponse{MetricValues: []*pb.MetricValue{{MetricName: req.GetMetricName(), MetricValue: 20, MetricValueFloat: 20}}}, nil
}

// IsActive implements pb.ExternalScalerServer.
func (Echo) IsActive(context.Context, *pb.ScaledObjectRef) (*pb.IsActiveResponse, error) {
	return &pb.IsActiveResponse{Result: true}, nil
}

// StreamIsActive implements pb.ExternalScalerServer.
func (Echo) StreamIsActive(_ *pb.ScaledObjectRef, stream grpc.ServerStreamingServer[pb.IsActiveResponse]) error {
	if err := stream.Send(&pb.IsActiveResponse{Result: true}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

// StreamMetricSpec implements pb.ExternalScalerServer.
func (Echo) StreamMetricSpec(_ *pb.ScaledObjectRef, stream grpc.ServerStreamingServer[pb.GetMetricSpecResponse]) error {
	<-stream.Context().Done()
	return nil
}
