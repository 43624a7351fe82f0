//go:build realkafka

package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/lag"
)

const password = "open-sesame"

func login(mechanism kafka.Mechanism, user, password string) *kafka.SASL {
	return &kafka.SASL{
		Mechanism: mechanism,
		Username:  func() (string, error) { return user, nil },
		Password:  func() (string, error) { return password, nil },
	}
}

// TestSecurity logs in in every way, and in every wrong way: the user reads what to do about it.
func TestSecurity(t *testing.T) {
	ctx := scene(t)
	secured := kafkabroker.ForTest(t, kafkabroker.Options{
		Security: &kafkabroker.Security{Users: map[string]string{"scaler": password, "stranger": password}},
	})
	files := secured.Certificates()
	trust := &kafka.TLS{CAFile: files.CAFile}
	mutual := &kafka.TLS{CAFile: files.CAFile, CertFile: files.ClientFile, KeyFile: files.ClientKeyFile}
	must(t,
		secured.CreateTopic(ctx, "orders", 1, 1, nil),
		secured.Produce(ctx, "orders", 0, 10),
		secured.Commit(ctx, "g", "orders", map[int32]int64{0: 3}),
	)
	for _, principal := range []string{"User:scaler", files.ClientPrincipal} {
		// Describe is all that the scaler needs.
		must(t, secured.AllowTopic(ctx, principal, "orders", kadm.OpDescribe), secured.AllowGroup(ctx, principal, "g", kadm.OpDescribe))
	}
	foreign := foreignCertificate(t, files.CAFile)

	tests := []struct {
		name     string
		listener kafkabroker.Listener
		tls      *kafka.TLS
		sasl     *kafka.SASL
		kind     fault.Kind
		want     string // what the error says; empty for success
	}{
		{"PLAIN", kafkabroker.SASLPlaintext, nil, login(kafka.Plain, "scaler", password), 0, ""},
		{"SCRAM-SHA-256", kafkabroker.SASLPlaintext, nil, login(kafka.ScramSHA256, "scaler", password), 0, ""},
		{"SCRAM-SHA-512", kafkabroker.SASLPlaintext, nil, login(kafka.ScramSHA512, "scaler", password), 0, ""},
		{"SCRAM and TLS", kafkabroker.SASLTLS, trust, login(kafka.ScramSHA512, "scaler", password), 0, ""},
		{"TLS", kafkabroker.TLS, trust, nil, 0, ""},
		{"mTLS", kafkabroker.MTLS, mutual, nil, 0, ""},

		{"PLAIN, wrong password", kafkabroker.SASLPlaintext, nil, login(kafka.Plain, "scaler", "guess-1234"), fault.Denied, "username and password"},
		{"SCRAM, wrong password", kafkabroker.SASLTLS, trust, login(kafka.ScramSHA512, "scaler", "guess-1234"), fault.Denied, "username and password"},
		{"SCRAM, unknown user", kafkabroker.SASLPlaintext, nil, login(kafka.ScramSHA256, "nobody", password), fault.Denied, "username and password"},
		{"no SASL to a SASL listener", kafkabroker.SASLPlaintext, nil, nil, fault.Unavailable, "configure sasl"},
		{"SASL to a listener without", kafkabroker.Plaintext, nil, login(kafka.Plain, "scaler", password), fault.Precondition, "SASL"},
		{"TLS to a plaintext listener", kafkabroker.Plaintext, trust, nil, fault.Unavailable, "expect no TLS"},
		{"plaintext to a TLS listener", kafkabroker.TLS, nil, nil, fault.Precondition, "TLS"},
		{"unknown authority", kafkabroker.TLS, &kafka.TLS{}, nil, fault.Precondition, "CA that signed"},
		{"wrong server name", kafkabroker.TLS, &kafka.TLS{CAFile: files.CAFile, ServerName: "kafka.example"}, nil, fault.Precondition, "serverName"},
		{"no client certificate", kafkabroker.MTLS, trust, nil, fault.Denied, "client"},
		{"client certificate of another authority", kafkabroker.MTLS, foreign, nil, fault.Denied, "client"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client, _ := newClient(t, kafka.Config{
				Name: "secured", BootstrapServers: secured.SecureBootstrap(test.listener), TLS: test.tls, SASL: test.sasl,
			})
			topics, err := client.Topics(ctx, []string{"orders"})
			if test.want == "" {
				must(t, err)
				must(t, topics[0].Err)
				offset, err := committed(commits(ctx, t, client, lag.GroupTopics{Group: "g", Topics: []lag.TopicPartitions{partitions("orders", 1)}})["g"], "orders", 0)
				if err != nil || offset != 3 {
					t.Errorf("committed %d, %v; want 3", offset, err)
				}
				if end := logOffsets(ctx, t, client, lag.End, partitions("orders", 1))[lag.TopicPartition{Topic: "orders"}]; end != (position{offset: 10}) {
					t.Errorf("log end %+v, want 10", end)
				}
				return
			}
			refused(t, err, test.kind, test.want)
		})
	}

	t.Run("no ACL", func(t *testing.T) {
		client, _ := newClient(t, kafka.Config{
			BootstrapServers: secured.SecureBootstrap(kafkabroker.SASLPlaintext), SASL: login(kafka.ScramSHA512, "stranger", password),
		})
		topics, err := client.Topics(ctx, []string{"orders"})
		must(t, err)
		refused(t, topics[0].Err, fault.Denied, "Describe the topic")
		end := logOffsets(ctx, t, client, lag.End, partitions("orders", 1))[lag.TopicPartition{Topic: "orders"}]
		refused(t, end.err, fault.Denied, "Describe the topic")
		asked := lag.GroupTopics{Group: "g", Topics: []lag.TopicPartitions{partitions("orders", 1)}}
		_, err = committed(commits(ctx, t, client, asked)["g"], "orders", 0)
		refused(t, err, fault.Denied, "Describe the group")

		// With the group alone, the broker leaves the topic out of its answer without a word. That is no "no commit".
		must(t, secured.AllowGroup(ctx, "User:stranger", "g", kadm.OpDescribe))
		eventually(t, func() bool { return commits(ctx, t, client, asked)["g"].Err == nil })
		if offset, err := committed(commits(ctx, t, client, asked)["g"], "orders", 0); err == nil {
			t.Errorf("no ACL on the topic reads as a commit of %d", offset)
		}
		must(t, secured.AllowTopic(ctx, "User:stranger", "orders", kadm.OpDescribe))
		eventually(t, func() bool {
			offset, err := committed(commits(ctx, t, client, asked)["g"], "orders", 0)
			return err == nil && offset == 3
		})
	})
}

// refused checks an error's kind and text, and that no secret is in it.
func refused(t *testing.T, err error, kind fault.Kind, want string) {
	t.Helper()
	if err == nil {
		t.Error("no error")
		return
	}
	if got := fault.KindOf(err); got != kind {
		t.Errorf("kind %s, want %s: %v", got, kind, err)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("the error does not say %q: %v", want, err)
	}
	if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "guess-1234") {
		t.Errorf("the error holds a password: %v", err)
	}
}

// foreignCertificate is a client certificate that the cluster's authority has not signed.
func foreignCertificate(t *testing.T, caFile string) *kafka.TLS {
	t.Helper()
	authority, err := kafkabroker.NewAuthority()
	must(t, err)
	cert, key, err := authority.Issue("kafka-scaler")
	must(t, err)
	dir := t.TempDir()
	files := &kafka.TLS{CAFile: caFile, CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	must(t, os.WriteFile(files.CertFile, cert, 0o600), os.WriteFile(files.KeyFile, key, 0o600))
	return files
}
