package trigger_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/kafka-scaler/kafka-scaler/pkg/fault"
	"github.com/kafka-scaler/kafka-scaler/pkg/policy"
	"github.com/kafka-scaler/kafka-scaler/pkg/trigger"
)

// base is the metadata that the `with` cases start from.
func base() map[string]string {
	return map[string]string{"bootstrapServers": "kafka:9092", "consumerGroup": "payments", "topic": "orders"}
}

// TestParse runs the cases of testdata/parse. A case is metadata, one key a
// line; a value in double quotes keeps its blanks. Two commands:
//
//	parse   these keys and no others; prints the whole trigger
//	with    these keys on top of bootstrapServers: kafka:9092, consumerGroup: payments,
//	        topic: orders (a line -KEY takes one away); prints what differs from the
//	        trigger of those three
//
// Problems are printed one a line.
func TestParse(t *testing.T) {
	datadriven.Walk(t, "testdata/parse", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "parse":
				return render(t, readMetadata(t, d, map[string]string{}), nil)
			case "with":
				plain, err := trigger.Parse(base())
				if err != nil {
					t.Fatal(err)
				}
				return render(t, readMetadata(t, d, base()), describe(plain))
			default:
				d.Fatalf(t, "unknown command %q", d.Cmd)
				return ""
			}
		})
	})
}

func readMetadata(t *testing.T, d *datadriven.TestData, metadata map[string]string) map[string]string {
	t.Helper()
	for line := range strings.Lines(d.Input) {
		line = strings.TrimRight(line, "\n")
		if name, found := strings.CutPrefix(line, "-"); found {
			delete(metadata, name)
			continue
		}
		key, value, found := strings.Cut(line, ": ")
		if !found {
			d.Fatalf(t, "not a key with a value: %q", line)
		}
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		metadata[key] = value
	}
	return metadata
}

// render prints the outcome of Parse, leaving out what is in without.
func render(t *testing.T, metadata map[string]string, without []string) string {
	t.Helper()
	before := maps.Clone(metadata)
	parsed, err := trigger.Parse(metadata)
	if !maps.Equal(before, metadata) {
		t.Error("Parse changed its argument")
	}
	var b strings.Builder
	if err != nil {
		for _, p := range problems(t, err) {
			fmt.Fprintln(&b, p)
		}
		return b.String()
	}
	for _, line := range describe(parsed) {
		if !slices.Contains(without, line) {
			fmt.Fprintln(&b, line)
		}
	}
	if b.Len() == 0 {
		return "the same\n"
	}
	return b.String()
}

// problems checks that err is what Parse promises, and returns its parts.
func problems(t *testing.T, err error) []trigger.Problem {
	t.Helper()
	var invalid *trigger.Error
	if !errors.As(err, &invalid) || len(invalid.Problems) == 0 {
		t.Fatalf("error %v carries no problems", err)
	}
	if kind := fault.KindOf(err); kind != fault.Invalid {
		t.Errorf("error %v is of kind %v, want invalid", err, kind)
	}
	return invalid.Problems
}

func describe(t *trigger.Trigger) []string {
	source := "bootstrapServers=" + strings.Join(t.Connection.BootstrapServers, "|")
	if t.Connection.Cluster != "" {
		source = "cluster=" + t.Connection.Cluster
	}
	compatibility := "corrected"
	if t.Policy.Compatibility == policy.KEDA {
		compatibility = "keda"
	}
	return []string{
		source,
		fmt.Sprintf("tls=%t", t.Connection.TLS),
		"sasl=" + t.Connection.SASL,
		"group=" + strings.Join(quoted(t.Selection.ConsumerGroups), "|"),
		"groups=" + cmp.Or(string(t.Policy.Groups), "sum"),
		"topics=" + strings.Join(t.Selection.Topics, "|"),
		"regex=" + t.Selection.TopicRegex,
		"partitions=" + t.Selection.Partitions.String(),
		fmt.Sprintf("readCommitted=%t", t.Selection.ReadCommitted),
		fmt.Sprintf("allTopicsWithoutCommit=%t", t.Selection.AllTopicsWithoutCommit),
		fmt.Sprintf("discoveredTopicExpiry=%v", t.Selection.DiscoveredTopicExpiry),
		fmt.Sprintf("ages=%t", t.Selection.Ages),
		fmt.Sprintf("inspect=%t", t.Selection.Inspect),
		"reset=" + string(t.Lag.ResetPolicy),
		fmt.Sprintf("zeroOnInvalidOffset=%t", t.Lag.ZeroOnInvalidOffset),
		fmt.Sprintf("excludePersistent=%t", t.Lag.ExcludePersistent),
		fmt.Sprintf("persistentAfter=%v", t.Lag.PersistentAfter),
		fmt.Sprintf("persistentFromActivation=%t", t.Lag.ExcludePersistentFromActivation),
		fmt.Sprintf("maxAge=%v", t.Lag.MaxAge),
		fmt.Sprintf("threshold=%d %s", t.Policy.Target(), t.Policy.Unit()),
		"activation=" + activation(t.Policy),
		fmt.Sprintf("idleConsumers=%t", t.Policy.AllowIdleConsumers),
		fmt.Sprintf("limitToPartitionsWithLag=%t", t.Policy.LimitToPartitionsWithLag),
		"even=" + cmp.Or(string(t.Policy.EvenDistribution), "any"),
		fmt.Sprintf("partitionsPerReplica=%d", t.Policy.PartitionsPerReplica),
		fmt.Sprintf("copartitioned=%t", t.Policy.CoPartitioned),
		"rules=" + compatibility,
		"latency=" + describeLatency(t.Latency),
		"metric=" + t.MetricName,
	}
}

func describeLatency(l *trigger.Latency) string {
	if l == nil {
		return "none"
	}
	mode := "scale"
	if l.Advise {
		mode = "advise"
	}
	c := l.Config
	return fmt.Sprintf("%s within %v for %v of records, max %d, rate %v, startup %v, price %v, %d partitions a replica, copartitioned %t",
		mode, c.TargetLatency, c.Attainment, c.MaxReplicas, c.ServiceRate, c.StartupDelay, c.ChangePrice, c.PartitionsPerReplica, c.CoPartitioned)
}

func activation(p policy.Policy) string {
	if p.ActivateOnAge {
		return fmt.Sprintf("%d seconds", p.ActivationLagSeconds)
	}
	return fmt.Sprintf("%d records", p.ActivationLagThreshold)
}

func quoted(words []string) []string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = strconv.Quote(w)
	}
	return q
}
