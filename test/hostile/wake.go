package hostile

import (
	"context"
	"fmt"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
)

// wake has one idle workload woken by a record, and put to sleep by a commit, again
// and again. A stream that misses either leaves a workload asleep, or awake.
func (h *honestSide) wake(ctx context.Context, i int) {
	topic := wakerTopic(i)
	ref := &pb.ScaledObjectRef{
		Namespace: "honest-1", Name: topic,
		ScalerMetadata: map[string]string{"cluster": "main", "topic": topic, "consumerGroup": "group-of-" + topic, "lagThreshold": "10"},
	}
	end := int64(0)
	for ctx.Err() == nil {
		if err := h.wakeOnOneStream(ctx, ref, topic, &end); err != nil && ctx.Err() == nil {
			h.notes.trouble("%s: %v", topic, err)
		}
		pace.Sleep(ctx, time.Second)
	}
}

func (h *honestSide) wakeOnOneStream(ctx context.Context, ref *pb.ScaledObjectRef, topic string, end *int64) error {
	life, cancel := context.WithCancel(ctx)
	defer cancel()
	said := make(chan bool, 16)
	go h.follow(life, ref, said)
	for pace.Sleep(ctx, 3*time.Second) {
		sent := time.Now()
		if err := h.kafka.Produce(ctx, topic, 0, 1); err != nil {
			return err
		}
		*end++
		if err := awaitActivity(ctx, said, true); err != nil {
			h.notes.silent("%s: a record came, and %v", topic, err)
			return h.kafka.Commit(ctx, "group-of-"+topic, topic, map[int32]int64{0: *end})
		}
		h.notes.took("wake", "StreamIsActive", time.Since(sent))
		if err := h.kafka.Commit(ctx, "group-of-"+topic, topic, map[int32]int64{0: *end}); err != nil {
			return err
		}
		if err := awaitActivity(ctx, said, false); err != nil {
			h.notes.silent("%s: all is committed, and %v", topic, err)
			return nil
		}
	}
	return nil
}

// follow passes on what the streams of a trigger say, one after the other: each ends by itself after its life,
// and KEDA opens the next.
func (h *honestSide) follow(ctx context.Context, ref *pb.ScaledObjectRef, said chan<- bool) {
	for {
		if stream, err := h.keda.StreamIsActive(ctx, ref); err == nil {
			receiveAll(ctx, stream, said)
		}
		if !pace.Sleep(ctx, time.Second) {
			return
		}
	}
}

func receiveAll(ctx context.Context, stream grpc.ServerStreamingClient[pb.IsActiveResponse], said chan<- bool) {
	for {
		message, err := stream.Recv()
		if err != nil {
			return
		}
		select {
		case said <- message.GetResult():
		case <-ctx.Done():
			return
		}
	}
}

// awaitActivity waits until a stream says so.
func awaitActivity(ctx context.Context, said <-chan bool, want bool) error {
	late := time.NewTimer(wakePatience)
	defer late.Stop()
	for {
		select {
		case active := <-said:
			if active == want {
				return nil
			}
		case <-late.C:
			return fmt.Errorf("the stream did not say %t within %s", want, wakePatience)
		case <-ctx.Done():
			return nil
		}
	}
}
