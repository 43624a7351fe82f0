//go:build realkafka

package acceptance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"google.golang.org/grpc/codes"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

// TestAnswersOnceAccessIsGranted meets every way to be refused, and recovers from it
// by itself: when a permission is given, when the password's file is corrected, when
// the configuration is.
func TestAnswersOnceAccessIsGranted(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	secured := kafkabroker.ForTest(t, kafkabroker.Options{
		Security: &kafkabroker.Security{Users: map[string]string{"scaler": password, "stranger": password}},
	})
	must(t, secured.CreateTopic(ctx, "orders", 1, 1, nil), secured.Produce(ctx, "orders", 0, behind+2),
		secured.Commit(ctx, "g", "orders", map[int32]int64{0: 2}), grant(ctx, secured, "User:scaler"))
	files := secured.Certificates()
	right, wrong := filepath.Join(t.TempDir(), "right"), filepath.Join(t.TempDir(), "wrong")
	must(t, os.WriteFile(right, []byte(password+"\n"), 0o600), os.WriteFile(wrong, []byte("guess-1234\n"), 0o600))
	tls := fmt.Sprintf("  tls: {enabled: true, caFile: %s}\n", files.CAFile)
	sasl := func(user, passwordFile string) string {
		return fmt.Sprintf("  sasl: {mechanism: scram_sha512, username: %s, passwordFile: %s}\n", user, passwordFile)
	}
	entry := func(name string, listener kafkabroker.Listener, more string) string {
		return clusterEntry(name, secured.SecureBootstrap(listener)...) + more
	}
	p := serve(t, "clusters:\n"+
		entry("right", kafkabroker.SASLTLS, tls+sasl("scaler", right))+
		entry("stranger", kafkabroker.SASLPlaintext, sasl("stranger", right))+
		entry("typo", kafkabroker.SASLTLS, tls+sasl("scaler", wrong))+
		entry("tls-to-plaintext", kafkabroker.Plaintext, tls)+
		entry("plaintext-to-tls", kafkabroker.TLS, "")+
		entry("no-certificate", kafkabroker.MTLS, tls))
	watch := func(name string) *poller {
		return pollAnything(ctx, t, p, map[string]string{"cluster": name, "topic": "orders", "consumerGroup": "g", "lagThreshold": "1000", "maxSnapshotAge": "3s"}, behind)
	}
	refused := func(name string, code codes.Code, parts ...string) *poller {
		w := watch(name)
		w.allowError(code, append(parts, fmt.Sprintf("cluster %q", name))...)
		w.awaitError(code)
		return w
	}
	fine := watch("right")
	fine.awaitValue(behind)
	stranger := watch("stranger")
	stranger.allowError(codes.PermissionDenied, "orders", "Describe the topic")
	stranger.allowError(codes.PermissionDenied, `group "g"`, "Describe the group")
	stranger.awaitError(codes.PermissionDenied)
	typo := refused("typo", codes.PermissionDenied, "correct the SASL username and password")
	tlsToPlaintext := refused("tls-to-plaintext", codes.Unavailable, "expect no TLS")
	plaintextToTLS := refused("plaintext-to-tls", codes.FailedPrecondition, "configure tls")
	noCertificate := refused("no-certificate", codes.PermissionDenied, "client's certificate")
	before := p.settled(t)

	must(t, grant(ctx, secured, "User:stranger"))
	persist(ctx, readsAs(t, secured, "stranger"))
	stranger.reaches(behind, time.Now())
	must(t, os.WriteFile(wrong, []byte(password), 0o600))
	typo.reaches(behind, time.Now())

	// What is taken away is an error as soon as the last known good is too old.
	must(t, secured.Forbid(ctx, "User:stranger"))
	stranger.awaitError(codes.PermissionDenied)
	must(t, grant(ctx, secured, "User:stranger"))
	persist(ctx, readsAs(t, secured, "stranger"))
	stranger.reaches(behind, time.Now())

	// With the wrong protocol, or no certificate, the configuration is at fault.
	must(t, os.WriteFile(p.config, []byte("clusters:\n"+
		entry("right", kafkabroker.SASLTLS, tls+sasl("scaler", right))+
		entry("stranger", kafkabroker.SASLPlaintext, sasl("stranger", right))+
		entry("typo", kafkabroker.SASLTLS, tls+sasl("scaler", wrong))+
		entry("tls-to-plaintext", kafkabroker.Plaintext, "")+
		entry("plaintext-to-tls", kafkabroker.TLS, tls)+
		entry("no-certificate", kafkabroker.MTLS, fmt.Sprintf("  tls: {enabled: true, caFile: %s, certFile: %s, keyFile: %s}\n",
			files.CAFile, files.ClientFile, files.ClientKeyFile))), 0o600))
	must(t, grant(ctx, secured, files.ClientPrincipal))
	all := []*poller{fine, stranger, typo, tlsToPlaintext, plaintextToTLS, noCertificate}
	for _, w := range all[3:] {
		w.awaitValue(behind)
	}
	for _, w := range all {
		w.forbidErrors()
		w.end()
	}
	p.leavesNothing(t, before, len(all))
	text, err := os.ReadFile(p.log)
	must(t, err)
	if strings.Contains(string(text), password) || strings.Contains(string(text), "guess-1234") {
		t.Error("the product's log holds a password")
	}
}

// grant allows a principal all that the scaler needs.
func grant(ctx context.Context, c *kafkabroker.Cluster, principal string) error {
	if err := c.AllowTopic(ctx, principal, "orders", kadm.OpDescribe); err != nil {
		return err
	}
	return c.AllowGroup(ctx, principal, "g", kadm.OpDescribe)
}

// readsAs reads a group's commit as a user, with a client of its own: brokers take a
// moment until a permission counts.
func readsAs(t *testing.T, c *kafkabroker.Cluster, user string) func(context.Context) error {
	client, _ := newClient(t, kafka.Config{
		BootstrapServers: c.SecureBootstrap(kafkabroker.SASLPlaintext), SASL: login(kafka.ScramSHA512, user, password),
	})
	return func(ctx context.Context) error {
		_, err := committed(commits(ctx, t, client, lag.GroupTopics{Group: "g", Topics: []lag.TopicPartitions{partitions("orders", 1)}})["g"], "orders", 0)
		return err
	}
}
