package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
)

// Sizes of the attacks by streams.
const (
	mostStreams     = 3000
	mostSpecStreams = 300
	mostCut         = 500
	mostAtOnce      = 2000
)

// streams opens thousands of streams of one trigger, holds them for some seconds and
// ends them with their connection.
func (at *attacker) streams(ctx context.Context) {
	ref := at.ref(map[string]string{"cluster": "main", "topic": honestTopic(at.IntN(honestTopics)), "consumerGroup": at.groups()})
	at.hold(ctx, "streams of one trigger", 1+at.IntN(mostStreams), time.Duration(at.IntN(8000))*time.Millisecond,
		func(ctx context.Context, keda pb.ExternalScalerClient) (func() error, error) {
			stream, err := keda.StreamIsActive(ctx, ref)
			return func() error { _, err := stream.Recv(); return err }, err
		})
}

// specStreams does the same with StreamMetricSpec.
func (at *attacker) specStreams(ctx context.Context) {
	ref := at.ref(at.newGroup())
	at.hold(ctx, "spec streams", 1+at.IntN(mostSpecStreams), time.Duration(at.IntN(3000))*time.Millisecond,
		func(ctx context.Context, keda pb.ExternalScalerClient) (func() error, error) {
			stream, err := keda.StreamMetricSpec(ctx, ref)
			return func() error { _, err := stream.Recv(); return err }, err
		})
}

// streamsCut opens streams and cancels each at once, which is HTTP/2's "rapid reset".
func (at *attacker) streamsCut(ctx context.Context) {
	metadata := make([]map[string]string, 20)
	for i := range metadata {
		metadata[i] = at.newGroup()
	}
	at.hold(ctx, "streams cut", 1+at.IntN(mostCut), 0,
		func(ctx context.Context, keda pb.ExternalScalerClient) (func() error, error) {
			ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			i := int(time.Now().UnixNano()) % len(metadata) // dice belong to one goroutine
			stream, err := keda.StreamIsActive(ctx, &pb.ScaledObjectRef{Namespace: "evil-0", Name: fmt.Sprint("cut-", i), ScalerMetadata: metadata[i]})
			return func() error { _, err := stream.Recv(); return err }, err
		})
}

// hold opens so many streams over a connection of their own, and closes it when a while is over.
func (at *attacker) hold(ctx context.Context, kind string, count int, while time.Duration,
	open func(context.Context, pb.ExternalScalerClient) (receive func() error, err error),
) {
	conn, err := dial(at.victim.GRPC)
	if err != nil {
		at.notes.trouble("dial: %v", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, while+2*time.Second)
	defer cancel()
	keda := pb.NewExternalScalerClient(conn)
	var reading sync.WaitGroup
	for range count {
		reading.Go(func() {
			receive, err := open(ctx, keda)
			for err == nil {
				err = receive()
			}
			if ctx.Err() != nil || errors.Is(err, io.EOF) {
				err = nil // we ended it, or it has come to its end
			}
			at.notes.attack(kind, err)
		})
	}
	pace.Sleep(ctx, while)
	_ = conn.Close()
	reading.Wait()
}

// callsAtOnce has thousands of calls wait for a broker that does not answer, each for a group of its own.
func (at *attacker) callsAtOnce(ctx context.Context) {
	metadata := make([]map[string]string, 1+at.IntN(mostAtOnce))
	where := pick(at.dice, at.inline...)
	for i := range metadata {
		metadata[i] = map[string]string{"bootstrapServers": where, "topic": "hostile-0", "consumerGroup": at.fresh("g")}
	}
	var next atomic.Int64
	at.hold(ctx, "calls at once", len(metadata), 4*time.Second,
		func(ctx context.Context, keda pb.ExternalScalerClient) (func() error, error) {
			i := int(next.Add(1)) % len(metadata)
			_, err := keda.IsActive(ctx, &pb.ScaledObjectRef{Namespace: "evil-0", Name: fmt.Sprint("at-once-", i), ScalerMetadata: metadata[i]})
			return func() error { return io.EOF }, err
		})
}
