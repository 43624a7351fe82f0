package scaler

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
)

func newTestRegistry(o *seen) *registry { return newRegistry(o.Forgotten) }

func TestRegistryFindsByWhatIsWritten(t *testing.T) {
	r := newTestRegistry(&seen{})
	first := r.get(ref("worker"))
	if r.get(ref("worker")) != first {
		t.Error("the same metadata made a second entry")
	}
	for name, other := range map[string]*pb.ScaledObjectRef{
		"another name":      ref("worker2"),
		"another namespace": {Name: "worker", Namespace: "test", ScalerMetadata: ref("worker").GetScalerMetadata()},
		"another value":     ref("worker", "lagThreshold", "11"),
		"another key":       ref("worker", "lagThreshold", "", "activationLagThreshold", "10"),
		"one key more":      ref("worker", "sasl", "none"),
		"one key less":      ref("worker", "lagThreshold", ""),
		"values exchanged":  ref("worker", "topic", "billing", "consumerGroup", "orders"),
	} {
		if r.get(other) == first {
			t.Errorf("%s: got the same entry", name)
		}
	}
}

// TestRegistryParsedTwice: of two callers with a new trigger, one entry remains.
func TestRegistryParsedTwice(t *testing.T) {
	r := newTestRegistry(&seen{})
	first := r.add(newEntry(ref("worker")))
	if second := r.add(newEntry(ref("worker"))); second != first || r.count != 1 {
		t.Errorf("%d entries", r.count)
	}
}

func TestRegistryAllocatesNothingForWhatItKnows(t *testing.T) {
	r := newTestRegistry(&seen{})
	for name, object := range map[string]*pb.ScaledObjectRef{"valid": ref("worker"), "invalid": ref("worker", "lagThreshold", "x")} {
		r.get(object)
		if n := testing.AllocsPerRun(100, func() { r.get(object) }); n != 0 {
			t.Errorf("%s: %v allocations for a known trigger", name, n)
		}
	}
}

func TestRegistryForgetsWhatNobodyAsksAbout(t *testing.T) {
	o := &seen{}
	r := newTestRegistry(o)
	asked, invalid, streamed := r.get(ref("worker")), r.get(ref("worker", "lagThreshold", "x")), r.get(ref("streamed"))
	streamed.streams.Add(1)
	r.sweep(time.Now().Add(invalidIdleAfter + time.Second))
	if r.peek(ref("worker")) != asked || r.peek(ref("worker", "lagThreshold", "x")) == invalid {
		t.Error("after invalidIdleAfter only the invalid one should be gone")
	}
	r.sweep(time.Now().Add(idleAfter + time.Second))
	if r.peek(ref("worker")) != nil {
		t.Error("an idle entry was kept")
	}
	if r.peek(ref("streamed")) != streamed {
		t.Error("an entry with an open stream was dropped")
	}
	if got := strings.Join(o.forgotten, " "); got != "shop/worker/kafka-orders" {
		t.Errorf("observer was told of %q", got)
	}
	streamed.streams.Add(-1)
	r.sweep(time.Now().Add(idleAfter + time.Second))
	if r.count != 0 || r.bytes != 0 || len(r.objects) != 0 {
		t.Errorf("left: %d entries, %d bytes, %d objects", r.count, r.bytes, len(r.objects))
	}
}

func TestRegistryKeepsTheMetricOfAnEditedTrigger(t *testing.T) {
	o := &seen{}
	r := newTestRegistry(o)
	r.get(ref("worker")).askedAt.Store(0)
	r.get(ref("worker", "lagThreshold", "20"))
	r.sweep(time.Now())
	if r.count != 1 || len(o.forgotten) != 0 {
		t.Errorf("%d entries, forgotten %v; the metric lives on in the edited trigger", r.count, o.forgotten)
	}
}

func TestRegistryIsBounded(t *testing.T) {
	for name, bound := range map[string]func(*registry){
		"by number": func(r *registry) { r.maxEntries = 10 },
		"by size":   func(r *registry) { r.maxBytes = 10 * newEntry(ref("worker-000")).size() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newTestRegistry(&seen{})
			bound(r)
			held := r.get(ref("worker-000"))
			held.streams.Add(1)
			for i := range 200 {
				r.get(ref(fmt.Sprintf("worker-%03d", i)))
				if r.count > 10 {
					t.Fatalf("%d entries", r.count)
				}
			}
			if r.peek(ref("worker-000")) != held || r.peek(ref("worker-199")) == nil {
				t.Error("evicted the one with a stream, or the newest")
			}
		})
	}
}

func TestRegistryBoundsTheTriggersOfOneObject(t *testing.T) {
	r := newTestRegistry(&seen{})
	for i := range 2 * maxTriggers {
		r.get(ref("worker", "lagThreshold", fmt.Sprint(i+1)))
	}
	if n := len(r.of("shop", "worker")); n != maxTriggers || r.count != n {
		t.Errorf("%d triggers, %d entries; want %d", n, r.count, maxTriggers)
	}
}

// TestRegistryFullOfStreams: entries that streams hold are not evicted, not even
// for the bound, and looking for one that can be does not hang.
func TestRegistryFullOfStreams(t *testing.T) {
	r := newTestRegistry(&seen{})
	r.maxEntries = 3
	for i := range 5 {
		r.get(ref(fmt.Sprint("worker-", i))).streams.Add(1)
	}
	if r.count != 5 {
		t.Errorf("%d entries, want 5", r.count)
	}
}

// FuzzMetadata: whatever metadata says, the answer is an answer or an error.
func FuzzMetadata(f *testing.F) {
	f.Add("lagThreshold", "10", "topic", "orders", "s0-kafka-orders")
	f.Add("partitionLimitation", "1-9999999999", "topicRegex", "(", "")
	f.Add("bootstrapServersFromEnv", "[::1]:9092,", "lagThreshold", "9223372036854775807", "s-")
	f.Add("compatibility", "keda", "excludePersistentLag", "true", "s1-")
	f.Add("\x00", "\xff", "maxSnapshotAge", "1ns", "-")
	kafka := newFakeKafka()
	kafka.lags(5, math.MaxInt64-1000)
	s := newTestServer(f, Options{Clusters: kafka})
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2, metric string) {
		object := ref("worker", key1, value1, key2, value2)
		spec, specErr := s.GetMetricSpec(t.Context(), object)
		if specErr == nil && (len(spec.GetMetricSpecs()) != 1 || kedaTarget(spec.GetMetricSpecs()[0]) <= 0) {
			t.Fatalf("no target for an HPA: %v", spec)
		}
		for _, name := range []string{metric, "kafka-orders"} {
			got, err := s.GetMetrics(t.Context(), &pb.GetMetricsRequest{ScaledObjectRef: object, MetricName: name})
			if err != nil {
				continue
			}
			if specErr != nil {
				t.Fatalf("a value for a trigger that GetMetricSpec refuses: %v", specErr)
			}
			if v := got.GetMetricValues()[0]; kedaValue(v) < 0 || math.IsNaN(v.GetMetricValueFloat()) {
				t.Fatalf("value %v", v)
			}
		}
		_, _ = s.IsActive(t.Context(), object)
	})
}
