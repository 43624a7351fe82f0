package kafka_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func topicsOf(t *testing.T, client *kafka.Client, names []string) []lag.Topic {
	t.Helper()
	topics, err := client.Topics(within(t, callTime), names)
	if err != nil {
		t.Fatal(err)
	}
	return topics
}

func TestTopicsByName(t *testing.T) {
	fake := seeded(t, 3, 4)
	got := topicsOf(t, newClient(t, fake), []string{"t2", "absent", "t0", "t2"})
	var names []string
	for _, topic := range got {
		names = append(names, topic.Name)
	}
	if diff := cmp.Diff([]string{"t2", "absent", "t0"}, names); diff != "" {
		t.Fatalf("topics (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int32{0, 1, 2, 3}, got[0].Partitions); diff != "" {
		t.Errorf("partitions (-want +got):\n%s", diff)
	}
	if got[0].ID == [16]byte{} || got[0].ID == got[2].ID {
		t.Errorf("ids %x and %x", got[0].ID, got[2].ID)
	}
	wantKind(t, got[1].Err, fault.NotFound)
	if err := got[1].Err; err != nil && !strings.Contains(err.Error(), `topic "absent": it does not exist`) {
		t.Errorf("%q does not name the topic and what is wrong with it", err)
	}
}

func TestTopicsAreNeverCreatedByAsking(t *testing.T) {
	fake := seeded(t, 1, 1, kfake.AllowAutoTopicCreation())
	client := newClient(t, fake)
	for range 2 {
		wantKind(t, topicsOf(t, client, []string{"new"})[0].Err, fault.NotFound)
	}
}

func TestTopicsAll(t *testing.T) {
	fake := seeded(t, 3, 2)
	var names []string
	for _, topic := range topicsOf(t, newClient(t, fake), nil) {
		names = append(names, topic.Name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"t0", "t1", "t2"}, names); diff != "" {
		t.Errorf("topics (-want +got):\n%s", diff)
	}
}

func TestTopicsNone(t *testing.T) {
	fake := seeded(t, 3, 2)
	if got := topicsOf(t, newClient(t, fake), []string{}); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	if sent := fake.Requests(); sent["Metadata"] != 0 || sent[fakekafka.WhichCluster] != 2 {
		t.Errorf("%v, want two Metadata requests without a topic, one of them of the new connection", sent)
	}
}

func TestTopicsThatMayNotBeDescribed(t *testing.T) {
	fake := seeded(t, 1, 1)
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "t0", Err: kerr.TopicAuthorizationFailed, Count: -1})
	wantKind(t, topicsOf(t, newClient(t, fake), []string{"t0"})[0].Err, fault.Denied)
}

func TestTopicsAreSplitIntoSmallRequests(t *testing.T) {
	fake := seeded(t, 10, 1)
	client := newClient(t, fake, func(c *kafka.Config) { c.MaxPartitionsPerRequest = 3 })
	var names []string
	for _, p := range allOf(10, 1) {
		names = append(names, p.Topic)
	}
	if got := topicsOf(t, client, names); len(got) != 10 || got[9].Err != nil {
		t.Errorf("got %v", got)
	}
	if sent := fake.Requests()["Metadata"]; sent != 4 {
		t.Errorf("%d Metadata requests, want four", sent)
	}
}

func TestTopicsWithoutABroker(t *testing.T) {
	fake := seeded(t, 1, 1)
	client := newClient(t, fake)
	fake.Close()
	_, err := client.Topics(within(t, callTime), []string{"t0"})
	wantKind(t, err, fault.Unavailable)
	for _, part := range []string{`cluster "test"`, "connection refused", "check that a broker runs"} {
		if err != nil && !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	// Within the backoff the answer comes at once.
	start := time.Now()
	if _, err := client.Topics(within(t, callTime), []string{"t0"}); err == nil {
		t.Error("no error")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the second failure took %v", took)
	}
}
