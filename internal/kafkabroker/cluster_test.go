//go:build realkafka

package kafkabroker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// scene bounds one test: a deadlock fails it, a slow machine does not.
func scene(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// answers tells whether a broker answers a request within a second.
func answers(t *testing.T, n *Node) bool {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(n.Address(Plaintext)), kgo.RequestRetries(0))
	must(t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = brokerIDs(ctx, client)
	return err == nil
}

func TestBrokersCanBeKilledPausedAndRestarted(t *testing.T) {
	ctx := scene(t)
	c := ForTest(t, Options{Brokers: 3})
	must(t,
		c.CreateTopic(ctx, "orders", 3, 3, nil),
		c.Reassign(ctx, "orders", 0, 2, 1, 3),
		c.Produce(ctx, "orders", 0, 100),
	)
	t.Run("killed", func(t *testing.T) {
		must(t, c.Broker(2).Kill())
		if c.Broker(2).Running() || answers(t, c.Broker(2)) {
			t.Error("broker 2 is still there")
		}
		must(t, until(ctx, func() (bool, error) {
			leader, err := c.Leader(ctx, "orders", 0)
			return leader == 1 || leader == 3, err
		}))
		must(t, c.Broker(2).Restart(ctx), c.WaitInSync(ctx))
		if !answers(t, c.Broker(2)) {
			t.Error("broker 2 is not back")
		}
	})
	t.Run("paused", func(t *testing.T) {
		must(t, c.Broker(1).Pause())
		if c.Broker(1).Running() || answers(t, c.Broker(1)) {
			t.Error("broker 1 answers though it is paused")
		}
		must(t, c.Broker(1).Resume())
		await(t, func() bool { return answers(t, c.Broker(1)) })
		must(t, c.WaitInSync(ctx))
	})
	t.Run("stopped", func(t *testing.T) {
		must(t, c.Broker(3).Stop(ctx))
		if err := c.Broker(3).Pause(); err == nil {
			t.Error("a broker that is not running could be paused")
		}
		must(t, c.Broker(3).Restart(ctx), c.WaitInSync(ctx))
	})
	t.Run("controller killed", func(t *testing.T) {
		must(t, c.Controller().Kill())
		if !answers(t, c.Broker(1)) {
			t.Error("without a controller a broker should go on")
		}
		must(t, c.Controller().Restart(ctx), c.CreateTopic(ctx, "after", 1, 3, nil))
	})
	t.Run("added", func(t *testing.T) {
		added, err := c.AddBroker(ctx)
		must(t, err)
		must(t, c.Reassign(ctx, "orders", 0, added.ID, 1, 2))
		if leader, err := c.Leader(ctx, "orders", 0); err != nil || leader != 4 {
			t.Errorf("leader %d, %v; want the added broker 4", leader, err)
		}
	})
	ends, err := c.EndOffsets(ctx, "orders")
	must(t, err)
	if diff := cmp.Diff(map[int32]int64{0: 100, 1: 0, 2: 0}, ends); diff != "" {
		t.Errorf("the records have not survived: -want +got\n%s", diff)
	}
}

// TestScenes tries every method that sets a scene, on both generations of Kafka.
func TestScenes(t *testing.T) {
	for _, version := range []string{Current, Oldest} {
		t.Run(version, func(t *testing.T) {
			ctx := scene(t)
			c := ForTest(t, Options{Version: version, Brokers: 2})
			must(t,
				c.CreateTopic(ctx, "orders", 2, 2, map[string]string{"retention.ms": "-1"}),
				c.AddPartitions(ctx, "orders", 3),
				c.Produce(ctx, "orders", 0, 100),
				c.Produce(ctx, "orders", 2, 7),
				c.DeleteRecords(ctx, "orders", 0, 10),
				c.ProduceTransaction(ctx, "t", "orders", 1, 5, true),
				c.Commit(ctx, "g", "orders", map[int32]int64{0: 40, 2: 7}),
			)
			rows, err := c.DescribeGroup(ctx, "g")
			must(t, err)
			slices.SortFunc(rows, func(a, b ToolRow) int { return int(a.Partition - b.Partition) })
			want := []ToolRow{
				{Group: "g", Topic: "orders", Partition: 0, CommittedOffset: 40, LogEndOffset: 100, Lag: 60},
				{Group: "g", Topic: "orders", Partition: 2, CommittedOffset: 7, LogEndOffset: 7, Lag: 0},
			}
			if diff := cmp.Diff(want, rows); diff != "" {
				t.Errorf("the consumer-groups tool: -want +got\n%s", diff)
			}
			ends, err := c.EndOffsets(ctx, "orders")
			must(t, err)
			if diff := cmp.Diff(map[int32]int64{0: 100, 1: 6, 2: 7}, ends); diff != "" { // 6: the transaction's marker takes an offset
				t.Errorf("log ends: -want +got\n%s", diff)
			}
			leader, err := c.Leader(ctx, "orders", 0)
			must(t, err, c.MoveLeader(ctx, "orders", 0, 3-leader))
			if now, err := c.Leader(ctx, "orders", 0); err != nil || now != 3-leader {
				t.Errorf("leader %d, %v; want %d", now, err, 3-leader)
			}
			tryMembers(ctx, t, c)
			must(t, c.DeleteCommits(ctx, "g", "orders", 0), c.DeleteGroup(ctx, "g"), c.DeleteTopic(ctx, "orders"))
			coordinator, err := c.Coordinator(ctx, "g")
			must(t, err)
			must(t, c.Broker(coordinator).Kill(), c.Broker(coordinator).Restart(ctx))
		})
	}
}

// tryMembers has two members share a topic, take its records and leave.
func tryMembers(ctx context.Context, t *testing.T, c *Cluster) {
	t.Helper()
	protocols := []Protocol{Classic}
	if c.Version() == Current {
		protocols = append(protocols, Consumer)
	}
	for i, protocol := range protocols {
		group := []string{"classic", "consumer"}[i]
		first, err := c.Join(ctx, group, protocol, "orders")
		must(t, err)
		await(t, func() bool { return first.Assigned() == 3 })
		taken, err := first.Poll(ctx, 10)
		must(t, err)
		if taken == 0 {
			t.Errorf("%s: polled nothing", group)
		}
		second, err := c.Join(ctx, group, protocol, "orders")
		must(t, err)
		await(t, func() bool { return first.Assigned()+second.Assigned() == 3 && second.Assigned() > 0 })
		second.Close()
		await(t, func() bool { return first.Assigned() == 3 })
		first.Close()
	}
}

func TestSecuredCluster(t *testing.T) {
	ctx := scene(t)
	c := ForTest(t, Options{Security: &Security{Users: map[string]string{"scaler": "secret"}}})
	must(t, c.CreateTopic(ctx, "orders", 1, 1, nil), c.AddUser(ctx, "late", "later"))

	list := func(listener Listener, opts ...kgo.Opt) error {
		client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(c.SecureBootstrap(listener)...), kgo.RequestRetries(1))...)
		must(t, err)
		defer client.Close()
		listed, err := kadm.NewClient(client).ListEndOffsets(ctx, "orders")
		return errors.Join(err, listed.Error())
	}
	login := func(user, password string) kgo.Opt {
		return kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha512Mechanism())
	}
	if err := list(SASLPlaintext, login("scaler", "wrong")); !errors.Is(err, kerr.SaslAuthenticationFailed) {
		t.Errorf("wrong password: %v", err)
	}
	// Without Describe a topic does not exist, as far as its metadata says.
	if err := list(SASLPlaintext, login("scaler", "secret")); !errors.Is(err, kerr.TopicAuthorizationFailed) && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Errorf("no ACL: %v", err)
	}
	for _, user := range []string{"User:scaler", "User:late", c.Certificates().ClientPrincipal} {
		must(t, c.AllowTopic(ctx, user, "orders", kadm.OpDescribe), c.AllowGroup(ctx, user, "g", kadm.OpDescribe))
	}
	dialTLS := kgo.DialTLSConfig(clientTLS(t, c, false))
	must(t,
		list(SASLPlaintext, login("scaler", "secret")),
		list(SASLPlaintext, login("late", "later")),
		list(SASLPlaintext, kgo.SASL(plain.Auth{User: "scaler", Pass: "secret"}.AsMechanism())),
		list(SASLPlaintext, kgo.SASL(scram.Auth{User: "scaler", Pass: "secret"}.AsSha256Mechanism())),
		list(SASLTLS, login("scaler", "secret"), dialTLS),
		list(TLS, dialTLS),
		list(MTLS, kgo.DialTLSConfig(clientTLS(t, c, true))),
	)
	if err := list(MTLS, dialTLS); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("no client certificate: %v", err)
	}
	must(t, c.Forbid(ctx, "User:scaler"))
	await(t, func() bool { return list(SASLPlaintext, login("scaler", "secret")) != nil })
}

// clientTLS trusts the cluster's authority and, if so asked, shows the client's certificate.
func clientTLS(t *testing.T, c *Cluster, withCertificate bool) *tls.Config {
	t.Helper()
	files := c.Certificates()
	ca, err := os.ReadFile(files.CAFile)
	must(t, err)
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	config.RootCAs.AppendCertsFromPEM(ca)
	if withCertificate {
		pair, err := tls.LoadX509KeyPair(files.ClientFile, files.ClientKeyFile)
		must(t, err)
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

func TestStartFailsWithTheBrokersOwnWords(t *testing.T) {
	c, err := Start(scene(t), Options{Extra: map[string]string{"log.dirs": "/dev/null/no-such-place"}})
	if err == nil {
		must(t, c.Close())
		t.Fatal("a broker without a place for its data has started")
	}
	if !strings.Contains(err.Error(), "/dev/null/no-such-place") {
		t.Errorf("the error does not show the log: %v", err)
	}
}
