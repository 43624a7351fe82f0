package kafka_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

func TestConnectionsAreBounded(t *testing.T) {
	fake := seeded(t, 5, 6)
	client := newClient(t, fake)
	var calls sync.WaitGroup
	for range 40 {
		calls.Go(func() {
			for p, o := range readOffsets(t, client, lag.End, allOf(5, 6)) {
				if o.Err != nil {
					t.Errorf("%v: %v", p, o.Err)
				}
			}
		})
	}
	calls.Wait()
	stats := client.Stats()
	if len(stats) != 3 {
		t.Errorf("stats %v, want three brokers", stats)
	}
	for _, s := range stats {
		if s.Open < 1 || s.Open > 2 || s.Idle != s.Open || fake.Connections(s.Broker) > 2 {
			t.Errorf("%+v, and the broker sees %d connections; want one or two, idle", s, fake.Connections(s.Broker))
		}
	}
}

func TestConnectionsThatTheBrokerClosedAreReplaced(t *testing.T) {
	fake := seeded(t, 5, 6)
	client := newClient(t, fake)
	readOffsets(t, client, lag.End, allOf(5, 6))
	for range 10 {
		for node := range int32(3) {
			fake.DropConnections(node)
		}
		for p, o := range readOffsets(t, client, lag.End, allOf(5, 6)) {
			if o.Err != nil {
				t.Errorf("%v: %v", p, o.Err)
			}
		}
	}
	if sent := fake.Requests(); sent["Metadata"] != 1 {
		t.Errorf("%d Metadata requests: a closed connection was taken for a lost leader", sent["Metadata"])
	}
}

func TestConnectionsAreNotKeptTooLong(t *testing.T) {
	fake := seeded(t, 1, 3)
	client := newClient(t, fake, func(c *kafka.Config) { c.IdleTimeout = time.Millisecond })
	readOffsets(t, client, lag.End, allOf(1, 3))
	time.Sleep(10 * time.Millisecond)
	fake.Requests()
	readOffsets(t, client, lag.End, allOf(1, 3))
	if sent := fake.Requests()["ApiVersions"]; sent < 3 {
		t.Errorf("%d new connections, want one a broker", sent)
	}
}

// Connections go when nothing has used them for long, also where nothing asks that broker any more.
func TestConnectionsThatNobodyUsesAreClosed(t *testing.T) {
	fake := fakekafka.Start(t, 1, kfake.SeedTopics(3, "t0"))
	client := newClient(t, fake, func(c *kafka.Config) {
		c.IdleTimeout, c.WaitIdleTimeout = 500*time.Millisecond, 300*time.Millisecond
	})
	readOffsets(t, client, lag.End, allOf(1, 3)) // who leads
	const waits = 3
	var done [waits]<-chan awaited
	for i := range done {
		done[i] = await(t, client, lag.End, 300*time.Millisecond, waitsOf("t0", 0, 0, 0)[i])
	}
	for i := range done {
		if got := <-done[i]; got.err != nil {
			t.Fatal(got.err)
		}
	}
	readOffsets(t, client, lag.End, allOf(1, 3))
	if got := client.Stats()[0]; got.Waiting == 0 || got.Open == got.Waiting {
		t.Fatalf("%+v, want connections of either kind", got)
	}
	eventually(t, "connections stay that nobody uses", func() bool {
		return client.Stats()[0].Open == 0 && fake.Connections(0) == 0
	})
}

// A session that ends (KIP-368) takes its connection with it, before the broker does.
func TestSessionsThatEndAreReplaced(t *testing.T) {
	fake := fakekafka.Start(t, 1, kfake.SeedTopics(1, "t0"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "p"),
		kfake.BrokerConfigs(map[string]string{"connections.max.reauth.ms": "20"}))
	client := newClient(t, fake, func(c *kafka.Config) { c.SASL = user("u", "p", kafka.Plain) })
	readOffsets(t, client, lag.End, allOf(1, 1))
	time.Sleep(20 * time.Millisecond)
	fake.Requests()
	readOffsets(t, client, lag.End, allOf(1, 1))
	if sent := fake.Requests()["SASLAuthenticate"]; sent < 1 {
		t.Error("the connection outlived its session")
	}
}

// observed counts what an Observer is told.
type observed struct {
	mu       sync.Mutex
	requests map[string]int
	errors   int
	connects int
}

func (o *observed) RequestDone(api string, _ int32, took time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.requests[api]++
	if err != nil || took <= 0 {
		o.errors++
	}
}

func (o *observed) Panicked(string) {}

func (o *observed) ConnectDone(_ int32, _ time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.connects++
	}
}

func TestObserver(t *testing.T) {
	fake := seeded(t, 1, 3)
	seen := &observed{requests: map[string]int{}}
	client, err := kafka.New(kafka.Config{BootstrapServers: fake.ListenAddrs()}, kafka.Options{Observer: seen})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	readOffsets(t, client, lag.End, allOf(1, 3))
	sent := fake.Requests()
	if seen.requests["Metadata"] != 1 || seen.requests["ListOffsets"] != 3 || seen.errors != 0 || seen.connects != sent["ApiVersions"] {
		t.Errorf("told of %v, %d errors, %d connections; the brokers saw %v", seen.requests, seen.errors, seen.connects, sent)
	}
}

func TestBrokerThatIsGone(t *testing.T) {
	fake := seeded(t, 2, 6)
	client := newClient(t, fake)
	readOffsets(t, client, lag.End, allOf(2, 6))
	if err := fake.RemoveNode(1); err != nil {
		t.Fatal(err)
	}
	fake.DropConnections(1)
	for p, o := range readOffsets(t, client, lag.End, allOf(2, 6)) {
		if o.Err != nil {
			t.Errorf("%v: %v", p, o.Err)
		}
	}
	for _, s := range client.Stats() {
		if s.Broker == 1 {
			t.Errorf("the broker that is gone is still known: %+v", s)
		}
	}
}

func TestClose(t *testing.T) {
	fake := seeded(t, 2, 6)
	client := newClient(t, fake)
	readOffsets(t, client, lag.End, allOf(2, 6))
	for node := range int32(3) {
		fake.Hang(node)
	}
	d, g := offsets(t), commits(t)
	var calls sync.WaitGroup
	calls.Go(func() { client.LogOffsets(context.Background(), lag.End, allOf(2, 6), d.deliver) })
	calls.Go(func() { client.Commits(context.Background(), []lag.GroupTopics{{Group: "g"}}, g.deliver) })
	for deadline := time.Now().Add(callTime); busy(client) < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the calls never reached the brokers")
		}
	}
	start := time.Now()
	client.Close()
	calls.Wait()
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("Close took %v", took)
	}
	if len(d.all) != 12 || len(g.all) != 1 {
		t.Errorf("%d partitions and %d groups delivered, want 12 and 1", len(d.all), len(g.all))
	}
	for p, o := range d.all {
		if o.Err == nil || !strings.Contains(o.Err.Error(), "the client is closed") {
			t.Errorf("%v: %v", p, o.Err)
		}
	}
	for _, s := range client.Stats() {
		if s.Open != 0 {
			t.Errorf("open after Close: %+v", s)
		}
	}
	_, err := client.Topics(context.Background(), nil)
	wantKind(t, err, fault.Unavailable)
	client.LogOffsets(context.Background(), lag.End, allOf(1, 1), func(o []lag.LogOffset) { wantKind(t, o[0].Err, fault.Unavailable) })
	client.Commits(context.Background(), []lag.GroupTopics{{Group: "g"}}, func(c []lag.GroupCommits) { wantKind(t, c[0].Err, fault.Unavailable) })
	client.Close()
}

func busy(client *kafka.Client) int {
	n := 0
	for _, s := range client.Stats() {
		n += s.Open - s.Idle
	}
	return n
}

// stalling is a server that answers ApiVersions and then whatever answer does;
// nil means nothing, forever.
func stalling(t *testing.T, answer func(req kmsg.Request) []byte) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	stop := make(chan struct{})
	serving.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer nc.Close()
				serve(nc, answer)
			})
			serving.Go(func() { <-stop; _ = nc.Close() })
		}
	})
	t.Cleanup(func() { close(stop); _ = ln.Close(); serving.Wait() })
	return ln.Addr().String()
}

func serve(nc net.Conn, answer func(kmsg.Request) []byte) {
	for {
		var head [4]byte
		if _, err := io.ReadFull(nc, head[:]); err != nil {
			return
		}
		frame := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(nc, frame); err != nil {
			return
		}
		req := kmsg.RequestForKey(int16(binary.BigEndian.Uint16(frame)))
		req.SetVersion(int16(binary.BigEndian.Uint16(frame[2:])))
		id := frame[4:8]
		var body []byte
		if _, ok := req.(*kmsg.ApiVersionsRequest); ok {
			resp := kmsg.NewPtrApiVersionsResponse()
			for key := range int16(70) {
				resp.ApiKeys = append(resp.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: key, MaxVersion: 4})
			}
			body = resp.AppendTo(nil)
		} else if body = answer(req); body == nil {
			continue
		}
		out := binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))
		out = append(append(out, id...), body...)
		if _, err := nc.Write(out); err != nil {
			return
		}
	}
}

func TestDeadlineHoldsWhereverABrokerStalls(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts; nobody reads
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	inSASL := stalling(t, func(req kmsg.Request) []byte {
		if _, ok := req.(*kmsg.SASLHandshakeRequest); ok {
			return kmsg.NewPtrSASLHandshakeResponse().AppendTo(nil)
		}
		return nil
	})
	inMetadata := stalling(t, func(kmsg.Request) []byte { return nil })
	tests := map[string]kafka.Config{
		"API versions": {BootstrapServers: []string{silent.Addr().String()}},
		"TLS":          {BootstrapServers: []string{silent.Addr().String()}, TLS: &kafka.TLS{}},
		"SASL":         {BootstrapServers: []string{inSASL}, SASL: user("u", "p", kafka.Plain)},
		"request":      {BootstrapServers: []string{inMetadata}},
	}
	for name, cfg := range tests {
		for _, bound := range []string{"context", "cancel", "configuration"} {
			t.Run(name+" by "+bound, func(t *testing.T) {
				t.Parallel()
				cfg, ctx := cfg, context.Background()
				switch bound {
				case "context":
					ctx = within(t, 300*time.Millisecond)
				case "cancel":
					var cancel context.CancelFunc
					ctx, cancel = context.WithCancel(ctx)
					time.AfterFunc(300*time.Millisecond, cancel)
				default:
					cfg.DialTimeout, cfg.RequestTimeout = 300*time.Millisecond, 300*time.Millisecond
				}
				client, err := kafka.New(cfg, kafka.Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				start := time.Now()
				_, err = client.Topics(ctx, nil)
				took := time.Since(start)
				if err == nil || took < 250*time.Millisecond || took > 2500*time.Millisecond {
					t.Errorf("after %v: %v", took, err)
				}
				if bound == "cancel" && !errors.Is(err, context.Canceled) {
					t.Errorf("%v does not say that the caller gave up", err)
				}
				for _, s := range client.Stats() {
					if s.Open != 0 {
						t.Errorf("a connection is kept: %+v", s)
					}
				}
			})
		}
	}
}

// What is not Kafka is told apart from a Kafka that fails, and never kept.
func TestServersThatAreNotKafka(t *testing.T) {
	tests := map[string]struct {
		answer string
		says   string
	}{
		"HTTP":               {"HTTP/1.1 400 Bad Request\r\n\r\n", "not a Kafka broker"},
		"a TLS alert":        {"\x15\x03\x03\x00\x02\x02\x46", "expects TLS"},
		"a huge frame":       {"\x7f\xff\xff\xff", "not a Kafka broker"},
		"a negative size":    {"\xff\xff\xff\xff", "not a Kafka broker"},
		"another request":    {"\x00\x00\x00\x04\x00\x00\x00\x63", "answers request 99"},
		"an unfinished body": {"\x00\x00\x00\x05\x00\x00\x00\x01\x00", "not a Kafka response"},
		"the end":            {"", "closed the connection"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var serving sync.WaitGroup
			serving.Go(func() {
				nc, err := ln.Accept()
				if err != nil {
					return
				}
				defer nc.Close()
				_, _ = nc.Read(make([]byte, 1000))
				_, _ = nc.Write([]byte(test.answer))
			})
			defer serving.Wait()
			defer ln.Close()
			client, err := kafka.New(kafka.Config{BootstrapServers: []string{ln.Addr().String()}}, kafka.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			_, err = client.Topics(within(t, callTime), nil)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want it to say %q", err, test.says)
			}
		})
	}
}

// A broker that closes connections while it starts or stops is no listener that expects TLS.
func TestConnectionsThatAreClosedAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		worked bool
		says   string
	}{
		"where requests were answered": {true, "brokers close connections while they start and stop"},
		"where nothing ever worked":    {false, "the listener seems to expect TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := fakekafka.Start(t, 1, kfake.SeedTopics(1, "t0"))
			client := newClient(t, fake)
			if test.worked {
				if _, err := client.Topics(within(t, callTime), nil); err != nil {
					t.Fatal(err)
				}
			}
			addr := fake.ListenAddrs()[0]
			fake.Close()
			ln, err := net.Listen("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			var closing sync.WaitGroup
			closing.Go(func() {
				for {
					nc, err := ln.Accept()
					if err != nil {
						return
					}
					nc.Close()
				}
			})
			defer closing.Wait()
			defer ln.Close()
			_, err = client.Topics(within(t, callTime), nil)
			wantKind(t, err, fault.Unavailable)
			for _, says := range []string{"the broker closed the connection", test.says} {
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("%v does not say %q", err, says)
				}
			}
		})
	}
}
