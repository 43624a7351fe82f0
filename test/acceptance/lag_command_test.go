//go:build realkafka

package acceptance

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/kafka-scaler/kafka-scaler/internal/kafkabroker"
)

// TestLagEqualsKafkasOwnTool compares `kafka-scaler lag` with ConsumerGroupCommand
// on the same groups: without members, with classic ones, with KIP-848 ones.
func TestLagEqualsKafkasOwnTool(t *testing.T) {
	t.Parallel()
	ctx := scene(t)
	must(t, lay(ctx, "tool-orders", "tool-empty", []int64{0, 5, 29}), lay(ctx, "tool-bills", "tool-empty", []int64{3}))
	for group, protocol := range map[string]kafkabroker.Protocol{"tool-classic": kafkabroker.Classic, "tool-consumer": kafkabroker.Consumer} {
		must(t, cluster.Commit(ctx, group, "tool-orders", map[int32]int64{0: 4, 1: 12}))
		for range 2 {
			member, err := cluster.Join(ctx, group, protocol, "tool-orders", "tool-bills")
			must(t, err)
			t.Cleanup(member.Close)
		}
	}
	for _, group := range []string{"tool-empty", "tool-classic", "tool-consumer"} {
		t.Run(group, func(t *testing.T) {
			var diff string
			// Members may still be exchanging partitions while the two look.
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("Kafka's tool (-), ours (+):\n%s", diff)
				}
			})
			eventually(t, func() bool {
				diff = gocmp.Diff(toolRows(t, group), commandRows(t, group))
				return diff == ""
			})
		})
	}
}

type row struct {
	Topic                string
	Partition            int32
	Committed, End, Lag  int64
	Member, Client, Host string
}

func toolRows(t *testing.T, group string) []row {
	t.Helper()
	described, err := cluster.DescribeGroup(t.Context(), group)
	must(t, err)
	rows := make([]row, len(described))
	for i, r := range described {
		rows[i] = row{r.Topic, r.Partition, r.CommittedOffset, r.LogEndOffset, r.Lag, r.ConsumerID, r.ClientID, r.Host}
	}
	sortRows(rows)
	return rows
}

func commandRows(t *testing.T, group string) []row {
	t.Helper()
	stdout, stderr, code := runProduct(t.Context(), t, "lag", group, "--bootstrap-servers", strings.Join(cluster.Bootstrap(), ","), "-o", "json")
	if code != 0 {
		t.Fatalf("lag %s: exit code %d: %s", group, code, stderr)
	}
	var shown struct {
		Group      string
		Partitions []struct {
			Topic                              string
			Partition                          int32
			CommittedOffset, LogEndOffset, Lag *int64
			MemberID, ClientID, Host           string
		}
	}
	decode(t, stdout, &shown)
	rows := make([]row, len(shown.Partitions))
	for i, p := range shown.Partitions {
		rows[i] = row{p.Topic, p.Partition, orDash(p.CommittedOffset), orDash(p.LogEndOffset), orDash(p.Lag), p.MemberID, p.ClientID, p.Host}
	}
	sortRows(rows)
	return rows
}

func orDash(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}

func sortRows(rows []row) {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
}
