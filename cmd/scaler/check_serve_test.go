package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-scaler/kafka-scaler/cmd/scaler/internal/cli"
	"github.com/kafka-scaler/kafka-scaler/internal/fakekafka"
)

// subscribe runs one consumer of a group until the test ends. It commits nothing.
func subscribe(t *testing.T, fake *fakekafka.Cluster, group string, topics ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topics...), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	polling, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for polling.Err() == nil {
			client.PollFetches(polling)
		}
	}()
	t.Cleanup(func() { stop(); <-done; client.Close() })
	eventually(t, "join of "+group, func() (bool, any) {
		_, generation := client.GroupMetadata()
		return generation > 0, generation
	})
}

// TestCheckSaysWhatServeAnswers: without a topic, those count that members subscribe to, besides those with
// commits. check once looked at commits only: it failed where KEDA got a number, and the other way round.
func TestCheckSaysWhatServeAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		arrange func(*testing.T, *fakekafka.Cluster)
		code    int
		check   string
		explain string
	}{
		"no commit, but a member": {
			func(t *testing.T, fake *fakekafka.Cluster) {
				t.Helper()
				fake.Produce(t, "orders", 0, 30)
				subscribe(t, fake, "shop", "orders")
			},
			exitOK, "ok    answer: metric 2, target 1, active\n", "KEDA is told: metric 2, target 1, active.",
		},
		"commits, and a member that wants what may not be read": {
			func(t *testing.T, fake *fakekafka.Cluster) {
				t.Helper()
				fake.Commit(t, "shop", map[string]map[int32]int64{"orders": {0: 0, 1: 0}})
				subscribe(t, fake, "shop", "orders", "secret")
				fake.Fault(
					kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata, kmsg.ListOffsets}, Topic: "secret", Err: kerr.TopicAuthorizationFailed, Count: -1},
				)
			},
			exitFailure, "FAIL  offsets shop: ", "KEDA is told nothing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := fakekafka.Start(t, 1, kfake.SeedTopics(2, "orders", "secret"))
			tc.arrange(t, fake)
			manifest := filepath.Join(t.TempDir(), "scaledobject.yaml")
			writeFile(t, manifest, "{kind: ScaledObject, metadata: {name: o}, spec: {triggers: [{type: external, metadata: {scalerAddress: 's:1', bootstrapServers: 'e:1', consumerGroup: shop, lagThreshold: '1'}}]}}")
			run := func(command string) (int, string) {
				var out, errs strings.Builder
				code := execute(t.Context(), []string{command, "-f", manifest, "--bootstrap-servers", strings.Join(fake.ListenAddrs(), ",")},
					cli.Process{Stdout: &out, Stderr: &errs, LookupEnv: func(string) (string, bool) { return "", false }})
				return code, out.String() + errs.String()
			}
			if code, out := run("explain"); code != tc.code || !strings.Contains(out, tc.explain) {
				t.Errorf("explain returned %d, want %d and %q:\n%s", code, tc.code, tc.explain, out)
			}
			if code, out := run("check"); code != tc.code || !strings.Contains(out, tc.check) {
				t.Errorf("check returned %d, want %d and %q:\n%s", code, tc.code, tc.check, out)
			}
		})
	}
}
