package kafka_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// patientConfig lets a request wait longer than the test does.
func patientConfig(c *kafka.Config) { c.RequestTimeout, c.DialTimeout = callTime, callTime }

// declareDead hangs a broker, and has the others say that it is not alive.
func declareDead(t *testing.T, fake *fakekafka.Cluster, dead int32) {
	t.Helper()
	fake.Hang(dead)
	t.Cleanup(func() { fake.Resume(dead) })
	fake.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		asked := req.(*kmsg.MetadataRequest)
		if asked.Topics == nil || len(asked.Topics) > 0 {
			return nil, nil, false
		}
		resp := asked.ResponseKind().(*kmsg.MetadataResponse)
		for node, addr := range fake.ListenAddrs() {
			if int32(node) == dead {
				continue
			}
			at := netip.MustParseAddrPort(addr)
			b := kmsg.NewMetadataResponseBroker()
			b.NodeID, b.Host, b.Port = int32(node), at.Addr().String(), int32(at.Port())
			resp.Brokers = append(resp.Brokers, b)
		}
		return resp, nil, true
	})
}

// TestLogOffsetsDoNotWaitForADeadLeader: a broker that hangs tells nobody that others lead in its place.
func TestLogOffsetsDoNotWaitForADeadLeader(t *testing.T) {
	fake := seeded(t, 1, 3)
	client := newClient(t, fake, patientConfig)
	readOffsets(t, client, lag.End, allOf(1, 3))
	declareDead(t, fake, 1)
	if err := fake.MoveTopicPartition("t0", 1, 2); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	d := offsets(t)
	client.LogOffsets(within(t, callTime), lag.End, allOf(1, 3), d.deliver)
	for p, o := range d.all {
		if o.Err != nil {
			t.Errorf("%v: %v", p, o.Err)
		}
	}
	if took := time.Since(start); took > callTime/2 {
		t.Errorf("it took %v", took)
	}
}

// TestCommitsDoNotWaitForADeadCoordinator is the same for groups.
func TestCommitsDoNotWaitForADeadCoordinator(t *testing.T) {
	fake := seeded(t, 1, 2)
	asked := withCommits(t, fake, 1)
	client := newClient(t, fake, patientConfig)
	readCommits(t, client, asked...)
	dead := fake.CoordinatorFor(asked[0].Group)
	declareDead(t, fake, dead)
	for fake.CoordinatorFor(asked[0].Group) == dead {
		fake.RehashCoordinators()
	}
	start := time.Now()
	checkCommits(t, asked, readCommits(t, client, asked...))
	if took := time.Since(start); took > callTime/2 {
		t.Errorf("it took %v", took)
	}
}
