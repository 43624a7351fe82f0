package kafka_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func clusterNamed(t *testing.T, id string) *fakekafka.Cluster {
	t.Helper()
	return seeded(t, 1, 3, kfake.ClusterID(id))
}

// eventually asks until ok, as long as a test may take.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(callTime)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestClusterIDIsKnownAfterTheFirstAnswer(t *testing.T) {
	client := newClient(t, clusterNamed(t, "blue"))
	if id := client.ClusterID(); id != "" {
		t.Errorf("id %q before any answer", id)
	}
	topicsOf(t, client, []string{"t0"})
	if id := client.ClusterID(); id != "blue" {
		t.Errorf("id %q, want blue", id)
	}
}

// Which of two clusters is read must not be a matter of luck.
func TestBootstrapServersOfTwoClusters(t *testing.T) {
	blue, green := clusterNamed(t, "blue"), clusterNamed(t, "green")
	client := newClient(t, blue, func(c *kafka.Config) {
		c.BootstrapServers = []string{blue.ListenAddrs()[0], green.ListenAddrs()[0]}
	})
	var err error
	eventually(t, "two clusters are read as one", func() bool {
		_, err = client.Topics(within(t, callTime), []string{"t0"})
		return err != nil
	})
	wantKind(t, err, fault.Precondition)
	for _, part := range []string{`"blue"`, `"green"`, blue.ListenAddrs()[0], green.ListenAddrs()[0], "give the addresses of one cluster only"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %v does not have %s", err, part)
		}
	}
	for p, o := range readOffsets(t, client, lag.End, allOf(1, 3)) {
		if o.Err == nil {
			t.Errorf("%v was read", p)
		}
	}
}

// forwarder accepts connections at one address and leads them to another, which may change.
type forwarder struct {
	net.Listener
	mu      sync.Mutex
	to      string
	open    []net.Conn
	running sync.WaitGroup
}

func forward(t *testing.T, to string) *forwarder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &forwarder{Listener: l, to: to}
	f.running.Go(f.serve)
	t.Cleanup(func() {
		_ = l.Close()
		f.turn("")
		f.running.Wait()
	})
	return f
}

func (f *forwarder) serve() {
	for {
		in, err := f.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		out, err := net.Dial("tcp", f.to)
		if err != nil {
			_ = in.Close()
			f.mu.Unlock()
			continue
		}
		f.open = append(f.open, in, out)
		f.running.Go(func() { pipe(in, out) })
		f.running.Go(func() { pipe(out, in) })
		f.mu.Unlock()
	}
}

func pipe(from, to net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			_, _ = from.Close(), to.Close()
			return
		}
	}
}

// turn leads new connections elsewhere and ends the old ones.
func (f *forwarder) turn(to string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.to = to
	for _, c := range f.open {
		_ = c.Close()
	}
	f.open = nil
}

func TestAnAddressThatLeadsToAnotherClusterIsNotRead(t *testing.T) {
	blue, green := clusterNamed(t, "blue"), clusterNamed(t, "green")
	f := forward(t, blue.ListenAddrs()[0])
	client := newClient(t, blue, func(c *kafka.Config) { c.BootstrapServers = []string{f.Addr().String()} })
	topicsOf(t, client, []string{"t0"})
	f.turn(green.ListenAddrs()[0])
	blue.Close()
	_, err := client.Topics(within(t, callTime), []string{"t0"})
	wantKind(t, err, fault.Precondition)
	if err == nil || !strings.Contains(err.Error(), `it leads to the cluster with the id "green"`) {
		t.Errorf("got %v", err)
	}
	if id := client.ClusterID(); id != "blue" {
		t.Errorf("the client reads %q now", id)
	}
	select {
	case <-client.Replaced():
		t.Error("the cluster counts as replaced at once")
	default:
	}
}

func TestDiagnoseFindsTwoClusters(t *testing.T) {
	blue, green := clusterNamed(t, "blue"), clusterNamed(t, "green")
	cfg := kafka.Config{Name: "test", BootstrapServers: []string{blue.ListenAddrs()[0], green.ListenAddrs()[0]}}
	var failed []kafka.Check
	if kafka.Diagnose(within(t, callTime), cfg, func(c kafka.Check) {
		if !c.OK {
			failed = append(failed, c)
		}
	}) {
		t.Error("two clusters are no problem")
	}
	if len(failed) != 1 || failed[0].Step != "cluster" || !strings.Contains(failed[0].Err.Error(), `"green"`) {
		t.Errorf("failed steps %+v", failed)
	}
}

// What a cluster advertises is connected to only where that is allowed: the other listener gets nothing.
func TestAdvertisedAddressesMustBeAllowed(t *testing.T) {
	fake := seeded(t, 1, 3)
	addrs := fake.ListenAddrs()
	refusal := errors.New("not on the list")
	var mu sync.Mutex
	var asked []int32
	client := newClient(t, fake, func(c *kafka.Config) {
		c.BootstrapServers = addrs[:1]
		c.Allow = func(broker int32, address string) error {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, broker)
			if address == addrs[2] {
				return &fault.Error{Kind: fault.Denied, Op: "connect to", Object: address, Err: refusal, Remedy: "put it there"}
			}
			return nil
		}
	})
	got := readOffsets(t, client, lag.End, allOf(1, 3))
	if got[tp("t0", 0)].Err != nil || got[tp("t0", 1)].Err != nil {
		t.Errorf("allowed brokers: %v, %v", got[tp("t0", 0)].Err, got[tp("t0", 1)].Err)
	}
	err := got[tp("t0", 2)].Err
	wantKind(t, err, fault.Denied)
	if !errors.Is(err, refusal) {
		t.Errorf("got %v", err)
	}
	if n := fake.Connections(2); n != 0 {
		t.Errorf("the forbidden broker got %d connections", n)
	}
	if slices.Contains(asked, 0) {
		t.Error("a bootstrap server needs no leave")
	}
	var failed []string
	cfg := kafka.Config{BootstrapServers: addrs[:1], Allow: func(broker int32, _ string) error {
		if broker == 2 {
			return refusal
		}
		return nil
	}}
	kafka.Diagnose(context.Background(), cfg, func(c kafka.Check) {
		if !c.OK {
			failed = append(failed, c.Target)
		}
	})
	if len(failed) != 1 || !strings.Contains(failed[0], "broker 2") || fake.Connections(2) != 0 {
		t.Errorf("failed %v, %d connections to the forbidden broker", failed, fake.Connections(2))
	}
}
