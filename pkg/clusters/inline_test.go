package clusters

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/pkg/config"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// client returns the open client of the cluster.
func (f *fleet) client(t *testing.T, cluster string) *fakeClient {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		if c.config.Name == cluster {
			return c
		}
	}
	t.Fatalf("cluster %q is not open", cluster)
	return nil
}

// Seven addresses of one cluster have 127 lists: they are one cluster as soon as it has told its id.
func TestListsOfAddressesOfOneClusterShareIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		f.ids = map[string]string{}
		for i := range 7 {
			f.ids[hostN(i)] = "blue"
		}
		s := start(t, f, config.WithoutFile())
		var first *Cluster
		for subset := 1; subset < 1<<7; subset++ {
			var servers []string
			for i := range 7 {
				if subset&(1<<i) != 0 {
					servers = append(servers, hostN(i))
				}
			}
			// Each from one of two namespaces, which have 100 lists each at most.
			c, err := s.Resolve(fmt.Sprintf("team-%d", subset%2), inline(servers...))
			if err != nil {
				t.Fatalf("list %d: %v", subset, err)
			}
			synctest.Wait()
			if first == nil {
				first = c
			}
		}
		for _, servers := range [][]string{{hostN(6)}, {hostN(2), hostN(5)}} {
			if got, err := s.Resolve("team-0", inline(servers...)); got != first || err != nil {
				t.Errorf("%v is read as %v, %v", servers, got, err)
			}
		}
		time.Sleep(mergeGrace)
		synctest.Wait()
		if diff := cmp.Diff([]string{hostN(0)}, f.names()); diff != "" {
			t.Errorf("open (-want +got):\n%s", diff)
		}
	})
}

func hostN(i int) string { return fmt.Sprintf("kafka-%d:9092", i) }

// What is not known to be one cluster is not read as one: another id, none at all, or another way to it.
func TestClustersThatAreNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		f.ids = map[string]string{"a:1": "blue", "b:1": "green", "e:1": "blue"}
		c := configured(cluster("configured", "e:1"))
		c.InlineBootstrapServers.Allow = []string{"*"}
		s := start(t, f, c)
		encrypted := inline("a:1")
		encrypted.TLS = true
		seen := map[*Cluster]bool{}
		all := []trigger.Connection{inline("a:1"), inline("b:1"), inline("c:1"), inline("d:1"), encrypted, inline("e:1")}
		for range 2 {
			for _, connection := range all {
				seen[resolve(t, s, connection)] = true
				synctest.Wait()
			}
		}
		if len(seen) != len(all) {
			t.Errorf("%d clusters, want %d", len(seen), len(all))
		}
	})
}

// Calls that are under way when a cluster turns out to be another one are answered.
func TestMergedClusterAnswersForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		f.ids = map[string]string{"a:1": "blue", "b:1": "blue"}
		s := start(t, f, config.WithoutFile())
		resolve(t, s, inline("a:1"))
		synctest.Wait()
		late := resolve(t, s, inline("b:1"))
		synctest.Wait()
		if _, err := late.Snapshot(context.Background(), ordersQuery()); err != nil {
			t.Errorf("right after: %v", err)
		}
		time.Sleep(2 * mergeGrace)
		if _, err := late.Snapshot(context.Background(), ordersQuery()); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("later: %v, want unavailable", err)
		}
	})
}

func TestListsOfAddressesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		f.ids = map[string]string{"a:1": "blue"}
		s := start(t, f, config.WithoutFile())
		var err error
		lists := 0
		for ; err == nil && lists <= maxNamesOfNamespace; lists++ {
			_, err = s.Resolve("greedy", inline("a:1", fmt.Sprintf("k%d:1", lists)))
			synctest.Wait()
		}
		if lists != maxNamesOfNamespace+1 || fault.KindOf(err) != fault.Precondition || !strings.Contains(err.Error(), `namespace "greedy" have 100 different lists`) {
			t.Errorf("refused after %d lists: %v", lists, err)
		}
		if _, err := s.Resolve("modest", inline("a:1")); err != nil {
			t.Error(err)
		}
	})
}

// A list that leads to a cluster by way of addresses that are dead is tried by its own.
func TestSilentSharedClusterIsTriedBySeparateAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		f.ids = map[string]string{"a:1": "blue", "b:1": "blue"}
		s := start(t, f, config.WithoutFile())
		a := resolve(t, s, inline("a:1"))
		synctest.Wait()
		resolve(t, s, inline("b:1"))
		synctest.Wait()
		if resolve(t, s, inline("b:1")) != a {
			t.Fatal("not shared")
		}
		f.ids = nil
		for range 5 {
			time.Sleep(2 * time.Minute)
			resolve(t, s, inline("a:1"))
			resolve(t, s, inline("b:1"))
		}
		synctest.Wait()
		if resolve(t, s, inline("b:1")) == resolve(t, s, inline("a:1")) {
			t.Error("still shared although the cluster has not answered for long")
		}
	})
}

func TestReplacedClustersBeginAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		c := configured(cluster("orders", "a:1"), cluster("other", "c:1"))
		c.InlineBootstrapServers.Allow = []string{"b:1"}
		s := start(t, f, c)
		for _, connection := range []trigger.Connection{named("orders"), inline("b:1"), inline("a:1")} {
			old := resolve(t, s, connection)
			close(f.client(t, old.Name()).replaced)
			synctest.Wait()
			if resolve(t, s, connection) == old {
				t.Errorf("%+v is still the old cluster", connection)
			}
			if _, err := old.Snapshot(context.Background(), ordersQuery()); fault.KindOf(err) != fault.Unavailable {
				t.Errorf("the old one: %v, want unavailable", err)
			}
		}
		if diff := cmp.Diff([]string{"b:1", "orders", "other"}, f.names()); diff != "" {
			t.Errorf("open (-want +got):\n%s", diff)
		}
	})
}

func TestInlineLabel(t *testing.T) {
	long := strings.Repeat("x", 250) + ":9092"
	many := func(last string) trigger.Connection {
		var servers []string
		for i := range 19 {
			servers = append(servers, fmt.Sprintf("broker-%d.kafka.svc:9092", i))
		}
		return inline(append(servers, last)...)
	}
	if got := inlineLabel(inline("B:1", "a:1")); got != "a:1,b:1" {
		t.Errorf("got %q", got)
	}
	for prefix, c := range map[string]trigger.Connection{
		"broker-0.kafka.svc:9092 and 19 more ": many("z:1"),
		strings.Repeat("x", 60) + "... ":       inline(long),
	} {
		if got := inlineLabel(c); len(got) != len(prefix)+8 || !strings.HasPrefix(got, prefix) {
			t.Errorf("got %q, want %q and a hash", got, prefix)
		}
	}
	if inlineLabel(many("y:1")) == inlineLabel(many("z:1")) {
		t.Error("two lists have one label")
	}
}

// What a cluster advertises must be allowed as well, where a trigger has named it; also after a reload.
func TestAdvertisedAddressesOfInlineClusters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet()
		c := configured(cluster("orders", "a:1"))
		c.InlineBootstrapServers.Allow = []string{"b:1", "broker-*.kafka:1"}
		s := start(t, f, c)
		resolve(t, s, inline("b:1"))
		if f.client(t, "orders").config.Allow != nil {
			t.Error("a configured cluster is led to no address that its administrator has not chosen")
		}
		allow := f.client(t, "b:1").config.Allow
		if err := allow(1, "broker-1.kafka:1"); err != nil {
			t.Error(err)
		}
		err := allow(2, "metadata.internal:80")
		if fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "broker 2 at its advertised address metadata.internal:80: inlineBootstrapServers.allow does not allow") {
			t.Errorf("got %v", err)
		}
		if s.KafkaConfig(resolve(t, s, inline("b:1"))).Allow == nil || s.KafkaConfig(resolve(t, s, named("orders"))).Allow != nil {
			t.Error("the commands do not see the same")
		}
		open := resolve(t, s, inline("b:1"))
		f.client(t, "b:1").brokers = []kafka.BrokerStats{{Broker: 1, Open: 1, Address: "broker-1.kafka:1"}, {Broker: 2, Address: "elsewhere:1"}}
		same := c
		same.InlineBootstrapServers.Allow = []string{"b:1", "broker-1.kafka:1"}
		if err := s.Apply(same); err != nil {
			t.Fatal(err)
		}
		if resolve(t, s, inline("b:1")) != open {
			t.Error("a cluster whose addresses are all allowed was opened again")
		}
		narrow := c
		narrow.InlineBootstrapServers.Allow = []string{"b:1"}
		if err := s.Apply(narrow); err != nil {
			t.Fatal(err)
		}
		if resolve(t, s, inline("b:1")) == open {
			t.Error("connections to an address that is not allowed any more outlive that")
		}
		if err := allow(1, "broker-1.kafka:1"); err == nil {
			t.Error("the address may still be connected to")
		}
	})
}
