package main

import (
	"net"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
)

// fakePort is a port on which a fake Kafka can be started and stopped at will.
type fakePort struct {
	t       *testing.T
	port    int
	cluster *fakekafka.Cluster
}

// newFakePort reserves a free port for a cluster that is not up yet.
func newFakePort(t *testing.T) *fakePort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f := &fakePort{t: t, port: l.Addr().(*net.TCPAddr).Port}
	t.Cleanup(f.stop)
	return f
}

func (f *fakePort) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(f.port)) }

// start brings up one broker with topic orders of two partitions, of which group
// shop has committed offset 0, and so many records in each.
func (f *fakePort) start(records int) {
	f.t.Helper()
	cluster, err := fakekafka.New(1, kfake.Ports(f.port), kfake.SeedTopics(2, "orders"))
	if err != nil {
		f.t.Fatal(err)
	}
	f.cluster = cluster
	for p := range int32(2) {
		cluster.Produce(f.t, "orders", p, records)
	}
	cluster.Commit(f.t, "shop", map[string]map[int32]int64{"orders": {0: 0, 1: 0}})
}

func (f *fakePort) stop() {
	if f.cluster != nil {
		f.cluster.Close()
		f.cluster = nil
	}
}
