package kafka

import (
	"fmt"
	"testing"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka/transport"
)

// A broker that makes room for others takes its connections with it.
func TestBrokersThatMakeRoomAreRetired(t *testing.T) {
	fake := fakekafka.Start(t, 1)
	c, err := New(Config{BootstrapServers: fake.ListenAddrs()}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Topics(t.Context(), []string{}); err != nil {
		t.Fatal(err)
	}
	old := c.brokers.at(fake.ListenAddrs()[0], transport.UnknownNode)
	if old.Stats().Open != 1 {
		t.Fatalf("%+v", old.Stats())
	}
	for i := range maxBrokers {
		c.brokers.at(fmt.Sprint("kafka-", i, ":9092"), int32(i))
	}
	if s := old.Stats(); s.Open != 0 {
		t.Errorf("%+v after %d other brokers", s, maxBrokers)
	}
	if c.brokers.at(fake.ListenAddrs()[0], transport.UnknownNode) == old {
		t.Error("the broker used longest ago is there still")
	}
}
