package scaler

import (
	"testing"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	kafkascalerv1 "github.com/kafka-scaler/kafka-scaler/proto/kafkascaler/v1"
)

// TestMemoryThatIsInUse: new triggers wait for room, known ones are answered.
func TestMemoryThatIsInUse(t *testing.T) {
	s := newTestServer(t, Options{Clusters: newFakeKafka()})
	var live, allocated uint64
	s.registry.headroom = headroom{limit: 1000, used: func() (uint64, uint64) { return live, allocated }}
	ref := func(name string) *pb.ScaledObjectRef {
		return &pb.ScaledObjectRef{Name: name, Namespace: "n", ScalerMetadata: map[string]string{"cluster": "main", "consumerGroup": "g", "topic": "t"}}
	}
	ask := func(name string) codes.Code {
		_, err := s.GetMetricSpec(t.Context(), ref(name))
		return status.Code(err)
	}
	if code := ask("known"); code != codes.OK {
		t.Fatalf("with room: %v", code)
	}
	for name, used := range map[string][2]uint64{"live": {500, 500}, "allocated": {100, 850}} {
		live, allocated = used[0], used[1]
		if code := ask("new"); code != codes.ResourceExhausted {
			t.Errorf("%s: a new trigger got %v, want RESOURCE_EXHAUSTED", name, code)
		}
		_, err := s.Explain(t.Context(), &kafkascalerv1.ExplainRequest{Name: "new", Namespace: "n", ScalerMetadata: ref("new").GetScalerMetadata()})
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("%s: explaining a new trigger got %v, want RESOURCE_EXHAUSTED", name, err)
		}
		if code := ask("known"); code != codes.OK {
			t.Errorf("%s: a trigger that is known got %v", name, code)
		}
	}
	live, allocated = 490, 840
	if code := ask("new"); code != codes.OK {
		t.Errorf("with room again: %v", code)
	}
}

func TestHeadroomOfTheProcess(t *testing.T) {
	if err := headroomWithin(0).check(&pb.ScaledObjectRef{}); err != nil {
		t.Errorf("any number of bytes is too few: %v", err)
	}
	if err := headroomWithin(1 << 50).check(&pb.ScaledObjectRef{}); err != nil {
		t.Errorf("a petabyte is too little: %v", err)
	}
	if _, allocated := heapInUse(); allocated == 0 {
		t.Error("the Go runtime says that nothing is in use")
	}
	if err := headroomWithin(1000).check(&pb.ScaledObjectRef{}); err == nil {
		t.Error("a kilobyte is enough")
	}
}
