package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kafka-scaler/kafka-scaler/internal/pace"
)

const (
	// pollEvery is KEDA's pollingInterval here, shorter than its 30 s, for more to be seen in a short run.
	pollEvery = 5 * time.Second
	// callTimeout is how long KEDA's operator waits for an external scaler.
	callTimeout = 3 * time.Second
	// streamPatience is how long a stream of a trigger that is active may say nothing at first.
	streamPatience = 20 * time.Second
	// wakePatience is how long a wake may take before it counts as lost.
	wakePatience = 20 * time.Second
	newcomeEvery = 2 * time.Second
)

// honest is one trigger that means no harm, and its truth.
type honest struct {
	ref    *pb.ScaledObjectRef
	metric string
	lag    int64
	push   bool
}

// honestObjects are the triggers that are asked about all the time: most on the
// configured cluster, some that bring the address of another cluster themselves.
func honestObjects(inline string) []honest {
	all := make([]honest, honestGroups)
	for i := range all {
		metadata := map[string]string{"topic": honestTopic(i), "consumerGroup": fmt.Sprintf("honest-group-%03d", i), "lagThreshold": "10"}
		if i%10 == 9 {
			metadata["bootstrapServers"] = inline
		} else {
			metadata["cluster"] = "main"
		}
		all[i] = honest{
			ref:    &pb.ScaledObjectRef{Namespace: fmt.Sprintf("honest-%d", i%4), Name: fmt.Sprintf("honest-%03d", i), ScalerMetadata: metadata},
			metric: "s0-kafka-" + honestTopic(i), lag: lagOf(i), push: i%2 == 0,
		}
	}
	return all
}

// honestSide asks for the honest triggers, and notes what is wrong.
type honestSide struct {
	keda    pb.ExternalScalerClient
	kafka   Kafka
	notes   *notes
	objects []honest
}

// run polls and holds streams until ctx ends.
func (h *honestSide) run(ctx context.Context) {
	var asking sync.WaitGroup
	for i, o := range h.objects {
		asking.Go(func() { h.poll(ctx, o, pollEvery*time.Duration(i)/time.Duration(len(h.objects))) })
		if o.push {
			asking.Go(func() { h.stream(ctx, o) })
		}
	}
	for i := range wakerTopics {
		asking.Go(func() { h.wake(ctx, i) })
	}
	asking.Go(func() { h.newcome(ctx) })
	asking.Wait()
}

// poll evaluates one trigger as KEDA does, again and again.
func (h *honestSide) poll(ctx context.Context, o honest, first time.Duration) {
	for pace.Sleep(ctx, first) {
		first = pollEvery
		h.evaluate(ctx, o, "honest")
	}
}

// evaluate makes the three calls of one evaluation. Errors are noted, and wrong answers as lies.
func (h *honestSide) evaluate(ctx context.Context, o honest, who string) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := timed(h.notes, who, "GetMetricSpec", func() (*pb.GetMetricSpecResponse, error) { return h.keda.GetMetricSpec(call, o.ref) })
	if err != nil {
		h.failed(ctx, o, who, err)
		return
	}
	metrics, err := timed(h.notes, who, "GetMetrics", func() (*pb.GetMetricsResponse, error) {
		return h.keda.GetMetrics(call, &pb.GetMetricsRequest{ScaledObjectRef: o.ref, MetricName: o.metric})
	})
	if err != nil {
		h.failed(ctx, o, who, err)
		return
	}
	if v := metrics.GetMetricValues(); len(v) != 1 || v[0].GetMetricValue() != o.lag {
		h.notes.lie("%s %s has a lag of %d, the answer was %v", who, o.ref.GetName(), o.lag, v)
	}
	active, err := timed(h.notes, who, "IsActive", func() (*pb.IsActiveResponse, error) { return h.keda.IsActive(call, o.ref) })
	if err != nil {
		h.failed(ctx, o, who, err)
		return
	}
	if active.GetResult() != (o.lag > 0) {
		h.notes.lie("%s %s has a lag of %d, active was %t", who, o.ref.GetName(), o.lag, active.GetResult())
	}
}

func (h *honestSide) failed(ctx context.Context, o honest, who string, err error) {
	if ctx.Err() == nil {
		h.notes.fail(who, fmt.Sprintf("%s: %v", o.ref.GetName(), err), status.Code(err))
	}
}

// stream holds a StreamIsActive, opened again when it ends, as KEDA does.
func (h *honestSide) stream(ctx context.Context, o honest) {
	for ctx.Err() == nil {
		h.streamOnce(ctx, o)
		pace.Sleep(ctx, time.Second)
	}
}

func (h *honestSide) streamOnce(ctx context.Context, o honest) {
	life, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := h.keda.StreamIsActive(life, o.ref)
	if err != nil {
		h.failed(ctx, o, "honest stream", err)
		return
	}
	if o.lag > 0 {
		late := time.AfterFunc(streamPatience, func() {
			h.notes.silent("the stream of %s, which is active, said nothing for %s", o.ref.GetName(), streamPatience)
		})
		defer late.Stop()
		if !h.receive(ctx, stream, o) {
			return
		}
		late.Stop()
	}
	for h.receive(ctx, stream, o) {
	}
}

// receive takes one message, which must be the truth.
func (h *honestSide) receive(ctx context.Context, stream grpc.ServerStreamingClient[pb.IsActiveResponse], o honest) bool {
	message, err := stream.Recv()
	if errors.Is(err, io.EOF) {
		return false // its life is over, as KEDA's own streams' is now and then
	}
	if err != nil {
		h.failed(ctx, o, "honest stream", err)
		return false
	}
	h.notes.count("honest stream", codes.OK)
	if message.GetResult() != (o.lag > 0) {
		h.notes.lie("the stream of %s said %t, its lag is %d", o.ref.GetName(), message.GetResult(), o.lag)
	}
	return true
}

// newcome asks about groups that nobody has asked about before.
func (h *honestSide) newcome(ctx context.Context) {
	for i := 0; i < newcomerGroups && pace.Sleep(ctx, newcomeEvery); i++ {
		group := fmt.Sprintf("newcomer-%04d", i)
		if err := commit(ctx, h.kafka, group, i); err != nil {
			h.notes.trouble("commit for a newcomer: %v", err)
			continue
		}
		h.evaluate(ctx, honest{
			ref: &pb.ScaledObjectRef{
				Namespace: "honest-0", Name: group,
				ScalerMetadata: map[string]string{"cluster": "main", "topic": honestTopic(i), "consumerGroup": group, "lagThreshold": "10"},
			},
			metric: "s0-kafka-" + honestTopic(i), lag: lagOf(i),
		}, "newcomer")
	}
}
