package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Streams are the open streams of all external-push triggers.
type Streams struct {
	// Open is how many are open, Messages how many messages have come, Failed how many streams have ended early.
	Open, Messages, Failed atomic.Int64

	cancel  context.CancelFunc
	reading sync.WaitGroup
}

// OpenStreams opens StreamIsActive and StreamMetricSpec for every trigger of type
// external-push, as KEDA does, within a span. One that ends is opened again after
// a second, unless it is not implemented.
func OpenStreams(ctx context.Context, conn grpc.ClientConnInterface, objects []Object, within time.Duration) *Streams {
	s := &Streams{}
	ctx, s.cancel = context.WithCancel(ctx)
	client := pb.NewExternalScalerClient(conn)
	began := time.Now()
	for i, o := range objects {
		if !o.Push {
			continue
		}
		sleepUntil(ctx, began.Add(within*time.Duration(i)/time.Duration(len(objects))))
		s.keep(ctx, func() (receiver, error) { return isActive(client.StreamIsActive(ctx, o.Ref)) })
		s.keep(ctx, func() (receiver, error) { return metricSpec(client.StreamMetricSpec(ctx, o.Ref)) })
	}
	return s
}

// receiver takes the next message.
type receiver func() error

func isActive(stream grpc.ServerStreamingClient[pb.IsActiveResponse], err error) (receiver, error) {
	return func() error { _, err := stream.Recv(); return err }, err
}

func metricSpec(stream grpc.ServerStreamingClient[pb.GetMetricSpecResponse], err error) (receiver, error) {
	return func() error { _, err := stream.Recv(); return err }, err
}

func (s *Streams) keep(ctx context.Context, open func() (receiver, error)) {
	s.reading.Go(func() {
		for ctx.Err() == nil {
			receive, err := open()
			if err == nil {
				s.Open.Add(1)
				for err = receive(); err == nil; err = receive() {
					s.Messages.Add(1)
				}
				s.Open.Add(-1)
				if status.Code(err) == codes.Unimplemented {
					return
				}
			}
			if ctx.Err() == nil {
				s.Failed.Add(1)
			}
			sleepUntil(ctx, time.Now().Add(time.Second))
		}
	})
}

// Close ends all streams.
func (s *Streams) Close() {
	s.cancel()
	s.reading.Wait()
}
