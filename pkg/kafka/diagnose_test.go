package kafka_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
	"github.com/kafka-scaler/kafka-scaler/pkg/kafka"
)

// transcript writes checks as "ok step" and "FAILED step: remedy".
type transcript []string

func (l *transcript) report(c kafka.Check) {
	if c.OK {
		*l = append(*l, "ok "+c.Step)
		return
	}
	*l = append(*l, fmt.Sprintf("FAILED %s: %s", c.Step, c.Remedy))
}

func TestDiagnose(t *testing.T) {
	ca := newAuthority(t)
	users := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "p"), kfake.Superuser("SCRAM-SHA-512", "u", "p")}
	secured := slices.Concat(users, []kfake.Opt{kfake.TLS(ca.serverTLS(false))})
	tests := map[string]struct {
		broker []kfake.Opt
		change func(*kafka.Config)
		want   []string
	}{
		"plaintext": {nil, func(*kafka.Config) {}, []string{"ok DNS", "ok TCP", "ok API versions", "ok metadata", "ok broker"}},
		"everything": {secured, func(c *kafka.Config) {
			c.TLS, c.SASL = &kafka.TLS{CAFile: ca.file}, user("u", "p", kafka.ScramSHA512)
		}, []string{"ok DNS", "ok TCP", "ok TLS", "ok API versions", "ok SASL", "ok metadata", "ok broker"}},
		"wrong password": {users, func(c *kafka.Config) { c.SASL = user("u", "x", kafka.Plain) }, []string{
			"ok DNS", "ok TCP", "ok API versions",
			"FAILED SASL: the broker refuses the SASL exchange: correct mechanism, username and password, and check that the listener expects SASL",
		}},
		"no SASL": {users, func(*kafka.Config) {}, []string{
			"ok DNS", "ok TCP", "ok API versions",
			"FAILED metadata: the listener seems to expect SASL: configure sasl for this cluster, or use a listener without it",
		}},
		"no TLS": {secured, func(*kafka.Config) {}, []string{
			"ok DNS", "ok TCP", "FAILED API versions: the listener seems to expect TLS: configure tls for this cluster, or use a plaintext listener",
		}},
		"TLS too many": {nil, func(c *kafka.Config) { c.TLS, c.DialTimeout = &kafka.TLS{}, time.Second }, []string{
			"ok DNS", "ok TCP", "FAILED TLS: the listener seems to expect no TLS: use a TLS listener, or remove tls from this cluster",
		}},
		"no such host": {nil, func(c *kafka.Config) { c.BootstrapServers = []string{"kafka.invalid:9092"} }, []string{
			"FAILED DNS: check the host name and the cluster's DNS",
		}},
		"no server": {nil, func(c *kafka.Config) { c.BootstrapServers = nil }, []string{
			"FAILED configuration: correct the cluster's connection settings",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := fakekafka.Start(t, 1, test.broker...)
			cfg := kafka.Config{Name: "test", BootstrapServers: fake.ListenAddrs()}
			test.change(&cfg)
			var got transcript
			ok := kafka.Diagnose(within(t, callTime), cfg, got.report)
			if diff := cmp.Diff(test.want, []string(got)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			if failed := strings.Contains(strings.Join(got, "\n"), "FAILED"); ok == failed {
				t.Errorf("usable: %v", ok)
			}
		})
	}
}

// The address that a cluster advertises is the one that must work.
func TestDiagnoseAnAdvertisedAddressThatNobodyReaches(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	fake := fakekafka.Start(t, 1)
	fake.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port = 7, "127.0.0.1", int32(closed.Addr().(*net.TCPAddr).Port)
		resp.Brokers = append(resp.Brokers, b)
		return resp, nil, true
	})
	var got transcript
	ok := kafka.Diagnose(within(t, callTime), kafka.Config{BootstrapServers: fake.ListenAddrs()}, got.report)
	want := []string{
		"ok DNS", "ok TCP", "ok API versions", "ok metadata",
		"FAILED broker: check that a broker runs and listens on this address",
	}
	if diff := cmp.Diff(want, []string(got)); diff != "" || ok {
		t.Errorf("usable %v, steps (-want +got):\n%s", ok, diff)
	}
}
