package clusters

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/kafka-scaler/kafka-scaler/pkg/collector"
	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fleet makes clients and remembers which of them are open.
type fleet struct {
	mu       sync.Mutex
	open     map[*fakeClient]bool
	observed map[string]int
	// ids are the ids of clusters by one of their addresses.
	ids map[string]string
	// memory is what the process may use; 0 for any amount.
	memory int64
}

// fakeClient is a cluster with one topic, "orders", with one partition, of which every group has taken 3 of 10 records.
type fakeClient struct {
	fleet  *fleet
	config kafka.Config
	id     string
	// identified and replaced are what the client's methods return, brokers what Stats shows besides.
	identified, replaced chan struct{}
	brokers              []kafka.BrokerStats
	answeredAt           time.Time
}

func (c *fakeClient) ClusterID() string { return c.id }

func (c *fakeClient) Identified() <-chan struct{} { return c.identified }

func (c *fakeClient) Replaced() <-chan struct{} { return c.replaced }

func (c *fakeClient) AnsweredAt() time.Time { return c.answeredAt }

func (f *fleet) options() Options {
	return Options{
		MemoryLimit: f.memory,
		Open: func(c kafka.Config, _ kafka.Options) (Client, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if slices.Contains(c.BootstrapServers, "bad:1") {
				return nil, &fault.Error{Kind: fault.Invalid, Op: "configure", Object: c.Name}
			}
			client := &fakeClient{fleet: f, config: c, identified: make(chan struct{}), replaced: make(chan struct{}), answeredAt: time.Now()}
			for _, server := range c.BootstrapServers {
				if id := f.ids[server]; id != "" {
					client.id = id
				}
			}
			if client.id != "" {
				close(client.identified)
			}
			f.open[client] = true
			return client, nil
		},
		Observe: func(name string) Observer {
			f.note(name, 1)
			return Observer{Close: func() { f.note(name, -1) }}
		},
	}
}

func (f *fleet) note(name string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.observed[name] += n; f.observed[name] == 0 {
		delete(f.observed, name)
	}
}

// names are the open clients' clusters.
func (f *fleet) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for c := range f.open {
		names = append(names, c.config.Name)
	}
	slices.Sort(names)
	if observed := slices.Sorted(maps.Keys(f.observed)); !slices.Equal(observed, slices.Compact(slices.Clone(names))) {
		return append(names, fmt.Sprintf("but observed: %q", observed))
	}
	return names
}

// Memberships says that each group has one member, which has the partition.
func (c *fakeClient) Memberships(_ context.Context, groups []lag.Group, deliver func([]*lag.Membership)) {
	for _, g := range groups {
		has := lag.Member{ID: "worker", Assigned: []lag.TopicPartitions{{Topic: "orders", Partitions: []int32{0}}}}
		deliver([]*lag.Membership{lag.NewMembership(lag.Group{Name: g.Name, State: "Stable", Members: 1}, []lag.Member{has}, 0, time.Now())})
	}
}

// OffsetsForTimes says that a record came every minute, the last one a minute ago.
func (c *fakeClient) OffsetsForTimes(_ context.Context, times map[lag.TopicPartition]int64, deliver func([]lag.LogOffset)) {
	for tp, at := range times {
		deliver([]lag.LogOffset{{TopicPartition: tp, Offset: max(0, 10-int64(time.Since(time.UnixMilli(at)).Minutes()))}})
	}
}

func (c *fakeClient) Close() {
	c.fleet.mu.Lock()
	defer c.fleet.mu.Unlock()
	delete(c.fleet.open, c)
}

func (c *fakeClient) Stats() []kafka.BrokerStats {
	if c.brokers != nil {
		return c.brokers
	}
	servers := c.config.BootstrapServers
	return []kafka.BrokerStats{{Broker: 1, Open: 2, Address: servers[0]}, {Broker: 2, Open: 1, Address: servers[0]}}
}

func (c *fakeClient) Topics(_ context.Context, names []string) (topics []lag.Topic, err error) {
	for _, name := range names {
		topics = append(topics, lag.Topic{Name: name, Partitions: []int32{0}})
	}
	return topics, nil
}

func (c *fakeClient) LogOffsets(_ context.Context, at lag.Position, parts []lag.TopicPartitions, deliver func([]lag.LogOffset)) {
	for _, p := range parts {
		o := lag.LogOffset{TopicPartition: lag.TopicPartition{Topic: p.Topic}}
		if at != lag.Start {
			o.Offset = 10
		}
		deliver([]lag.LogOffset{o})
	}
}

func (c *fakeClient) Commits(_ context.Context, groups []lag.GroupTopics, deliver func([]lag.GroupCommits)) {
	for _, g := range groups {
		commit := lag.Commit{TopicPartition: lag.TopicPartition{Topic: "orders"}, Offset: 3}
		deliver([]lag.GroupCommits{{Group: g.Group, Commits: []lag.Commit{commit}, ReadAt: time.Now()}})
	}
}

func newFleet() *fleet { return &fleet{open: map[*fakeClient]bool{}, observed: map[string]int{}} }

func cluster(name string, servers ...string) config.Cluster {
	c := config.DefaultCluster()
	c.Name, c.BootstrapServers = name, servers
	return c
}

func configured(clusters ...config.Cluster) config.Config {
	c := config.Default()
	c.Clusters = clusters
	return c
}

// start runs a set until the test ends.
func start(t *testing.T, f *fleet, c config.Config) *Set {
	t.Helper()
	s, err := New(c, f.options())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if open := f.names(); len(open) > 0 {
			t.Errorf("still open: %q", open)
		}
	})
	synctest.Wait()
	return s
}

func inline(servers ...string) trigger.Connection {
	return trigger.Connection{BootstrapServers: servers, SASL: "none"}
}

func named(name string) trigger.Connection { return trigger.Connection{Cluster: name, SASL: "none"} }

func resolve(t *testing.T, s *Set, c trigger.Connection) *Cluster {
	t.Helper()
	found, err := s.Resolve("", c)
	if err != nil {
		t.Fatalf("Resolve(%+v): %v", c, err)
	}
	return found
}

func TestResolve(t *testing.T) {
	encrypted := cluster("orders", "a:9092", "b:9092")
	encrypted.TLS.Enabled = true
	encrypted.SASL = config.SASL{Mechanism: config.SASLSCRAMSHA512, Username: "scaler", PasswordEnv: "PASSWORD"}
	c := configured(encrypted, cluster("plain", "c:9092"), cluster("first", "d:9092"), cluster("second", "d:9092"))
	c.InlineBootstrapServers.Allow = []string{"*.kafka.svc:9092", "exact:9092"}

	tests := []struct {
		name string
		ask  trigger.Connection
		want string
		// kind and says are those of the error, where want is empty.
		kind fault.Kind
		says string
	}{
		{name: "by name", ask: named("plain"), want: "plain"},
		{name: "by name, with what it has", ask: trigger.Connection{Cluster: "orders", TLS: true, SASL: "scram_sha512"}, want: "orders"},
		{name: "unknown name", ask: named("ordres"), kind: fault.NotFound, says: "known: first, orders, plain, second"},
		{name: "tls it has not", ask: trigger.Connection{Cluster: "plain", TLS: true}, kind: fault.Invalid, says: `tls is "enable" in the trigger and off`},
		{
			name: "sasl it has not", ask: trigger.Connection{Cluster: "orders", SASL: "plaintext"},
			kind: fault.Invalid, says: `"plaintext" in the trigger and "scram_sha512"`,
		},
		{name: "sasl where there is none", ask: trigger.Connection{Cluster: "plain", SASL: "plaintext"}, kind: fault.Invalid, says: `and "none" in`},
		{name: "configured addresses", ask: inline("b:9092", "A:9092"), want: "orders"},
		{name: "configured addresses that contradict", ask: trigger.Connection{BootstrapServers: []string{"c:9092"}, TLS: true}, kind: fault.Invalid, says: `cluster "plain"`},
		{name: "a part of configured addresses", ask: inline("a:9092"), kind: fault.Denied, says: "a:9092"},
		{name: "addresses of two clusters", ask: inline("d:9092"), kind: fault.Invalid, says: "first, second"},
		{name: "allowed addresses", ask: inline("y.kafka.svc:9092", "x.kafka.svc:9092"), want: "x.kafka.svc:9092,y.kafka.svc:9092"},
		{
			name: "allowed addresses with tls", ask: trigger.Connection{BootstrapServers: []string{"exact:9092"}, TLS: true},
			want: "exact:9092 (tls)",
		},
		{name: "one address not allowed", ask: inline("x.kafka.svc:9092", "evil:9092"), kind: fault.Denied, says: "inlineBootstrapServers.allow"},
		{name: "another port", ask: inline("exact:9093"), kind: fault.Denied, says: "exact:9093"},
		{
			name: "allowed addresses with sasl", ask: trigger.Connection{BootstrapServers: []string{"exact:9092"}, SASL: "plaintext"},
			kind: fault.Invalid, says: "name it with `cluster`",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, newFleet(), c)
				got, err := s.Resolve("", test.ask)
				if test.want != "" {
					if err != nil || got.Name() != test.want {
						t.Fatalf("Resolve = %v, %v, want %q", got, err, test.want)
					}
					return
				}
				if got != nil || fault.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.says) {
					t.Errorf("Resolve = %v, %v, want %s that says %q", got, err, test.kind, test.says)
				}
			})
		})
	}
}

func TestSnapshotOfAResolvedCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFleet(), config.WithoutFile())
		q := collector.NewQuery(trigger.Selection{ConsumerGroup: "billing", Topics: []string{"orders"}}, time.Second)
		snapshot, err := resolve(t, s, inline("kafka:9092")).Snapshot(context.Background(), q)
		if err != nil || len(snapshot.Offsets) != 1 || snapshot.Offsets[0].LogEnd != 10 || snapshot.Offsets[0].Committed != 3 {
			t.Fatalf("Snapshot = %+v, %v", snapshot, err)
		}
		if seen, err := resolve(t, s, inline("kafka:9092")).Wait(context.Background(), q, 0); err != nil || seen == 0 {
			t.Errorf("Wait = %v, %v", seen, err)
		}
		if diff := cmp.Diff(map[string]int{"kafka:9092": 3}, s.Connections()); diff != "" {
			t.Errorf("connections (-want +got):\n%s", diff)
		}
	})
}

// TestClustersShareTheMemory: what the queries of one cluster take, those of another cannot have.
func TestClustersShareTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		f.memory = 10_000 // a query of one topic and one partition takes 2,400 bytes of the half of it
		s := start(t, f, configured(cluster("a", "a:9092"), cluster("b", "b:9092")))
		ask := func(name, namespace string) error {
			q := collector.NewQuery(trigger.Selection{ConsumerGroup: "of-" + namespace, Topics: []string{"orders"}}, time.Second)
			q.Namespace = namespace
			_, err := resolve(t, s, named(name)).Snapshot(t.Context(), q)
			return err
		}
		if err := errors.Join(ask("a", "shop"), ask("b", "shop")); err == nil || !strings.Contains(err.Error(), `the bound of namespace "shop": queries and topics take`) {
			t.Errorf("error %v of a namespace that takes all, want it refused", err)
		}
		_ = ask("b", "other")
		if err := ask("b", "third"); fault.KindOf(err) != fault.Exhausted || !strings.Contains(err.Error(), "the bound of all clusters") {
			t.Errorf("error %v, want it refused", err)
		}
	})
}

func TestInlineClustersAreSharedBoundedAndLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		s := start(t, f, config.WithoutFile())
		if resolve(t, s, inline("a:1", "b:1")) != resolve(t, s, inline("b:1", "A:1")) {
			t.Error("two triggers with the same addresses have two clusters")
		}
		var all sync.WaitGroup
		for i := range 2 * maxInline {
			all.Go(func() {
				_, err := s.Resolve(fmt.Sprintf("team-%d", i%8), inline(fmt.Sprintf("k%d:1", i)))
				if err != nil && fault.KindOf(err) != fault.Precondition {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := len(f.names()); n != maxInline {
			t.Errorf("%d clusters are open, want %d", n, maxInline)
		}
		for range 4 {
			time.Sleep(2 * time.Minute)
			resolve(t, s, inline("a:1", "b:1"))
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"a:1,b:1"}, f.names()); diff != "" {
			t.Errorf("open after 8 minutes in which one was used (-want +got):\n%s", diff)
		}
	})
}

func TestNamespaceCannotUseUpTheInlineClusters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFleet(), config.WithoutFile())
		for i := range maxInline {
			_, err := s.Resolve("greedy", inline(fmt.Sprintf("k%d:1", i)))
			switch {
			case i < maxInlineOfNamespace && err != nil:
				t.Fatal(err)
			case i >= maxInlineOfNamespace && (fault.KindOf(err) != fault.Precondition || !strings.Contains(err.Error(), `namespace "greedy" name 20 clusters`)):
				t.Fatalf("cluster %d: %v, want a refusal that names the namespace", i, err)
			}
		}
		if _, err := s.Resolve("modest", inline("other:1")); err != nil {
			t.Errorf("another namespace: %v", err)
		}
		if _, err := s.Resolve("modest", inline("k0:1")); err != nil {
			t.Errorf("a cluster that is open already: %v", err)
		}
	})
}

func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		before := configured(cluster("kept", "a:1"), cluster("changed", "b:1"), cluster("removed", "c:1"))
		before.InlineBootstrapServers.Allow = []string{"x:1", "y:1", "z:1"}
		s := start(t, f, before)
		kept, changed := resolve(t, s, named("kept")), resolve(t, s, named("changed"))
		x := resolve(t, s, inline("x:1"))
		resolve(t, s, inline("y:1"))
		resolve(t, s, inline("z:1"))

		after := configured(cluster("kept", "a:1"), cluster("changed", "b:1", "b:2"), cluster("added", "z:1"))
		after.InlineBootstrapServers.Allow = []string{"x:1"}
		if err := s.Apply(after); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"added", "changed", "kept", "x:1"}, f.names()); diff != "" {
			t.Errorf("open (-want +got):\n%s", diff)
		}
		if resolve(t, s, named("kept")) != kept || resolve(t, s, inline("x:1")) != x {
			t.Error("a cluster that was not changed is another one")
		}
		if resolve(t, s, named("changed")) == changed || resolve(t, s, inline("z:1")).Name() != "added" {
			t.Error("a changed cluster is still the old one")
		}
		if _, err := s.Resolve("", named("removed")); fault.KindOf(err) != fault.NotFound {
			t.Errorf("removed cluster: %v, want not found", err)
		}
		if _, err := s.Resolve("", inline("y:1")); fault.KindOf(err) != fault.Denied {
			t.Errorf("address that is not allowed any more: %v, want denied", err)
		}
		// A caller that still holds the old one is told at once.
		q := collector.NewQuery(trigger.Selection{ConsumerGroup: "billing", Topics: []string{"orders"}}, time.Second)
		if _, err := changed.Snapshot(context.Background(), q); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("ended cluster: %v, want unavailable", err)
		}
	})
}

func TestBadReloadKeepsTheOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		s := start(t, f, configured(cluster("orders", "a:1")))
		old := resolve(t, s, named("orders"))
		if err := s.Apply(configured(cluster("fine", "b:1"), cluster("orders", "bad:1"))); fault.KindOf(err) != fault.Invalid {
			t.Fatalf("Apply = %v, want invalid", err)
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"orders"}, f.names()); diff != "" {
			t.Errorf("open (-want +got):\n%s", diff)
		}
		if resolve(t, s, named("orders")) != old {
			t.Error("the old cluster is another one")
		}
	})
}

func TestAfterTheEnd(t *testing.T) {
	f := newFleet()
	s, err := New(config.WithoutFile(), f.options())
	if err != nil {
		t.Fatal(err)
	}
	resolve(t, s, inline("a:1"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Resolve("", inline("b:1")); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a new cluster after the end: %v, want unavailable", err)
	}
	if err := s.Apply(configured(cluster("late", "c:1"))); err != nil {
		t.Errorf("Apply: %v", err)
	}
	if open := f.names(); len(open) > 0 {
		t.Errorf("open after the end: %q", open)
	}
}

func TestKafkaConfig(t *testing.T) {
	c := cluster("orders", "a:1")
	c.TLS = config.ClientTLS{Enabled: true, CAFile: "ca", CertFile: "cert", KeyFile: "key", ServerName: "name"}
	c.SASL = config.SASL{Mechanism: config.SASLSCRAMSHA256, Username: "scaler", PasswordEnv: "SECRET"}
	got := KafkaConfig(c, config.Refresh{RequestTimeout: time.Second}, func(name string) (string, bool) { return "value of " + name, true })
	if diff := cmp.Diff(&kafka.TLS{CAFile: "ca", CertFile: "cert", KeyFile: "key", ServerName: "name"}, got.TLS); diff != "" {
		t.Errorf("TLS (-want +got):\n%s", diff)
	}
	user, err := got.SASL.Username()
	password, err2 := got.SASL.Password()
	if user != "scaler" || password != "value of SECRET" || got.SASL.Mechanism != kafka.ScramSHA256 || errors.Join(err, err2) != nil {
		t.Errorf("SASL = %s, %s, %s, %v", got.SASL.Mechanism, user, password, errors.Join(err, err2))
	}
	if got.Name != "orders" || got.RequestTimeout != time.Second || got.MaxConnectionsPerBroker != 2 {
		t.Errorf("got %+v", got)
	}
	if plain := KafkaConfig(cluster("orders", "a:1"), config.Refresh{}, nil); plain.TLS != nil || plain.SASL != nil {
		t.Errorf("got TLS %v and SASL %v where none is configured", plain.TLS, plain.SASL)
	}
	if err := got.Validate(); err != nil {
		t.Errorf("the client refuses it: %v", err)
	}
}

func ordersQuery() *collector.Query {
	return collector.NewQuery(trigger.Selection{ConsumerGroup: "billing", Topics: []string{"orders"}}, time.Second)
}

// What these tests do not ask for.

func (c *fakeClient) GroupView(_ context.Context, group string) lag.GroupView {
	return lag.GroupView{Group: lag.Group{Name: group, Members: -1}}
}

func (c *fakeClient) Inspect(context.Context, bool, []lag.Look, func([]lag.Sight)) {}

func (c *fakeClient) Leaders(string) func(int32) (int32, bool) {
	return func(int32) (int32, bool) { return 0, false }
}

func (c *fakeClient) FindLeaders(context.Context, []string) error { return nil }

func (c *fakeClient) AwaitRecords(ctx context.Context, _ int32, _ lag.Position, _ []lag.LogWait, _ time.Duration) ([]lag.LogWake, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// What targetLatency wants to know besides offsets is read for as long as the cluster is watched.
func TestHistoryIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFleet(), configured(cluster("a", "a:9092")))
		c := resolve(t, s, named("a"))
		follower := c.FollowMembers("payments")
		defer follower.Close()
		partitions := []lag.TopicPartition{{Topic: "orders"}}
		reading := c.ReadArrivals(partitions)
		defer reading.Close()
		time.Sleep(time.Minute)
		if m := follower.Membership(); m == nil || len(m.List) != 1 {
			t.Errorf("members %+v", m)
		}
		if spans, more := reading.Take(); len(spans) == 0 || more {
			t.Errorf("%d spans, more: %v", len(spans), more)
		}
		if err := s.Apply(configured()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		read := follower.Membership().ReadAt
		time.Sleep(time.Minute)
		if later := follower.Membership().ReadAt; later != read {
			t.Errorf("members are read at %s, after the cluster has gone", later)
		}
		late := c.ReadArrivals(partitions)
		defer late.Close()
		if _, more := late.Take(); more || late.Err() == nil {
			t.Error("a reading begins without its cluster")
		}
	})
}
