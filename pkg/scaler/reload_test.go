package scaler

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/kedacore/keda/v2/pkg/scalers/externalscaler"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/clusters"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/scaledobject"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// TestStreamOfAClusterThatWasReplaced: the versions of the new one begin again, and it is heard at once.
func TestStreamOfAClusterThatWasReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, after := newFakeKafka(), newFakeKafka()
		cluster := before
		s := newTestServer(t, Options{Clusters: scaledobject.ClustersFunc(func(string, trigger.Connection) (*fakeKafka, error) { return cluster, nil })})
		a := openActivityOf(t, s, ref("worker"))
		a.kafka = before
		a.after(100*time.Second, 0)
		after.lags(0)
		cluster = after
		before.fail(&fault.Error{Kind: fault.Unavailable, Op: "read", Object: "the old cluster"}) // as a collector that has ended
		synctest.Wait()
		if n := after.awaited(); n != 1 {
			t.Errorf("records of the new cluster are awaited %d times, want 1, at once", n)
		}
		after.lags(3)
		synctest.Wait()
		if got := a.stream.take(); !slices.Equal(got, []string{"1m40s true"}) {
			t.Errorf("sent %q, want true at once", got)
		}
		a.end(codes.Canceled)
	})
}

// TestReloadOnBrokers does so with all that there is: a configuration that changes the cluster, its collector,
// and a broker.
func TestReloadOnBrokers(t *testing.T) {
	brokers := fakekafka.Start(t, 1)
	brokers.CreateTopic(t, "orders", 1)
	var end int64
	produce := func() { brokers.Produce(t, "orders", 0, 1); end++ }
	commit := func() { brokers.Commit(t, "billing", map[string]map[int32]int64{"orders": {0: end}}) }
	produce()
	commit()

	settings := config.Default()
	settings.Refresh.Interval = 100 * time.Millisecond
	main := config.DefaultCluster()
	main.Name, main.BootstrapServers = "main", brokers.ListenAddrs()
	settings.Clusters = []config.Cluster{main}
	set, err := clusters.New(settings, clusters.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- set.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})

	s := newTestServer(t, Options{Clusters: scaledobject.ClustersFunc(set.Resolve)})
	said := make(chan string, 16)
	streaming, closeStream := context.WithCancel(t.Context())
	stream := &recorder[pb.IsActiveResponse]{ctx: streaming, show: func(m *pb.IsActiveResponse) string { return strconv.FormatBool(m.GetResult()) }, told: said}
	streamed := make(chan error, 1)
	go func() { streamed <- s.StreamIsActive(ref("worker"), stream) }()
	next := func(want string) {
		t.Helper()
		// Shorter than the minute that a stream sleeps that has missed something.
		timeout := time.After(20 * time.Second)
		for {
			select {
			case got := <-said:
				if got == want {
					return
				}
			case <-timeout:
				t.Fatalf("not told %q", want)
			}
		}
	}
	for range 4 { // the old cluster's versions are ahead of what the new one's will be
		produce()
		next("true")
		commit()
		next("false")
	}
	settings.Clusters = []config.Cluster{main}
	settings.Clusters[0].MaxConnectionsPerBroker++
	if err := set.Apply(settings); err != nil {
		t.Fatal(err)
	}
	produce()
	next("true")
	closeStream()
	if err := <-streamed; status.Code(err) != codes.Canceled {
		t.Error(err)
	}
}
