// Package load asks a scaler as KEDA does: every ScaledObject once a
// pollingInterval, the HPAs of some of them more often, and streams for those
// with an external-push trigger.
package load

import (
	"context"
	"fmt"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kafka-scaler/kafka-scaler/bench/scene"
)

// Object is one ScaledObject with one trigger.
type Object struct {
	Ref *pb.ScaledObjectRef
	// Metric is the name that its HPA asks for.
	Metric string
	// Push is set where the trigger is of type external-push.
	Push bool
	// HPA is set where there are replicas, so that an HPA asks too.
	HPA bool
	// Lag is how many records its group had left to read at first.
	Lag int64
}

// Objects are ScaledObjects for the first groups of a cluster: of every four, two
// have streams and two have an HPA, in all combinations.
func Objects(cluster string, size scene.Size, n int) []Object {
	all := make([]Object, n)
	for i := range all {
		topic := size.TopicOf(i)
		// By topic and not by trigger, or else all of a topic's triggers would be alike.
		turn := i + i/size.Topics
		all[i] = Object{
			Ref: &pb.ScaledObjectRef{
				Name:      fmt.Sprintf("object-%05d", i),
				Namespace: "default",
				ScalerMetadata: map[string]string{
					"cluster": cluster, "topic": topic, "consumerGroup": scene.Group(i), "lagThreshold": "10",
				},
			},
			Metric: "s0-kafka-" + topic,
			Push:   turn/2%2 == 0,
			HPA:    turn%2 == 0,
			Lag:    size.Lag(i),
		}
	}
	return all
}

// Dial opens the one connection over which KEDA asks an external scaler.
func Dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// evaluate is one evaluation by KEDA: the specification, the value, the activity.
func (o Object) evaluate(ctx context.Context, client pb.ExternalScalerClient, note func(method string, call func() error) error) error {
	err := note("GetMetricSpec", func() error {
		_, err := client.GetMetricSpec(ctx, o.Ref)
		return err
	})
	if err != nil {
		return err
	}
	err = note("GetMetrics", func() error {
		_, err := client.GetMetrics(ctx, &pb.GetMetricsRequest{ScaledObjectRef: o.Ref, MetricName: o.Metric})
		return err
	})
	if err != nil {
		return err
	}
	return note("IsActive", func() error {
		_, err := client.IsActive(ctx, o.Ref)
		return err
	})
}
