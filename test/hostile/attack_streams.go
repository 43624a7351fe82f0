package hostile

import (
	"context"
	"fmt"
	"sync"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
)

// Sizes of the attacks by streams.
const (
	mostStreams     = 3000
	mostSpecStreams = 300
	mostCut         = 500
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
	conn, err := dial(at.victim.grpc)
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
			if ctx.Err() != nil {
				err = nil // we ended it
			}
			at.notes.attack(kind, err)
		})
	}
	sleep(ctx, while)
	_ = conn.Close()
	reading.Wait()
}
