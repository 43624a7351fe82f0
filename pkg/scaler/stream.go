package scaler

import (
	"context"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
)

// maxSpecStreams bounds the StreamMetricSpec that are open at once. Each costs some 12 KB for as long as it
// lives, and tells nothing that GetMetricSpec does not.
const maxSpecStreams = 100

// StreamIsActive sends true when the trigger is or becomes active, and false
// when it ceases to be. What is not known changes nothing: the last known true is
// said again now and then, a false is not. It ends with an error for invalid
// metadata or an unknown cluster, stays open while a cluster is down, and ends
// without an error where a newer stream takes its place.
func (s *Server) StreamIsActive(ref *pb.ScaledObjectRef, server grpc.ServerStreamingServer[pb.IsActiveResponse]) error {
	e := s.registry.Get(refOf(ref))
	if err := e.Err(); err != nil {
		return s.fail(e, err)
	}
	ctx, end := context.WithCancel(server.Context())
	defer end()
	held, err := s.registry.Open(e, end)
	if err != nil {
		return s.fail(e, err)
	}
	defer held.Close()
	// On a goroutine of its own, because a stream spends its life waiting: the stack on which gRPC calls this
	// method would be twice as large for as long.
	said := make(chan error, 1)
	var panicked error
	go func() {
		var err error
		panicked = s.panics.catch("StreamIsActive", func() { err = s.sayActivity(ctx, held, server.Send) })
		said <- err
	}()
	err = <-said
	if panicked != nil {
		return statusOf(panicked)
	}
	if server.Context().Err() == nil && ctx.Err() != nil {
		return nil
	}
	return err
}

// sayActivity tells send what a stream says, until ctx ends.
func (s *Server) sayActivity(ctx context.Context, held *scaledobject.Stream, send func(*pb.IsActiveResponse) error) error {
	var unsent error
	err := s.evaluator.Follow(ctx, held, func(active bool) error {
		unsent = send(&pb.IsActiveResponse{Result: active})
		return unsent
	})
	switch {
	case unsent != nil:
		return unsent
	case ctx.Err() != nil:
		return statusOf(ctx.Err())
	}
	return s.fail(held.Entry(), err)
}

// StreamMetricSpec sends the metric's name and target at once. They follow from
// the metadata, which is fixed for a stream, so nothing more is sent until it
// ends: KEDA takes an open stream for "nothing has changed". Beyond maxSpecStreams it
// answers UNIMPLEMENTED, upon which KEDA does without the stream, and without a word
// (v2.21.0, pkg/scalers/external_scaler.go, streamMetricSpecOnce).
func (s *Server) StreamMetricSpec(ref *pb.ScaledObjectRef, stream grpc.ServerStreamingServer[pb.GetMetricSpecResponse]) error {
	e := s.registry.Get(refOf(ref))
	if err := e.Err(); err != nil {
		return s.fail(e, err)
	}
	defer s.specStreams.Add(-1)
	if s.specStreams.Add(1) > maxSpecStreams {
		return status.Errorf(codes.Unimplemented, "%d of these streams are open, and they tell no more than GetMetricSpec does", maxSpecStreams)
	}
	if err := stream.Send(specResponse(e)); err != nil {
		return err
	}
	<-stream.Context().Done()
	return statusOf(stream.Context().Err())
}
