package scaler

import (
	"context"
	"fmt"
	"strings"
	"testing"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// TestWhatACallMayBring: eight megabytes of headers in each of some calls were memory
// of the scaler's for as long as the calls waited.
func TestWhatACallMayBring(t *testing.T) {
	r := runServer(t, Options{Clusters: newFakeKafka()})
	ask := func(header, value int) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		ctx = metadata.AppendToOutgoingContext(ctx, "x-header", strings.Repeat("x", header))
		_, err := r.keda.GetMetricSpec(ctx, &pb.ScaledObjectRef{Name: "o", Namespace: "n", ScalerMetadata: map[string]string{
			"cluster": "main", "consumerGroup": "g", "topic": "t", "name": strings.Repeat("x", value),
		}})
		return err
	}
	if err := ask(1<<10, 1<<10); err != nil {
		t.Errorf("an ordinary call: %v", err)
	}
	for name, err := range map[string]error{"headers": ask(maxHeaders, 0), "message": ask(0, maxRequest)} {
		if err == nil {
			t.Errorf("a call whose %s are larger than they may be is taken", name)
		}
	}
	if err := ask(0, maxRequest); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a message that is too large: %v, want RESOURCE_EXHAUSTED", err)
	}
	if err := ask(1<<10, 1<<10); err != nil {
		t.Errorf("an ordinary call afterwards: %v", err)
	}
}

// TestLongNames: a name of 100 KB was a line of 100 KB in the log, and a label of every scrape.
func TestLongNames(t *testing.T) {
	core, logged := observer.New(zap.DebugLevel)
	s := newTestServer(t, Options{Clusters: newFakeKafka(), Logger: zap.New(core)})
	metadata := map[string]string{"cluster": "main", "consumerGroup": "g", "topic": "t"}
	for _, ref := range []*pb.ScaledObjectRef{
		{Name: "o", Namespace: strings.Repeat("n", 100_000), ScalerMetadata: metadata},
		{Name: strings.Repeat("o", 253+1), Namespace: "n", ScalerMetadata: metadata},
	} {
		if _, err := s.GetMetricSpec(t.Context(), ref); status.Code(err) != codes.InvalidArgument {
			t.Errorf("a name of %d bytes in a namespace of %d: %v", len(ref.GetName()), len(ref.GetNamespace()), err)
		}
	}
	longest := &pb.ScaledObjectRef{Name: strings.Repeat("o", 253), Namespace: strings.Repeat("n", 63), ScalerMetadata: metadata}
	if _, err := s.GetMetricSpec(t.Context(), longest); err != nil {
		t.Errorf("the longest names that there are: %v", err)
	}
	for _, line := range logged.All() {
		if text := fmt.Sprint(line.Message, line.ContextMap()); len(text) > 1000 {
			t.Errorf("a line of %d bytes in the log", len(text))
		}
	}
}
